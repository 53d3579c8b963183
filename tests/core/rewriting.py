"""Short ways to write what the rewriter's tests need."""

from __future__ import annotations

from dr.model import ImageDevice
from dr.stacks.evaluate import Facts
from dr.stacks.rebirth import InstanceRebirth, Rebirth, Rewritten, VolumeRebirth
from dr.stacks.rewrite import rewrite
from dr.stacks.template import parse_template


def disk(device, snapshot, size=10, *, encrypted=False, root=False, kind=None):
    return ImageDevice(
        device=device, snapshot=snapshot, size=size, encrypted=encrypted, root=root, volume_type=kind
    )


def volume(snapshot="snap-new", size=10, *, encrypted=False):
    return VolumeRebirth(snapshot=snapshot, size=size, encrypted=encrypted)


def instance(*devices, image="ami-new", live=None):
    return InstanceRebirth(image=image, devices=devices, live=live or {})


def rewritten(text, *, parameters=None, **rebirth) -> Rewritten:
    return rewrite(parse_template(text), Facts(parameters=parameters or {}), Rebirth(**rebirth))


def props(result: Rewritten, logical_id):
    return result.template.tree["Resources"][logical_id]["Properties"]


def warnings(result: Rewritten):
    return [finding.message for finding in result.findings if finding.level == "warning"]


def errors(result: Rewritten):
    return [finding.message for finding in result.findings if finding.level == "error"]
