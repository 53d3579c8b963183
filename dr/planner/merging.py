"""Several good points of one slot become one (DESIGN 7, FAILURES 1.3).

Two runs that race make two points of one slot. The oldest stays, the others are duplicates; nothing is merged while
none is good. The snapshots of a multi-volume call belong together (`dr:set`): they were taken at one moment, so they
are merged as whole sets, or not at all while no set is whole. AWS tells the sets of one slot apart by their time:
snapshots of one call bear one StartTime.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import chain

from dr.model import Lineage, RecoveryPoint, State

_Slot = tuple[Lineage, datetime]
_SetSlot = tuple[str, str, str, str, datetime]
"""Policy, account, Region, the set's name, slot."""


def merged(rows: Iterable[Sequence[RecoveryPoint]]) -> dict[str, str]:
    """Name the duplicates of all slots, each with the point of its lineage that stays. `rows` are those of a lineage each."""
    slots: defaultdict[_Slot, list[RecoveryPoint]] = defaultdict(list)
    for point in chain.from_iterable(row for row in rows if _several(row)):
        if point.copy_of is None:
            slots[point.lineage, point.slot].append(point)
    several: dict[str, str] = {}
    for row in slots.values():
        if not any(point.set for point in row):
            several |= _duplicates_of(_oldest(row), row)
    for members in _sets(slots).values():
        whole = _oldest_whole(members)
        for row in members:
            several |= _duplicates_of(whole.get(row[0].lineage), row)
    return several


def _several(row: Sequence[RecoveryPoint]) -> bool:
    """Whether a lineage has a slot with several points, or one that belongs to a set: nearly none has."""
    return len({point.slot for point in row}) < len(row) or any(point.set for point in row)


def _good(row: Iterable[RecoveryPoint]) -> Iterator[RecoveryPoint]:
    return (point for point in row if point.state is State.GOOD)


def _oldest(row: Sequence[RecoveryPoint]) -> RecoveryPoint | None:
    return min(_good(row), key=lambda point: (point.time, point.id), default=None)


def _duplicates_of(stays: RecoveryPoint | None, row: Sequence[RecoveryPoint]) -> dict[str, str]:
    if stays is None:
        return {}
    return {point.id: stays.id for point in _good(row) if point.id != stays.id}


def _sets(slots: Mapping[_Slot, list[RecoveryPoint]]) -> dict[_SetSlot, list[list[RecoveryPoint]]]:
    """The rows of all lineages that belong to one set and slot; a row that names two sets is left alone."""
    sets: defaultdict[_SetSlot, list[list[RecoveryPoint]]] = defaultdict(list)
    for (lineage, slot), row in slots.items():
        named = {point.set for point in row if point.set}
        if len(named) == 1:
            sets[lineage.policy, lineage.account, lineage.region, named.pop(), slot].append(row)
    return sets


def _oldest_whole(members: Sequence[Sequence[RecoveryPoint]]) -> dict[Lineage, RecoveryPoint]:
    """The oldest set that has exactly one good point in every lineage, by lineage; empty while there is none."""
    for time in sorted({point.time for row in members for point in row if point.set}):
        takes = [[point for point in row if point.set and point.time == time] for row in members]
        if all(len(take) == 1 and take[0].state is State.GOOD for take in takes):
            return {take[0].lineage: take[0] for take in takes}
    return {}
