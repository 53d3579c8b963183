"""What dr reads of EC2's listings: of each item the fields of these types, under botocore's names.

mypy holds their readers to them, and `dr.aws.reading` makes its parser of them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Generic, TypedDict, TypeVar

_Row = TypeVar("_Row")


class Tag(TypedDict, total=False):
    """A tag."""

    Key: str
    Value: str


TagSet = dict[str, str] | list[Tag]
"""By key as dr's parser reads them, in pairs where botocore does: pairs would be most of what a page of rows weighs."""


class Tagged(TypedDict, total=False):
    """Whatever may have tags: `tags_of` reads them."""

    Tags: TagSet


class SnapshotRow(Tagged, total=False):
    """DescribeSnapshots."""

    SnapshotId: str
    VolumeId: str
    State: str
    StorageTier: str
    StartTime: datetime
    Description: str
    VolumeSize: int
    Encrypted: bool


class LockRow(TypedDict, total=False):
    """DescribeLockedSnapshots."""

    SnapshotId: str
    LockState: str


class ImageDisk(TypedDict, total=False):
    """The EBS side of an image's block device mapping."""

    SnapshotId: str
    VolumeSize: int
    VolumeType: str
    Encrypted: bool


class ImageMapping(TypedDict, total=False):
    """A block device mapping of an image."""

    DeviceName: str
    Ebs: ImageDisk


class ImageRow(Tagged, total=False):
    """DescribeImages."""

    ImageId: str
    State: str
    CreationDate: str
    Name: str
    RootDeviceName: str
    DeregistrationProtection: str
    BlockDeviceMappings: list[ImageMapping]


class AttachmentRow(TypedDict, total=False):
    """What a volume is attached to."""

    InstanceId: str
    State: str
    Device: str


class VolumeRow(Tagged, total=False):
    """DescribeVolumes."""

    VolumeId: str
    State: str
    CreateTime: datetime
    Attachments: list[AttachmentRow]


class InstanceState(TypedDict, total=False):
    """What an instance is doing."""

    Name: str


class InstanceDisk(TypedDict, total=False):
    """The EBS side of an instance's block device mapping."""

    VolumeId: str
    AttachTime: datetime


class InstanceMapping(TypedDict, total=False):
    """A block device mapping of an instance."""

    DeviceName: str
    Ebs: InstanceDisk


class InstanceRow(Tagged, total=False):
    """One instance of DescribeInstances."""

    InstanceId: str
    State: InstanceState
    RootDeviceType: str
    RootDeviceName: str
    LaunchTime: datetime
    BlockDeviceMappings: list[InstanceMapping]


class ReservationRow(TypedDict, total=False):
    """DescribeInstances."""

    Instances: list[InstanceRow]


@dataclass(frozen=True, slots=True)
class Only(Generic[_Row]):
    """What is read of an answer: the items under `key`, of each the fields of `row`, of which no item lacks `needs`."""

    key: str
    row: type[_Row]
    needs: str


SNAPSHOTS = Only("Snapshots", SnapshotRow, "SnapshotId")
LOCKS = Only("Snapshots", LockRow, "SnapshotId")
IMAGES = Only("Images", ImageRow, "ImageId")
VOLUMES = Only("Volumes", VolumeRow, "VolumeId")
RESERVATIONS = Only("Reservations", ReservationRow, "Instances")
LISTINGS: Mapping[str, Only[Any]] = {
    "DescribeSnapshots": SNAPSHOTS,
    "DescribeLockedSnapshots": LOCKS,
    "DescribeImages": IMAGES,
    "DescribeVolumes": VOLUMES,
    "DescribeInstances": RESERVATIONS,
}
"""By the operation that answers so."""


def in_utc(time: datetime) -> datetime | None:
    """A time of EC2's in UTC, which it is in when it has no offset; None for one that no calendar has."""
    try:
        return (time if time.tzinfo else time.replace(tzinfo=UTC)).astimezone(UTC)
    except OverflowError:
        return None


def tags_of(row: Tagged) -> dict[str, str]:
    """A resource's tags, by key."""
    tags = row.get("Tags", {})
    return tags if isinstance(tags, dict) else {tag["Key"]: tag.get("Value", "") for tag in tags}
