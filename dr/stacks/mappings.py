"""The block device mappings of one instance: every disk of its points comes back, and none comes back twice."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dr.model import ImageDevice
from dr.stacks.attachments import Separate, device_key, is_root
from dr.stacks.disks import adjusted, adjustments
from dr.stacks.evaluate import NO_VALUE, Reference, is_intrinsic
from dr.stacks.pen import Pen
from dr.stacks.rebirth import InstanceRebirth, VolumeRebirth
from dr.stacks.template import properties

_MAPPINGS = "BlockDeviceMappings"
_EBS_KEYS = frozenset({"DeleteOnTermination", "Encrypted", "Iops", "KmsKeyId", "VolumeSize", "VolumeType"})
"""What the Ebs of an instance may say beside the snapshot; a launch template's may say more (Throughput)."""


class Mappings:
    """The block device mappings of one instance."""

    def __init__(self, pen: Pen, logical_id: str, rebirth: InstanceRebirth, separate: Separate) -> None:
        self._pen = pen
        self._id = logical_id
        self._rebirth = rebirth
        self._separate = separate
        self._properties = properties(pen.template.resources()[logical_id])
        roots = () if rebirth.image else [d for d in rebirth.devices if is_root(d, rebirth.devices)]
        self._devices = {device_key(d.device): d for d in rebirth.devices if d not in roots}

    def write(self) -> None:
        """Note the changes: of single values where the list is plain, else of the list as a whole."""
        raw = self._properties.get(_MAPPINGS)
        entries = self._pen.evaluator.unfold(raw)
        if entries is None or entries is NO_VALUE:
            entries = []
        if not isinstance(entries, list) or not all(_is_mapping(entry) for entry in entries):
            self._replace_unknown()
        elif isinstance(raw, list) and raw == entries and raw:
            self._change_in_place(entries)
        else:
            self._replace_whole(raw, entries)

    def _change_in_place(self, entries: list[dict[str, Any]]) -> None:
        for index, entry in enumerate(entries):
            device = self._device_of(entry)
            if device is not None:
                self._change_entry(index, entry, device)
        for entry, why in self._missing(entries):
            self._pen.front(self._id, (_MAPPINGS,), entry, why)

    def _change_entry(self, index: int, entry: dict[str, Any], device: ImageDevice) -> None:
        wanted, why = self._wanted(entry, device, self._overridden(device))
        if wanted == entry:
            return
        ebs = entry.get("Ebs")
        if (
            entry["DeviceName"] != device.device
            or "Ebs" not in wanted
            or not isinstance(ebs, dict)
            or not ebs
        ):
            self._pen.put(self._id, (_MAPPINGS, index), wanted, why)
            return
        for change in adjustments(self._pen.evaluator, ebs, _born(device), "VolumeSize", why):
            self._pen.adjust(self._id, (_MAPPINGS, index, "Ebs"), change)

    def _replace_whole(self, raw: Any, entries: list[dict[str, Any]]) -> None:
        devices = [self._device_of(entry) for entry in entries]
        pairs = zip(entries, devices, strict=True)
        wanted = [(e, "") if d is None else self._wanted(e, d, self._overridden(d)) for e, d in pairs]
        missing = self._missing(entries)
        reasons = [why for e, (w, why) in zip(entries, wanted, strict=True) if w != e] + [
            w for _, w in missing
        ]
        if reasons:
            value = [*(entry for entry, _ in missing), *(entry for entry, _ in wanted)]
            whole = "" if raw is None else "; the list is given through functions and replaced as a whole"
            self._pen.put(self._id, (_MAPPINGS,), value, "; ".join(dict.fromkeys(reasons)) + whole)

    def _replace_unknown(self) -> None:
        """Say for every disk where it comes from, when what the template says cannot be told."""
        value = [self._wanted({"DeviceName": d.device}, d, "")[0] for d in self._devices.values()]
        if value:
            why = (
                "what stands here cannot be told from the stored parameters; these are the disks that it had"
            )
            self._pen.put(self._id, (_MAPPINGS,), value, why)

    def _missing(self, entries: list[dict[str, Any]]) -> list[tuple[dict[str, Any], str]]:
        """The mappings that the template lacks."""
        there = {self._key(entry) for entry in entries}
        inherited = self._inherited()
        found = []
        for key, device in self._devices.items():
            apart = device.device in self._separate.suppressed
            if key in there or not self._needs_mapping(apart=apart):
                continue
            kind = {"VolumeType": device.volume_type} if device.volume_type else {}
            base = {"DeviceName": device.device, "Ebs": inherited.get(key, kind)}
            found.append(self._wanted(base, device, f"the data of {device.device}"))
        return found

    def _needs_mapping(self, *, apart: bool) -> bool:
        """Whether a disk that the template does not mention needs a mapping."""
        if self._rebirth.image is None:
            return not apart
        return apart or "LaunchTemplate" in self._properties

    def _wanted(self, entry: Mapping[str, Any], device: ImageDevice, why: str) -> tuple[dict[str, Any], str]:
        """The mapping that brings the disk back once, and why (`why`, where the disk is the instance's own)."""
        volume = self._separate.suppressed.get(device.device)
        if volume is not None and self._rebirth.image is not None:
            if "NoDevice" in entry and self._name(entry) == device.device:
                return dict(entry), ""
            apart = f"{device.device} comes back as {volume or 'an attached volume'}, not a second time from the image"
            return {"DeviceName": device.device, "NoDevice": {}}, apart
        if volume is not None:
            return dict(entry), ""
        ebs = entry.get("Ebs")
        disk = ebs if isinstance(ebs, dict) and not is_intrinsic(ebs) else {}
        born = adjustments(self._pen.evaluator, disk, _born(device), "VolumeSize")
        name = entry["DeviceName"] if self._name(entry) == device.device else device.device
        return {"DeviceName": name, "Ebs": adjusted(disk, born)}, why

    def _overridden(self, device: ImageDevice) -> str:
        if self._rebirth.image is None:
            return f"the data of {device.device}"
        return f"would hide the data that the image has for {device.device}"

    def _device_of(self, entry: dict[str, Any]) -> ImageDevice | None:
        return self._devices.get(self._key(entry))

    def _key(self, entry: Mapping[str, Any]) -> str:
        return device_key(self._name(entry))

    def _name(self, entry: Mapping[str, Any]) -> str:
        name = self._pen.evaluator.value(entry.get("DeviceName"))
        return name if isinstance(name, str) else ""

    def _inherited(self) -> dict[str, dict[str, Any]]:
        """The Ebs of each device that a launch template of the same stack maps."""
        reference = self._pen.evaluator.value(self._properties.get("LaunchTemplate"))
        target = reference.get("LaunchTemplateId") if isinstance(reference, dict) else None
        if not isinstance(target, Reference):
            return {}
        data = properties(self._pen.template.resources()[target.logical_id]).get("LaunchTemplateData")
        entries = self._pen.evaluator.unfold(data.get(_MAPPINGS)) if isinstance(data, dict) else []
        return {
            self._key(entry): {k: v for k, v in entry["Ebs"].items() if k in _EBS_KEYS}
            for entry in _plain(entries)
            if _is_mapping(entry) and isinstance(entry.get("Ebs"), dict)
        }


def _plain(entries: Any) -> list[dict[str, Any]]:
    return [e for e in entries if isinstance(e, dict)] if isinstance(entries, list) else []


def _is_mapping(entry: Any) -> bool:
    return isinstance(entry, dict) and "DeviceName" in entry


def _born(device: ImageDevice) -> VolumeRebirth:
    return VolumeRebirth(snapshot=device.snapshot, size=device.size, encrypted=device.encrypted)
