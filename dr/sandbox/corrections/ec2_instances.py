"""Instances: their volumes come from the AMI's snapshots, changed by the launch template and then by the call."""

from __future__ import annotations

import copy
import datetime as dt
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidAMIIdError
from moto.ec2.models import elastic_block_store as ebs
from moto.ec2.models import instances
from moto.ec2.responses.instances import InstanceResponse
from moto.ec2.utils import convert_tag_spec
from moto.ssm.models import ssm_backends

from dr.sandbox.clock import clock
from dr.sandbox.corrections import ec2_volumes, replace
from dr.sandbox.corrections.ec2_images import suppressed
from dr.sandbox.corrections.values import given, number, truthy

PARAMETER = "resolve:ssm:"
REMEMBERED = dt.timedelta(
    hours=1
)  # Source: EC2 User Guide, "Terminate your instance": visible for a short time, about an hour


def install() -> None:
    """Apply the corrections of instances."""
    _launch()
    replace.method(
        InstanceResponse,
        "_parse_block_device_mapping",
        lambda self: self._get_param("BlockDeviceMappings", []),
    )
    _launch_as_many_as_wanted()
    _forget_the_terminated()


def _launch() -> None:
    """Source: EC2 User Guide, "Block device mappings for volumes": the AMI's mapping, then the request's entries over it."""
    original = instances.InstanceBackend.run_instances

    def run(
        self: Any, image_id: Any, count: int, user_data: Any, security_group_names: list[str], **kwargs: Any
    ) -> Any:
        data = (
            self._get_template_from_args(kwargs["launch_template"]).data
            if kwargs.get("launch_template")
            else {}
        )
        image = _image(self, image_id or data.get("ImageId"))
        config = kwargs.get("launch_config")
        asked = (
            kwargs.pop("block_device_mappings", None)
            or (config.block_device_mapping_dict if config else None)
            or []
        )
        wanted = _merged(image, [*(data.get("BlockDeviceMappings") or []), *asked])
        for device, block in wanted.items():
            _check(self, device, block)
        tags = convert_tag_spec(data.get("TagSpecifications", [])).get("volume", {}) | (
            kwargs.get("tags") or {}
        ).get("volume", {})
        made = original(
            self, image.id, count, user_data, security_group_names, block_device_mappings=[], **kwargs
        )
        for instance in made.instances:
            for device, block in wanted.items():
                _attach(self, instance, device, block).add_tags(tags)
        return made

    replace.method(instances.InstanceBackend, "run_instances", run)


def _image(backend: Any, image_id: str | None) -> Any:
    """Source: EC2 error codes, InvalidAMIID.NotFound and InvalidAMIID.Unavailable; RunInstances, ImageId (`resolve:ssm:`)."""
    if not image_id:
        raise EC2ClientError("MissingParameter", "The request must contain the parameter ImageId")
    if image_id.startswith(PARAMETER):
        image_id = _resolved(backend, image_id.removeprefix(PARAMETER))
    image = backend.amis.get(image_id)
    if image is None and image_id not in backend.deleted_amis:
        raise InvalidAMIIdError([image_id])
    if image is None or image.state != "available":
        raise EC2ClientError("InvalidAMIID.Unavailable", f"The image id '[{image_id}]' is not available")
    return image


def _resolved(backend: Any, name: str) -> str:
    parameter = ssm_backends[backend.account_id][backend.region_name].get_parameter(name)
    if parameter is None:
        raise EC2ClientError("InvalidParameterValue", f"The parameter {name} was not found")
    return str(parameter.value)


def _merged(image: Any, asked: list[dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Device -> its EBS settings; later entries win, NoDevice takes a device away."""
    wanted = {m["DeviceName"]: copy.deepcopy(m["Ebs"]) for m in image.block_device_mappings if "Ebs" in m}
    for mapping in asked:
        device = mapping["DeviceName"]
        if suppressed(mapping):
            wanted.pop(device, None)
        elif given(mapping.get("Ebs")):
            wanted[device] = _overridden(image, device, wanted.get(device, {}), given(mapping["Ebs"]))
    return wanted


def _overridden(image: Any, device: str, base: dict[str, Any], asked: dict[str, Any]) -> dict[str, Any]:
    """The root volume keeps its snapshot; another device may come from another one; encryption is never taken off.

    Source: EC2 User Guide, "Block device mappings": of the root volume, size, type and DeleteOnTermination may be changed.
    """
    other = asked.get("SnapshotId") not in (None, base.get("SnapshotId"))
    if other and device == image.root_device_name:
        raise EC2ClientError("InvalidBlockDeviceMapping", "snapshotId cannot be modified on root device")
    if other:
        base = {k: v for k, v in base.items() if k == "DeleteOnTermination"}
    if asked.get("VolumeType") not in (None, base.get("VolumeType")):
        base = {k: v for k, v in base.items() if k not in ("Iops", "Throughput")}
    if not truthy(asked.get("Encrypted", False)):
        asked = {k: v for k, v in asked.items() if k != "Encrypted"}
    return {**base, **asked}


def _check(backend: Any, device: str, block: dict[str, Any]) -> None:
    """Refused before anything is launched. Source: EC2 API Reference, EbsBlockDevice: a snapshot id or a size is needed."""
    if block.get("SnapshotId"):
        ec2_volumes.size_from(backend.get_snapshot(block["SnapshotId"]), number(block.get("VolumeSize")))
    elif number(block.get("VolumeSize")) is None:
        raise EC2ClientError(
            "InvalidBlockDeviceMapping", f"Either snapshot ID or volume size must be provided for: {device}"
        )


def _attach(backend: Any, instance: Any, device: str, block: dict[str, Any]) -> Any:
    """Source: EC2 API Reference, EbsBlockDevice: gp2 unless said; deleted at termination unless said."""
    kind = block.get("VolumeType") or "gp2"
    volume = backend.create_volume(
        size=number(block.get("VolumeSize")),
        zone_name=instance.availability_zone,
        snapshot_id=block.get("SnapshotId"),
        encrypted=truthy(block.get("Encrypted", False)) or bool(block.get("KmsKeyId")),
        kms_key_id=block.get("KmsKeyId"),
        volume_type=kind,
        iops=number(block.get("Iops")) if kind in ebs.IOPS_SUPPORTED_VOLUME_TYPES else None,
        throughput=number(block.get("Throughput")) if kind == "gp3" else None,
    )
    backend.attach_volume(volume.id, instance.id, device, truthy(block.get("DeleteOnTermination", True)))
    return volume


def _launch_as_many_as_wanted() -> None:
    """MaxCount instances where there is room, and a sandbox has room. Source: EC2 API Reference, RunInstances, MaxCount."""
    original = InstanceResponse.run_instances

    def run_instances(self: Any) -> Any:
        self.params["MinCount"] = self._get_param("MaxCount") or self._get_param("MinCount") or 1
        return original(self)

    replace.method(InstanceResponse, "run_instances", run_instances)


def _forget_the_terminated() -> None:
    """A terminated instance is listed for about an hour, then gone. Source: EC2 User Guide, "Terminate your instance"."""
    terminate, listed = instances.Instance.terminate, instances.InstanceBackend.all_reservations

    def ended(self: Any) -> Any:
        self.__dict__.setdefault("terminated_at", clock.naive())
        return terminate(self)

    def visible(self: Any, filters: Any = None) -> list[Any]:
        limit, found = clock.naive() - REMEMBERED, []
        for reservation in listed(self, filters):  # copies: the lists in them may be replaced
            reservation.instances = [
                i for i in reservation.instances if i.__dict__.get("terminated_at", clock.naive()) > limit
            ]
            if reservation.instances:
                found.append(reservation)
        return found

    replace.method(instances.Instance, "terminate", ended)
    replace.method(instances.InstanceBackend, "all_reservations", visible)
