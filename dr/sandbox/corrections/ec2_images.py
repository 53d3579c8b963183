"""Images: made of snapshots of every EBS volume of the instance, each a resource of its own that outlives the image."""

from __future__ import annotations

import copy
from typing import Any

from moto.core.exceptions import ServiceException
from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import amis
from moto.ec2.responses import EC2Response
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.utils import generic_filter, random_ami_id

from dr.sandbox.corrections import ec2_tags, ec2_volumes, replace, times
from dr.sandbox.corrections.values import given, number, truthy

NAME_LENGTH = range(3, 129)  # Source: EC2 API Reference, CreateImage, Name


class Image(amis.Ami):
    """An image whose block device mappings are what it was made of; `state` follows its snapshots."""

    def __init__(self, backend: Any, mappings: list[dict[str, Any]], **kwargs: Any) -> None:
        super().__init__(
            backend, **{"root_device_type": "ebs", "region_name": f"{backend.region_name}a", **kwargs}
        )
        backend.snapshots.pop(self.ebs_snapshot.id)  # the fixed 15 GB one that moto makes for every image
        self.mappings = mappings
        self.deprecation_time: str | None = None
        self.state_reason: dict[str, str] | None = None

    @property
    def block_device_mappings(self) -> list[dict[str, Any]]:
        """Source: EC2 API Reference, Image, blockDeviceMapping."""
        return self.__dict__.get("mappings", [])

    @property
    def state(self) -> str:
        """Pending until its snapshots are completed; failed with them. Source: EC2 API Reference, Image, imageState."""
        said = str(self.__dict__["_state"])
        if said != "available":
            return said
        states = {
            self.ec2_backend.snapshots[one].status
            for one in snapshots_of(self)
            if one in self.ec2_backend.snapshots
        }
        if "error" in states:
            return "failed"
        return "pending" if "pending" in states else "available"

    @state.setter
    def state(self, said: str) -> None:
        self.__dict__["_state"] = said


def install() -> None:
    """Apply the corrections of images."""
    replace.method(AmisResponse, "create_image", _create)
    replace.method(AmisResponse, "register_image", _register)
    replace.method(AmisResponse, "deregister_image", _deregister)
    _describe_with_filters()
    replace.action(EC2Response, enable_image_deprecation)
    replace.action(EC2Response, disable_image_deprecation)


def snapshots_of(image: Any) -> list[str]:
    """The ids of the snapshots that an image is made of."""
    return [m["Ebs"]["SnapshotId"] for m in image.block_device_mappings if m.get("Ebs", {}).get("SnapshotId")]


def check_name(backend: Any, name: str) -> None:
    """A name is unique in an account and Region. Source: EC2 error codes, InvalidAMIName.Duplicate and InvalidAMIName.Malformed."""
    if len(name) not in NAME_LENGTH:
        raise EC2ClientError(
            "InvalidAMIName.Malformed", "AMI names must be between 3 and 128 characters long"
        )
    for image in backend.amis.values():
        if image.name == name and image.owner_id == backend.account_id:
            raise EC2ClientError(
                "InvalidAMIName.Duplicate", f"AMI name {name} is already in use by AMI {image.id}"
            )


def suppressed(mapping: dict[str, Any]) -> bool:
    """NoDevice is set by being there, with an empty value. Source: EC2 API Reference, BlockDeviceMapping, NoDevice."""
    return "NoDevice" in mapping and mapping["NoDevice"] not in (None, False, "false")


def _create(self: Any) -> ActionResult:
    """Source: EC2 API Reference, CreateImage: snapshots of the volumes attached, tagged through TagSpecification; NoReboot."""
    backend, name = self.ec2_backend, self._get_param("Name")
    tags, parts = ec2_tags.of_specification(self, "image"), ec2_tags.of_specification(self, "snapshot")
    self.error_on_dryrun()
    check_name(backend, name)
    instance = backend.get_instance(self._get_param("InstanceId"))
    if instance.state not in ("running", "stopped"):
        raise EC2ClientError(
            "IncorrectInstanceState", f"Instance {instance.id} is {instance.state}: it can't be imaged"
        )
    image_id = random_ami_id()
    asked = {m["DeviceName"]: m for m in self._get_param("BlockDeviceMappings", [])}
    added = [
        _registered(backend, mapping)
        for device, mapping in asked.items()
        if device not in instance.block_device_mapping and not suppressed(mapping)
    ]
    captured = [
        _adjusted(_captured(backend, device, block, image_id, (instance, parts)), asked.get(device, {}))
        for device, block in instance.get_block_device_mapping
        if not suppressed(asked.get(device, {}))
    ]
    image = Image(
        backend,
        captured + added,
        ami_id=image_id,
        instance=instance,
        name=name,
        description=self._get_param("Description", ""),
        root_device_name=instance.root_device_name,
    )
    image.add_tags(tags)
    backend.amis[image_id] = image
    return ActionResult({"ImageId": image_id})


def _captured(
    backend: Any, device: str, block: Any, image_id: str, made_for: tuple[Any, dict[str, str]]
) -> dict[str, Any]:
    instance, tags = made_for
    volume = backend.get_volume(block.volume_id)
    snapshot = backend.create_snapshot(
        volume.id, f"Created by CreateImage({instance.id}) for {image_id}", from_ami=image_id
    )
    snapshot.add_tags(tags)
    found = {"Iops": number(volume.iops), "Throughput": number(volume.throughput)}
    return {
        "DeviceName": device,
        "Ebs": {
            "SnapshotId": snapshot.id,
            "VolumeSize": volume.size,
            "VolumeType": volume.volume_type,
            "Encrypted": bool(volume.encrypted),
            "DeleteOnTermination": bool(block.delete_on_termination),
            **given(found),
        },
    }


def _adjusted(mapping: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """Source: EC2 API Reference, CreateImage, BlockDeviceMapping.N: size, type and DeleteOnTermination may be changed."""
    changes = {
        k: v
        for k, v in given(asked.get("Ebs")).items()
        if k in ("DeleteOnTermination", "VolumeSize", "VolumeType", "Iops", "Throughput")
    }
    return {**mapping, "Ebs": {**mapping["Ebs"], **changes}}


def _register(self: Any) -> ActionResult:
    """Source: EC2 API Reference, RegisterImage: the mappings are kept; a root device that has a snapshot makes it launchable."""
    backend, name = self.ec2_backend, self._get_param("Name")
    tags = ec2_tags.of_specification(self, "image")
    self.error_on_dryrun()
    check_name(backend, name)
    image = Image(
        backend,
        [_registered(backend, m) for m in self._get_param("BlockDeviceMappings", [])],
        ami_id=random_ami_id(),
        name=name,
        description=self._get_param("Description", ""),
        root_device_name=self._get_param("RootDeviceName") or "/dev/sda1",
        architecture=self._get_param("Architecture") or "x86_64",
        virtualization_type=self._get_param("VirtualizationType") or "hvm",
    )
    image.add_tags(tags)
    backend.amis[image.id] = image
    return ActionResult({"ImageId": image.id})


def _registered(backend: Any, mapping: dict[str, Any]) -> dict[str, Any]:
    """Source: EC2 API Reference, EbsBlockDevice: with a snapshot, Encrypted must be left out; size defaults to the snapshot's."""
    if "Ebs" not in mapping:
        return copy.deepcopy(mapping)
    asked = given(mapping["Ebs"])
    filled = {
        "VolumeType": "gp2",
        "DeleteOnTermination": True,
        "Encrypted": truthy(asked.get("Encrypted", False)),
        **asked,
    }
    if "SnapshotId" in asked:
        if "Encrypted" in asked:
            raise EC2ClientError(
                "InvalidParameter",
                "Parameter encrypted is invalid. You cannot specify the encrypted flag if specifying a snapshot id in a block device mapping.",
            )
        snapshot = backend.get_snapshot(asked["SnapshotId"])
        filled |= {
            "VolumeSize": ec2_volumes.size_from(snapshot, number(asked.get("VolumeSize"))),
            "Encrypted": bool(snapshot.encrypted),
        }
    return {"DeviceName": mapping["DeviceName"], "Ebs": filled}


def _deregister(self: Any) -> ActionResult:
    """The snapshots stay unless they are asked for. Source: EC2 API Reference, DeregisterImage, DeleteAssociatedSnapshots."""
    self.error_on_dryrun()
    backend, image_id = self.ec2_backend, self._get_param("ImageId")
    image = backend.amis.get(image_id)
    if image is not None and image.owner_id != backend.account_id:
        raise EC2ClientError("AuthFailure", f"Not authorized for image: {image_id}")
    backend.deregister_image(image_id)
    answer: dict[str, Any] = {"Return": True}
    if truthy(self._get_param("DeleteAssociatedSnapshots", False)):
        answer["DeleteSnapshotResults"] = [_deleted(backend, one) for one in snapshots_of(image)]
    return ActionResult(answer)


def _deleted(backend: Any, snapshot_id: str) -> dict[str, str]:
    """Source: EC2 API Reference, DeleteSnapshotReturnCode: `skipped` where another image needs the snapshot."""
    try:
        backend.delete_snapshot(snapshot_id)
    except ServiceException as error:
        code = "skipped" if error.code == "InvalidSnapshot.InUse" else "client-error"
        return {"SnapshotId": snapshot_id, "ReturnCode": code}
    return {"SnapshotId": snapshot_id, "ReturnCode": "success"}


def _describe_with_filters() -> None:
    """Ids and filters go together. Source: EC2 API Reference, DescribeImages; moto drops the filters when ids are given."""
    original = amis.AmiBackend.describe_images

    def describe(
        self: Any, ami_ids: Any = None, filters: Any = None, exec_users: Any = None, owners: Any = None
    ) -> list[Any]:
        return list(
            generic_filter(filters, original(self, ami_ids=ami_ids, exec_users=exec_users, owners=owners))
        )

    replace.method(amis.AmiBackend, "describe_images", describe)


def enable_image_deprecation(self: Any) -> ActionResult:
    """Source: EC2 API Reference, EnableImageDeprecation: DescribeImages then shows deprecationTime."""
    self.error_on_dryrun()
    image = self.ec2_backend.describe_images(ami_ids=[self._get_param("ImageId")])[0]
    image.deprecation_time = times.iso(self._get_param("DeprecateAt"))
    return ActionResult({"Return": True})


def disable_image_deprecation(self: Any) -> ActionResult:
    """Source: EC2 API Reference, DisableImageDeprecation."""
    self.error_on_dryrun()
    self.ec2_backend.describe_images(ami_ids=[self._get_param("ImageId")])[0].deprecation_time = None
    return ActionResult({"Return": True})
