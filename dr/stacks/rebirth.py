"""What the rewriter is given and what it gives back: plain values, mapped from recovery points by the restore."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from dr.model import ImageDevice
from dr.stacks.edit import Path
from dr.stacks.template import Template

UserData = Literal["keep", "drop"]
About = Literal["", "data", "unchecked", "store"]


@dataclass(frozen=True, slots=True, kw_only=True)
class VolumeRebirth:
    """The snapshot that a volume of the stack is to be born from; size in GiB."""

    snapshot: str
    size: int
    encrypted: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceRebirth:
    """What an instance is to be born from: an image with its devices, or (image None) volume snapshots by device.

    `live` is what was attached when the stack was captured: device name to volume id.
    """

    image: str | None
    devices: tuple[ImageDevice, ...]
    live: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebirth:
    """Everything that one template is to be born with.

    `volume_ids` leads from every volume id that a logical id ever had to that logical id. `image_for` gives launch
    templates and launch configurations an image; `template_urls` gives nested stacks their rewritten templates.
    """

    volumes: Mapping[str, VolumeRebirth] = field(default_factory=dict)
    instances: Mapping[str, InstanceRebirth] = field(default_factory=dict)
    volume_ids: Mapping[str, str] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)
    template_urls: Mapping[str, str] = field(default_factory=dict)
    user_data: UserData = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One change of one resource's property; `path` begins at the root of the template.

    `old` is the text that stood there, None where nothing did; `new` is the value, None where the key is dropped.
    With `front` the value is put in front of the list at `path`.
    """

    logical_id: str
    path: Path
    old: str | None
    new: Any
    why: str
    front: bool = False

    @property
    def property(self) -> str:
        """The property's name for people, such as `BlockDeviceMappings[0].Ebs.SnapshotId`."""
        steps = self.path[3:] or self.path[2:]
        return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in steps).lstrip(".")


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something that a person should know; an error stops the restore.

    `about` tells what a warning stands for: data which does not come back, a check that could not be made, or a store that is
    away, in which the journal of a restore may lie.
    """

    level: Literal["error", "warning"]
    message: str
    remedy: str
    about: About = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rewritten:
    """A template whose resources are born with their data.

    `from_images` names the volumes that had no snapshot of their own and take the one of their device in an image,
    `absent` what has data and whose condition does not hold.
    """

    template: Template
    changes: tuple[Change, ...] = ()
    findings: tuple[Finding, ...] = ()
    from_images: Mapping[str, VolumeRebirth] = field(default_factory=dict)
    absent: frozenset[str] = frozenset()
