"""What is decided about: each lineage of a source that a policy selects now, with all that it rests on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import takewhile
from operator import attrgetter

from dr.model import Inventory, Kind, Lineage, Part, Policy, RecoveryPoint, Source, State, Unread
from dr.planner.selection import selected
from dr.planner.shelf import ALIVE, Shelf, unread_of
from dr.slots import period

_PACE_OF_ONCE = int(timedelta(days=1).total_seconds())
"""Seconds: what a policy without RPO and without a second slot is measured by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One lineage as this tick sees it.

    `wanted` is the slot that it should have by now, and it is `due` when that has no point that is, or may become,
    good; `pace` is the seconds after which it is overdue, `newest` the good point with the newest data; `unread` is what
    could not be read and may hide something of it; `points` (no copies) and `parts` are the oldest slot first, and
    `unsettled` are those of the points that are not good: nearly none.
    """

    policy: Policy
    source: Source
    lineage: Lineage
    wanted: datetime | None
    due: bool
    pace: int
    newest: RecoveryPoint | None = None
    points: tuple[RecoveryPoint, ...] = ()
    unsettled: tuple[RecoveryPoint, ...] = ()
    parts: tuple[Part, ...] = ()
    unread: tuple[Unread, ...] = ()

    @property
    def listed(self) -> bool:
        """Whether all points of the lineage are known."""
        return not any(miss.what == "points" for miss in self.unread)


def _lacks(slot: datetime | None, points: Sequence[RecoveryPoint], until: datetime | None) -> bool:
    """Whether no point from the slot up to `until` is, or may become, good; the newest are looked at first."""
    if slot is None or until is None:
        return False
    later = takewhile(lambda point: point.slot >= slot, reversed(points))
    return not any(point.slot <= until and point.state in ALIVE for point in later)


def latest(points: Sequence[RecoveryPoint]) -> RecoveryPoint | None:
    """The one with the newest data of points in the order of their slots; of several the last."""
    newest = max(map(_time, points), default=None)
    return next((point for point in reversed(points) if point.time == newest), None)


_time = attrgetter("time")


def cases(policy: Policy, inventory: Inventory, shelf: Shelf, now: datetime) -> tuple[Case, ...]:
    """Every lineage of the policy whose source is selected now, in order."""
    wants = _Wants(
        now=now,
        latest=_latest(policy, now),
        pace=policy.rpo or period(policy.schedules, now) or _PACE_OF_ONCE,
    )
    return tuple(
        _case(policy, source, shelf, inventory.unread, wants)
        for source in selected(policy, inventory.sources)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wants:
    """What a policy wants now: the latest slot of each schedule, and whether of sources younger than it too; its pace."""

    now: datetime
    latest: Mapping[datetime, bool]
    pace: int


def lineage_of(policy: Policy, source: Source) -> Lineage:
    """The lineage of a source under a policy."""
    return Lineage(policy=policy.name, account=source.account, region=source.region, source=source.id)


def _latest(policy: Policy, now: datetime) -> Mapping[datetime, bool]:
    """The latest slot of each schedule, and whether it is wanted of sources younger than it too."""
    latest: dict[datetime, bool] = {}
    for schedule in policy.schedules:
        slot = schedule.latest(now)
        if slot is not None:
            latest[slot] = latest.get(slot, False) or not schedule.is_once
    return latest


def _wanted(latest: Mapping[datetime, bool], source: Source) -> datetime | None:
    """The latest slot; a source that is new gets its first point at once, but none for an `at` before it (DESIGN 6)."""
    born = source.created
    return max((slot for slot, late in latest.items() if late or born is None or born <= slot), default=None)


def _case(policy: Policy, source: Source, shelf: Shelf, unread: Sequence[Unread], wants: _Wants) -> Case:
    """A stack that was stored since its slot, because it was changed, has what the slot is for.

    Nothing is put between two stored versions: each names the one before it.
    """
    lineage = lineage_of(policy, source)
    kind = policy.protect.kind
    wanted = _wanted(wants.latest, source)
    until = wants.now if kind is Kind.STACK else wanted
    points = [
        point for point in shelf.points.get(lineage, ()) if point.kind is kind and point.copy_of is None
    ]
    unsettled = [point for point in points if point.state is not State.GOOD]
    good = [point for point in points if point.state is State.GOOD] if unsettled else points
    return Case(
        policy=policy,
        source=source,
        lineage=lineage,
        wanted=wanted,
        due=_lacks(wanted, points, until),
        pace=wants.pace,
        newest=latest(good),
        points=tuple(points),
        unsettled=tuple(unsettled),
        parts=shelf.parts.get(lineage, ()),
        unread=unread_of(policy, source.region, unread),
    )
