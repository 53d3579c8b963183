"""Raw volumes and instances to sources. No calls here."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

from dr.aws.rows import AttachmentRow, InstanceRow, VolumeRow, in_utc, tags_of
from dr.model import Protect, Source

LIVING = ("pending", "running", "stopping", "stopped")
"""Instances that are there; `shutting-down` and `terminated` ones are as good as gone."""
_IMAGEABLE = ("running", "stopped")
"""Source: EC2 API reference, CreateImage: an instance that is running or stopped."""
_READABLE = ("available", "in-use")
"""Source: EC2 API reference, CreateSnapshot; Volume, status."""


def volume_sources(
    volumes: Iterable[VolumeRow], instances: Mapping[str, InstanceRow], account: str, region: str
) -> tuple[Source, ...]:
    """Volumes with what is known of the instances that they are attached to."""
    return tuple(_volume(row, instances, account, region) for row in volumes)


def instance_sources(rows: Iterable[InstanceRow], account: str, region: str) -> tuple[Source, ...]:
    """Instances with the ids of their EBS volumes."""
    return tuple(_instance(row, account, region) for row in rows)


def attached_to(volume: VolumeRow) -> AttachmentRow | None:
    """The attachment of a volume; the first of one that is attached to several instances."""
    for attachment in volume.get("Attachments", ()):
        if attachment.get("InstanceId") and attachment.get("State") != "detached":
            return attachment
    return None


def _volume(row: VolumeRow, instances: Mapping[str, InstanceRow], account: str, region: str) -> Source:
    attachment = attached_to(row)
    instance = attachment["InstanceId"] if attachment else None
    host = instances.get(instance or "", {})
    state = row.get("State", "")
    return Source(
        id=row["VolumeId"],
        protect=Protect.VOLUMES,
        account=account,
        region=region,
        tags=tags_of(row),
        created=_utc(row.get("CreateTime")),
        unready="" if state in _READABLE else f"the volume is {state or 'in an unknown state'}",
        instance=instance,
        instance_tags=tags_of(host),
        boot=bool(attachment) and attachment is not None and _is_root(attachment, host),
    )


def _is_root(attachment: AttachmentRow, host: InstanceRow) -> bool:
    root = host.get("RootDeviceName")
    return bool(root) and attachment.get("Device") == root


def _instance(row: InstanceRow, account: str, region: str) -> Source:
    disks = {m.get("DeviceName", ""): m["Ebs"] for m in row.get("BlockDeviceMappings", ()) if m.get("Ebs")}
    root = disks.get(row.get("RootDeviceName", ""), {})
    return Source(
        id=row["InstanceId"],
        protect=Protect.INSTANCES,
        account=account,
        region=region,
        tags=tags_of(row),
        # a start changes LaunchTime; the root volume stays attached from the first day on
        created=_utc(root.get("AttachTime") or row.get("LaunchTime")),
        unready=_unready(row),
        volumes=tuple(ebs["VolumeId"] for ebs in disks.values() if ebs.get("VolumeId")),
    )


def _unready(row: InstanceRow) -> str:
    state = row.get("State", {}).get("Name", "")
    if state not in _IMAGEABLE:
        return f"the instance is {state or 'in an unknown state'}"
    if row.get("RootDeviceType", "ebs") != "ebs":
        return "the instance has no EBS root volume: EC2 cannot make an image of it by itself"
    return ""


def _utc(time: datetime | None) -> datetime | None:
    return in_utc(time) if time else None
