"""Which disks of an instance are volumes of their own: AWS::EC2::VolumeAttachment, `Volumes`, and what was live.

A device of an image is matched by the id of the volume that was attached when the stack was captured, where that is
known, and by its name. Names are compared as EC2 takes them: `/dev/sdf`, `/dev/xvdf`, `sdf` and `xvdf` are one
device. (`nvme` names are the guest's own and never appear in EC2's API.) What is suppressed is spelled as the image
spells it, since EC2 matches mappings by their text. Source: EC2 user guide, device names for volumes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr.model import ImageDevice
from dr.stacks.evaluate import Evaluator, Reference
from dr.stacks.rebirth import InstanceRebirth
from dr.stacks.template import Template, properties


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachment:
    """A volume that the template attaches: a logical id, an id of a volume outside of the stack, or "" if unknown."""

    instance: str
    volume: str
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Separate:
    """The devices of one instance's points that come back another way.

    `suppressed` leads from the device, as the point spells it, to the volume it belongs to. `displaced` are those
    that held another volume than the template attaches there; `loose` those whose volume no attachment names.
    """

    suppressed: Mapping[str, str]
    displaced: tuple[str, ...] = ()
    loose: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Attachments:
    """All attachments of a template, and the volumes that its stack will have."""

    entries: tuple[Attachment, ...]
    volumes: frozenset[str]

    def of(self, logical_id: str, rebirth: InstanceRebirth, volume_ids: Mapping[str, str]) -> Separate:
        """What of an instance's devices belongs to volumes; `volume_ids` leads from volume id to logical id."""
        mine = [entry for entry in self.entries if entry.instance == logical_id]
        by_name = {device_key(entry.device): entry.volume for entry in mine if entry.device}
        attached = {entry.volume for entry in mine} - {""}
        suppressed, displaced, loose = {}, [], []
        for device in rebirth.devices:
            live = rebirth.live.get(device.device, "")
            held = volume_ids.get(live, live)
            named = by_name.get(device_key(device.device))
            if is_root(device, rebirth.devices):
                continue
            if held in attached:
                suppressed[device.device] = held
            elif held in self.volumes:
                suppressed[device.device] = held
                loose.append(device.device)
            elif named is not None:
                suppressed[device.device] = named
                displaced += [device.device] if held and named else []
        return Separate(suppressed=suppressed, displaced=tuple(displaced), loose=tuple(loose))


def read_attachments(template: Template, evaluator: Evaluator) -> Attachments:
    """Every attachment that the stack will have."""
    entries = (*_resources(template, evaluator), *_volumes_properties(template, evaluator))
    volumes = frozenset(v for v in template.of_type("AWS::EC2::Volume") if evaluator.present(v))
    return Attachments(entries=entries, volumes=volumes)


def device_key(name: str) -> str:
    """A device name without the differences that EC2 does not see."""
    bare = name.removeprefix("/dev/")
    return "sd" + bare[3:] if bare.startswith("xvd") else bare


def is_root(device: ImageDevice, devices: Sequence[ImageDevice]) -> bool:
    """Whether a device is the one that the instance boots from; where nothing is marked so, by its reserved name.

    Source: EC2 user guide, device names for volumes (`/dev/sda1` and `/dev/xvda` are reserved for root).
    """
    if any(d.root for d in devices):
        return device.root
    return device_key(device.device) in ("sda", "sda1")


def _resources(template: Template, evaluator: Evaluator) -> Iterator[Attachment]:
    for logical_id, resource in template.of_type("AWS::EC2::VolumeAttachment").items():
        if evaluator.present(logical_id):
            found = evaluator.value(properties(resource))
            found = found if isinstance(found, dict) else {}
            instance = _name(found.get("InstanceId"))
            yield Attachment(
                instance=instance, volume=_name(found.get("VolumeId")), device=_text(found.get("Device"))
            )


def _volumes_properties(template: Template, evaluator: Evaluator) -> Iterator[Attachment]:
    for logical_id, resource in template.of_type("AWS::EC2::Instance").items():
        entries = evaluator.value(properties(resource).get("Volumes"))
        for entry in entries if isinstance(entries, list) and evaluator.present(logical_id) else ():
            if isinstance(entry, dict):
                device = _text(entry.get("Device"))
                yield Attachment(instance=logical_id, volume=_name(entry.get("VolumeId")), device=device)


def _name(value: Any) -> str:
    return value.logical_id if isinstance(value, Reference) else _text(value)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""
