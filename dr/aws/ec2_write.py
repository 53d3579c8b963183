"""EC2's changing calls. Creates are one attempt and carry their tags; a delete of what is gone is success."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING

from dr import layout
from dr.aws.errors import field, translated
from dr.aws.session import Purpose, Session
from dr.errors import NotFound
from dr.ports import ImageTags

if TYPE_CHECKING:
    from mypy_boto3_ec2.literals import ResourceTypeType
    from mypy_boto3_ec2.type_defs import TagSpecificationTypeDef

_DESCRIPTION = 255
"""Characters. Source: EC2 API reference, CreateImage and CreateSnapshot, Description."""


def create_snapshot(session: Session, region: str, volume: str, tags: Mapping[str, str]) -> str:
    """CreateSnapshot, once; the id."""
    action = "ec2:CreateSnapshot"
    with translated(action, region):
        answer = session.ec2(region, Purpose.ONCE).create_snapshot(
            VolumeId=volume,
            Description=_description(tags),
            TagSpecifications=[_specification("snapshot", tags)],
        )
    return str(field(answer, "SnapshotId", action, region))


def create_image(
    session: Session, region: str, instance: str, name: str, tags: ImageTags, *, reboot: bool
) -> str:
    """CreateImage, once; the id. Without `NoReboot` EC2 would restart the instance (FAILURES 1.4)."""
    action = "ec2:CreateImage"
    with translated(action, region):
        answer = session.ec2(region, Purpose.ONCE).create_image(
            InstanceId=instance,
            Name=name,
            Description=_description(tags.image),
            NoReboot=not reboot,
            TagSpecifications=[_specification("image", tags.image), _specification("snapshot", tags.parts)],
        )
    return str(field(answer, "ImageId", action, region))


def delete_snapshot(session: Session, region: str, snapshot: str) -> None:
    """DeleteSnapshot. Raises `InUse` when an image needs it."""
    with suppress(NotFound), translated("ec2:DeleteSnapshot", region):
        session.ec2(region).delete_snapshot(SnapshotId=snapshot)


def deregister_image(session: Session, region: str, image: str) -> None:
    """DeregisterImage; its snapshots stay: they go one by one, each looked at (FAILURES 2, row 26)."""
    with suppress(NotFound), translated("ec2:DeregisterImage", region):
        session.ec2(region).deregister_image(ImageId=image)


def _specification(kind: ResourceTypeType, tags: Mapping[str, str]) -> TagSpecificationTypeDef:
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in tags.items()]}


def _description(tags: Mapping[str, str]) -> str:
    facts = (tags.get(key, "") for key in (layout.POLICY, layout.SLOT, layout.SOURCE))
    return f"dr {' '.join(fact for fact in facts if fact)}"[:_DESCRIPTION]
