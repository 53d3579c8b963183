"""A cloud of values, for tests of everything above `dr.ports`: EC2 of one account, its clock, and its failures.

It knows no behaviour that EC2 lacks (tests/contract runs one suite over it and over `dr.aws`): points are pending
until the clock has gone on, tags are stored and identity is read back from them, a name that an image bears is
taken, a snapshot that an image needs cannot be deleted, deregistering leaves snapshots.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count
from typing import Any

from fake_clock import Failures, FakeClock

from dr import layout
from dr.errors import CloudError, InUse, NotFound, Taken
from dr.model import (
    Holdings,
    ImageDevice,
    Kind,
    Lineage,
    Part,
    Protect,
    RecoveryPoint,
    Source,
    State,
    TagPatterns,
)
from dr.ports import ImageTags, Owned

ACCOUNT = "111111111111"
INSTALLATION = "acme"


@dataclass(slots=True, kw_only=True)
class FakeSnapshot:
    id: str
    region: str
    volume: str
    time: datetime
    tags: dict[str, str]
    failed: bool = False
    stuck: bool = False
    locked: bool = False
    archived: bool = False
    size: int = 8


@dataclass(slots=True, kw_only=True)
class FakeImage:
    id: str
    region: str
    instance: str
    name: str
    time: datetime
    tags: dict[str, str]
    parts: dict[str, str]  # device -> snapshot
    failed: bool = False
    stuck: bool = False


@dataclass(slots=True)
class FakeCloud:
    """EC2 of one account. `delay` is how long a snapshot or an image is pending; `doomed` names the volumes and
    instances of which every point fails; `calls` are the changing calls that had their effect."""

    clock: FakeClock
    account: str = ACCOUNT
    installation: str = INSTALLATION
    delay: timedelta = timedelta(minutes=5)
    ahead: float | None = 0.0
    not_enabled: set[str] = field(default_factory=set)
    doomed: set[str] = field(default_factory=set)
    failures: Failures = field(default_factory=Failures)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fleet: dict[tuple[Protect, str, str], Source] = field(default_factory=dict)
    snapshots: dict[str, FakeSnapshot] = field(default_factory=dict)
    images: dict[str, FakeImage] = field(default_factory=dict)
    _numbers: Any = field(default_factory=lambda: count(1))

    # --- what a test arranges -------------------------------------------------------------------------------------

    def add_volume(self, volume: str, region: str = "eu-west-1", **facts: Any) -> Source:
        return self._add(Protect.VOLUMES, volume, region, facts)

    def add_instance(self, instance: str, *volumes: str, region: str = "eu-west-1", **facts: Any) -> Source:
        source = self._add(Protect.INSTANCES, instance, region, {"volumes": volumes, **facts})
        for number, volume in enumerate(volumes):
            self.add_volume(
                volume, region, instance=instance, instance_tags=source.tags, boot=number == 0, tags={}
            )
        return source

    def _add(self, protect: Protect, name: str, region: str, facts: Mapping[str, Any]) -> Source:
        born = {"created": self.clock.now(), **facts}
        source = Source(id=name, protect=protect, account=self.account, region=region, **born)
        self.fleet[protect, region, name] = source
        return source

    def change(self, source: Source, **facts: Any) -> Source:
        changed = replace(source, **facts)
        self.fleet[source.protect, source.region, source.id] = changed
        return changed

    def remove(self, source: Source) -> None:
        del self.fleet[source.protect, source.region, source.id]

    def tag(self, thing: str, key: str, value: str = "") -> None:
        (self.snapshots.get(thing) or self.images[thing]).tags[key] = value

    # --- dr.ports.Cloud -------------------------------------------------------------------------------------------

    def sources(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        return self.failures.run("sources", lambda: self._sources(protect, region, tags))

    def _sources(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        return tuple(
            source
            for (sort, place, _), source in self.fleet.items()
            if (sort, place) == (protect, region)
            and all(
                key in source.tags and any(fnmatchcase(source.tags[key], glob) for glob in globs)
                for key, globs in tags.items()
            )
        )

    def points(self, region: str) -> Holdings:
        return self.failures.run("points", lambda: self._holdings(region))

    def _holdings(self, region: str) -> Holdings:
        snapshots = [snapshot for snapshot in self.snapshots.values() if snapshot.region == region]
        images = [image for image in self.images.values() if image.region == region]
        points = [*map(self._snapshot_point, snapshots), *map(self._image_point, images)]
        parts = [part for snapshot in snapshots if (part := self._part(snapshot))]
        return Holdings(points=tuple(point for point in points if point), parts=tuple(parts))

    def points_of(self, region: str, sources: Collection[str]) -> Holdings:
        return self.failures.run("points_of", lambda: self._points_of(region, sources))

    def _points_of(self, region: str, sources: Collection[str]) -> Holdings:
        held = self._holdings(region)
        return Holdings(
            points=tuple(point for point in held.points if point.lineage.source in sources),
            parts=tuple(part for part in held.parts if part.lineage.source in sources),
        )

    def find(self, lineage: Lineage, slot: datetime, kind: Kind) -> tuple[RecoveryPoint, ...]:
        return self.failures.run("find", lambda: self._find(lineage, slot, kind))

    def _find(self, lineage: Lineage, slot: datetime, kind: Kind) -> tuple[RecoveryPoint, ...]:
        points = self._holdings(lineage.region).points
        return tuple(p for p in points if (p.lineage, p.slot, p.kind) == (lineage, slot, kind))

    def create_snapshot(self, region: str, volume: str, tags: Mapping[str, str]) -> str:
        return self.failures.run("create_snapshot", lambda: self._create_snapshot(region, volume, tags))

    def _create_snapshot(self, region: str, volume: str, tags: Mapping[str, str]) -> str:
        if (Protect.VOLUMES, region, volume) not in self.fleet:
            raise NotFound(f"{volume} does not exist", code="InvalidVolume.NotFound")
        return self._changed("create_snapshot", self._snapshot(region, volume, tags).id)

    def _snapshot(self, region: str, volume: str, tags: Mapping[str, str]) -> FakeSnapshot:
        snapshot = FakeSnapshot(
            id=f"snap-{next(self._numbers):08x}",
            region=region,
            volume=volume,
            time=self.clock.now(),
            tags=dict(tags),
            failed=volume in self.doomed,
        )
        self.snapshots[snapshot.id] = snapshot
        return snapshot

    def create_image(self, region: str, instance: str, name: str, tags: ImageTags, *, reboot: bool) -> str:
        effect = lambda: self._create_image(region, instance, name, tags)  # noqa: E731 - one seam for failures
        return self.failures.run("create_image", effect)

    def _create_image(self, region: str, instance: str, name: str, tags: ImageTags) -> str:
        source = self.fleet.get((Protect.INSTANCES, region, instance))
        if source is None:
            raise NotFound(f"{instance} does not exist", code="InvalidInstanceID.NotFound")
        if any((image.region, image.name) == (region, name) for image in self.images.values()):
            raise Taken(f"the name {name} is in use", code="InvalidAMIName.Duplicate")
        parts = [self._snapshot(region, volume, tags.parts) for volume in source.volumes]
        image = FakeImage(
            id=f"ami-{next(self._numbers):08x}",
            region=region,
            instance=instance,
            name=name,
            time=self.clock.now(),
            tags=dict(tags.image),
            parts={f"/dev/sd{chr(97 + n)}": part.id for n, part in enumerate(parts)},
            failed=instance in self.doomed,
        )
        self.images[image.id] = image
        return self._changed("create_image", image.id)

    def image_named(self, region: str, name: str) -> RecoveryPoint | None:
        return self.failures.run("image_named", lambda: self._image_named(region, name))

    def _image_named(self, region: str, name: str) -> RecoveryPoint | None:
        images = [image for image in self.images.values() if (image.region, image.name) == (region, name)]
        return self._image_point(images[0]) if images else None

    def owned(self, region: str, kind: Kind, ids: Sequence[str]) -> Mapping[str, Owned]:
        return self.failures.run("owned", lambda: self._owned(region, kind, ids))

    def _owned(self, region: str, kind: Kind, ids: Sequence[str]) -> dict[str, Owned]:
        shelf = self.images if kind is Kind.IMAGE else self.snapshots
        things = (shelf[name] for name in ids if name in shelf and shelf[name].region == region)
        return {thing.id: owned for thing in things if (owned := self._as_owned(thing))}

    def _as_owned(self, thing: FakeSnapshot | FakeImage) -> Owned | None:
        snapshot = thing if isinstance(thing, FakeSnapshot) else None
        identity = layout.identity(thing.tags, self.installation, snapshot.volume if snapshot else None)
        if identity is None:
            return None
        return Owned(
            id=thing.id,
            lineage=self._lineage(identity, thing.region),
            slot=identity.slot,
            kind=identity.kind,
            hold=layout.HOLD in thing.tags,
            locked=bool(snapshot and snapshot.locked),
            in_use=self._user(thing.id),
        )

    def delete_snapshot(self, region: str, snapshot: str) -> None:
        self.failures.run("delete_snapshot", lambda: self._delete_snapshot(region, snapshot))

    def _delete_snapshot(self, region: str, name: str) -> None:
        snapshot = self.snapshots.get(name)
        if snapshot is None or snapshot.region != region:
            return
        if user := self._user(name):
            raise InUse(f"{name} is in use by {user}", code="InvalidSnapshot.InUse")
        if snapshot.locked:
            raise CloudError(f"{name} is locked", code="OperationNotPermitted")
        del self.snapshots[name]
        self._changed("delete_snapshot", name)

    def deregister_image(self, region: str, image: str) -> None:
        self.failures.run("deregister_image", lambda: self._deregister_image(region, image))

    def _deregister_image(self, region: str, name: str) -> None:
        if name in self.images and self.images[name].region == region:
            del self.images[name]
            self._changed("deregister_image", name)

    def skew(self) -> float | None:
        return self.ahead

    def enabled(self, region: str) -> bool:
        return region not in self.not_enabled

    # --- what it is made of ---------------------------------------------------------------------------------------

    def _changed(self, method: str, name: str) -> str:
        self.calls.append((method, name))
        return name

    def _lineage(self, identity: layout.Identity, region: str) -> Lineage:
        return Lineage(policy=identity.policy, account=self.account, region=region, source=identity.source)

    def _user(self, snapshot: str) -> str:
        users = (image.id for image in self.images.values() if snapshot in image.parts.values())
        return next(users, "")

    def _state(self, thing: FakeSnapshot | FakeImage) -> State:
        if thing.failed:
            return State.FAILED
        if thing.stuck or self.clock.now() < thing.time + self.delay:
            return State.PENDING
        if isinstance(thing, FakeImage):
            return self._worst_of_parts(thing)
        return State.ARCHIVED if thing.archived else State.GOOD

    def _worst_of_parts(self, image: FakeImage) -> State:
        """An image is worth what its snapshots are; one that lacks a snapshot is worth nothing."""
        parts = [self.snapshots.get(part) for part in image.parts.values()]
        found = {self._state(part) if part else State.FAILED for part in parts}
        return next((s for s in (State.FAILED, State.PENDING, State.ARCHIVED) if s in found), State.GOOD)

    def _snapshot_point(self, snapshot: FakeSnapshot) -> RecoveryPoint | None:
        identity = layout.identity(snapshot.tags, self.installation, snapshot.volume)
        if identity is None or identity.kind != Kind.SNAPSHOT:
            return None
        return RecoveryPoint(
            kind=Kind.SNAPSHOT,
            locked=snapshot.locked,
            in_use=self._user(snapshot.id),
            size=snapshot.size,
            **self._common(snapshot, identity),
        )

    def _image_point(self, image: FakeImage) -> RecoveryPoint | None:
        identity = layout.identity(image.tags, self.installation)
        if identity is None or identity.kind != Kind.IMAGE:
            return None
        devices = tuple(
            ImageDevice(
                device=device, snapshot=part, size=self.snapshots[part].size, root=device == "/dev/sda"
            )
            for device, part in image.parts.items()
            if part in self.snapshots
        )
        parts = tuple(image.parts.values())
        common = self._common(image, identity)
        return RecoveryPoint(kind=Kind.IMAGE, name=image.name, devices=devices, parts=parts, **common)

    def _common(self, thing: FakeSnapshot | FakeImage, identity: layout.Identity) -> dict[str, Any]:
        return {
            "id": thing.id,
            "lineage": self._lineage(identity, thing.region),
            "slot": identity.slot,
            "time": thing.time,
            "state": self._state(thing),
            "set": thing.tags.get(layout.SET),
            "hold": layout.HOLD in thing.tags,
            "stack": thing.tags.get(layout.STACK),
            "logical_id": thing.tags.get(layout.LOGICAL_ID),
        }

    def _part(self, snapshot: FakeSnapshot) -> Part | None:
        identity = layout.identity(snapshot.tags, self.installation, snapshot.volume)
        if identity is None or identity.kind != layout.KIND_IMAGE_PART:
            return None
        return Part(
            id=snapshot.id,
            lineage=self._lineage(identity, snapshot.region),
            slot=identity.slot,
            time=snapshot.time,
            image=self._user(snapshot.id),
            hold=layout.HOLD in snapshot.tags,
            locked=snapshot.locked,
        )
