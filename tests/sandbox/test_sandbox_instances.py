"""Instances and their volumes as AWS documents them."""

from __future__ import annotations

import pytest
from ec2_helpers import (
    base_image,
    completed,
    devices,
    launch,
    mapped,
    one_image,
    one_instance,
    refused,
    snapshot,
    tags,
    unique,
    volume,
)


@pytest.fixture
def image(slow, ec2):
    """An image with a root and two data devices."""
    extra = [{"DeviceName": f"/dev/sd{letter}", "Ebs": {"VolumeSize": 5}} for letter in "fg"]
    made = ec2.create_image(InstanceId=launch(ec2, BlockDeviceMappings=extra), Name=unique())["ImageId"]
    completed(slow)
    return made


def test_volumes_come_from_the_images_snapshots(ec2, image):
    parts = {device: ebs["SnapshotId"] for device, ebs in mapped(one_image(ec2, image)).items()}
    volumes = devices(ec2, launch(ec2, image))
    assert {device: v["SnapshotId"] for device, v in volumes.items()} == parts
    assert all(v["Attachments"][0]["State"] == "attached" for v in volumes.values())


def test_an_instance_of_an_unknown_image_is_refused(ec2):
    with refused("InvalidAMIID.NotFound"):
        launch(ec2, "ami-00000000000000000")


@pytest.mark.parametrize("spelt", [{"NoDevice": ""}])
def test_no_device_suppresses_a_device_of_the_image(ec2, image, spelt):
    asked = [{"DeviceName": "/dev/sdf", **spelt}]
    assert devices(ec2, launch(ec2, image, BlockDeviceMappings=asked)).keys() == {"/dev/xvda", "/dev/sdg"}


def test_no_device_of_a_launch_template_suppresses_a_device_and_the_call_overrides_the_template(ec2, image):
    data = {
        "ImageId": image,
        "InstanceType": "t3.micro",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/sdf", "NoDevice": ""},
            {"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 6}},
        ],
        "TagSpecifications": [tags("volume", via="template")],
    }
    template = ec2.create_launch_template(LaunchTemplateName=unique(), LaunchTemplateData=data)[
        "LaunchTemplate"
    ]
    from_template = {
        "LaunchTemplate": {"LaunchTemplateId": template["LaunchTemplateId"], "Version": "$Latest"}
    }
    volumes = devices(ec2, launch(ec2, **from_template))
    assert {device: v["Size"] for device, v in volumes.items()} == {"/dev/xvda": 8, "/dev/sdg": 6}
    assert all(v["Tags"] == [{"Key": "via", "Value": "template"}] for v in volumes.values())
    over = [{"DeviceName": "/dev/sdg", "Ebs": {"VolumeSize": 7}}]
    assert devices(ec2, launch(ec2, BlockDeviceMappings=over, **from_template))["/dev/sdg"]["Size"] == 7


def test_size_and_type_of_the_root_may_change_and_its_snapshot_may_not(slow, ec2, image):
    root = mapped(one_image(ec2, image))["/dev/xvda"]["SnapshotId"]
    asked = [
        {
            "DeviceName": "/dev/xvda",
            "Ebs": {"VolumeSize": 20, "VolumeType": "gp2", "DeleteOnTermination": False},
        }
    ]
    found = devices(ec2, launch(ec2, image, BlockDeviceMappings=asked))["/dev/xvda"]
    assert (found["SnapshotId"], found["Size"], found["VolumeType"]) == (root, 20, "gp2")
    assert not found["Attachments"][0]["DeleteOnTermination"]
    other = snapshot(ec2, volume(ec2, 8))
    completed(slow)
    with refused("InvalidBlockDeviceMapping"):
        launch(ec2, image, BlockDeviceMappings=[{"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": other}}])


def test_a_data_device_may_come_from_another_snapshot(slow, ec2, image):
    other = snapshot(ec2, volume(ec2, 6))
    asked = [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": other}}]
    with refused("IncorrectState"):
        launch(ec2, image, BlockDeviceMappings=asked)
    completed(slow)
    found = devices(ec2, launch(ec2, image, BlockDeviceMappings=asked))["/dev/sdf"]
    assert (found["SnapshotId"], found["Size"]) == (other, 6)


def test_a_volume_smaller_than_its_snapshot_or_of_no_size_launches_nothing(ec2, image):
    mine = [{"Name": "image-id", "Values": [image]}]
    with refused("InvalidParameterValue"):
        launch(ec2, image, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 4}}])
    with refused("InvalidBlockDeviceMapping"):
        launch(ec2, image, BlockDeviceMappings=[{"DeviceName": "/dev/sdh", "Ebs": {"VolumeType": "gp3"}}])
    assert ec2.describe_instances(Filters=mine)["Reservations"] == []


def test_encryption_of_the_images_snapshot_is_kept(slow, ec2):
    extra = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5, "Encrypted": True}}]
    image = ec2.create_image(InstanceId=launch(ec2, BlockDeviceMappings=extra), Name=unique())["ImageId"]
    completed(slow)
    asked = [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 6, "Encrypted": False}}]
    assert devices(ec2, launch(ec2, image, BlockDeviceMappings=asked))["/dev/sdf"]["Encrypted"]


def test_termination_deletes_the_volumes_that_are_flagged_so(ec2, image):
    asked = [{"DeviceName": "/dev/sdf", "Ebs": {"DeleteOnTermination": False}}]
    instance = launch(ec2, image, BlockDeviceMappings=asked)
    volumes = {device: v["VolumeId"] for device, v in devices(ec2, instance).items()}
    ec2.terminate_instances(InstanceIds=[instance])
    left = [{"Name": "volume-id", "Values": list(volumes.values())}]
    assert [v["VolumeId"] for v in ec2.describe_volumes(Filters=left)["Volumes"]] == [volumes["/dev/sdf"]]
    assert one_instance(ec2, instance)["State"]["Name"] == "terminated"


def test_a_terminated_instance_is_listed_for_an_hour(slow, ec2):
    instance = launch(ec2)
    ec2.terminate_instances(InstanceIds=[instance])
    slow.advance(1800)
    assert one_instance(ec2, instance)["State"]["Name"] == "terminated"
    slow.advance(1900)
    with refused("InvalidInstanceID.NotFound"):
        ec2.describe_instances(InstanceIds=[instance])


def test_the_flag_can_be_changed_on_a_running_instance(ec2):
    instance = launch(ec2)
    root = devices(ec2, instance)["/dev/xvda"]["VolumeId"]
    change = [{"DeviceName": "/dev/xvda", "Ebs": {"DeleteOnTermination": False}}]
    ec2.modify_instance_attribute(InstanceId=instance, BlockDeviceMappings=change)
    ec2.terminate_instances(InstanceIds=[instance])
    assert ec2.describe_volumes(VolumeIds=[root])["Volumes"][0]["State"] == "available"


def test_the_same_client_token_launches_once(ec2):
    token = unique()
    assert launch(ec2, ClientToken=token) == launch(ec2, ClientToken=token)
    with refused("IdempotentParameterMismatch"):
        launch(ec2, ClientToken=token, InstanceType="t3.large")


def test_as_many_are_launched_as_are_wanted(ec2):
    made = ec2.run_instances(ImageId=base_image(ec2), MinCount=1, MaxCount=3)["Instances"]
    assert len({i["InstanceId"] for i in made}) == 3


def test_an_image_may_be_named_by_a_public_parameter(ec2):
    name = "resolve:ssm:/aws/service/ami-amazon-linux-latest/al2023-ami-kernel-default-x86_64"
    assert one_instance(ec2, launch(ec2, name))["ImageId"] == base_image(ec2)


def test_an_auto_scaling_group_launches_real_instances_with_propagated_tags(slow, ec2, image):
    data = {"ImageId": base_image(ec2), "InstanceType": "t3.micro"}
    template = ec2.create_launch_template(LaunchTemplateName=unique(), LaunchTemplateData=data)[
        "LaunchTemplate"
    ]
    ec2.create_launch_template_version(
        LaunchTemplateId=template["LaunchTemplateId"], LaunchTemplateData={**data, "ImageId": image}
    )
    name = unique("group")
    slow.client("autoscaling").create_auto_scaling_group(
        AutoScalingGroupName=name,
        MinSize=2,
        MaxSize=2,
        AvailabilityZones=["eu-west-1a", "eu-west-1b"],
        LaunchTemplate={"LaunchTemplateId": template["LaunchTemplateId"], "Version": "2"},
        Tags=[
            {
                "Key": "goes",
                "Value": "along",
                "PropagateAtLaunch": True,
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
            },
            {
                "Key": "stays",
                "Value": "here",
                "PropagateAtLaunch": False,
                "ResourceId": name,
                "ResourceType": "auto-scaling-group",
            },
        ],
    )
    by = [{"Name": "tag:aws:autoscaling:groupName", "Values": [name]}]
    found = [i for r in ec2.describe_instances(Filters=by)["Reservations"] for i in r["Instances"]]
    assert [i["ImageId"] for i in found] == [image, image]
    for instance in found:
        keys = {t["Key"]: t["Value"] for t in instance["Tags"]}
        assert keys["goes"] == "along"
        assert "stays" not in keys
        assert devices(ec2, instance["InstanceId"]).keys() == {"/dev/xvda", "/dev/sdf", "/dev/sdg"}
