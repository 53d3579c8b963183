"""Snapshots as AWS documents them."""

from __future__ import annotations

import datetime as dt

from ec2_helpers import (
    base_image,
    completed,
    devices,
    launch,
    mapped,
    one_image,
    one_snapshot,
    refused,
    snapshot,
    tags,
    unique,
    volume,
)


def test_a_snapshot_is_pending_with_progress_before_it_is_completed(slow, ec2):
    made = ec2.create_snapshot(VolumeId=volume(ec2))
    assert made["State"] == "pending"
    slow.advance(30)
    half = one_snapshot(ec2, made["SnapshotId"])
    assert (half["State"], 40 < int(half["Progress"].rstrip("%")) < 100) == ("pending", True)
    slow.advance(31)
    done = one_snapshot(ec2, made["SnapshotId"])
    assert (done["State"], done["Progress"]) == ("completed", "100%")
    assert done["CompletionTime"] > done["StartTime"]


def test_a_snapshot_keeps_the_volumes_size_when_the_volume_grows_or_goes(slow, ec2):
    source = volume(ec2, 4)
    made = snapshot(ec2, source)
    ec2.modify_volume(VolumeId=source, Size=9)
    assert one_snapshot(ec2, made)["VolumeSize"] == 4
    ec2.delete_volume(VolumeId=source)
    assert one_snapshot(ec2, made)["VolumeId"] == source


def test_snapshots_are_filtered_by_volume_start_time_status_and_owner(slow, ec2):
    source = volume(ec2)
    old = snapshot(ec2, source)
    completed(slow)
    slow.advance(86_400)
    new = snapshot(ec2, source)
    day = one_snapshot(ec2, new)["StartTime"].astimezone(dt.UTC).strftime("%Y-%m-%d*")
    mine = {"Name": "volume-id", "Values": [source]}

    def found(**more):
        filters = [
            mine,
            *({"Name": name.replace("_", "-"), "Values": values} for name, values in more.items()),
        ]
        return [
            s["SnapshotId"] for s in ec2.describe_snapshots(Filters=filters, OwnerIds=["self"])["Snapshots"]
        ]

    assert found() == [old, new]
    assert found(start_time=[day]) == [new]
    assert found(status=["completed"]) == [old]
    assert found(status=["completed", "pending"]) == [old, new]
    assert found(volume_id=["vol-other"]) == []


def test_listing_our_own_snapshots_leaves_amazons_out(ec2):
    root = mapped(one_image(ec2, base_image(ec2)))["/dev/xvda"]["SnapshotId"]
    assert one_snapshot(ec2, root)["OwnerAlias"] == "amazon"
    assert root not in [s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"]]
    assert root in [s["SnapshotId"] for s in ec2.describe_snapshots(OwnerIds=["amazon"])["Snapshots"]]


def test_an_unknown_snapshot_is_not_found(ec2):
    with refused("InvalidSnapshot.NotFound"):
        ec2.describe_snapshots(SnapshotIds=["snap-00000000000000000"])
    with refused("InvalidSnapshot.NotFound"):
        ec2.delete_snapshot(SnapshotId="snap-00000000000000000")


def test_tags_of_the_create_call_are_there_at_once(ec2):
    made = snapshot(ec2, TagSpecifications=[tags("snapshot", colour="red")])
    assert one_snapshot(ec2, made)["Tags"] == [{"Key": "colour", "Value": "red"}]


def test_a_copy_is_pending_first_and_forgets_the_source_volume_and_tags(slow, ec2):
    source = snapshot(ec2, TagSpecifications=[tags("snapshot", colour="red")])
    there = slow.client("ec2", "eu-central-1")
    with refused("IncorrectState"):
        there.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source)
    completed(slow)
    made = there.copy_snapshot(
        SourceRegion="eu-west-1", SourceSnapshotId=source, TagSpecifications=[tags("snapshot", copy="yes")]
    )
    copied = one_snapshot(there, made["SnapshotId"])
    assert (copied["State"], copied["VolumeId"]) == ("pending", "vol-ffffffff")
    assert copied["Tags"] == [{"Key": "copy", "Value": "yes"}]
    completed(slow)
    assert one_snapshot(there, made["SnapshotId"])["State"] == "completed"


def test_a_copy_is_encrypted_on_request_and_stays_so(slow, ec2):
    source = snapshot(ec2)
    completed(slow)
    made = ec2.copy_snapshot(SourceRegion="eu-west-1", SourceSnapshotId=source, Encrypted=True)["SnapshotId"]
    assert one_snapshot(ec2, made)["Encrypted"]
    assert one_snapshot(ec2, made)["KmsKeyId"].startswith("arn:aws:kms:")


def test_a_set_takes_all_volumes_or_those_asked_for_and_their_tags(ec2):
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5}}]
    instance = launch(
        ec2, BlockDeviceMappings=extra, TagSpecifications=[tags("volume", colour="red", shape="round")]
    )
    data = devices(ec2, instance)["/dev/sdf"]["VolumeId"]
    both = ec2.create_snapshots(InstanceSpecification={"InstanceId": instance})["Snapshots"]
    assert len(both) == 2
    without_boot = ec2.create_snapshots(
        InstanceSpecification={"InstanceId": instance, "ExcludeBootVolume": True},
        CopyTagsFromSource="volume",
        TagSpecifications=[tags("snapshot", colour="blue")],
    )["Snapshots"]
    assert [s["VolumeId"] for s in without_boot] == [data]
    found = {t["Key"]: t["Value"] for t in one_snapshot(ec2, without_boot[0]["SnapshotId"])["Tags"]}
    assert found == {"colour": "blue", "shape": "round"}
    only_boot = ec2.create_snapshots(
        InstanceSpecification={"InstanceId": instance, "ExcludeDataVolumeIds": [data]}
    )["Snapshots"]
    assert data not in [s["VolumeId"] for s in only_boot]


def test_a_test_can_make_a_snapshot_fail(slow, ec2):
    made = snapshot(ec2)
    slow.control("state", {"id": made, "state": "error"})
    assert one_snapshot(ec2, made)["State"] == "error"
    assert one_snapshot(ec2, made)["StateMessage"]
    completed(slow)
    assert one_snapshot(ec2, made)["State"] == "error"
    slow.control("state", {"id": made, "state": "completed"})
    assert one_snapshot(ec2, made)["State"] == "completed"


def test_states_that_aws_does_not_have_and_unknown_ids_are_refused(sandbox, ec2):
    made = snapshot(ec2)
    assert sandbox.ask("POST", "state", f'{{"id": "{made}", "state": "lost"}}')[0] == 400
    assert sandbox.ask("POST", "state", '{"id": "snap-1", "state": "error"}')[0] == 400


def test_the_storage_tier_is_told_and_an_archived_snapshot_makes_no_volume(slow, ec2):
    made = snapshot(ec2)
    completed(slow)
    assert one_snapshot(ec2, made)["StorageTier"] == "standard"
    ec2.modify_snapshot_tier(SnapshotId=made, StorageTier="archive")
    assert one_snapshot(ec2, made)["StorageTier"] == "archive"
    with refused("IncorrectState"):
        ec2.create_volume(SnapshotId=made, AvailabilityZone="eu-west-1a")
    ec2.restore_snapshot_tier(SnapshotId=made, PermanentRestore=True)
    assert ec2.create_volume(SnapshotId=made, AvailabilityZone="eu-west-1a")["SnapshotId"] == made


def test_a_locked_snapshot_stays_until_it_is_unlocked_or_the_lock_ends(slow, ec2):
    made = snapshot(ec2)
    ec2.lock_snapshot(SnapshotId=made, LockMode="governance", LockDuration=2)
    found = ec2.describe_locked_snapshots(SnapshotIds=[made])["Snapshots"]
    assert [(s["SnapshotId"], s["LockState"], s["LockDuration"]) for s in found] == [(made, "governance", 2)]
    with refused("SnapshotLocked"):
        ec2.delete_snapshot(SnapshotId=made)
    ec2.unlock_snapshot(SnapshotId=made)
    assert made not in [s["SnapshotId"] for s in ec2.describe_locked_snapshots()["Snapshots"]]
    ec2.lock_snapshot(SnapshotId=made, LockMode="compliance", LockDuration=1)
    with refused("SnapshotLocked"):
        ec2.unlock_snapshot(SnapshotId=made)
    slow.advance(2 * 86_400)
    ec2.delete_snapshot(SnapshotId=made)
    with refused("InvalidSnapshot.NotFound"):
        ec2.describe_snapshots(SnapshotIds=[made])


def test_a_snapshot_of_a_registered_image_is_in_use(slow, ec2):
    image = ec2.create_image(InstanceId=launch(ec2), Name=unique())["ImageId"]
    part = mapped(one_image(ec2, image))["/dev/xvda"]["SnapshotId"]
    completed(slow)
    with refused("InvalidSnapshot.InUse"):
        ec2.delete_snapshot(SnapshotId=part)
    ec2.deregister_image(ImageId=image)
    ec2.delete_snapshot(SnapshotId=part)
