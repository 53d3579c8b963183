"""The inventory, ordered by lineage, and what may not be touched in it."""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import TypeVar

from dr.model import Inventory, Lineage, Part, Policy, RecoveryPoint, State, Unread
from dr.planner.merging import merged
from dr.words import instant

ALIVE = (State.GOOD, State.PENDING, State.ARCHIVED)
"""States of a point that has, or may still get, the data of its slot."""
_ALIVE = "alive"
"""In a digest, pending or good: a point that becomes good has not moved, and time passing alone makes no plan stale
(DESIGN 9)."""

_Thing = TypeVar("_Thing", RecoveryPoint, Part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """Points and parts by lineage. `merged` names for each duplicate of a slot the point that stays."""

    points: Mapping[Lineage, tuple[RecoveryPoint, ...]]
    parts: Mapping[Lineage, tuple[Part, ...]]
    pins: frozenset[str] = frozenset()
    merged: Mapping[str, str] = field(default_factory=dict)
    part_by_id: Mapping[str, Part] = field(default_factory=dict)

    def lineages(self) -> tuple[Lineage, ...]:
        """Every lineage of which anything is there, in order."""
        return tuple(sorted({*self.points, *self.parts}))

    def untouchable(self, thing: RecoveryPoint | Part) -> str:
        """Why it may not be expired whatever the rules say, empty when it may; an image is what its parts are."""
        if thing.hold:
            return "held"
        if thing.locked:
            return "locked"
        if thing.id in self.pins:
            return "pinned by a restore"
        if isinstance(thing, Part):
            return ""
        if thing.in_use:
            return f"in use by {thing.in_use}"
        if not thing.parts:
            return ""
        parts = (self.part_by_id[part] for part in thing.parts if part in self.part_by_id)
        return next((why for part in parts if (why := self.untouchable(part))), "")

    def digest(self, lineage: Lineage) -> str:
        """SHA-256 of the state that decisions about a lineage rest on; a point that only became good is unchanged."""
        points = [self._point_row(point) for point in self.points.get(lineage, ())]
        parts = [self._part_row(part) for part in self.parts.get(lineage, ())]
        text = json.dumps([sorted(points), sorted(parts)])
        return hashlib.sha256(text.encode()).hexdigest()

    def _point_row(self, point: RecoveryPoint) -> list[str]:
        becomes = point.state is State.PENDING or point.state is State.GOOD
        return [
            point.id,
            point.kind,
            instant(point.slot),
            _ALIVE if becomes else point.state,
            point.set or "",
            self.untouchable(point),
        ]

    def _part_row(self, part: Part) -> list[str]:
        return [part.id, part.image, instant(part.slot), self.untouchable(part)]


class Digests(Mapping[Lineage, str]):
    """The state of each of these lineages at planning, made when it is asked for: a plan that is only shown needs none."""

    def __init__(self, shelf: Shelf, lineages: Collection[Lineage]) -> None:
        self._shelf, self._lineages = shelf, lineages
        self._made: dict[Lineage, str] = {}

    def __getitem__(self, lineage: Lineage) -> str:
        if lineage not in self._lineages:
            raise KeyError(lineage)
        if lineage not in self._made:
            self._made[lineage] = self._shelf.digest(lineage)
        return self._made[lineage]

    def __iter__(self) -> Iterator[Lineage]:
        return iter(sorted(self._lineages))

    def __len__(self) -> int:
        return len(self._lineages)


def shelve(inventory: Inventory) -> Shelf:
    """Order the inventory; the order in which it was listed leaves no trace."""
    points = _by_lineage(inventory.points)
    return Shelf(
        points=points,
        parts=_by_lineage(inventory.parts),
        pins=inventory.pins,
        merged=merged(points.values()),
        part_by_id={part.id: part for part in inventory.parts},
    )


def _by_lineage(things: Iterable[_Thing]) -> dict[Lineage, tuple[_Thing, ...]]:
    """By lineage. A listing makes one object of each lineage: they are told by that first, and few are compared."""
    same: defaultdict[int, list[_Thing]] = defaultdict(list)
    for thing in things:
        same[id(thing.lineage)].append(thing)
    shelf: defaultdict[Lineage, list[_Thing]] = defaultdict(list)
    for row in same.values():
        shelf[row[0].lineage] += row
    return {lineage: tuple(_oldest_first(shelf[lineage])) for lineage in sorted(shelf)}


def _oldest_first(row: list[_Thing]) -> list[_Thing]:
    """By slot; by time and id too where two have one slot, as nearly nowhere."""
    row.sort(key=_slot if len(set(map(_slot, row))) == len(row) else _slot_time_and_id)
    return row


_slot, _slot_time_and_id = attrgetter("slot"), attrgetter("slot", "time", "id")


def unread_of(policy: Policy, region: str, unread: Iterable[Unread]) -> tuple[Unread, ...]:
    """What could not be read and may hide something of the policy in the Region: it closes expiry there (7.3)."""
    return tuple(
        miss for miss in unread if miss.region in {"", region} and miss.protect in {None, policy.protect}
    )
