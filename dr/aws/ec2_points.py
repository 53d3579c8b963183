"""Raw snapshots and images to points: joined, because an image is as good as the snapshots in it. No calls here.

Nothing that AWS might still bring back counts as failed, because failed points of ours expire outside the limits:
a state that we do not know, or `recoverable`, is pending (neither good nor failed, reported after a day).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from dr import layout
from dr.aws.rows import ImageDisk, ImageRow, SnapshotRow, in_utc, tags_of
from dr.model import Holdings, ImageDevice, Kind, Lineage, Part, RecoveryPoint, State, Tags
from dr.ports import Owned

_SNAPSHOT_STATES = {"completed": State.GOOD, "error": State.FAILED}
"""`pending`, `recoverable`, `recovering` and what is new are pending. Source: EC2 API reference, Snapshot, status."""
_IMAGE_STATES = {
    "available": State.GOOD,
    "invalid": State.FAILED,
    "failed": State.FAILED,
    "error": State.FAILED,
    "deregistered": State.FAILED,
    # has to be enabled before a launch, as an archived snapshot has to be restored before its use
    "disabled": State.ARCHIVED,
}
"""`pending`, `transient` and what is new are pending. Source: EC2 API reference, Image, imageState."""
_WORST_FIRST = (State.FAILED, State.PENDING, State.ARCHIVED)
_UNPROTECTED = ("", "disabled")
"""Values of DeregistrationProtection under which an image may go; `enabled-...` and a cool-down may not."""
_NOWHERE = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """What the listings of one Region gave: our snapshots, every image of the account, the ids of locked snapshots.

    Snapshots are looked at once, as their pages come: most of what an account has is of these.
    """

    installation: str
    account: str
    region: str
    snapshots: Iterable[SnapshotRow] = ()
    images: tuple[ImageRow, ...] = ()
    locked: frozenset[str] = frozenset()


def _nothing(_: Iterable[str]) -> Mapping[str, State]:
    return {}


def holdings(
    listing: Listing, states_of: Callable[[Iterable[str]], Mapping[str, State]] = _nothing
) -> Holdings:
    """Points and parts of this installation; everything foreign is left out.

    `states_of` is asked for snapshots inside images of ours that lack our tags; normally there are none.
    """
    look = _Look(listing)
    needed = {part for image in listing.images if look.is_ours(image) for part in inside(image)}
    states: dict[str, State] = {}
    points: list[RecoveryPoint] = []
    parts: list[Part] = []
    for row in listing.snapshots:
        if row["SnapshotId"] in needed:
            states[row["SnapshotId"]] = snapshot_state(row)
        tags = tags_of(row)
        who = layout.identity(tags, listing.installation, row.get("VolumeId"))
        if who is None:
            continue
        if who.kind in ("", Kind.SNAPSHOT):
            points.append(_snapshot(row, tags, who, look))
        elif who.kind == layout.KIND_IMAGE_PART:
            parts.append(_part(row, tags, who, look))
    states |= states_of(sorted(needed - states.keys()))
    points += [point for image in listing.images if (point := _image(image, states, look)) is not None]
    return Holdings(points=tuple(points), parts=tuple(parts))


class _Look:
    """One look at a listing. What many rows share is kept once: their lineages."""

    def __init__(self, listing: Listing) -> None:
        self._listing = listing
        self._lineages: dict[tuple[str, str], Lineage] = {}
        self.locked = listing.locked
        self.users = self._users()

    def who(self, row: SnapshotRow | ImageRow) -> layout.Identity | None:
        """The identity that it bears; None is foreign. An image has no volume."""
        volume = cast("SnapshotRow", row).get("VolumeId")
        return layout.identity(tags_of(row), self._listing.installation, volume)

    def is_ours(self, row: SnapshotRow | ImageRow) -> bool:
        """Whether a snapshot or image bears the identity of this installation."""
        return self.who(row) is not None

    def lineage(self, who: layout.Identity) -> Lineage:
        """The lineage of an identity."""
        key = (who.policy, who.source)
        if key not in self._lineages:
            at = self._listing
            self._lineages[key] = Lineage(
                policy=who.policy, account=at.account, region=at.region, source=who.source
            )
        return self._lineages[key]

    def _users(self) -> dict[str, str]:
        """Snapshot id -> the image built on it: ours where there is one, else any of the account, which needs it too."""
        users: dict[str, str] = {}
        for row in sorted(self._listing.images, key=lambda image: not self.is_ours(image)):
            for snapshot in inside(row):
                users.setdefault(snapshot, row["ImageId"])
        return users


def owned_snapshots(listing: Listing) -> dict[str, Owned]:
    """The fresh look at snapshots, points and parts alike, right before a deletion."""
    look, found = _Look(listing), {}
    for row in listing.snapshots:
        if (who := look.who(row)) is not None:
            found[row["SnapshotId"]] = Owned(
                id=row["SnapshotId"],
                lineage=look.lineage(who),
                slot=who.slot,
                kind=who.kind,
                hold=_held(tags_of(row)),
                locked=row["SnapshotId"] in look.locked,
                in_use=look.users.get(row["SnapshotId"], ""),
            )
    return found


def owned_images(listing: Listing) -> dict[str, Owned]:
    """The fresh look at images."""
    look, found = _Look(listing), {}
    for row in listing.images:
        if (who := look.who(row)) is not None and who.kind in ("", Kind.IMAGE):
            found[row["ImageId"]] = Owned(
                id=row["ImageId"],
                lineage=look.lineage(who),
                slot=who.slot,
                kind=who.kind,
                hold=_held(tags_of(row)),
                locked=_image_locked(row, look),
            )
    return found


def inside(image: ImageRow) -> list[str]:
    """Ids of the snapshots that an image is made of."""
    return [ebs["SnapshotId"] for _, ebs in _disks(image)]


def snapshot_state(row: SnapshotRow) -> State:
    """What a snapshot is worth (FAILURES, I2)."""
    state = _SNAPSHOT_STATES.get(row.get("State", ""), State.PENDING)
    archived = state is State.GOOD and row.get("StorageTier") == "archive"
    return State.ARCHIVED if archived else state


def _image_state(row: ImageRow, states: Mapping[str, State]) -> State:
    """Good only when it is available and every snapshot in it is good; one that is missing is a failed image."""
    own = _IMAGE_STATES.get(row.get("State", ""), State.PENDING)
    if own is not State.GOOD:
        return own
    found = {states.get(snapshot, State.FAILED) for snapshot in inside(row)}
    return next((state for state in _WORST_FIRST if state in found), State.GOOD)


def _snapshot(row: SnapshotRow, tags: Tags, who: layout.Identity, look: _Look) -> RecoveryPoint:
    return RecoveryPoint(
        id=row["SnapshotId"],
        kind=Kind.SNAPSHOT,
        lineage=look.lineage(who),
        slot=who.slot,
        time=_time(tags, row.get("StartTime")),
        state=snapshot_state(row),
        copy_of=tags.get(layout.COPY_OF),
        set=tags.get(layout.SET),
        hold=_held(tags),
        locked=row["SnapshotId"] in look.locked,
        in_use=look.users.get(row["SnapshotId"], ""),
        name=row.get("Description", ""),
        stack=tags.get(layout.STACK),
        logical_id=tags.get(layout.LOGICAL_ID),
        size=row.get("VolumeSize"),
        encrypted=bool(row.get("Encrypted")),
    )


def _image(row: ImageRow, states: Mapping[str, State], look: _Look) -> RecoveryPoint | None:
    who = look.who(row)
    if who is None or who.kind not in ("", Kind.IMAGE):
        return None
    tags, devices = tags_of(row), _devices(row)
    return RecoveryPoint(
        id=row["ImageId"],
        kind=Kind.IMAGE,
        lineage=look.lineage(who),
        slot=who.slot,
        time=_time(tags, row.get("CreationDate")),
        state=_image_state(row, states),
        copy_of=tags.get(layout.COPY_OF),
        set=tags.get(layout.SET),
        hold=_held(tags),
        locked=_image_locked(row, look),
        name=row.get("Name", ""),
        stack=tags.get(layout.STACK),
        logical_id=tags.get(layout.LOGICAL_ID),
        size=sum(device.size for device in devices),
        encrypted=any(device.encrypted for device in devices),
        devices=devices,
        parts=tuple(inside(row)),
    )


def _part(row: SnapshotRow, tags: Tags, who: layout.Identity, look: _Look) -> Part:
    return Part(
        id=row["SnapshotId"],
        lineage=look.lineage(who),
        slot=who.slot,
        time=_time(tags, row.get("StartTime")),
        image=look.users.get(row["SnapshotId"], ""),
        hold=_held(tags),
        locked=row["SnapshotId"] in look.locked,
    )


def _devices(row: ImageRow) -> tuple[ImageDevice, ...]:
    return tuple(
        ImageDevice(
            device=device,
            snapshot=ebs["SnapshotId"],
            size=int(ebs.get("VolumeSize") or 0),
            volume_type=ebs.get("VolumeType"),
            encrypted=bool(ebs.get("Encrypted")),
            root=device == row.get("RootDeviceName"),
        )
        for device, ebs in _disks(row)
    )


def _disks(image: ImageRow) -> Iterable[tuple[str, ImageDisk]]:
    for mapping in image.get("BlockDeviceMappings", ()):
        ebs = mapping.get("Ebs")
        if ebs and ebs.get("SnapshotId"):
            yield mapping.get("DeviceName", ""), ebs


def _held(tags: Tags) -> bool:
    """A hold is a tag that is there, whatever its value (DESIGN 5)."""
    return layout.HOLD in tags


def _image_locked(row: ImageRow, look: _Look) -> bool:
    """Protected against deregistration, or made of a locked snapshot: half an image is of no use."""
    protection = row.get("DeregistrationProtection") or ""
    return protection not in _UNPROTECTED or any(part in look.locked for part in inside(row))


def _time(tags: Tags, told: datetime | str | None) -> datetime:
    """When the data is from: `dr:time` of a copy, else StartTime or CreationDate (DESIGN 5)."""
    said = _instant(tags[layout.TIME]) if layout.TIME in tags else None
    if said is None and isinstance(told, str):
        said = _instant(told)
    if said is None and isinstance(told, datetime):
        said = in_utc(told)
    return said or _NOWHERE


def _instant(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return in_utc(time) if time.tzinfo else None
