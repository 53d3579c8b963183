"""What is kept of a stack, from AWS's answers."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dr.stacks import capture
from dr.stacks.evaluate import Facts

TEMPLATE = """\
Parameters:
  Password: {Type: String, NoEcho: true}
  Ami: {Type: 'AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>', Default: /ami}
  Env: {Type: String, Default: test}
Resources:
  Disk: {Type: AWS::EC2::Volume, Properties: {Size: 1}}
"""
STACK = {
    "StackName": "prod",
    "StackId": "arn:aws:cloudformation:eu-west-1:111111111111:stack/prod/1",
    "StackStatus": "UPDATE_COMPLETE",
    "CreationTime": datetime(2026, 1, 1, tzinfo=UTC),
    "LastUpdatedTime": datetime(2026, 2, 1, tzinfo=UTC),
    "Parameters": [
        {"ParameterKey": "Password", "ParameterValue": "****", "ResolvedValue": "****"},
        {"ParameterKey": "Ami", "ParameterValue": "/ami", "ResolvedValue": "ami-1"},
        {"ParameterKey": "Env", "ParameterValue": "prod"},
    ],
    "Capabilities": ["CAPABILITY_IAM"],
    "Tags": [{"Key": "Team", "Value": "a"}],
    "RoleARN": "arn:aws:iam::111111111111:role/cfn",
    "NotificationARNs": ["arn:aws:sns:eu-west-1:111111111111:t"],
    "EnableTerminationProtection": True,
    "Description": "all of it",
    "Outputs": [
        {"OutputKey": "Vpc", "OutputValue": "vpc-1", "ExportName": "prod-vpc"},
        {"OutputKey": "Plain", "OutputValue": "x"},
    ],
}


def row(logical, physical="id-1", kind="AWS::EC2::Volume", status="CREATE_COMPLETE"):
    return {
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "ResourceStatus": status,
    }


def stored(template=TEMPLATE, stack=STACK, **answers):
    given = {"account": "111111111111", "region": "eu-west-1", "stack": stack, "template": template}
    return capture.stored_stack(capture.Answers(**given | answers))


def imported(body, **parameters):
    return capture.imports(f"{body}", Facts(parameters=parameters, pseudo={"AWS::Region": "eu-west-1"}))


def test_everything_of_the_stack_is_kept():
    found = stored(policy='{"Statement": []}')

    assert (found.name, found.status, found.capabilities) == ("prod", "UPDATE_COMPLETE", ("CAPABILITY_IAM",))
    assert (found.tags, found.role_arn) == ({"Team": "a"}, "arn:aws:iam::111111111111:role/cfn")
    assert found.notification_arns == ("arn:aws:sns:eu-west-1:111111111111:t",)
    assert (found.termination_protection, found.stack_policy) == (True, '{"Statement": []}')
    assert (found.description, found.exports) == ("all of it", ("prod-vpc",))


def test_parameters_keep_their_value_and_what_it_resolved_to():
    found = {p.name: (p.value, p.resolved) for p in stored().parameters}

    assert (found["Ami"], found["Env"]) == (("/ami", "ami-1"), ("prod", None))


def test_i23_a_masked_value_is_not_kept():
    (secret, *_) = stored().parameters

    assert (secret.value, secret.resolved, secret.no_echo) == (None, None, True)


def test_i23_a_noecho_parameter_is_secret_even_when_its_value_is_shown():
    stack = STACK | {"Parameters": [{"ParameterKey": "Password", "ParameterValue": "canary"}]}

    assert "canary" not in repr(stored(stack=stack))


def test_i23_a_mask_is_a_secret_even_in_a_template_that_cannot_be_read():
    (found,) = capture.parameters([{"ParameterKey": "P", "ParameterValue": "****"}], "not: [a template")

    assert (found.value, found.no_echo) == (None, True)


def test_a_template_that_cannot_be_read_is_kept_all_the_same():
    found = stored(template="Resources: [")

    assert (found.template, found.imports) == ("Resources: [", ())


def test_the_template_is_not_touched():
    text = '{\r\n "Resources" : {"D": {"Type": "AWS::SNS::Topic"}}\t}\n\n'

    assert stored(template=text).template == text


def test_a_processed_template_is_kept_only_where_it_differs():
    assert stored(processed=TEMPLATE).processed is None
    assert stored(processed=TEMPLATE + "# more\n").processed == TEMPLATE + "# more\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TEMPLATE, False),
        ("Transform: AWS::Serverless-2016-10-31\n" + TEMPLATE, True),
        (TEMPLATE + "  X: {Type: AWS::SNS::Topic, Properties: {'Fn::Transform': {Name: M}}}\n", True),
        ("Resources: [", True),
    ],
)
def test_macros_are_seen(text, expected):
    assert capture.runs_macros(text) is expected


def test_a_resource_that_is_gone_is_left_out():
    rows = [
        row("Here"),
        row("Removed", status="DELETE_COMPLETE"),
        row("Kept", status="DELETE_SKIPPED"),
        row("Never", physical=""),
    ]

    assert [resource.logical_id for resource in stored(resources=rows).resources] == ["Here"]


def test_live_facts_find_their_resource():
    found = stored(resources=[row("A", "vol-1"), row("B", "vol-2")], live={"vol-1": {"Size": 3}})

    assert {r.logical_id: r.facts for r in found.resources} == {"A": {"Size": 3}, "B": {}}


@pytest.mark.parametrize("status", sorted(capture.STABLE))
def test_a_stable_stack_is_ready(status):
    assert capture.unready(status) == ""


@pytest.mark.parametrize(
    "status",
    [
        "ROLLBACK_COMPLETE",
        "CREATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
    ],
)
def test_any_other_stack_is_not(status):
    assert capture.unready(status) == f"the stack is {status}"


def test_imports_are_what_their_names_come_to():
    body = """\
Parameters: {Env: {Type: String}}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {X: !ImportValue literal, Y: {Fn::ImportValue: !Sub '${Env}-${AWS::Region}-vpc'}}}
Outputs:
  O: {Value: !ImportValue from-output}
"""

    assert imported(body, Env="prod") == ("literal", "prod-eu-west-1-vpc", "from-output")


def test_an_import_on_the_dead_side_of_a_condition_is_none():
    body = """\
Parameters: {Env: {Type: String}}
Conditions: {Prod: !Equals [!Ref Env, prod]}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {X: !If [Prod, !ImportValue yes, !ImportValue no]}}
  B: {Type: AWS::SNS::Topic, Condition: Prod, Properties: {X: !ImportValue only-prod}}
Outputs:
  O: {Condition: Prod, Value: !ImportValue out}
"""

    assert imported(body, Env="prod") == ("yes", "only-prod", "out")
    assert imported(body, Env="test") == ("no",)


def test_a_condition_that_cannot_be_told_keeps_both_sides():
    body = """\
Parameters: {Secret: {Type: String, NoEcho: true}}
Conditions: {C: !Equals [!Ref Secret, x]}
Resources:
  A: {Type: AWS::SNS::Topic, Properties: {X: !If [C, !ImportValue yes, !ImportValue no]}}
"""

    assert imported(body) == ("yes", "no")


def test_one_export_imported_twice_is_named_once():
    body = "Resources: {A: {Type: AWS::SNS::Topic, Properties: {X: !ImportValue v, Y: !ImportValue v}}}"

    assert imported(body) == ("v",)


def test_the_processed_template_says_what_is_imported():
    expanded = "Resources: {A: {Type: AWS::SNS::Topic, Properties: {X: !ImportValue v}}}"

    assert stored(template="Transform: M\n" + TEMPLATE, processed=expanded).imports == ("v",)


def test_facts_of_a_volume():
    live = {
        "VolumeId": "vol-1",
        "AvailabilityZone": "eu-west-1a",
        "VolumeType": "gp3",
        "Size": 8,
        "Encrypted": False,
        "SnapshotId": "",
        "Attachments": [
            {"InstanceId": "i-1", "Device": "/dev/sdf", "State": "attached", "DeleteOnTermination": False}
        ],
    }

    assert capture.volume_facts(live) == {
        "AvailabilityZone": "eu-west-1a",
        "VolumeType": "gp3",
        "Size": 8,
        "Encrypted": False,
        "Attachments": [{"InstanceId": "i-1", "Device": "/dev/sdf", "DeleteOnTermination": False}],
    }


def test_facts_of_an_instance():
    live = {
        "ImageId": "ami-1",
        "InstanceType": "t3.micro",
        "Placement": {"AvailabilityZone": "eu-west-1a"},
        "RootDeviceName": "/dev/xvda",
        "BlockDeviceMappings": [
            {"DeviceName": "/dev/xvda", "Ebs": {"VolumeId": "vol-1", "DeleteOnTermination": True}}
        ],
    }

    assert capture.instance_facts(live) == {
        "ImageId": "ami-1",
        "InstanceType": "t3.micro",
        "AvailabilityZone": "eu-west-1a",
        "RootDeviceName": "/dev/xvda",
        "Devices": [{"Device": "/dev/xvda", "VolumeId": "vol-1", "DeleteOnTermination": True}],
    }


def test_facts_of_a_group():
    assert capture.group_facts({"Instances": [{"InstanceId": "i-1"}, {"InstanceId": "i-2"}]}) == {
        "Instances": ["i-1", "i-2"]
    }
