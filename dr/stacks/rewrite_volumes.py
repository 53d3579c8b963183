"""AWS::EC2::Volume: born from its snapshot."""

from __future__ import annotations

from dr.stacks.disks import adjustments
from dr.stacks.pen import Pen
from dr.stacks.rebirth import VolumeRebirth
from dr.stacks.template import properties


def rewrite_volume(pen: Pen, logical_id: str, born: VolumeRebirth, *, from_image: bool) -> None:
    """Note what has to change for the volume to be born from its snapshot."""
    why = "it has no snapshot of its own; the image of its instance holds it" if from_image else "its data"
    found = properties(pen.template.resources()[logical_id])
    for change in adjustments(pen.evaluator, found, born, "Size", why):
        pen.adjust(logical_id, (), change)
