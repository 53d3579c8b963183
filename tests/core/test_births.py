"""Which images and snapshots a template needs to be there."""

from __future__ import annotations

import pytest
from restore_values import stored

from dr.stacks.births import births, passed, tellable
from dr.stacks.bodies import Choices, build
from dr.stacks.recovery_set import RecoverySet
from dr.stacks.template import parse_template
from dr.stored import StackParameter

PSEUDO = {"AWS::Region": "eu-west-1"}
TEMPLATE = """\
Parameters:
  Image: {Type: AWS::EC2::Image::Id}
  Latest: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>"}
  Stage: {Type: String}
Mappings:
  Images: {eu-west-1: {plain: ami-mapped}}
Conditions:
  Live: !Equals [!Ref Stage, live]
Resources:
"""


def needed(resource, **values):
    template = parse_template(TEMPLATE + f"  It: {resource}\n")
    return [(one.property, one.id, one.parameter) for one in births(template, values, PSEUDO)]


@pytest.mark.parametrize(
    ("resource", "expected"),
    [
        (
            (
                "{Type: 'AWS::EC2::Instance', Properties: {ImageId: ami-1, BlockDeviceMappings: "
                "[{DeviceName: a, NoDevice: {}}, {DeviceName: b, Ebs: {SnapshotId: snap-1}}]}}"
            ),
            [("ImageId", "ami-1", None), ("BlockDeviceMappings[1].Ebs.SnapshotId", "snap-1", None)],
        ),
        ("{Type: 'AWS::EC2::Volume', Properties: {SnapshotId: snap-1}}", [("SnapshotId", "snap-1", None)]),
        (
            "{Type: 'AWS::EC2::LaunchTemplate', Properties: {LaunchTemplateData: {ImageId: !Ref Image}}}",
            [("LaunchTemplateData.ImageId", "ami-given", "Image")],
        ),
        (
            (
                "{Type: 'AWS::AutoScaling::LaunchConfiguration', "
                "Properties: {ImageId: !FindInMap [Images, !Ref 'AWS::Region', plain]}}"
            ),
            [("ImageId", "ami-mapped", None)],
        ),
        (
            "{Type: 'AWS::EC2::Volume', Properties: !If [Live, {SnapshotId: snap-1}, {SnapshotId: snap-2}]}",
            [("SnapshotId", "snap-1", None)],
        ),
        (
            "{Type: 'AWS::EC2::Volume', Properties: {SnapshotId: !If [Live, snap-1, !Ref 'AWS::NoValue']}}",
            [("SnapshotId", "snap-1", None)],
        ),
    ],
)
def test_an_id_is_found_wherever_a_resource_names_one(resource, expected):
    assert needed(resource, Image="ami-given", Stage="live") == expected


@pytest.mark.parametrize(
    "image",
    [
        "!Ref Latest",
        "'{{resolve:ssm:/golden}}'",
        "!ImportValue image",
        "resolve:ssm:/golden",
        "!Ref Unknown",
    ],
)
def test_what_only_cloudformation_can_tell_is_left_to_it(image):
    assert (
        needed(f"{{Type: 'AWS::EC2::Instance', Properties: {{ImageId: {image}}}}}", Latest="ami-of-then")
        == []
    )


def test_a_resource_that_will_not_be_there_needs_nothing():
    volume = "{Type: 'AWS::EC2::Volume', Condition: Live, Properties: {SnapshotId: snap-1}}"
    assert needed(volume, Stage="test") == []


def test_a_nested_stack_is_given_what_its_parent_can_tell():
    parent = parse_template(TEMPLATE + "  It: {Type: 'AWS::SNS::Topic'}\n")
    evaluator = tellable(parent, {"Image": "ami-given"}, PSEUDO)
    nested = {
        "Properties": {
            "Parameters": {"A": {"Ref": "Image"}, "B": {"Ref": "Latest"}, "C": ["a", "b"], "D": True}
        }
    }
    known = {"A": "ami-given", "B": None, "C": "a,b", "D": "true"}
    assert passed(evaluator, nested, ("A", "B", "C", "D", "Defaulted")) == known


def test_parameters_that_are_decided_as_a_whole_by_what_nobody_knows_are_all_unknown():
    evaluator = tellable(parse_template(TEMPLATE + "  It: {Type: T}\n"), {"Stage": None}, PSEUDO)
    either = {"Properties": {"Parameters": {"Fn::If": ["Live", {"A": "ami-1"}, {"A": "ami-2"}]}}}
    assert passed(evaluator, either, ("A", "B")) == {"A": None, "B": None}


def test_what_a_parent_hands_down_and_nobody_can_tell_is_not_the_childs_default():
    child = parse_template(
        "Parameters: {Image: {Type: String, Default: ami-old}}\n"
        "Resources: {Web: {Type: 'AWS::EC2::Instance', Properties: {ImageId: !Ref Image}}}\n"
    )
    assert [one.id for one in births(child, {}, PSEUDO)] == ["ami-old"]
    assert list(births(child, {"Image": None}, PSEUDO)) == []


def test_the_needs_of_a_nested_stack_follow_the_parameters_of_this_restore():
    child = stored(
        template="Parameters: {Image: {Type: String}}\n"
        "Resources: {Web: {Type: 'AWS::EC2::Instance', Properties: {ImageId: !Ref Image}}}\n"
    )
    parent = stored(
        template="Parameters: {Golden: {Type: String, Default: ami-golden}}\nResources:\n  Child:\n"
        "    Type: AWS::CloudFormation::Stack\n    Properties: {TemplateURL: u, Parameters: {Image: !Ref Golden}}\n",
        children={"Child": child},
        parameters=(StackParameter(name="Golden", value="ami-golden"),),
    )
    nothing = RecoverySet(chosen=(), unprotected=(), unreachable=(), volume_ids={})
    made = build(
        parent,
        {"": nothing, "Child": nothing},
        Choices(at=parent.time, stage_url=lambda digest: f"https://b/{digest}"),
    )
    assert [(one.logical_id, one.id, one.parameter) for one in made.births] == [
        ("Child/Web", "ami-golden", "Golden")
    ]
