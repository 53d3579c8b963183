"""Volumes: the zones that there are, what a snapshot allows, and what a volume takes over from it."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_block_store as ebs

from dr.sandbox.corrections import replace
from dr.sandbox.corrections.values import number, truthy

GP3_THROUGHPUT = 125  # MiB/s. Source: EC2 API Reference, CreateVolume, Throughput


def install() -> None:
    """Apply the corrections of volumes."""
    original = ebs.EBSBackend.create_volume

    def create(
        self: Any,
        size: Any,
        zone_name: str,
        snapshot_id: str | None = None,
        encrypted: Any = False,
        **kwargs: Any,
    ) -> Any:
        _require_zone(self, zone_name)
        size = number(size)
        if snapshot_id:
            size = size_from(self.get_snapshot(snapshot_id), size)
        encrypted, kwargs["kms_key_id"] = _encryption(self, snapshot_id, encrypted, kwargs.get("kms_key_id"))
        if kwargs.get("volume_type") == "gp3":
            kwargs["throughput"] = number(kwargs.get("throughput")) or GP3_THROUGHPUT
        return original(self, size, zone_name, snapshot_id, encrypted=encrypted, **kwargs)

    replace.method(ebs.EBSBackend, "create_volume", create)


def _require_zone(backend: Any, name: str) -> None:
    """Source: EC2 API Reference, "Error codes", InvalidZone.NotFound."""
    if name not in {zone.name for zone in backend.describe_availability_zones()}:
        raise EC2ClientError("InvalidZone.NotFound", f"The zone '{name}' does not exist.")


def size_from(snapshot: Any, size: int | None) -> int:
    """The size of a volume from this snapshot: never below it, and only once it is completed and not archived.

    Source: EC2 API Reference, CreateVolume, Size and SnapshotId; EC2 error codes, IncorrectState;
    EBS User Guide, "Archive Amazon EBS snapshots": an archived snapshot must be restored before it is used.
    """
    if snapshot.status != "completed":
        raise EC2ClientError("IncorrectState", f"Snapshot is in invalid state - {snapshot.status}")
    if snapshot.storage_tier == "archive" and not snapshot.restore_expiry_time:
        raise EC2ClientError("IncorrectState", f"The snapshot {snapshot.id} is archived: restore it first")
    if size is not None and size < snapshot.volume_size:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"The size of the volume ({size} GiB) can't be smaller than the snapshot {snapshot.id} ({snapshot.volume_size} GiB)",
        )
    return size or int(snapshot.volume_size)


def _encryption(
    backend: Any, snapshot_id: str | None, encrypted: Any, key: str | None
) -> tuple[bool, str | None]:
    """Encryption follows the snapshot, and is never taken off.

    Source: EC2 API Reference, CreateVolume: volumes created from encrypted snapshots are automatically encrypted;
    EbsBlockDevice, Encrypted: in no case can you remove encryption from an encrypted volume.
    """
    snapshot = backend.get_snapshot(snapshot_id) if snapshot_id else None
    if snapshot is not None and snapshot.encrypted:
        return True, key or snapshot.kms_key_id
    return truthy(encrypted) or truthy(getattr(backend, "ebs_encryption_by_default", False)), key
