"""Images and snapshots that a stored template names are looked for before anything is confirmed."""

from __future__ import annotations

import pytest

VOLUME = """\
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 1}
"""
SEEDED = """\
Parameters:
  From: {Type: String}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, SnapshotId: !Ref From}
"""
FLEET = """\
Resources:
  Launch:
    Type: AWS::EC2::LaunchTemplate
    Properties: {LaunchTemplateData: {ImageId: %s, InstanceType: t3.micro}}
"""
NESTING = """\
Parameters:
  Golden: {Type: String}
Resources:
  Child:
    Type: AWS::CloudFormation::Stack
    Properties: {TemplateURL: "%s", Parameters: {Image: %s}}
"""


def errors(plan):
    return [(found.message, found.remedy) for found in plan.findings if found.level == "error"]


def a_snapshot(world):
    seed = world.ec2.create_volume(AvailabilityZone="eu-west-1a", Size=1)["VolumeId"]
    made = world.ec2.create_snapshot(VolumeId=seed)["SnapshotId"]
    world.sandbox.advance(61)
    return made


def an_image(world):
    machine = world.ec2.run_instances(ImageId=world.image(), MinCount=1, MaxCount=1)["Instances"][0]
    made = world.ec2.create_image(InstanceId=machine["InstanceId"], Name="golden")["ImageId"]
    world.sandbox.advance(61)
    return made


def test_a_snapshot_that_a_parameter_names_and_that_is_gone_is_an_error(world):
    world.create("prod", SEEDED, {"From": a_snapshot(world)})
    world.protect("prod", ("stacks",))
    ((message, remedy),) = errors(
        world.plan("prod", as_name="copy", parameters={"From": "snap-0123456789abcdef0"})
    )
    assert message == (
        "Data: its SnapshotId snap-0123456789abcdef0 is not there any more, or not for this account"
    )
    assert remedy == "give another: --parameter From=snap-..."
    assert errors(world.plan("prod", as_name="copy")) == []


def test_a_point_that_an_earlier_restore_left_in_the_template_is_missed_when_it_is_gone(world):
    world.create("prod", VOLUME)
    world.protect("prod", ("volumes", "stacks"))
    restored = world.restore("prod", as_name="copy")
    assert restored.ok
    world.protect("copy", ("stacks",))
    assert errors(world.plan("copy", as_name="third")) == []
    (row,) = restored.data
    world.ec2.delete_snapshot(SnapshotId=row.row.point.id)
    ((message, remedy),) = errors(world.plan("copy", as_name="third"))
    assert message.startswith(f"Data: its SnapshotId {row.row.point.id} is not there any more")
    assert "protect Data (protect: volumes) and `dr apply`; else choose a version" in remedy
    assert "`dr stacks copy`, then --at" in remedy
    world.protect("copy", ("volumes", "stacks"))
    assert world.restore("copy", as_name="third").ok


@pytest.mark.parametrize("what", ["deregistered", "there"])
def test_the_image_of_a_launch_template_is_looked_for(world, what):
    image = an_image(world)
    world.create("prod", FLEET % image)
    world.protect("prod", ("stacks",))
    if what == "deregistered":
        world.ec2.deregister_image(ImageId=image)
    found = errors(world.plan("prod", as_name="copy"))
    assert [message.split(" is not")[0] for message, _ in found] == (
        [f"Launch: its LaunchTemplateData.ImageId {image}"] if what == "deregistered" else []
    )
    assert all("restore: {image_for: {Launch: ami-...}}" in remedy for _, remedy in found)
    world.configure(restore=f"{{image_for: {{Launch: {world.image()}}}}}")
    assert errors(world.plan("prod", as_name="copy")) == []


@pytest.mark.parametrize("written", ["!Ref Golden", "!Sub '${Golden}'"])
def test_a_nested_stacks_image_is_replaced_by_the_parameter_of_the_top_stack(world, written):
    child = FLEET.replace("%s", "!Sub '${Image}'")
    url = world.upload("child.yaml", "Parameters: {Image: {Type: String}}\n" + child)
    image = an_image(world)
    world.create("prod", NESTING % (url, written), {"Golden": image})
    world.protect("prod", ("stacks",))
    world.ec2.deregister_image(ImageId=image)
    ((message, remedy),) = errors(world.plan("prod", as_name="copy"))
    assert message.startswith(f"Child/Launch: its LaunchTemplateData.ImageId {image} is not there")
    assert remedy == "give another: --parameter Golden=ami-..."
    assert world.restore("prod", as_name="copy", parameters={"Golden": world.image()}).ok
