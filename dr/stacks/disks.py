"""What a disk needs to be born from a snapshot, be it an AWS::EC2::Volume or the Ebs of a block device mapping.

Source: CloudFormation template reference, AWS::EC2::Volume and Ebs (a size must be equal to or larger than the
snapshot's; what is born from an encrypted snapshot is encrypted; KmsKeyId needs Encrypted).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from dr.stacks.evaluate import Evaluator, as_bool, as_int
from dr.stacks.rebirth import VolumeRebirth


@dataclass(frozen=True, slots=True, kw_only=True)
class Adjustment:
    """Set a key of a disk, or drop it where the value is None."""

    key: str
    value: Any
    why: str


def adjustments(
    evaluator: Evaluator,
    disk: Mapping[str, Any],
    born: VolumeRebirth,
    size_key: Literal["Size", "VolumeSize"],
    why: str = "its data",
) -> Iterator[Adjustment]:
    """What has to change for the disk to be born from the snapshot; type, IOPS, throughput, key and tags stay."""
    if disk.get("SnapshotId") != born.snapshot:
        yield Adjustment(key="SnapshotId", value=born.snapshot, why=why)
    if "SourceVolumeId" in disk:
        reason = "a volume is born from a snapshot or from a volume, not from both"
        yield Adjustment(key="SourceVolumeId", value=None, why=reason)
    if size_key in disk:
        yield from _size(evaluator.value(disk[size_key]), born.size, size_key)
    if born.encrypted and "Encrypted" in disk and as_bool(evaluator.value(disk["Encrypted"])) is not True:
        reason = "the snapshot is encrypted, and so is what is born from it"
        yield Adjustment(key="Encrypted", value=True if "KmsKeyId" in disk else None, why=reason)


def adjusted(disk: Mapping[str, Any], changes: Iterator[Adjustment]) -> dict[str, Any]:
    """The disk with the changes."""
    result = dict(disk)
    for change in changes:
        if change.value is None:
            result.pop(change.key, None)
        else:
            result[change.key] = change.value
    return result


def _size(value: Any, least: int, key: str) -> Iterator[Adjustment]:
    """Sizes in GiB."""
    size = as_int(value)
    if size is None:
        yield Adjustment(key=key, value=least, why=f"cannot be told here; the snapshot is of {least} GiB")
    elif size < least:
        yield Adjustment(key=key, value=least, why=f"{size} GiB is less than the snapshot's {least} GiB")
