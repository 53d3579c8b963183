"""AWS::EC2::Instance: born from an image, or from volume snapshots where there is no image.

An image brings all its disks. A mapping of the template for one of them would hide its data, so it gets the image's
snapshot; a disk that comes back as a volume of its own is suppressed with `NoDevice: {}`. An `ImageId` given on the
instance overrides the one of its launch template, and mappings given on it override the launch template's for the
same device: an instance with a launch template gets an explicit mapping for every disk of the image.

Without an image the root disk cannot be given a snapshot: of the root volume, size, type and DeleteOnTermination are
all that a mapping may override. That is told, and the other disks get their snapshots.

Source: CloudFormation template reference, BlockDeviceMapping (exactly one of VirtualName, Ebs, NoDevice; NoDevice is
JSON); AWS knowledge center, root volume properties in CloudFormation; RunInstances, LaunchTemplate ("parameters that
you specify override the same parameters in the launch template").
"""

from __future__ import annotations

from collections.abc import Iterable

from dr.stacks.attachments import Separate, device_key, is_root
from dr.stacks.mappings import Mappings
from dr.stacks.pen import Pen
from dr.stacks.rebirth import InstanceRebirth
from dr.stacks.template import properties


def rewrite_instance(pen: Pen, logical_id: str, rebirth: InstanceRebirth, separate: Separate) -> None:
    """Note what has to change for the instance to be born with its disks."""
    _tell(pen, logical_id, rebirth, separate)
    if rebirth.image is not None:
        pen.put(logical_id, ("ImageId",), rebirth.image, "its data")
    Mappings(pen, logical_id, rebirth, separate).write()


def _tell(pen: Pen, logical_id: str, rebirth: InstanceRebirth, separate: Separate) -> None:
    if rebirth.image is None:
        _tell_roots(pen, logical_id, rebirth)
    for device in separate.displaced:
        pen.warn(
            f"{logical_id}: {device} held {rebirth.live[device]}, while the template attaches"
            f" {separate.suppressed[device]} there; {separate.suppressed[device]} comes back at {device}",
            "compare the two disks after the restore, or attach a volume made from the other one's snapshot",
        )
    for device in separate.loose:
        pen.warn(
            f"{logical_id}: {separate.suppressed[device]} was attached by hand at {device}; the template does not attach it",
            f"attach the restored volume of {separate.suppressed[device]} to the restored instance",
        )
    for device in _empty(pen, logical_id, rebirth):
        pen.warn(
            f"{logical_id}: {device} comes up empty: no chosen point holds a disk of this name",
            "choose another point if it held data",
        )


def _tell_roots(pen: Pen, logical_id: str, rebirth: InstanceRebirth) -> None:
    for device in rebirth.devices:
        if is_root(device, rebirth.devices):
            pen.warn(
                f"{logical_id}: its root disk comes from the template's image, not from {device.snapshot}:"
                " EC2 takes no snapshot for a root disk at launch, and there is no image of this instance",
                "protect the instance (protect: instances), or register an image from the snapshot and choose that",
            )


def _empty(pen: Pen, logical_id: str, rebirth: InstanceRebirth) -> Iterable[str]:
    """The devices that the template maps to new, empty disks."""
    known = {device_key(device.device) for device in rebirth.devices}
    entries = pen.evaluator.value(properties(pen.template.resources()[logical_id]).get("BlockDeviceMappings"))
    for entry in entries if isinstance(entries, list) and known else ():
        if (
            isinstance(entry, dict)
            and isinstance(entry.get("Ebs"), dict)
            and "SnapshotId" not in entry["Ebs"]
        ):
            device = entry.get("DeviceName")
            if isinstance(device, str) and device_key(device) not in known:
                yield device
