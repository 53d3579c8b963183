"""The recovery set: for every data resource of a stored stack, the point that it comes back from.

A resource is looked up by its logical id over all its physical generations: a volume that was replaced in the year
keeps its history. Of its points the newest good one with a time at or before `at` is chosen (DESIGN 8, I14).

- AWS::EC2::Volume: its snapshots.
- AWS::EC2::Instance: its images; where there are none, the snapshots of the volumes that were attached to it.

Archived points take up to 72 hours to come back [D] and are not chosen.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.model import Kind, RecoveryPoint, State
from dr.stored import StackResource, StoredStack

VOLUME, INSTANCE = "AWS::EC2::Volume", "AWS::EC2::Instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """One data resource and its point. `points` is the image, the snapshot, or a snapshot for each of `devices`."""

    logical_id: str
    type: str
    physical_id: str
    points: tuple[RecoveryPoint, ...]
    reason: str
    devices: Mapping[str, str]

    @property
    def oldest(self) -> datetime:
        """When the oldest data of the resource is from."""
        return min(point.time for point in self.points)


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


def choose(stack: StoredStack, within: str, points: Sequence[RecoveryPoint], at: datetime) -> RecoverySet:
    """Choose for the data resources of one stack. `within` is the name pattern of all its generations."""
    resources = [r for r in stack.resources if r.type in (VOLUME, INSTANCE) and r.physical_id]
    mine = _Mine(stack=stack, pattern=within, points=points)
    volume_ids = dict(mine.volume_ids(resources))
    chosen: list[Chosen] = []
    unprotected: list[Unprotected] = []
    unreachable: list[Unreachable] = []
    for resource in resources:
        candidates = mine.candidates(resource)
        parts = {} if candidates or resource.type == VOLUME else mine.device_points(resource, volume_ids)
        best = _newest(candidates, at)
        if best is not None:
            chosen.append(_chosen(resource, best, candidates, at))
        elif any(parts.values()):
            _from_devices(resource, parts, at, chosen, unreachable)
        elif candidates:
            unreachable.append(_missing(resource, candidates, at))
        else:
            unprotected.append(Unprotected(logical_id=resource.logical_id, type=resource.type))
    return RecoverySet(
        chosen=tuple(chosen),
        unprotected=tuple(unprotected),
        unreachable=tuple(unreachable),
        volume_ids=volume_ids,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mine:
    """The points of one stack's resources."""

    stack: StoredStack
    pattern: str
    points: Sequence[RecoveryPoint]

    def candidates(self, resource: StackResource) -> list[RecoveryPoint]:
        kind = Kind.SNAPSHOT if resource.type == VOLUME else Kind.IMAGE
        return [p for p in self.points if p.kind is kind and self._is_of(p, resource)]

    def _is_of(self, point: RecoveryPoint, resource: StackResource) -> bool:
        if point.lineage.source == resource.physical_id:
            return True
        return self._of_this_stack(point) and point.logical_id == resource.logical_id

    def _of_this_stack(self, point: RecoveryPoint) -> bool:
        if point.stack is None:
            return False
        if self.pattern.endswith("-*"):
            return point.stack.startswith(self.pattern[:-1])
        return point.stack == self.pattern

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


def _newest(points: Sequence[RecoveryPoint], at: datetime) -> RecoveryPoint | None:
    good = [p for p in points if p.state is State.GOOD and p.time <= at]
    return max(good, key=lambda p: (p.time, p.id), default=None)


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
    resource: StackResource,
    parts: Mapping[str, list[RecoveryPoint]],
    at: datetime,
    chosen: list[Chosen],
    unreachable: list[Unreachable],
) -> None:
    """An instance without an image: the newest good snapshot of each of its disks."""
    best = {device: _newest(points, at) for device, points in parts.items()}
    found = {device: point for device, point in best.items() if point is not None}
    if not found:
        everything = [point for points in parts.values() for point in points]
        unreachable.append(_missing(resource, everything, at))
        return
    chosen.append(
        Chosen(
            logical_id=resource.logical_id,
            type=resource.type,
            physical_id=resource.physical_id,
            points=tuple(found.values()),
            reason="no image of it; the newest good snapshots of its volumes",
            devices={device: point.id for device, point in found.items()},
        )
    )


def _missing(resource: StackResource, candidates: Sequence[RecoveryPoint], at: datetime) -> Unreachable:
    earlier = [p for p in candidates if p.time <= at]
    if earlier:
        why = f"{len(earlier)} points at or before {at:%Y-%m-%dT%H:%M:%SZ}, none of them good"
    else:
        first = min(p.time for p in candidates)
        why = f"its first point is of {first:%Y-%m-%dT%H:%M:%SZ}, after {at:%Y-%m-%dT%H:%M:%SZ}"
    return Unreachable(logical_id=resource.logical_id, type=resource.type, why=why)


def skew(sets: Sequence[RecoverySet]) -> timedelta:
    """How far apart the chosen points are in time."""
    times = [point.time for one in sets for row in one.chosen for point in row.points]
    return max(times) - min(times) if times else timedelta(0)
