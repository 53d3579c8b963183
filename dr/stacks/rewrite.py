"""Rewrite a template so that its stack is born with the data of recovery points.

    template + facts + rebirth --attachments--> which disks belong to which volume
                               --volumes------> SnapshotId, Size, Encrypted of AWS::EC2::Volume
                               --instances----> ImageId, BlockDeviceMappings of AWS::EC2::Instance
                               --edits--------> the same text, changed in those places only

Attachments come first because they decide where a disk comes back: a disk that is a volume of the stack is born from
the volume's snapshot and suppressed in the image of the instance, so that no disk comes back twice and no attachment
finds its device taken. A volume that has no snapshot of its own takes the one that the image has of it.
"""

from __future__ import annotations

from collections.abc import Mapping

from dr.stacks.attachments import Attachments, read_attachments
from dr.stacks.edit import Put, edit
from dr.stacks.evaluate import Evaluator, Facts
from dr.stacks.pen import Pen
from dr.stacks.rebirth import InstanceRebirth, Rebirth, Rewritten, VolumeRebirth
from dr.stacks.rewrite_instances import rewrite_instance
from dr.stacks.rewrite_volumes import rewrite_volume
from dr.stacks.template import Template, properties

VOLUME, INSTANCE = "AWS::EC2::Volume", "AWS::EC2::Instance"
NESTED = "AWS::CloudFormation::Stack"

IMAGE_PROPERTY = {
    "AWS::EC2::LaunchTemplate": ("LaunchTemplateData", "ImageId"),
    "AWS::AutoScaling::LaunchConfiguration": ("ImageId",),
}
"""Where what starts machines by itself names its image: `image_for` gives another."""


def rewrite(template: Template, facts: Facts, rebirth: Rebirth) -> Rewritten:
    """The template with its data, each change with its reason, and what a person should know."""
    evaluator = Evaluator(template, facts)
    pen = Pen(template, evaluator)
    attachments = read_attachments(template, evaluator)
    from_images = _volumes_from_images(rebirth, attachments)
    volumes = {**from_images, **rebirth.volumes}
    born = [*volumes, *rebirth.instances]
    for logical_id, volume in volumes.items():
        if _is_there(pen, logical_id, VOLUME):
            rewrite_volume(pen, logical_id, volume, from_image=logical_id in from_images)
    for logical_id, instance in rebirth.instances.items():
        if _is_there(pen, logical_id, INSTANCE):
            rewrite_instance(
                pen, logical_id, instance, attachments.of(logical_id, instance, rebirth.volume_ids)
            )
            _handle_user_data(pen, logical_id, drop=rebirth.user_data == "drop")
    _give_images(pen, rebirth.image_for)
    _give_template_urls(pen, rebirth.template_urls)
    return Rewritten(
        template=edit(template, pen.edits()),
        changes=tuple(pen.changes),
        findings=tuple(pen.findings),
        from_images=from_images,
        absent=frozenset(name for name in born if not evaluator.present(name)),
    )


def set_template_url(template: Template, logical_id: str, url: str) -> Template:
    """The template with another TemplateURL for one nested stack."""
    return edit(template, [Put(path=("Resources", logical_id, "Properties", "TemplateURL"), value=url)])


def _volumes_from_images(rebirth: Rebirth, attachments: Attachments) -> dict[str, VolumeRebirth]:
    """The volumes without a snapshot of their own whose data an instance's devices hold."""
    found: dict[str, VolumeRebirth] = {}
    for logical_id, instance in rebirth.instances.items():
        devices = {device.device: device for device in instance.devices}
        for name, volume in attachments.of(logical_id, instance, rebirth.volume_ids).suppressed.items():
            if volume in attachments.volumes and volume not in rebirth.volumes:
                device = devices[name]
                found[volume] = VolumeRebirth(
                    snapshot=device.snapshot, size=device.size, encrypted=device.encrypted
                )
    return found


def _is_there(pen: Pen, logical_id: str, kind: str) -> bool:
    """Whether the stack will have the resource. One whose condition does not hold is left alone, and told."""
    if logical_id not in pen.template.of_type(kind):
        pen.fail(
            f"{logical_id}: the template has no {kind} of this name, so its data has no place to return to",
            "restore a version of the stack that has it, or restore the volume or instance by itself",
        )
        return False
    if pen.evaluator.present(logical_id):
        return True
    pen.warn(
        f"{logical_id}: its condition does not hold in this restore, so that neither it nor its data comes back",
        "give the parameters that the condition rests on the values that they had, if it should",
        about="data",
    )
    return False


def _handle_user_data(pen: Pen, logical_id: str, *, drop: bool) -> None:
    found = properties(pen.template.resources()[logical_id])
    if drop and "UserData" in found:
        pen.drop(logical_id, ("UserData",), "asked for with --user-data drop")
    elif "UserData" in found or "LaunchTemplate" in found:
        origin = "UserData" if "UserData" in found else "the UserData of its launch template, if it has one,"
        pen.warn(
            f"{logical_id}: {origin} runs again on the restored machine, because cloud-init sees a new instance id",
            "make sure that it may run twice on the same disks, or use --user-data drop",
        )


def _give_images(pen: Pen, image_for: Mapping[str, str]) -> None:
    for logical_id, image in image_for.items():
        kind = pen.template.resources().get(logical_id, {}).get("Type")
        steps = IMAGE_PROPERTY.get(str(kind))
        if steps is None:
            pen.fail(
                f"image_for.{logical_id}: the template has no launch template or launch configuration of this name",
                f"name one of: {', '.join(pen.template.of_type(*IMAGE_PROPERTY)) or 'it has none'}",
            )
        elif pen.evaluator.present(logical_id):
            pen.put(logical_id, steps, image, "asked for with image_for")


def _give_template_urls(pen: Pen, urls: Mapping[str, str]) -> None:
    for logical_id, url in urls.items():
        if _is_there(pen, logical_id, NESTED):
            pen.put(logical_id, ("TemplateURL",), url, "the nested template is rewritten as well")


__all__ = ["InstanceRebirth", "Rebirth", "Rewritten", "VolumeRebirth", "rewrite", "set_template_url"]
