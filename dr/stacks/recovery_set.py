"""The recovery set: for every data resource of a stored stack, the point that it comes back from.

A resource is looked up by its logical id over all its physical generations: a volume that was replaced in the year
keeps its history. Of its points the newest good one with a time at or before `at` is chosen (DESIGN 8, I14).

- AWS::EC2::Volume: its snapshots.
- AWS::EC2::Instance: its images; where none is good in time, the snapshots of the volumes that were attached to it,
  all of one slot where one is good for all of them, and of one multi-volume call before that.

Archived points take up to 72 hours to come back [D] and are not chosen.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model import Kind, RecoveryPoint, State
from dr.stacks.attachments import device_key
from dr.stored import StackResource, StoredStack

VOLUME, INSTANCE = "AWS::EC2::Volume", "AWS::EC2::Instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One data resource and its point. `points` is the image, the snapshot, or a snapshot for each of `devices`.

    `bare` are the devices that have no snapshot where others have one. `root` is the root device, where it is one of
    `devices`: EC2 takes no snapshot for a root disk at launch, so that this one does not come back by itself.
    """

    logical_id: str
    type: str
    physical_id: str
    points: tuple[RecoveryPoint, ...]
    reason: str
    devices: Mapping[str, str]
    bare: tuple[str, ...] = ()
    root: str = ""

    @property
    def born_from(self) -> tuple[RecoveryPoint, ...]:
        """The points that the new resource is really born from."""
        left = self.devices.get(self.root)
        return tuple(point for point in self.points if point.id != left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Unprotected:
    """A data resource that no point was ever taken of."""

    logical_id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreachable:
    """A data resource that has points, but no good one at or before the moment asked for."""

    logical_id: str
    type: str
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoverySet:
    """What is chosen for one template. `volume_ids` leads from every id that a volume ever had to its logical id."""

    chosen: tuple[Chosen, ...]
    unprotected: tuple[Unprotected, ...]
    unreachable: tuple[Unreachable, ...]
    volume_ids: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """Which points may be chosen: those with a time at or before `at`; with `pinned`, of these only."""

    at: datetime
    pinned: frozenset[str] | None = None

    def newest(self, points: Sequence[RecoveryPoint]) -> RecoveryPoint | None:
        """The newest good one, None when there is none."""
        good = [p for p in points if p.state is State.GOOD and p.time <= self.at and self._allows(p)]
        return max(good, key=lambda p: (p.time, p.id), default=None)

    def _allows(self, point: RecoveryPoint) -> bool:
        return self.pinned is None or point.id in self.pinned


def nested_pattern(parent: str, logical_id: str) -> str:
    """What names every generation of a nested stack: CloudFormation calls it PARENT-LOGICALID-RANDOM.

    The random part has no hyphen, so that what is nested deeper is not taken for it.
    """
    return f"{parent}-{re.escape(logical_id)}-[A-Z0-9]+"


def choose(stack: StoredStack, pattern: str, points: Sequence[RecoveryPoint], moment: Moment) -> RecoverySet:
    """Choose for the data resources of one stack. `pattern` is a regular expression for all its generations' names."""
    resources = [r for r in stack.resources if r.type in (VOLUME, INSTANCE) and r.physical_id]
    mine = _Mine(pattern=re.compile(pattern), points=points)
    volume_ids = dict(mine.volume_ids(resources))
    found = [_for_one(resource, mine, volume_ids, moment) for resource in resources]
    return RecoverySet(
        chosen=tuple(row for row in found if isinstance(row, Chosen)),
        unprotected=tuple(row for row in found if isinstance(row, Unprotected)),
        unreachable=tuple(row for row in found if isinstance(row, Unreachable)),
        volume_ids=volume_ids,
    )


def _for_one(
    resource: StackResource, mine: _Mine, volume_ids: Mapping[str, str], moment: Moment
) -> Chosen | Unprotected | Unreachable:
    candidates = mine.candidates(resource)
    best = moment.newest(candidates)
    if best is not None:
        return _chosen(resource, best, candidates, moment.at)
    parts = {} if resource.type == VOLUME else mine.device_points(resource, volume_ids)
    if any(moment.newest(points) for points in parts.values()):
        return _from_devices(resource, parts, moment)
    everything = [*candidates, *(point for points in parts.values() for point in points)]
    if everything:
        return _missing(resource, everything, moment.at)
    return Unprotected(logical_id=resource.logical_id, type=resource.type)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mine:
    """The points of one stack's resources."""

    pattern: re.Pattern[str]
    points: Sequence[RecoveryPoint]

    def candidates(self, resource: StackResource) -> list[RecoveryPoint]:
        kind = Kind.SNAPSHOT if resource.type == VOLUME else Kind.IMAGE
        return [p for p in self.points if p.kind is kind and self._is_of(p, resource)]

    def _is_of(self, point: RecoveryPoint, resource: StackResource) -> bool:
        if point.lineage.source == resource.physical_id:
            return True
        ours = point.stack is not None and self.pattern.fullmatch(point.stack) is not None
        return ours and point.logical_id == resource.logical_id

    def volume_ids(self, resources: Sequence[StackResource]) -> Iterator[tuple[str, str]]:
        """Volume id -> logical id, of every generation that left a point."""
        for resource in resources:
            if resource.type == VOLUME:
                yield resource.physical_id, resource.logical_id
                yield from ((p.lineage.source, resource.logical_id) for p in self.candidates(resource))

    def device_points(
        self, resource: StackResource, volume_ids: Mapping[str, str]
    ) -> dict[str, list[RecoveryPoint]]:
        """For an instance: the snapshots of each of its own disks, by device name."""
        devices = {str(d["Device"]): str(d["VolumeId"]) for d in resource.facts.get("Devices", ())}
        return {
            device: [p for p in self.points if p.kind is Kind.SNAPSHOT and p.lineage.source == volume]
            for device, volume in devices.items()
            if volume not in volume_ids
        }


def _chosen(
    resource: StackResource, best: RecoveryPoint, candidates: Sequence[RecoveryPoint], at: datetime
) -> Chosen:
    passed = [p for p in candidates if best.time < p.time <= at]
    others = f"; {len(passed)} newer ones are not good" if passed else ""
    generation = (
        "" if best.lineage.source == resource.physical_id else f", of its former {best.lineage.source}"
    )
    return Chosen(
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.physical_id,
        points=(best,),
        reason=f"newest good {best.kind} of policy {best.lineage.policy}{generation}{others}",
        devices={},
    )


def _from_devices(
    resource: StackResource, parts: Mapping[str, list[RecoveryPoint]], moment: Moment
) -> Chosen | Unreachable:
    """An instance without an image: the newest slot that is good for all of its disks, else the newest of each disk.

    A disk that has snapshots, but none that is good and in time, must not come up as new without a word.
    """
    best = {device: moment.newest(points) for device, points in parts.items()}
    found = {device: point for device, point in best.items() if point is not None}
    late = [device for device, points in parts.items() if points and device not in found]
    if late:
        missing = _missing(resource, parts[late[0]], moment.at)
        return Unreachable(
            logical_id=resource.logical_id, type=resource.type, why=f"{late[0]}: {missing.why}"
        )
    found, how = _of_one_moment(found, {device: parts[device] for device in found}, moment)
    return Chosen(
        logical_id=resource.logical_id,
        type=resource.type,
        physical_id=resource.physical_id,
        points=tuple(found.values()),
        reason=f"no good image of it; {how}",
        devices={device: point.id for device, point in found.items()},
        root=_root(resource, tuple(parts)),
        bare=tuple(device for device in parts if device not in found),
    )


_Take = dict[str, RecoveryPoint]
"""A point for each device."""


def _of_one_moment(
    newest: _Take, parts: Mapping[str, Sequence[RecoveryPoint]], moment: Moment
) -> tuple[_Take, str]:
    """The points of the slot whose oldest data is newest, among the slots that have a good one for each disk (I14)."""
    if len(newest) == 1:
        return newest, "the newest good snapshot of its volume"
    slots = sorted({point.slot for points in parts.values() for point in points})
    takes = [take for slot in slots if (take := _of_slot(slot, parts, moment))]
    if not takes:
        return newest, "no slot is good for all of its volumes: the newest good snapshot of each"
    best = max(takes, key=_oldest)
    later = sum(newest[device].time > point.time for device, point in best.items())
    passed = f"; {later} of them have newer ones, but not all of one slot" if later else ""
    slot = next(iter(best.values())).slot
    return best, f"the good snapshots of its volumes of the slot {slot:%Y-%m-%dT%H:%M:%SZ}{passed}"


def _of_slot(slot: datetime, parts: Mapping[str, Sequence[RecoveryPoint]], moment: Moment) -> _Take | None:
    """One slot's points: the newest multi-volume set that is whole, else the newest of each disk."""
    rows = {device: [p for p in points if p.slot == slot] for device, points in parts.items()}
    sets = {(p.set, p.time) for points in rows.values() for p in points if p.set}
    whole = [take for one in sets if (take := _complete(_members(rows, one), moment))]
    return max(whole, key=_oldest) if whole else _complete(rows, moment)


def _members(
    rows: Mapping[str, Sequence[RecoveryPoint]], one: tuple[str | None, datetime]
) -> dict[str, list[RecoveryPoint]]:
    """The snapshots of one call bear one time (`dr.planner.merging`)."""
    return {device: [p for p in points if (p.set, p.time) == one] for device, points in rows.items()}


def _complete(rows: Mapping[str, Sequence[RecoveryPoint]], moment: Moment) -> _Take | None:
    best = {device: moment.newest(points) for device, points in rows.items()}
    found = {device: point for device, point in best.items() if point is not None}
    return found if len(found) == len(rows) else None


def _oldest(take: _Take) -> tuple[datetime, str]:
    """The time of its oldest data, by which a restore is judged."""
    return min((point.time, point.id) for point in take.values())


def _root(resource: StackResource, devices: Sequence[str]) -> str:
    """The root device's name, by its reserved name where the facts do not tell."""
    told = str(resource.facts.get("RootDeviceName", ""))
    return told or next((device for device in devices if device_key(device) in ("sda", "sda1")), "")


def _missing(resource: StackResource, candidates: Sequence[RecoveryPoint], at: datetime) -> Unreachable:
    earlier = [p for p in candidates if p.time <= at]
    if earlier:
        states = Counter(str(p.state) for p in earlier)
        found = ", ".join(f"{number} {state}" for state, number in sorted(states.items()))
        why = f"of its points at or before {at:%Y-%m-%dT%H:%M:%SZ} none is good ({found})"
    else:
        first = min(p.time for p in candidates)
        why = f"its first point is of {first:%Y-%m-%dT%H:%M:%SZ}, after {at:%Y-%m-%dT%H:%M:%SZ}"
    return Unreachable(logical_id=resource.logical_id, type=resource.type, why=why)


def skew(sets: Sequence[RecoverySet]) -> timedelta:
    """How far apart the chosen points are in time."""
    times = [point.time for one in sets for row in one.chosen for point in row.born_from]
    return max(times) - min(times) if times else timedelta(0)
