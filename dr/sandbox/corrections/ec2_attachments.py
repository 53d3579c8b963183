"""Attachments: one volume at one place, one volume at one device, both in one zone."""

from __future__ import annotations

from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import elastic_block_store as ebs

from dr.sandbox.corrections import replace


def install() -> None:
    """Apply the corrections of attachments."""
    original = ebs.EBSBackend.attach_volume

    def attach(
        self: Any, volume_id: str, instance_id: str, device_path: str, delete_on_termination: bool = False
    ) -> Any:
        _refuse(self.get_volume(volume_id), self.get_instance(instance_id), device_path)
        return original(self, volume_id, instance_id, device_path, delete_on_termination)

    replace.method(ebs.EBSBackend, "attach_volume", attach)
    ebs.VolumeAttachment.delete_on_termination = property(_flag)


def _refuse(volume: Any, instance: Any, device: str) -> None:
    """Source: EC2 error codes, VolumeInUse, InvalidVolume.ZoneMismatch, IncorrectState, InvalidParameterValue; AttachVolume."""
    if volume.attachment:
        raise EC2ClientError("VolumeInUse", f"{volume.id} is already attached to an instance")
    if volume.availability_zone != instance.availability_zone:
        raise EC2ClientError(
            "InvalidVolume.ZoneMismatch",
            f"The volume '{volume.id}' is not in the same availability zone as instance '{instance.id}'",
        )
    if instance.state not in ("running", "stopped", "pending"):
        raise EC2ClientError("IncorrectState", f"Instance '{instance.id}' is not 'running'.")
    if device in instance.block_device_mapping:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Invalid value '{device}' for unixDevice. Attachment point {device} is already in use",
        )


def _flag(self: Any) -> bool:
    """The instance's mapping says it. Source: EC2 API Reference, VolumeAttachment, deleteOnTermination."""
    block = self.instance.block_device_mapping.get(self.device)
    return bool(block and block.delete_on_termination)
