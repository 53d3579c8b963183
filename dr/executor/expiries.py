"""Delete what the plan says, after one more look.

Right before its deletion each point is read again, in batches: one that is not ours any more, held, locked or in
use, pinned by a restore that has begun since, or of a policy that was frozen since, stays. An image is deregistered before its snapshots are deleted
(FAILURES, I22), and only snapshots that are parts of ours, of that very slot.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import groupby
from typing import assert_never

from dr import layout
from dr.actions import Cause, Expire, Outcome, Result, failed
from dr.errors import CloudError, DrError, Unreachable
from dr.executor.at_once import AtOnce, Report
from dr.executor.hands import Hands
from dr.model import Freeze, Kind, RecoveryPoint, State
from dr.planner.freezing import freeze_of, frozen_text
from dr.ports import Owned

_BATCH = 200
"""Ids in one describe (FAILURES 2b, DeleteSnapshot)."""
WORD_LASTS = timedelta(seconds=5)
"""How long a run at work goes on beginning deletions after `dr freeze`; those that it has begun wait for their turn and go."""


def expire(actions: Sequence[Expire], hands: Hands, crew: AtOnce, note: Report) -> DrError | None:
    """Delete in the plan's order; runs of one Region and kind share a look. What ends the run, as `AtOnce.all_of`."""
    word = _Word(hands)
    for (region, kind), run in groupby(actions, key=lambda a: (a.lineage.region, a.kind)):
        rows = list(run)
        for start in range(0, len(rows), _BATCH):
            if crew.stopped is not None:
                return crew.stopped
            batch = [row for row in rows[start : start + _BATCH] if not crew.passes_over(row)]
            if not batch:
                continue
            try:
                look = _look(batch, region, kind, hands)
            except (CloudError, Unreachable) as error:
                for row in batch:
                    note(failed(row, error, "could not be read again before deleting: "))
                if isinstance(error, Unreachable):
                    crew.darken(region, error)
                continue
            if (stopped := crew.all_of(batch, partial(_guarded, look, word))) is not None:
                return stopped
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look:
    """What is ours right now, and what restores need right now."""

    found: Mapping[str, Owned]
    pins: frozenset[str]


def _look(rows: list[Expire], region: str, kind: Kind, hands: Hands) -> _Look:
    pins = hands.pins()
    if kind is Kind.STACK:
        return _Look(found={}, pins=pins)
    found = dict(hands.cloud.owned(region, kind, [row.point_id for row in rows]))
    if parts := [part for row in rows for part in row.parts]:
        found |= hands.cloud.owned(region, Kind.SNAPSHOT, parts)
    return _Look(found=found, pins=pins)


class _Word:
    """What people have frozen by now: who freezes does not wait for a batch to end."""

    def __init__(self, hands: Hands) -> None:
        self._hands = hands
        self._lock = threading.Lock()
        self._read: tuple[datetime, tuple[Freeze, ...]] | None = None

    def on(self, policy: str) -> Freeze | None:
        """What freezes a policy, by a look that is not older than `WORD_LASTS`. Raises as the store."""
        with self._lock:
            now = self._hands.clock.now()
            if self._read is None or not timedelta() <= now - self._read[0] < WORD_LASTS:
                self._read = now, self._hands.freezes()
            return freeze_of(policy, self._read[1])


def _guarded(look: _Look, word: _Word, row: Expire, hands: Hands) -> Outcome:
    if look.pins & {row.point_id, *row.parts}:
        return Outcome(action=row, result=Result.SKIPPED, error="a restore needs it")
    try:
        if (freeze := word.on(row.lineage.policy)) is not None:
            return Outcome(action=row, result=Result.SKIPPED, error=frozen_text(freeze))
        return _expire(row, hands, look.found, word)
    except CloudError as error:
        return failed(row, error)


def _expire(row: Expire, hands: Hands, found: Mapping[str, Owned], word: _Word) -> Outcome:
    match row.kind:
        case Kind.STACK:
            return _done(row) if hands.store.expire(_stored(row)) else _not_there(row, _GONE)
        case Kind.SNAPSHOT:
            return _kept(row, found) or _snapshot(row, hands)
        case Kind.IMAGE:
            return _kept(row, found) or _kept_for_a_part(row, found) or _image(row, hands, found, word)
        case _:
            assert_never(row.kind)


def _stored(row: Expire) -> RecoveryPoint:
    return RecoveryPoint(
        id=row.point_id,
        kind=row.kind,
        lineage=row.lineage,
        slot=row.slot,
        time=row.slot,
        state=State.GOOD,
    )


def _kept(row: Expire, found: Mapping[str, Owned]) -> Outcome | None:
    """Why the fresh look keeps it, None when it may go. What is not there any more is success."""
    now = found.get(row.point_id)
    if now is None:
        return _not_there(row, f"{_GONE}, or is no longer ours")
    if (now.lineage, now.slot, now.kind) != (row.lineage, row.slot, _kind(row)):
        why = "its tags have changed since the plan was made"
    elif now.hold:
        why = "is held"
    elif now.locked:
        why = "is locked"
    elif now.in_use:
        why = f"is in use by {now.in_use}"
    else:
        return None
    return Outcome(action=row, result=Result.SKIPPED, error=why)


def _kept_for_a_part(row: Expire, found: Mapping[str, Owned]) -> Outcome | None:
    """An image is what its parts are: one that is held or locked keeps the whole (as in the plan)."""
    for part in (found[part] for part in row.parts if part in found):
        if part.hold or part.locked:
            why = f"its snapshot {part.id} is {'held' if part.hold else 'locked'}"
            return Outcome(action=row, result=Result.SKIPPED, error=why)
    return None


def _kind(row: Expire) -> str:
    """What the tag dr:kind has to say of it."""
    return layout.KIND_IMAGE_PART if row.cause is Cause.ORPHAN else row.kind.value


def _snapshot(row: Expire, hands: Hands) -> Outcome:
    hands.cloud.delete_snapshot(row.lineage.region, row.point_id)
    return _done(row)


def _image(row: Expire, hands: Hands, found: Mapping[str, Owned], word: _Word) -> Outcome:
    """Deregister, then delete the snapshots that are still ours; one that stays is an orphan for a later tick.

    Of an image that was frozen in between they stay: the image can be registered from them again.
    """
    region = row.lineage.region
    hands.cloud.deregister_image(region, row.point_id)
    errors: dict[str, DrError] = {}
    for part in row.parts:
        if not _is_part(row, found.get(part)):
            continue
        try:
            if (freeze := word.on(row.lineage.policy)) is not None:
                raise CloudError(frozen_text(freeze))
            hands.cloud.delete_snapshot(region, part)
        except (CloudError, Unreachable) as error:
            errors[part] = error
    if errors:
        why = "; ".join(f"{part}: {error.message}" for part, error in errors.items())
        what = f"deregistered, but a snapshot of it stays: {why}"
        remedies = "; ".join(dict.fromkeys(error.remedy for error in errors.values() if error.remedy))
        return Outcome(action=row, result=Result.FAILED, error=what, remedy=remedies)
    return _done(row)


def _is_part(row: Expire, part: Owned | None) -> bool:
    """Whether a snapshot is a part of this very image, and free: an image may be built on points as well."""
    if part is None or part.hold or part.locked:
        return False
    return (part.lineage, part.slot, part.kind) == (row.lineage, row.slot, layout.KIND_IMAGE_PART)


_GONE = "is not there any more"


def _not_there(row: Expire, why: str) -> Outcome:
    """Somebody was faster: a success, and not ours to tell as done (FAILURES, I24)."""
    return Outcome(action=row, result=Result.SKIPPED, error=why)


def _done(row: Expire) -> Outcome:
    return Outcome(action=row, result=Result.DONE)
