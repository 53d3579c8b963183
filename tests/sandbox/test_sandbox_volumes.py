"""Volumes and attachments as AWS documents them."""

from __future__ import annotations

import pytest
from ec2_helpers import completed, launch, one_snapshot, one_volume, refused, snapshot, unique, volume


def test_a_volume_is_born_from_a_completed_snapshot_with_its_size(slow, ec2):
    source = snapshot(ec2, volume(ec2, 7))
    with refused("IncorrectState"):
        ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a")
    completed(slow)
    made = ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a", VolumeType="gp3")
    found = one_volume(ec2, made["VolumeId"])
    assert (found["SnapshotId"], found["Size"], found["VolumeType"]) == (source, 7, "gp3")
    assert (found["Iops"], found["Throughput"]) == (3000, 125)


def test_a_volume_is_never_smaller_than_its_snapshot(slow, ec2):
    source = snapshot(ec2, volume(ec2, 7))
    completed(slow)
    with refused("InvalidParameterValue"):
        ec2.create_volume(SnapshotId=source, Size=6, AvailabilityZone="eu-west-1a")
    assert ec2.create_volume(SnapshotId=source, Size=8, AvailabilityZone="eu-west-1a")["Size"] == 8


@pytest.mark.parametrize("zone", ["eu-west-1z", "eu-central-1a", ""])
def test_a_volume_in_a_zone_that_the_region_lacks_is_refused(ec2, zone):
    with refused("InvalidZone.NotFound"):
        ec2.create_volume(Size=1, AvailabilityZone=zone)


def test_a_failed_or_unknown_snapshot_makes_no_volume(slow, ec2):
    source = snapshot(ec2)
    slow.control("state", {"id": source, "state": "error"})
    with refused("IncorrectState"):
        ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a")
    with refused("InvalidSnapshot.NotFound"):
        ec2.create_volume(SnapshotId="snap-00000000000000000", AvailabilityZone="eu-west-1a")


def test_encryption_follows_the_snapshot_and_is_never_taken_off(slow, ec2):
    source = snapshot(ec2, volume(ec2, Encrypted=True))
    completed(slow)
    assert one_snapshot(ec2, source)["Encrypted"]
    for asked in ({}, {"Encrypted": False}, {"Encrypted": True}):
        made = ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a", **asked)
        found = one_volume(ec2, made["VolumeId"])
        assert (found["Encrypted"], found["KmsKeyId"]) == (True, one_snapshot(ec2, source)["KmsKeyId"])


def test_an_unencrypted_snapshot_makes_an_encrypted_volume_on_request(slow, ec2):
    source = snapshot(ec2)
    completed(slow)
    assert not ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a")["Encrypted"]
    assert ec2.create_volume(SnapshotId=source, AvailabilityZone="eu-west-1a", Encrypted=True)["Encrypted"]


def test_the_same_client_token_makes_one_volume(ec2):
    token = unique()
    first, second = (volume(ec2, ClientToken=token) for _ in range(2))
    assert first == second
    with refused("IdempotentParameterMismatch"):
        volume(ec2, 5, ClientToken=token)


def test_a_device_takes_one_volume_and_a_volume_one_place(ec2):
    instance, first, second = launch(ec2), volume(ec2), volume(ec2)
    ec2.attach_volume(VolumeId=first, InstanceId=instance, Device="/dev/sdf")
    with refused("InvalidParameterValue"):
        ec2.attach_volume(VolumeId=second, InstanceId=instance, Device="/dev/sdf")
    with refused("VolumeInUse"):
        ec2.attach_volume(VolumeId=first, InstanceId=launch(ec2), Device="/dev/sdf")
    with refused("InvalidVolume.ZoneMismatch"):
        ec2.attach_volume(VolumeId=volume(ec2, zone="b"), InstanceId=instance, Device="/dev/sdg")


def test_volumes_are_found_by_the_instance_that_they_are_attached_to(ec2):
    instance, loose = launch(ec2), volume(ec2)
    ec2.attach_volume(VolumeId=loose, InstanceId=instance, Device="/dev/sdf")
    by = [{"Name": "attachment.instance-id", "Values": [instance]}, {"Name": "status", "Values": ["in-use"]}]
    found = ec2.describe_volumes(Filters=by)["Volumes"]
    assert loose in [v["VolumeId"] for v in found]
    assert len(found) == 2


def test_an_attached_volume_outlives_the_instance_and_the_root_does_not(ec2):
    instance, loose = launch(ec2), volume(ec2)
    by = [{"Name": "attachment.instance-id", "Values": [instance]}]
    root = ec2.describe_volumes(Filters=by)["Volumes"][0]["VolumeId"]
    ec2.attach_volume(VolumeId=loose, InstanceId=instance, Device="/dev/sdf")
    ec2.terminate_instances(InstanceIds=[instance])
    assert one_volume(ec2, loose)["State"] == "available"
    with refused("InvalidVolume.NotFound"):
        ec2.describe_volumes(VolumeIds=[root])
