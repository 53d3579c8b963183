"""dr.aws on the sandbox: the cloud under test, and what arranges the things that it is to find."""

from __future__ import annotations

from collections.abc import Mapping

from making import INSTALLATION, REGION, SIZE

from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session


def spelled(tags: Mapping[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


class AwsWorld:
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

    def fail(self, point: str) -> None:
        state = "failed" if point.startswith("ami-") else "error"
        self.sandbox.control("state", {"id": point, "state": state})

    def hang(self, point: str) -> None:
        self.sandbox.control("state", {"id": point, "state": "pending"})

    def archive(self, snapshot: str) -> None:
        self.ec2.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")

    def lock(self, snapshot: str) -> None:
        self.ec2.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=1)

    def complete(self) -> None:
        self.sandbox.advance(120)
