"""Which points may go, and for what cause (DESIGN 7). How many of them go in one tick is for `dr.limits` to say.

A point is a candidate when it is in a lineage of a case (its policy exists, its source is selected now), when all
that could speak against it was read, and when a rule for its cause lets it go:

    RETENTION      today's keep drops its slot, and so did the keep of the last apply
    POLICY_CHANGE  today's keep drops its slot, the keep of the last apply would have kept it (or is not known)
    DUPLICATE      another good point of its slot stays
    FAILED         it never became good, and newer good data is there
    ORPHAN         a snapshot of an image that has been gone for a day, and newer good data is there

Whatever the cause: the newest good point (the newest archived one where none is good), and what is held, locked, pinned or in use, stays. So does the slot that
the next tick would only capture again, and a slot that has not come yet (a clock was wrong): that one does not even
count.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from dr.actions import Cause, Expire
from dr.model import Applied, Freeze, Kind, Part, RecoveryPoint, RetentionRule, State
from dr.planner.cases import Case, latest
from dr.planner.freezing import frozen_text
from dr.planner.orphans import graced
from dr.planner.shelf import Shelf
from dr.planner.words import keep_text
from dr.retention import retain
from dr.words import instant

_COUNT = (State.GOOD, State.ARCHIVED)
"""States of points that count against the limits, and that `keep` is about."""
UNKNOWN = RetentionRule()
"""The keep of a record that does not know what was applied before: it claims nothing, so it excuses nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What may go of one lineage. `size` is the number of its points that count against the limits.

    `closed` says why nothing of it goes in this tick, empty when nothing stands in the way; `frozen` that only a freeze does.
    """

    case: Case
    size: int
    expiries: tuple[Expire, ...]
    closed: str = ""
    frozen: bool = False


def judge(
    case: Case,
    shelf: Shelf,
    applied: Applied | None,
    now: datetime,
    orphaned_since: Mapping[str, datetime],
    freeze: Freeze | None = None,
) -> Verdict:
    """Find the candidates of one lineage, oldest slot first."""
    standing: Sequence[RecoveryPoint] = case.points
    good, newest = standing, case.newest
    if case.unsettled or shelf.merged:
        standing = [p for p in case.points if p.state in _COUNT and p.id not in shelf.merged]
        good = [point for point in standing if point.state is State.GOOD]
        newest = latest(good)
    found = [*_dropped(case, standing, applied, now), *_duplicates(case, shelf)]
    if newest:
        gone = [part for part in case.parts if not graced(part, orphaned_since, now)]
        found += [*_failed(case, newest), *_orphans(case, newest, gone)]
    stay = _staying(good or standing, newest or latest(standing))
    closed = _closed(case)
    free = [expire for thing, expire in found if thing.id not in stay and not shelf.untouchable(thing)]
    return Verdict(
        case=case,
        size=len(standing),
        expiries=tuple(sorted(free, key=lambda expire: (expire.slot, expire.point_id))),
        closed=closed or (frozen_text(freeze) if freeze else ""),
        frozen=freeze is not None and not closed,
    )


_Found = Iterator[tuple[RecoveryPoint | Part, Expire]]


def _staying(points: Sequence[RecoveryPoint], newest: RecoveryPoint | None) -> tuple[str, ...]:
    """Safety rule 1, of points in the order of their slots: the one with the newest data and the last, mostly the same.

    They are the good ones; where none is good, the archived ones: the last of a source is never deleted.
    """
    return (newest.id, points[-1].id) if newest else ()


def _closed(case: Case) -> str:
    """Safety rules 2 and 3: a capture that cannot be made, or anything that could not be read."""
    if case.unread:
        return "; ".join(sorted({f"{miss.what}: {miss.message}" for miss in case.unread}))
    if case.due and case.source.unready:
        return f"its own capture cannot be made: {case.source.unready}"
    return ""


def _dropped(case: Case, standing: Sequence[RecoveryPoint], applied: Applied | None, now: datetime) -> _Found:
    """What `keep` drops, slot by slot: several points of one slot (sets that are not whole) go or stay together."""
    come = standing
    if standing and standing[-1].slot > now:
        come = [point for point in standing if point.slot <= now]
    of_slot = _of_slots(come)
    candidates = come if of_slot is None else [_first(row) for row in of_slot.values()]
    kept = retain(candidates, case.policy.keep, case.policy.zone)
    before = applied.keep if applied else UNKNOWN
    kept_before = kept if before == case.policy.keep else retain(candidates, before, case.policy.zone)
    for candidate in candidates:
        if kept[candidate.id] or candidate.slot == case.wanted:
            continue
        cause, reason = _why_dropped(case.policy.keep, before, kept_before[candidate.id])
        for point in (candidate,) if of_slot is None else of_slot[candidate.slot]:
            yield point, _expire(point, cause, reason)


def _of_slots(points: Sequence[RecoveryPoint]) -> Mapping[datetime, list[RecoveryPoint]] | None:
    """The points of each slot; None where each has one, as nearly everywhere."""
    if len(set(map(_slot, points))) == len(points):
        return None
    slots: dict[datetime, list[RecoveryPoint]] = {}
    for point in points:
        slots.setdefault(point.slot, []).append(point)
    return slots


_slot = attrgetter("slot")


def _first(row: Sequence[RecoveryPoint]) -> RecoveryPoint:
    """The point that stands for its slot: the oldest good one, an archived one where none is good."""
    return min(row, key=lambda p: (p.state is not State.GOOD, p.time, p.id))


def _why_dropped(
    keep: RetentionRule, before: RetentionRule, kept_before: tuple[str, ...]
) -> tuple[Cause, str]:
    today = f"keep ({keep_text(keep)}) claims it no more"
    if before == UNKNOWN:
        return Cause.POLICY_CHANGE, f"{today}; what was applied before is not known"
    if kept_before:
        return Cause.POLICY_CHANGE, f"{today}; before, {', '.join(kept_before)} of {keep_text(before)} did"
    return Cause.RETENTION, today


def _duplicates(case: Case, shelf: Shelf) -> _Found:
    for point in case.points if shelf.merged else ():
        if stays := shelf.merged.get(point.id):
            yield point, _expire(point, Cause.DUPLICATE, f"a second point of its slot: {stays} stays")


def _failed(case: Case, newest: RecoveryPoint) -> _Found:
    for point in case.unsettled:
        if point.state is State.FAILED and newest.time > point.time:
            yield point, _expire(point, Cause.FAILED, f"failed, and {newest.id} is good and newer")


def _orphans(case: Case, newest: RecoveryPoint, gone: Sequence[Part]) -> _Found:
    used = {part for point in case.points for part in point.parts} if gone else ()
    for part in gone:
        if not part.image and part.id not in used and newest.time > part.time:
            reason = (
                f"its image is gone; its data is from {instant(part.time)}, and {newest.id} is good and newer"
            )
            yield part, _orphan(part, reason)


def _expire(point: RecoveryPoint, cause: Cause, reason: str) -> Expire:
    return Expire(
        lineage=point.lineage,
        kind=point.kind,
        slot=point.slot,
        point_id=point.id,
        cause=cause,
        reason=reason,
        parts=point.parts,
    )


def _orphan(part: Part, reason: str) -> Expire:
    return Expire(
        lineage=part.lineage,
        kind=Kind.SNAPSHOT,
        slot=part.slot,
        point_id=part.id,
        cause=Cause.ORPHAN,
        reason=reason,
    )
