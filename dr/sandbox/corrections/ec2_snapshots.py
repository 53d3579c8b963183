"""Snapshots: pending before completed, a frozen copy of the volume, whose they are, and what refuses to be deleted."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_block_store as ebs
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.utils import generic_filter

from dr.sandbox.clock import clock
from dr.sandbox.corrections import ec2_locks, replace
from dr.sandbox.corrections.values import truthy
from dr.sandbox.world import settings

AMAZON = "amazon"


def install() -> None:
    """Apply the corrections of snapshots."""
    _freeze()
    ebs.Snapshot.status = property(_status, _set_status)
    replace.method(ebs.Snapshot, "progress", property(_progress))
    ebs.Snapshot.completion_time = property(
        lambda self: self.ready_at if self.status == "completed" else None
    )
    replace.method(ebs.EBSBackend, "get_snapshot", _get)
    replace.method(ebs.EBSBackend, "describe_snapshots", _describe)
    replace.method(ElasticBlockStore, "describe_snapshots", _describe_action)
    replace.method(ebs.EBSBackend, "create_snapshots", _create_set)
    replace.method(ElasticBlockStore, "create_snapshots", _create_set_action)
    _refuse_deletes()


def _freeze() -> None:
    """A snapshot is a copy of its moment: later changes of the volume do not reach it. Source: EBS User Guide, "How snapshots work"."""
    original = ebs.Snapshot.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        self.ready_at = clock.naive() + dt.timedelta(seconds=settings.pending_seconds)
        original(self, *args, **kwargs)
        self.volume = copy.copy(self.volume)
        self.volume.attachment = None
        self.state_message = None
        self.owner_alias = None
        self.lock = None
        if self.encrypted and not self.kms_key_id:
            self.kms_key_id = self.volume.kms_key_id

    replace.method(ebs.Snapshot, "__init__", init)


def _status(self: Any) -> str:
    """`pending` until its data is stored, as the clock says. Source: EC2 API Reference, Snapshot, status."""
    if self.__dict__.get("_status") == "error":
        return "error"
    return "pending" if clock.naive() < self.ready_at else "completed"


def _set_status(self: Any, status: str) -> None:
    self.__dict__["_status"] = status


def _progress(self: Any) -> str:
    """A percentage while it is pending. Source: EC2 API Reference, Snapshot, progress."""
    total = (self.ready_at - self.start_time).total_seconds()
    done = (clock.naive() - self.start_time).total_seconds()
    if done >= total:
        return "100%"
    return f"{max(0, min(99, int(100 * done / total)))}%"


def unknown(snapshot_id: str) -> EC2ClientError:
    """What AWS says of a snapshot that is not there."""
    return EC2ClientError("InvalidSnapshot.NotFound", f"The snapshot '{snapshot_id}' does not exist.")


def _get(self: Any, snapshot_id: str) -> Any:
    if snapshot_id not in self.snapshots:
        raise unknown(snapshot_id)
    return self.snapshots[snapshot_id]


def _describe(self: Any, snapshot_ids: list[str] | None = None, filters: Any = None) -> list[Any]:
    """By id through the index. Source: EC2 API Reference, DescribeSnapshots, SnapshotId.N."""
    found = (
        [self.get_snapshot(one) for one in dict.fromkeys(snapshot_ids)]
        if snapshot_ids
        else list(self.snapshots.values())
    )
    return list(generic_filter(filters, found))


def _describe_action(self: Any) -> ActionResult:
    """OwnerIds limits the answer; without it public snapshots are listed too. Source: EC2 API Reference, DescribeSnapshots, Owner.N."""
    found = self.ec2_backend.describe_snapshots(
        snapshot_ids=self._get_param("SnapshotIds", []), filters=self._filters_from_querystring()
    )
    owners = {self.current_account if owner == "self" else owner for owner in self._get_param("OwnerIds", [])}
    if owners:
        found = [s for s in found if s.owner_id in owners or s.owner_alias in owners]
    return ActionResult({"Snapshots": found})


def _create_set(
    self: Any, instance_spec: dict[str, Any], description: str, tags: dict[str, str]
) -> list[Any]:
    """Source: EC2 API Reference, InstanceSpecification, ExcludeBootVolume and ExcludeDataVolumeIds."""
    instance = self.get_instance(instance_spec["InstanceId"])
    boot = instance.root_device_name if truthy(instance_spec.get("ExcludeBootVolume", False)) else None
    excluded = set(instance_spec.get("ExcludeDataVolumeIds") or [])
    volumes = [
        b.volume_id
        for device, b in instance.get_block_device_mapping
        if device != boot and b.volume_id not in excluded
    ]
    made = [self.create_snapshot(volume, description=description) for volume in volumes]
    for snapshot in made:
        snapshot.add_tags(tags)
    return made


def _create_set_action(self: Any) -> ActionResult:
    """CopyTagsFromSource adds the volume's tags. Source: EC2 API Reference, CreateSnapshots, CopyTagsFromSource."""
    tags = self._parse_tag_specification().get("snapshot", {})
    self.error_on_dryrun()
    made = self.ec2_backend.create_snapshots(
        self._get_param("InstanceSpecification", {}), self._get_param("Description", ""), tags
    )
    if self._get_param("CopyTagsFromSource") == "volume":
        for snapshot in made:
            own = self.ec2_backend.tags.get(snapshot.volume_id, {})
            snapshot.add_tags(
                {key: value for key, value in own.items() if key not in tags and not key.startswith("aws:")}
            )
    return ActionResult({"Snapshots": made})


def _refuse_deletes() -> None:
    """A registered AMI and a lock hold a snapshot. Source: EC2 API Reference, DeleteSnapshot; EBS User Guide, snapshot lock."""
    original = ebs.EBSBackend.delete_snapshot

    def delete(self: Any, snapshot_id: str) -> Any:
        snapshot = self.get_snapshot(snapshot_id)
        for image in self.amis.values():
            if any(m.get("Ebs", {}).get("SnapshotId") == snapshot_id for m in image.block_device_mappings):
                raise EC2ClientError(
                    "InvalidSnapshot.InUse", f"The snapshot {snapshot_id} is currently in use by {image.id}"
                )
        if snapshot.owner_id != self.account_id:
            raise EC2ClientError("AuthFailure", f"You are not the owner of snapshot {snapshot_id}")
        ec2_locks.refuse_delete(snapshot)
        return original(self, snapshot_id)

    replace.method(ebs.EBSBackend, "delete_snapshot", delete)
