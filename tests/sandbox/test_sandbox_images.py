"""Images as AWS documents them."""

from __future__ import annotations

import datetime as dt

import pytest
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

DATA = [
    {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5, "VolumeType": "gp3", "DeleteOnTermination": False}}
]


@pytest.fixture
def instance(ec2):
    return launch(ec2, BlockDeviceMappings=DATA)


def image_of(ec2, instance_id, **options):
    return ec2.create_image(InstanceId=instance_id, Name=unique("image"), **options)["ImageId"]


def states(ec2, image_id):
    return ec2.describe_images(ImageIds=[image_id])["Images"][0]["State"]


def test_an_image_holds_a_snapshot_of_every_volume_of_the_instance(ec2, instance):
    volumes = devices(ec2, instance)
    image = one_image(ec2, image_of(ec2, instance, NoReboot=True))
    found = mapped(image)
    assert found.keys() == {"/dev/xvda", "/dev/sdf"}
    for device, ebs in found.items():
        part = one_snapshot(ec2, ebs["SnapshotId"])
        assert part["VolumeId"] == volumes[device]["VolumeId"]
        assert ebs["VolumeSize"] == volumes[device]["Size"] == part["VolumeSize"]
        assert ebs["VolumeType"] == volumes[device]["VolumeType"]
        assert image["ImageId"] in part["Description"]
    assert (found["/dev/xvda"]["DeleteOnTermination"], found["/dev/sdf"]["DeleteOnTermination"]) == (
        True,
        False,
    )
    assert (image["RootDeviceName"], image["SourceInstanceId"]) == ("/dev/xvda", instance)


def test_a_volume_attached_later_is_in_the_image(ec2, instance):
    later = volume(ec2, 6)
    ec2.attach_volume(VolumeId=later, InstanceId=instance, Device="/dev/sdg")
    ebs = mapped(one_image(ec2, image_of(ec2, instance)))["/dev/sdg"]
    assert one_snapshot(ec2, ebs["SnapshotId"])["VolumeId"] == later


def test_tag_specifications_tag_the_image_and_its_snapshots_apart(ec2, instance):
    asked = [tags("image", kind="image"), tags("snapshot", kind="part")]
    image = one_image(ec2, image_of(ec2, instance, TagSpecifications=asked))
    assert image["Tags"] == [{"Key": "kind", "Value": "image"}]
    for ebs in mapped(image).values():
        assert one_snapshot(ec2, ebs["SnapshotId"])["Tags"] == [{"Key": "kind", "Value": "part"}]


def test_an_image_is_pending_until_all_its_snapshots_are_completed(slow, ec2, instance):
    image = image_of(ec2, instance)
    assert states(ec2, image) == "pending"
    with refused("InvalidAMIID.Unavailable"):
        launch(ec2, image)
    completed(slow)
    assert states(ec2, image) == "available"


def test_an_image_fails_with_a_snapshot_of_it_and_when_a_test_says_so(slow, ec2, instance):
    broken, told = image_of(ec2, instance), image_of(ec2, instance)
    slow.control("state", {"id": mapped(one_image(ec2, broken))["/dev/sdf"]["SnapshotId"], "state": "error"})
    slow.control("state", {"id": told, "state": "failed"})
    completed(slow)
    assert (states(ec2, broken), states(ec2, told)) == ("failed", "failed")
    assert one_image(ec2, told)["StateReason"]["Message"]
    by = [{"Name": "state", "Values": ["failed"]}]
    assert {broken, told} <= {
        i["ImageId"] for i in ec2.describe_images(Owners=["self"], Filters=by)["Images"]
    }


def test_no_device_leaves_a_volume_out_of_the_image(ec2, instance):
    image = image_of(ec2, instance, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "NoDevice": ""}])
    assert mapped(one_image(ec2, image)).keys() == {"/dev/xvda"}


def test_a_name_is_taken_until_its_image_is_deregistered(slow, ec2, instance):
    name = unique("image")
    image = ec2.create_image(InstanceId=instance, Name=name)["ImageId"]
    with refused("InvalidAMIName.Duplicate"):
        ec2.create_image(InstanceId=instance, Name=name)
    completed(slow)
    with refused("InvalidAMIName.Duplicate"):
        ec2.copy_image(SourceImageId=image, SourceRegion="eu-west-1", Name=name)
    with refused("InvalidAMIName.Duplicate"):
        ec2.register_image(Name=name, RootDeviceName="/dev/xvda")
    ec2.deregister_image(ImageId=image)
    assert ec2.create_image(InstanceId=instance, Name=name)["ImageId"] != image


def test_a_refused_duplicate_leaves_no_snapshots_behind(ec2, instance):
    name = unique("image")
    ec2.create_image(InstanceId=instance, Name=name)
    by = [{"Name": "volume-id", "Values": [v["VolumeId"] for v in devices(ec2, instance).values()]}]
    before = len(ec2.describe_snapshots(Filters=by)["Snapshots"])
    with refused("InvalidAMIName.Duplicate"):
        ec2.create_image(InstanceId=instance, Name=name)
    assert len(ec2.describe_snapshots(Filters=by)["Snapshots"]) == before == 2


def test_deregistering_keeps_the_snapshots(slow, ec2, instance):
    image = image_of(ec2, instance)
    parts = [ebs["SnapshotId"] for ebs in mapped(one_image(ec2, image)).values()]
    completed(slow)
    ec2.deregister_image(ImageId=image)
    assert ec2.describe_images(ImageIds=[image])["Images"] == []
    assert [one_snapshot(ec2, part)["State"] for part in parts] == ["completed", "completed"]
    with refused("InvalidAMIID.Unavailable"):
        ec2.deregister_image(ImageId=image)
    with refused("InvalidAMIID.Unavailable"):
        launch(ec2, image)


def test_deregistering_deletes_the_snapshots_on_request_and_tells_each(slow, ec2, instance):
    image = image_of(ec2, instance)
    root = mapped(one_image(ec2, image))["/dev/xvda"]["SnapshotId"]
    completed(slow)
    other = ec2.register_image(
        Name=unique("image"),
        RootDeviceName="/dev/xvda",
        BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": root}}],
    )["ImageId"]
    results = ec2.deregister_image(ImageId=image, DeleteAssociatedSnapshots=True)["DeleteSnapshotResults"]
    assert sorted(r["ReturnCode"] for r in results) == ["skipped", "success"]
    assert one_snapshot(ec2, root)["SnapshotId"] == root
    assert states(ec2, other) == "available"


def test_a_registered_image_keeps_its_mappings_and_launches(slow, ec2):
    root, data = snapshot(ec2, volume(ec2, 9)), snapshot(ec2, volume(ec2, 3, Encrypted=True))
    asked = [
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": root, "VolumeType": "gp3"}},
        {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": data, "DeleteOnTermination": False}},
    ]
    with refused("IncorrectState"):
        ec2.register_image(Name=unique("image"), RootDeviceName="/dev/xvda", BlockDeviceMappings=asked)
    completed(slow)
    image = ec2.register_image(Name=unique("image"), RootDeviceName="/dev/xvda", BlockDeviceMappings=asked)[
        "ImageId"
    ]
    found = mapped(one_image(ec2, image))
    assert (
        found["/dev/xvda"]["SnapshotId"],
        found["/dev/xvda"]["VolumeSize"],
        found["/dev/xvda"]["VolumeType"],
    ) == (root, 9, "gp3")
    assert (found["/dev/sdf"]["Encrypted"], found["/dev/sdf"]["DeleteOnTermination"]) == (True, False)
    volumes = devices(ec2, launch(ec2, image))
    assert {device: v["SnapshotId"] for device, v in volumes.items()} == {"/dev/xvda": root, "/dev/sdf": data}


def test_a_copied_image_has_snapshots_of_its_own_in_its_region(slow, ec2, instance):
    image = image_of(ec2, instance, TagSpecifications=[tags("image", colour="red")])
    there = slow.client("ec2", "eu-central-1")
    request = {
        "SourceImageId": image,
        "SourceRegion": "eu-west-1",
        "Name": unique("copy"),
        "ClientToken": unique(),
    }
    with refused("InvalidAMIID.Unavailable"):
        there.copy_image(**request)
    completed(slow)
    asked = [tags("image", copy="image"), tags("snapshot", copy="part")]
    made = there.copy_image(**request, TagSpecifications=asked)["ImageId"]
    assert there.copy_image(**request, TagSpecifications=asked)["ImageId"] == made
    with refused("IdempotentParameterMismatch"):
        there.copy_image(**request)
    copied = one_image(there, made)
    assert (copied["State"], copied["Tags"]) == ("pending", [{"Key": "copy", "Value": "image"}])
    parts = {device: ebs["SnapshotId"] for device, ebs in mapped(copied).items()}
    assert parts.keys() == {"/dev/xvda", "/dev/sdf"}
    assert all(
        one_snapshot(there, part)["Tags"] == [{"Key": "copy", "Value": "part"}] for part in parts.values()
    )
    completed(slow)
    assert {d: v["SnapshotId"] for d, v in devices(there, launch(there, made)).items()} == parts


def test_images_are_found_by_snapshot_name_tag_and_id_together(ec2, instance):
    image = one_image(ec2, image_of(ec2, instance, TagSpecifications=[tags("image", only=unique())]))
    other = image_of(ec2, instance)
    value = image["Tags"][0]["Value"]

    def found(name, wanted, **more):
        return [
            i["ImageId"]
            for i in ec2.describe_images(Filters=[{"Name": name, "Values": [wanted]}], **more)["Images"]
        ]

    part = mapped(image)["/dev/sdf"]["SnapshotId"]
    assert found("block-device-mapping.snapshot-id", part) == [image["ImageId"]]
    assert found("name", image["Name"]) == [image["ImageId"]]
    assert found("tag:only", value) == [image["ImageId"]]
    assert found("name", image["Name"], ImageIds=[other]) == []


def test_a_public_parameter_names_the_base_image_of_its_region(slow):
    name = "/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    found = {}
    for region in ("eu-west-1", "eu-central-1", "us-east-1"):
        found[region] = slow.client("ssm", region).get_parameter(Name=name)["Parameter"]["Value"]
        assert found[region] == base_image(slow.client("ec2", region))
    assert len(set(found.values())) == 3


def test_deprecation_is_told(ec2, instance):
    image = image_of(ec2, instance)
    at = dt.datetime(2031, 1, 1, tzinfo=dt.UTC)
    ec2.enable_image_deprecation(ImageId=image, DeprecateAt=at)
    assert one_image(ec2, image)["DeprecationTime"].startswith("2031-01-01T00:00:00")
    ec2.disable_image_deprecation(ImageId=image)
    assert "DeprecationTime" not in one_image(ec2, image)
