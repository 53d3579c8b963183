"""What a person should know of a tick. A warning stops nothing by itself; what it tells has been decided elsewhere.

One warning for each policy and subject with the counts, not one for each point: a fleet after an outage still gives a
page that can be read.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from itertools import combinations, islice

from dr.actions import Capture, Cause, Warn, WarningCode
from dr.layout import dropped_tags
from dr.model import ACCOUNTS, Inventory, Kind, Lineage, Policy, State
from dr.planner.cases import Case
from dr.planner.expiries import Verdict
from dr.planner.shelf import ALIVE, Shelf, unread_of
from dr.slots import Schedule
from dr.words import count, instant, names, one_line

PENDING_AT_MOST = timedelta(hours=24)
"""DESIGN 7."""
_COUNTED_AT_MOST = 1_000
"""Missed slots: six weeks of an hourly schedule. More is told as `at least`."""
_LISTINGS = {"sources", "points"}
_A_DAY = {Kind.SNAPSHOT: 5 * 86400, Kind.IMAGE: 5 * 86400}
"""Captures in one Region of an account. Source: EC2 developer guide, Request throttling: CreateSnapshot and CreateImage
refill 5 tokens a second."""


def unread_warnings(policy: Policy, inventory: Inventory) -> Iterator[Warn]:
    """What could not be read, and so closes expiry for the policy."""
    for region in policy.regions:
        for miss in unread_of(policy, region, inventory.unread):
            if miss.what in _LISTINGS:
                message = f"{region}: {miss.what} could not be listed completely ({one_line(miss.message)}); "
                yield _warn(WarningCode.LISTING_INCOMPLETE, policy, message + "nothing expires there")
            elif region == policy.regions[0]:
                remedy = f" ({one_line(miss.remedy)})" if miss.remedy else ""
                message = f"nothing expires: {miss.what}: {one_line(miss.message)}{remedy}"
                yield _warn(WarningCode.EXPIRY_CLOSED, policy, message)


def clock_warnings(inventory: Inventory) -> Iterator[Warn]:
    """A clock that is off, once for all policies."""
    for miss in inventory.unread:
        if miss.what == "clock":
            yield Warn(code=WarningCode.CLOCK_SKEW, message=one_line(miss.message))


def selection_warnings(policy: Policy, cases: Sequence[Case], inventory: Inventory) -> Iterator[Warn]:
    """A policy that selects nothing; not where its sources or the accounts could not be listed: then nobody knows."""
    unknown = any(
        miss.what in {"sources", ACCOUNTS}
        for region in policy.regions
        for miss in unread_of(policy, region, inventory.unread)
    )
    if policy.regions and not cases and not unknown:
        yield selects_nothing(policy)


def selects_nothing(policy: Policy) -> Warn:
    """That a policy selects nothing in any of its Regions: most likely a tag is misspelt (FAILURES 2, row 49)."""
    message = f"selects no {policy.protect.value} in {', '.join(policy.regions)}; nothing of it expires"
    return _warn(WarningCode.SELECTS_NOTHING, policy, message)


def source_warnings(cases: Iterable[Case], now: datetime) -> Iterator[Warn]:
    """Sources of which no point can be taken now, and points that never become good."""
    for case in cases:
        if case.due and case.source.unready:
            message = f"no point can be taken: {one_line(case.source.unready)}"
            yield _warn(WarningCode.SOURCE_NOT_READY, case.policy, message, case.source.id)
        late = [
            point.id
            for point in case.unsettled
            if point.state is State.PENDING and now - point.time > PENDING_AT_MOST
        ]
        if late:
            message = f"{count(len(late), 'point')} pending for more than 24 hours: {names(late)}"
            yield _warn(WarningCode.PENDING_LONG, case.policy, message, case.source.id)


def closed_warnings(verdicts: Iterable[Verdict]) -> Iterator[Warn]:
    """Expiries that wait because the source's own capture cannot be made (safety rule 2)."""
    for verdict in verdicts:
        case = verdict.case
        if verdict.closed and not verdict.frozen and verdict.expiries and not case.unread:
            waiting = count(len(verdict.expiries), "expiry waits", "expiries wait")
            message = f"{waiting}: {one_line(verdict.closed)}"
            yield _warn(WarningCode.EXPIRY_CLOSED, case.policy, message, case.source.id)


def unagreed_warnings(verdicts: Iterable[Verdict]) -> Iterator[Warn]:
    """What a change of `keep` would let go of a policy that is frozen, once a policy: nobody has agreed to it meanwhile."""
    waiting: Counter[str] = Counter()
    for verdict in verdicts:
        if verdict.frozen:
            waiting[verdict.case.policy.name] += sum(e.cause is Cause.POLICY_CHANGE for e in verdict.expiries)
    for policy, number in sorted((+waiting).items()):
        told = count(number, "expiry waits", "expiries wait")
        message = f"{told} for the thaw, after a change of `keep`: look at it before"
        yield Warn(code=WarningCode.EXPIRY_CLOSED, policy=policy, message=message)


def tag_warnings(captures: Iterable[Capture]) -> Iterator[Warn]:
    """Tags of sources that do not fit on the points that are taken now, once a policy (DESIGN 5)."""
    dropped: defaultdict[str, dict[str, tuple[str, ...]]] = defaultdict(dict)
    for capture in captures:
        lost = () if capture.kind is Kind.STACK else dropped_tags(capture.source)
        if lost:
            dropped[capture.lineage.policy][capture.source.id] = lost
    for policy, by_source in sorted(dropped.items()):
        tags = {tag for lost in by_source.values() for tag in lost}
        message = f"{count(len(tags), 'tag')} of {names(by_source)} left out, points have no room for more: "
        message += one_line(names(tags))
        yield Warn(
            code=WarningCode.TAGS_DROPPED, policy=policy, source=_only(list(by_source)), message=message
        )


def missed_warnings(policy: Policy, cases: Iterable[Case]) -> Iterator[Warn]:
    """Slots older than the wanted one that nobody has captured: told once, when the wanted one is, never replayed."""
    gaps: defaultdict[tuple[datetime, datetime], list[str]] = defaultdict(list)
    for case in cases:
        taken = next((point.slot for point in reversed(case.points) if point.state in ALIVE), None)
        if case.due and case.wanted and case.listed and taken and taken < case.wanted:
            gaps[taken, case.wanted].append(case.source.id)
    for (after, wanted), sources in sorted(gaps.items()):
        missed = _slots_inside(policy.schedules, after, wanted)
        if missed:
            at_least = "at least " if missed >= _COUNTED_AT_MOST else ""
            slots = count(min(missed, _COUNTED_AT_MOST), "slot")
            message = f"{at_least}{slots} after {instant(after)} went by without a point: {names(sources)}"
            yield _warn(WarningCode.SLOTS_MISSED, policy, message, _only(sources))


def _slots_inside(schedules: Sequence[Schedule], after: datetime, before: datetime) -> int:
    slots: set[datetime] = set()
    for schedule in schedules:
        slots.update(islice(schedule.between(after, before), _COUNTED_AT_MOST + 1))
    return len(slots - {before})


def pace_warnings(rows: Iterable[tuple[Policy, Sequence[Case]]], now: datetime) -> Iterator[Warn]:
    """More points in a day than EC2 takes: dr captures at EC2's pace, and falls behind. The day is the last one."""
    due: defaultdict[tuple[str, Kind], Counter[str]] = defaultdict(Counter)
    for policy, row in rows:
        regions = Counter(case.lineage.region for case in row)
        if policy.protect.kind in _A_DAY and regions:
            slots = _slots_of_a_day(policy, now)
            for region, number in regions.items():
                due[region, policy.protect.kind][policy.name] += number * slots
    for (region, kind), wanted in sorted(due.items()):
        if wanted.total() > _A_DAY[kind]:
            largest, most = wanted.most_common(1)[0]
            message = (
                f"{region}: {count(wanted.total(), kind)} a day are due, {most} of them of {largest}, and EC2 takes "
                f"{_A_DAY[kind]}: captures fall behind, the most overdue first; a longer schedule fits"
            )
            yield Warn(code=WarningCode.PACE_EXCEEDED, policy=largest, message=message)


def _slots_of_a_day(policy: Policy, now: datetime) -> int:
    """Slots of the last 24 hours."""
    return len(
        {slot for schedule in policy.schedules for slot in schedule.between(now - timedelta(days=1), now)}
    )


def overlap_warnings(cases: Sequence[Case]) -> Iterator[Warn]:
    """Sources under two policies: each keeps a lineage of its own, and each is paid for."""
    policies: defaultdict[tuple[str, str, str], list[str]] = defaultdict(list)
    for case in cases:
        policies[case.source.protect, case.source.region, case.source.id].append(case.policy.name)
    pairs: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for (_, _, source), several in policies.items():
        for pair in combinations(sorted(several), 2):
            pairs[pair].append(source)
    for (first, second), sources in sorted(pairs.items()):
        message = f"{first} and {second} both protect {names(sources)}: each keeps points of its own"
        yield Warn(code=WarningCode.OVERLAP, policy=second, source=_only(sources), message=message)


def left_warnings(
    policies: Collection[str], cases: Iterable[Case], shelf: Shelf, inventory: Inventory
) -> Iterator[Warn]:
    """Points that no policy of today decides about: kept, and told with their count (DESIGN 7.5)."""
    handled = {case.lineage for case in cases}
    blind = {miss.region for miss in inventory.unread if miss.what == "sources"}
    left: defaultdict[str, list[Lineage]] = defaultdict(list)
    for lineage in shelf.lineages():
        unknown = lineage.policy in policies and blind & {"", lineage.region}
        if lineage not in handled and not unknown and _holdings(lineage, shelf):
            left[lineage.policy].append(lineage)
    for policy, lineages in left.items():
        sources = sorted({lineage.source for lineage in lineages})
        kept = sum(_holdings(lineage, shelf) for lineage in lineages)
        code, why = _LEFT[policy in policies]
        message = f"kept: {count(kept, 'point')} of {names(sources)}: {why}"
        yield Warn(code=code, policy=policy, source=_only(sources), message=message)


def _holdings(lineage: Lineage, shelf: Shelf) -> int:
    """Points of a lineage, and snapshots of images that are gone: they too are all that is left of something."""
    lost = sum(not part.image for part in shelf.parts.get(lineage, ()))
    return len(shelf.points.get(lineage, ())) + lost


_LEFT = {
    True: (WarningCode.SOURCE_MISSING, "the source is gone or no longer selected"),
    False: (WarningCode.POLICY_MISSING, "there is no policy of this name"),
}


def _only(sources: Sequence[str]) -> str | None:
    return sources[0] if len(sources) == 1 else None


def _warn(code: WarningCode, policy: Policy, message: str, source: str | None = None) -> Warn:
    return Warn(code=code, policy=policy.name, source=source, message=message)
