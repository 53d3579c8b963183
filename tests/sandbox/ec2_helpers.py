"""What the EC2 conformance tests need again and again, in plain boto3."""

from __future__ import annotations

import uuid
from contextlib import contextmanager

import pytest
from botocore.exceptions import ClientError

PENDING = 60  # sandbox seconds: never over by itself during a test


def tags(kind, /, **pairs):
    return {"ResourceType": kind, "Tags": [{"Key": key, "Value": value} for key, value in pairs.items()]}


def unique(prefix="x"):
    return f"{prefix}-{uuid.uuid4().hex[:12]}"


@contextmanager
def refused(code):
    with pytest.raises(ClientError) as caught:
        yield caught
    assert caught.value.response["Error"]["Code"] == code


def volume(ec2, size=4, zone="a", **options):
    return ec2.create_volume(Size=size, AvailabilityZone=ec2.meta.region_name + zone, **options)["VolumeId"]


def snapshot(ec2, volume_id=None, **options):
    return ec2.create_snapshot(VolumeId=volume_id or volume(ec2), **options)["SnapshotId"]


def completed(sandbox):
    sandbox.advance(PENDING + 1)


def one_snapshot(ec2, snapshot_id):
    return ec2.describe_snapshots(SnapshotIds=[snapshot_id])["Snapshots"][0]


def one_volume(ec2, volume_id):
    return ec2.describe_volumes(VolumeIds=[volume_id])["Volumes"][0]


def one_image(ec2, image_id):
    return ec2.describe_images(ImageIds=[image_id])["Images"][0]


def one_instance(ec2, instance_id):
    return ec2.describe_instances(InstanceIds=[instance_id])["Reservations"][0]["Instances"][0]


def base_image(ec2):
    names = [{"Name": "name", "Values": ["al2023-ami-*-x86_64"]}]
    return ec2.describe_images(Owners=["amazon"], Filters=names)["Images"][0]["ImageId"]


def launch(ec2, image=None, **options):
    image = {} if "LaunchTemplate" in options else {"ImageId": image or base_image(ec2)}
    return ec2.run_instances(MinCount=1, MaxCount=1, **image, **options)["Instances"][0]["InstanceId"]


def devices(ec2, instance_id):
    """Device -> its volume, of an instance."""
    found = one_instance(ec2, instance_id)["BlockDeviceMappings"]
    return {m["DeviceName"]: one_volume(ec2, m["Ebs"]["VolumeId"]) for m in found}


def mapped(image):
    """Device -> its EBS settings, of an image."""
    return {m["DeviceName"]: m["Ebs"] for m in image["BlockDeviceMappings"]}
