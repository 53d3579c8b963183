"""Raw snapshots and images to points: joined, because an image is as good as the snapshots in it. No calls here.

Nothing that AWS might still bring back counts as failed, because failed points of ours expire outside the limits:
a state that we do not know, or `recoverable`, is pending (neither good nor failed, reported after a day).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from dr import layout
from dr.aws.pages import Row
from dr.model import Holdings, ImageDevice, Kind, Lineage, Part, RecoveryPoint, State
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

    `others` are the states of snapshots inside images of ours that lack our tags.
    """

    installation: str
    account: str
    region: str
    snapshots: tuple[Row, ...] = ()
    images: tuple[Row, ...] = ()
    locked: frozenset[str] = frozenset()
    others: Mapping[str, State] = field(default_factory=dict)


def holdings(listing: Listing) -> Holdings:
    """Points and parts of this installation; everything foreign is left out."""
    users = _users(listing)
    states = {row["SnapshotId"]: snapshot_state(row) for row in listing.snapshots} | dict(listing.others)
    points = [p for row in listing.snapshots if (p := _snapshot(row, listing, users)) is not None]
    points += [p for row in listing.images if (p := _image(row, listing, states)) is not None]
    parts = (_part(row, listing, users) for row in listing.snapshots)
    return Holdings(points=tuple(points), parts=tuple(part for part in parts if part is not None))


def owned_snapshots(listing: Listing) -> dict[str, Owned]:
    """The fresh look at snapshots, points and parts alike, right before a deletion."""
    users = _users(listing)
    found = {}
    for row in listing.snapshots:
        if (who := _who(row, listing)) is not None:
            found[row["SnapshotId"]] = Owned(
                id=row["SnapshotId"],
                lineage=_lineage(who, listing),
                slot=who.slot,
                kind=who.kind,
                hold=_held(row),
                locked=row["SnapshotId"] in listing.locked,
                in_use=users.get(row["SnapshotId"], ""),
            )
    return found


def owned_images(listing: Listing) -> dict[str, Owned]:
    """The fresh look at images."""
    found = {}
    for row in listing.images:
        if (who := _who(row, listing)) is not None and who.kind in ("", Kind.IMAGE):
            found[row["ImageId"]] = Owned(
                id=row["ImageId"],
                lineage=_lineage(who, listing),
                slot=who.slot,
                kind=who.kind,
                hold=_held(row),
                locked=_image_locked(row, listing),
            )
    return found


def inside(image: Row) -> list[str]:
    """Ids of the snapshots that an image is made of."""
    return [ebs["SnapshotId"] for _, ebs in _disks(image)]


def is_ours(row: Row, listing: Listing) -> bool:
    """Whether a snapshot or image bears the identity of this installation."""
    return _who(row, listing) is not None


def snapshot_state(row: Row) -> State:
    """What a snapshot is worth (FAILURES, I2)."""
    state = _SNAPSHOT_STATES.get(row.get("State", ""), State.PENDING)
    archived = state is State.GOOD and row.get("StorageTier") == "archive"
    return State.ARCHIVED if archived else state


def _image_state(row: Row, states: Mapping[str, State]) -> State:
    """Good only when it is available and every snapshot in it is good; one that is missing is a failed image."""
    own = _IMAGE_STATES.get(row.get("State", ""), State.PENDING)
    if own is not State.GOOD:
        return own
    found = {states.get(snapshot, State.FAILED) for snapshot in inside(row)}
    return next((state for state in _WORST_FIRST if state in found), State.GOOD)


def _snapshot(row: Row, listing: Listing, users: Mapping[str, str]) -> RecoveryPoint | None:
    who = _who(row, listing)
    if who is None or who.kind not in ("", Kind.SNAPSHOT):
        return None
    tags = _tags(row)
    return RecoveryPoint(
        id=row["SnapshotId"],
        kind=Kind.SNAPSHOT,
        lineage=_lineage(who, listing),
        slot=who.slot,
        time=_time(row),
        state=snapshot_state(row),
        copy_of=tags.get(layout.COPY_OF),
        set=tags.get(layout.SET),
        hold=_held(row),
        locked=row["SnapshotId"] in listing.locked,
        in_use=users.get(row["SnapshotId"], ""),
        name=row.get("Description", ""),
        stack=tags.get(layout.STACK),
        logical_id=tags.get(layout.LOGICAL_ID),
        size=row.get("VolumeSize"),
        encrypted=bool(row.get("Encrypted")),
    )


def _image(row: Row, listing: Listing, states: Mapping[str, State]) -> RecoveryPoint | None:
    who = _who(row, listing)
    if who is None or who.kind not in ("", Kind.IMAGE):
        return None
    tags, devices = _tags(row), _devices(row)
    return RecoveryPoint(
        id=row["ImageId"],
        kind=Kind.IMAGE,
        lineage=_lineage(who, listing),
        slot=who.slot,
        time=_time(row),
        state=_image_state(row, states),
        copy_of=tags.get(layout.COPY_OF),
        set=tags.get(layout.SET),
        hold=_held(row),
        locked=_image_locked(row, listing),
        name=row.get("Name", ""),
        stack=tags.get(layout.STACK),
        logical_id=tags.get(layout.LOGICAL_ID),
        size=sum(device.size for device in devices),
        encrypted=any(device.encrypted for device in devices),
        devices=devices,
        parts=tuple(inside(row)),
    )


def _part(row: Row, listing: Listing, users: Mapping[str, str]) -> Part | None:
    who = _who(row, listing)
    if who is None or who.kind != layout.KIND_IMAGE_PART:
        return None
    return Part(
        id=row["SnapshotId"],
        lineage=_lineage(who, listing),
        slot=who.slot,
        time=_time(row),
        image=users.get(row["SnapshotId"], ""),
        hold=_held(row),
        locked=row["SnapshotId"] in listing.locked,
    )


def _users(listing: Listing) -> dict[str, str]:
    """Snapshot id -> the image built on it: ours where there is one, else any of the account, which needs it too."""
    users: dict[str, str] = {}
    for row in sorted(listing.images, key=lambda image: not is_ours(image, listing)):
        for snapshot in inside(row):
            users.setdefault(snapshot, row["ImageId"])
    return users


def _devices(row: Row) -> tuple[ImageDevice, ...]:
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


def _disks(image: Row) -> Iterable[tuple[str, Row]]:
    for mapping in image.get("BlockDeviceMappings", ()):
        ebs = mapping.get("Ebs", {})
        if ebs.get("SnapshotId"):
            yield mapping.get("DeviceName", ""), ebs


def _who(row: Row, listing: Listing) -> layout.Identity | None:
    return layout.identity(_tags(row), listing.installation, row.get("VolumeId"))


def _lineage(who: layout.Identity, listing: Listing) -> Lineage:
    return Lineage(policy=who.policy, account=listing.account, region=listing.region, source=who.source)


def _tags(row: Row) -> dict[str, str]:
    return {tag["Key"]: tag.get("Value", "") for tag in row.get("Tags", ())}


def _held(row: Row) -> bool:
    """A hold is a tag that is there, whatever its value (DESIGN 5)."""
    return layout.HOLD in _tags(row)


def _image_locked(row: Row, listing: Listing) -> bool:
    """Protected against deregistration, or made of a locked snapshot: half an image is of no use."""
    protection = str(row.get("DeregistrationProtection") or "")
    return protection not in _UNPROTECTED or any(part in listing.locked for part in inside(row))


def _time(row: Row) -> datetime:
    """When the data is from: `dr:time` of a copy, else StartTime or CreationDate (DESIGN 5)."""
    said = _tags(row).get(layout.TIME, "")
    for text in (said, str(row.get("CreationDate") or "")):
        if (time := _instant(text)) is not None:
            return time
    start = row.get("StartTime")
    return start.astimezone(UTC) if isinstance(start, datetime) else _NOWHERE


def _instant(text: str) -> datetime | None:
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        return None
    return time.astimezone(UTC) if time.tzinfo else None
