"""Volumes and instances of stacks: made by the properties that AWS documents, and gone with their stack."""

from __future__ import annotations

import pytest
from cfn_helpers import (
    ZONE,
    create,
    delete,
    disk,
    failure,
    machine,
    physical,
    resources,
    settled,
    tags,
)
from ec2_helpers import base_image, devices, launch, one_image, one_instance, one_volume, snapshot, volume

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def ec2(sandbox):
    return sandbox.client("ec2")


@pytest.fixture
def base(ec2):
    return base_image(ec2)


def image_of_two(ec2, base):
    """An image with a root device and a data device of 3 GiB."""
    source = launch(ec2, base, BlockDeviceMappings=[{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 3}}])
    return ec2.create_image(InstanceId=source, Name="two")["ImageId"]


def test_a_volume_is_born_from_its_snapshot_with_every_property(cfn, ec2):
    data = snapshot(ec2, volume(ec2, size=9))
    v = disk(
        SnapshotId=data, VolumeType="io2", Iops="300", Encrypted="true", Tags=[{"Key": "n", "Value": "v"}]
    )
    create(cfn, "s", resources(V=v))
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["SnapshotId"], made["Size"], made["VolumeType"], made["Iops"], made["Encrypted"]] == [
        data,
        9,
        "io2",
        300,
        True,
    ]
    assert [tags(made)["n"], tags(made)["aws:cloudformation:logical-id"]] == ["v", "V"]


def test_a_volume_can_be_larger_than_its_snapshot_with_throughput(cfn, ec2):
    data = snapshot(ec2, volume(ec2, size=2))
    create(cfn, "s", resources(V=disk(SnapshotId=data, Size=20, VolumeType="gp3", Iops=4000, Throughput=200)))
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["SnapshotId"], made["Size"], made["Iops"], made["Throughput"]] == [data, 20, 4000, 200]


def test_a_volume_from_a_pending_snapshot_fails(sandbox, cfn, ec2):
    sandbox.pending(600)
    data = snapshot(ec2)
    create(cfn, "s", resources(V=disk(SnapshotId=data)))
    assert "IncorrectState" in failure(cfn)


@pytest.mark.parametrize(
    "broken",
    [
        disk(Sise=1),
        {"Type": "AWS::EC2::VPC", "Properties": {"CidrBlock": "10.0.0.0/16", "Name": "x"}},
        machine("ami-1", Image="x"),
    ],
)
def test_a_property_that_the_type_does_not_have_is_refused(cfn, broken):
    create(cfn, "s", resources(X=broken))
    assert failure(cfn).startswith(
        "Properties validation failed for resource X with message:\n#: extraneous key ["
    )


def test_a_required_property_that_is_missing_is_refused(cfn):
    create(cfn, "s", resources(V={"Type": "AWS::EC2::Volume", "Properties": {"Size": 1}}))
    assert (
        failure(cfn)
        == "Properties validation failed for resource V with message:\n#: required key [AvailabilityZone] not found"
    )


def test_an_attached_volume_is_detached_and_deleted_with_its_stack(cfn, ec2, base):
    attached = {
        "Type": "AWS::EC2::VolumeAttachment",
        "Properties": {"InstanceId": {"Ref": "I"}, "VolumeId": {"Ref": "V"}, "Device": "/dev/sdx"},
    }
    placed = {**disk(Size=1)["Properties"], "AvailabilityZone": {"Fn::GetAtt": ["I", "AvailabilityZone"]}}
    stack = create(
        cfn, "s", resources(A=attached, V={"Type": "AWS::EC2::Volume", "Properties": placed}, I=machine(base))
    )["StackId"]
    ids = physical(cfn, "s")
    found = one_volume(ec2, ids["V"])["Attachments"][0]
    assert ids["A"] == f"{ids['V']}|{ids['I']}"
    assert [found["InstanceId"], found["Device"]] == [ids["I"], "/dev/sdx"]
    assert delete(cfn, stack)["StackStatus"] == "DELETE_COMPLETE"
    assert ec2.describe_volumes()["Volumes"] == []
    assert one_instance(ec2, ids["I"])["State"]["Name"] == "terminated"


def test_an_instance_is_born_with_the_volumes_of_its_image(cfn, ec2, base):
    image = image_of_two(ec2, base)
    mapped = {m["DeviceName"]: m["Ebs"]["SnapshotId"] for m in one_image(ec2, image)["BlockDeviceMappings"]}
    create(cfn, "s", resources(I=machine(image)))
    assert {
        device: one["SnapshotId"] for device, one in devices(ec2, physical(cfn, "s")["I"]).items()
    } == mapped


def test_no_device_suppresses_a_volume_and_a_mapping_overrides_another(cfn, ec2, base):
    image = image_of_two(ec2, base)
    root = one_image(ec2, image)["RootDeviceName"]
    mappings = [
        {"DeviceName": "/dev/sdf", "NoDevice": {}},
        {"DeviceName": root, "Ebs": {"VolumeSize": "40", "VolumeType": "gp3"}},
        {"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 7}},
    ]
    create(cfn, "s", resources(I=machine(image, BlockDeviceMappings=mappings)))
    found = devices(ec2, physical(cfn, "s")["I"])
    assert {device: one["Size"] for device, one in found.items()} == {root: 40, "/dev/sdz": 7}


@pytest.mark.parametrize("propagate", [True, False])
def test_volumes_of_the_mappings_get_the_instances_tags_only_when_asked(cfn, ec2, base, propagate):
    i = machine(base, Tags=[{"Key": "Name", "Value": "web"}], PropagateTagsToVolumeOnCreation=propagate)
    create(cfn, "s", resources(I=i))
    identifier = physical(cfn, "s")["I"]
    assert tags(one_instance(ec2, identifier))["Name"] == "web"
    assert [tags(one) for one in devices(ec2, identifier).values()] == [{"Name": "web"} if propagate else {}]


def test_volumes_are_attached_by_the_instances_own_property(cfn, ec2, base):
    create(
        cfn,
        "s",
        resources(
            V=disk(Size=2),
            I=machine(
                base, AvailabilityZone=ZONE, Volumes=[{"Device": "/dev/sdk", "VolumeId": {"Ref": "V"}}]
            ),
        ),
    )
    ids = physical(cfn, "s")
    assert devices(ec2, ids["I"])["/dev/sdk"]["VolumeId"] == ids["V"]


def test_an_instance_takes_what_its_launch_template_says(cfn, ec2, base):
    data = {
        "ImageId": base,
        "InstanceType": "t3.small",
        "BlockDeviceMappings": [{"DeviceName": "/dev/sdq", "Ebs": {"VolumeSize": 5}}],
    }
    template = {"Type": "AWS::EC2::LaunchTemplate", "Properties": {"LaunchTemplateData": data}}
    version = {"Fn::GetAtt": ["T", "LatestVersionNumber"]}
    i = {
        "Type": "AWS::EC2::Instance",
        "Properties": {"LaunchTemplate": {"LaunchTemplateId": {"Ref": "T"}, "Version": version}},
    }
    stack = create(cfn, "s", resources(T=template, I=i))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    identifier = physical(cfn, "s")["I"]
    assert one_instance(ec2, identifier)["InstanceType"] == "t3.small"
    assert devices(ec2, identifier)["/dev/sdq"]["Size"] == 5


def test_a_volume_grows_and_is_tagged_anew_by_an_update(cfn, ec2):
    create(cfn, "s", resources(V=disk(Size=1, Tags=[{"Key": "old", "Value": "1"}])))
    cfn.update_stack(
        StackName="s", TemplateBody=resources(V=disk(Size=5, Tags=[{"Key": "new", "Value": "1"}]))
    )
    assert settled(cfn, "s")["StackStatus"] == "UPDATE_COMPLETE"
    made = one_volume(ec2, physical(cfn, "s")["V"])
    assert [made["Size"], sorted(key for key in tags(made) if not key.startswith("aws:"))] == [5, ["new"]]
