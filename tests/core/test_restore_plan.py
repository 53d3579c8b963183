"""Stored stack and points to the plan of a restore."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
import yaml
from restore_values import INSTANCE, NOON, SECRET, disks, hours, planned, point, resource, stored

from dr.errors import Refused, UsageError
from dr.model import ImageDevice
from dr.stacks.parameters import Given
from dr.stored import StackOutput

PASSWORD = {"Password": Given(value="canary-secret", origin="--parameter")}
DATA = resource("Data", "vol-1")
SNAPSHOT = point("snap-1", "vol-1", hours(2))


def plan(*points, stack=None, **asked):
    return planned(
        stack or stored(DATA, parameters=SECRET), *(points or (SNAPSHOT,)), **{"asked": PASSWORD, **asked}
    )


def errors(made):
    return [finding.message for finding in made.findings if finding.level == "error"]


def volumes(**named):
    """A template with these volumes, as JSON."""
    return json.dumps(
        {
            "Resources": {
                name: {"Type": "AWS::EC2::Volume", "Properties": facts} for name, facts in named.items()
            }
        }
    )


PLAIN = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}\n"
ZONE = {"AvailabilityZone": "eu-west-1a", "Size": 8}


def test_the_plan_names_the_point_and_what_it_is_born_from():
    made = plan()
    assert [(row.logical_id, row.point.id, row.expected) for row in made.data] == [
        ("Data", "snap-1", ("snap-1",))
    ]
    assert "SnapshotId: snap-1" in made.template


def test_the_id_does_not_depend_on_now():
    assert plan(at=hours(0)).id == plan(at=hours(1)).id


def test_the_id_does_not_depend_on_a_secret():
    other = {"Password": Given(value="another", origin="--parameter")}
    assert plan().id == plan(asked=other).id


@pytest.mark.parametrize(
    "other",
    [
        {"as_name": "copy"},
        {"asked": {"Password": Given(value="canary-secret", origin="ssm:/p")}},
    ],
)
def test_the_id_depends_on_what_is_made(other):
    assert plan().id != plan(**other).id


def test_the_id_depends_on_the_points():
    assert plan().id != plan(replace(SNAPSHOT, id="snap-2")).id


def test_the_id_depends_on_the_version_of_the_stack():
    assert plan().id != plan(stack=stored(DATA, parameters=SECRET, policy="other")).id


def test_a_resource_without_a_point_in_time_stops_the_restore():
    with pytest.raises(Refused, match="no good point in time for Data: its first point") as caught:
        plan(at=hours(3))
    assert caught.value.exit_code == 4


def test_a_resource_that_was_never_protected_comes_up_empty():
    made = plan(point("snap-9", "vol-9", hours(1)))
    assert [(row.logical_id, row.type) for row in made.empty] == [("Data", "AWS::EC2::Volume")]
    assert made.data == ()


def test_i23_a_secret_is_not_in_the_plan():
    assert "canary-secret" not in repr(plan())


def test_the_secret_is_masked_in_texts():
    assert plan().without_secrets("no canary-secret here") == "no **** here"


def test_an_export_that_another_stack_has_stops_the_restore():
    stack = stored(DATA, parameters=SECRET, outputs=(StackOutput(key="K", value="v", export="shared"),))
    made = plan(stack=stack, exports={"shared": "arn:other"})
    assert errors(made) == ["export shared is taken by arn:other"]


def test_an_export_of_the_target_itself_is_no_second_finding():
    stack = stored(DATA, parameters=SECRET, outputs=(StackOutput(key="K", value="v", export="shared"),))
    itself = "arn:aws:cloudformation:eu-west-1:111111111111:stack/prod/1"
    assert errors(plan(stack=stack, exports={"shared": itself})) == []


def test_an_export_of_a_nested_stack_that_is_taken_stops_the_restore():
    child = stored(template=PLAIN, outputs=(StackOutput(key="K", value="v", export="shared"),))
    text = "Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: old}\n"
    stack = stored(template=text, children={"Child": child})
    made = planned(stack, exports={"shared": "arn:other"}, stage_url=lambda digest: f"https://b/{digest}")
    assert errors(made) == ["export shared is taken by arn:other"]


def test_an_export_is_not_taken_by_the_stack_that_this_restore_has_made():
    stack = stored(DATA, parameters=SECRET, outputs=(StackOutput(key="K", value="v", export="shared"),))
    assert errors(plan(stack=stack, exports={"shared": "arn:prod"}, begun=True)) == []


def test_beside_a_living_stack_exports_get_another_name():
    stack = stored(DATA, parameters=SECRET, outputs=(StackOutput(key="K", value="v", export="shared"),))
    assert errors(plan(stack=stack, exports={"shared": "arn:prod"}, as_name="copy")) == []


def test_an_import_that_nothing_exports_stops_the_restore():
    made = plan(stack=stored(DATA, parameters=SECRET, imports=("network",)))
    assert errors(made) == ["the stack imports network, which nothing exports now"]


def test_an_import_that_is_there_is_no_finding():
    made = plan(stack=stored(DATA, parameters=SECRET, imports=("network",)), exports={"network": "arn:n"})
    assert errors(made) == []


def test_a_template_above_the_limit_needs_a_bucket():
    large = (
        "Description: " + "x" * 1000 + "\nMetadata:\n" + "".join(f"  N{i}: {'y' * 90}\n" for i in range(600))
    )
    stack = stored(template=f"{large}{PLAIN}")
    with pytest.raises(UsageError, match="it has to go through S3") as caught:
        planned(stack)
    assert "staging_bucket" in caught.value.remedy
    assert planned(stack, stage_url=lambda digest: digest).needs_staging


def test_a_nested_stack_needs_a_bucket():
    text = "Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: old}\n"
    stack = stored(template=text, children={"Child": stored(template=PLAIN)})
    with pytest.raises(UsageError, match="Child is a nested stack"):
        planned(stack)


def test_data_of_nested_stacks_is_named_by_its_path():
    text = "Resources:\n  Child:\n    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: old}\n"
    child = stored(DATA, template=volumes(Data=ZONE))
    stack = stored(template=text, children={"Child": child})
    made = planned(stack, SNAPSHOT, stage_url=lambda digest: f"https://b/{digest}")
    assert [row.logical_id for row in made.data] == ["Child/Data"]
    assert "snap-1" in made.staged[0]
    assert "https://b/" in made.template


def test_a_volume_without_snapshots_takes_the_disk_of_its_instances_image():
    text = """\
Resources:
  Data: {Type: AWS::EC2::Volume, Properties: {AvailabilityZone: eu-west-1a, Size: 8}}
  Server: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-0}}
  Bond:
    Type: AWS::EC2::VolumeAttachment
    Properties: {VolumeId: !Ref Data, InstanceId: !Ref Server, Device: /dev/sdf}
"""
    devices = (
        ImageDevice(device="/dev/xvda", snapshot="snap-root", size=8, root=True),
        ImageDevice(device="/dev/sdf", snapshot="snap-part", size=8),
    )
    image = point("ami-1", "i-1", hours(2), devices=devices, parts=("snap-root", "snap-part"))
    server = resource("Server", "i-1", INSTANCE, Devices=disks(xvda="vol-0", sdf="vol-1"))
    made = planned(stored(DATA, server, template=text), image)
    assert {(row.logical_id, row.point.id, row.expected) for row in made.data} == {
        ("Server", "ami-1", ("ami-1",)),
        ("Data", "ami-1", ("snap-part",)),
    }
    assert made.empty == ()


def test_the_root_disk_of_an_instance_without_image_is_no_data_because_ec2_takes_no_snapshot_for_it():
    text = "Resources:\n  Server: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-0}}\n"
    server = resource("Server", "i-1", INSTANCE, RootDeviceName="/dev/xvda", Devices=disks(xvda="vol-0"))
    made = planned(stored(server, template=text), point("snap-0", "vol-0", hours(3)))
    assert (made.data, [row.logical_id for row in made.empty]) == ((), ["Server"])
    assert any("its root disk comes from the template's image" in f.message for f in made.findings)


def test_every_snapshot_that_an_instance_without_image_is_born_from_is_pinned():
    server = resource(
        "Server", "i-1", INSTANCE, RootDeviceName="/dev/xvda", Devices=disks(sdg="vol-0", sdf="vol-1")
    )
    text = "Resources:\n  Server: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-0}}\n"
    made = planned(stored(server, template=text), point("snap-0", "vol-0", hours(3)), SNAPSHOT)
    assert made.pins == ("snap-0", "snap-1", "stack/prod")


def test_a_disk_that_was_never_protected_is_warned_of():
    server = resource(
        "Server", "i-1", INSTANCE, RootDeviceName="/dev/xvda", Devices=disks(xvda="vol-0", sdf="vol-1")
    )
    text = "Resources:\n  Server: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-0}}\n"
    made = planned(stored(server, template=text), point("snap-0", "vol-0", hours(3)))
    assert "Server: its disk /dev/sdf was never protected and comes up as new" in [
        f.message for f in made.findings
    ]


def test_the_skew_is_shown_when_points_are_minutes_apart():
    two = stored(DATA, resource("Logs", "vol-2"), template=volumes(Data=ZONE, Logs=ZONE))
    made = planned(two, SNAPSHOT, point("snap-2", "vol-2", hours(1)))
    assert made.skew == 3600
    assert "the chosen points are up to 60 minutes apart: check what spans several of them" in [
        finding.message for finding in made.findings
    ]


def test_points_of_one_moment_need_no_word_on_skew():
    assert plan().findings == ()


def test_tags_of_aws_itself_cannot_be_written_and_are_left_out():
    made = plan(stack=stored(DATA, parameters=SECRET, tags={"aws:servicecatalog:x": "1", "Team": "db"}))
    assert made.tags == {"Team": "db"}


@pytest.mark.parametrize(
    ("names", "shown"), [(None, "N-copy"), ("keep", "N"), ("suffix", "N-copy"), ("drop", None)]
)
def test_explicit_names_of_a_copy_are_kept_dropped_or_suffixed(names, shown):
    text = "Resources:\n  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: N, DelaySeconds: 1}}\n"
    made = planned(stored(template=text), as_name="copy", names=names)
    properties = yaml.safe_load(made.template)["Resources"]["Q"]["Properties"]
    assert properties.get("QueueName") == shown


def test_names_of_a_lost_stack_are_kept():
    text = "Resources:\n  Q: {Type: 'AWS::SQS::Queue', Properties: {QueueName: N, DelaySeconds: 1}}\n"
    assert "QueueName: N," in planned(stored(template=text)).template


@pytest.mark.parametrize(("user_data", "there"), [("keep", True), ("drop", False)])
def test_user_data_is_kept_with_a_warning_or_dropped(user_data, there):
    text = "Resources:\n  Server: {Type: AWS::EC2::Instance, Properties: {ImageId: ami-0, UserData: eA==}}\n"
    server = resource("Server", "i-1", INSTANCE, Devices=[])
    made = planned(stored(server, template=text), point("ami-1", "i-1", hours(1)), user_data=user_data)
    assert ("UserData: eA==" in made.template) == there
    assert any("UserData runs again" in f.message for f in made.findings) == there


def test_an_image_for_another_stack_is_left_alone():
    assert errors(plan(image_for={"TheirTemplate": "ami-9"})) == []


def test_the_moment_is_now_or_what_was_asked_for():
    assert (plan().at, plan().asked_at) == (NOON, None)
    assert plan(at=hours(1), asked_at=hours(1)).asked_at == hours(1)


RETAINED = """\
Conditions: {Never: !Equals [a, b]}
Resources:
  Logs: {Type: AWS::Logs::LogGroup, DeletionPolicy: Retain, Properties: {LogGroupName: app}}
  Files: {Type: AWS::S3::Bucket, DeletionPolicy: RetainExceptOnCreate, Properties: {BucketName: acme-files}}
  Gone: {Type: AWS::SNS::Topic, Properties: {TopicName: t}}
  Absent: {Type: AWS::SNS::Topic, Condition: Never, DeletionPolicy: Retain, Properties: {TopicName: u}}
  Free: {Type: AWS::SNS::Topic, DeletionPolicy: Retain}
"""


def left_behind(**asked):
    made = planned(stored(template=RETAINED), **asked)
    return [f.message.split(",")[0] for f in made.findings if "retained" in f.message]


def test_a_kept_name_that_the_lost_stack_retained_is_warned_of():
    assert left_behind() == ["Logs keeps its LogGroupName", "Files keeps its BucketName"]


@pytest.mark.parametrize("asked", [{"names": "suffix"}, {"as_name": "copy"}, {"pinned": frozenset()}])
def test_no_retained_name_is_warned_of_where_names_change_or_the_restore_goes_on(asked):
    assert left_behind(**asked) == []
