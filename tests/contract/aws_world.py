"""dr.aws on the sandbox: the cloud under test, and what arranges the things that it is to find."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from dr import layout
from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session
from dr.model import Kind, Lineage, Protect, Source
from dr.ports import Cloud, ImageTags

REGION = "eu-west-1"
SLOT = datetime(2026, 3, 29, 1, 0, tzinfo=UTC)
INSTALLATION = "acme"
SIZE = 8
"""GiB of every volume."""


def spelled(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class Making:
    """Points as the executor makes them, through the cloud under test."""

    cloud: Cloud

    def lineage(self, source: str, policy: str = "nightly") -> Lineage:
        return Lineage(policy=policy, account=self.cloud.account, region=REGION, source=source)

    def snapshot(self, volume: str, slot: datetime = SLOT, cloud: Cloud | None = None) -> str:
        """A point made as the executor makes it."""
        tags = self.tags(volume, Protect.VOLUMES, Kind.SNAPSHOT, slot)
        return (cloud or self.cloud).create_snapshot(REGION, volume, tags)

    def image(self, instance: str, slot: datetime = SLOT) -> str:
        name = layout.image_name(INSTALLATION, self.lineage(instance), slot)
        return self.cloud.create_image(REGION, instance, name, self.image_tags(instance, slot), reboot=False)

    def image_tags(self, instance: str, slot: datetime = SLOT) -> ImageTags:
        return ImageTags(
            image=self.tags(instance, Protect.INSTANCES, Kind.IMAGE, slot),
            parts=self.tags(instance, Protect.INSTANCES, layout.KIND_IMAGE_PART, slot),
        )

    def tags(self, source: str, protect: Protect, kind: str, slot: datetime = SLOT) -> dict[str, str]:
        thing = Source(id=source, protect=protect, account=self.cloud.account, region=REGION)
        return layout.point_tags(INSTALLATION, self.lineage(source), slot, kind, thing).tags


class AwsWorld(Making):
    """dr.aws on the sandbox. `page` is small, so that every listing has several pages."""

    def __init__(self, sandbox, page: int = 5) -> None:
        self.sandbox = sandbox
        self.ec2 = sandbox.client("ec2")
        keys = Keys(access_key="AKIASANDBOX", secret_key="sandbox")
        access = Access(region=REGION, endpoint_url=sandbox.url, keys=keys, attempts=1)
        self.session = Session(access, now=sandbox.now)
        self._page = page
        self.cloud = self.another(INSTALLATION)

    def another(self, installation: str) -> Ec2Cloud:
        return Ec2Cloud(self.session, installation, page=self._page)

    def add_volume(self, tags: Mapping[str, str]) -> str:
        specification = [{"ResourceType": "volume", "Tags": spelled(tags)}] if tags else []
        made = self.ec2.create_volume(
            Size=SIZE, AvailabilityZone=f"{REGION}a", TagSpecifications=specification
        )
        return made["VolumeId"]

    def add_instance(self, tags: Mapping[str, str]) -> str:
        names = [{"Name": "name", "Values": ["al2023-ami-*-x86_64"]}]
        image = self.ec2.describe_images(Owners=["amazon"], Filters=names)["Images"][0]["ImageId"]
        made = self.ec2.run_instances(
            ImageId=image,
            MinCount=1,
            MaxCount=1,
            BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": SIZE}}],
            TagSpecifications=[{"ResourceType": "instance", "Tags": spelled(tags)}] if tags else [],
        )
        return made["Instances"][0]["InstanceId"]

    def terminate(self, instance: str) -> None:
        self.ec2.terminate_instances(InstanceIds=[instance])

    def register_image_on(self, snapshot: str) -> str:
        disk = {"DeviceName": "/dev/sda1", "Ebs": {"SnapshotId": snapshot}}
        made = self.ec2.register_image(
            Name=f"somebody's of {snapshot}", RootDeviceName="/dev/sda1", BlockDeviceMappings=[disk]
        )
        return made["ImageId"]

    def name_image(self, instance: str, name: str) -> str:
        return self.ec2.create_image(InstanceId=instance, Name=name)["ImageId"]

    def mark(self, resource: str, tags: Mapping[str, str]) -> None:
        self.ec2.create_tags(Resources=[resource], Tags=spelled(tags))

    def complete(self) -> None:
        self.sandbox.advance(120)
