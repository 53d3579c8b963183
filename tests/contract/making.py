"""Points made as the executor makes them, through the cloud of any world."""

from __future__ import annotations

from datetime import UTC, datetime

from dr import layout
from dr.model import Kind, Lineage, Protect, Source
from dr.ports import Cloud, ImageTags

REGION = "eu-west-1"
SLOT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
INSTALLATION = "acme"
SIZE = 8
"""GiB of every volume."""


def lineage_of(cloud: Cloud, source: str, policy: str = "nightly") -> Lineage:
    return Lineage(policy=policy, account=cloud.account, region=REGION, source=source)


def snapshot_of(cloud: Cloud, volume: str, slot: datetime = SLOT) -> str:
    return cloud.create_snapshot(REGION, volume, volume_tags(cloud, volume, slot))


def image_of(cloud: Cloud, instance: str, slot: datetime = SLOT) -> str:
    name = layout.image_name(INSTALLATION, lineage_of(cloud, instance), slot)
    return cloud.create_image(REGION, instance, name, image_tags(cloud, instance, slot), reboot=False)


def volume_tags(cloud: Cloud, volume: str, slot: datetime = SLOT) -> dict[str, str]:
    return _tags(cloud, volume, Protect.VOLUMES, Kind.SNAPSHOT, slot)


def image_tags(cloud: Cloud, instance: str, slot: datetime = SLOT) -> ImageTags:
    return ImageTags(
        image=_tags(cloud, instance, Protect.INSTANCES, Kind.IMAGE, slot),
        parts=_tags(cloud, instance, Protect.INSTANCES, layout.KIND_IMAGE_PART, slot),
    )


def _tags(cloud: Cloud, source: str, protect: Protect, kind: str, slot: datetime) -> dict[str, str]:
    thing = Source(id=source, protect=protect, account=cloud.account, region=REGION)
    return layout.point_tags(INSTALLATION, lineage_of(cloud, source), slot, kind, thing).tags
