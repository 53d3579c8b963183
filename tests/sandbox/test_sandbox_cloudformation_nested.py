"""Nested stacks: templates at URLs, parameters, outputs, failures, deletion."""

from __future__ import annotations

import pytest
from cfn_helpers import (
    body,
    change_set,
    create,
    delete,
    events,
    parameter,
    physical,
    refused,
    resources,
    settled,
)

CHILD = body(
    Parameters={"N": {"Type": "Number"}},
    Resources={
        "V": {
            "Type": "AWS::EC2::Volume",
            "Properties": {"AvailabilityZone": "eu-west-1a", "Size": {"Ref": "N"}},
        }
    },
    Outputs={"Id": {"Value": {"Ref": "V"}}},
)


@pytest.fixture
def cfn(sandbox):
    sandbox.reset()
    sandbox.step(0.01)
    s3 = sandbox.client("s3")
    s3.create_bucket(Bucket="tpl", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="tpl", Key="c/child.json", Body=CHILD.encode())
    return sandbox.client("cloudformation")


def nested(url="https://tpl.s3.eu-west-1.amazonaws.com/c/child.json", **attributes):
    return {
        "Type": "AWS::CloudFormation::Stack",
        "Properties": {"TemplateURL": url, "Parameters": {"N": 4}},
        **attributes,
    }


@pytest.mark.parametrize(
    "url",
    [
        "https://tpl.s3.eu-west-1.amazonaws.com/c/child.json",
        "https://tpl.s3.amazonaws.com/c/child.json",
        "https://s3.eu-west-1.amazonaws.com/tpl/c/child.json",
        "http://127.0.0.1:{port}/tpl/c/child.json",
    ],
)
def test_a_nested_stack_is_made_from_its_url_and_gives_its_outputs(sandbox, cfn, url):
    template = resources(
        C=nested(url.format(port=sandbox.port)), P=parameter("/p", {"Fn::GetAtt": ["C", "Outputs.Id"]})
    )
    parent = create(cfn, "par", template)
    child = cfn.describe_stacks(StackName=physical(cfn, "par")["C"])["Stacks"][0]
    volume = sandbox.client("ec2").describe_volumes()["Volumes"][0]
    assert [parent["StackStatus"], child["StackStatus"], volume["Size"]] == [
        "CREATE_COMPLETE",
        "CREATE_COMPLETE",
        4,
    ]
    assert sandbox.client("ssm").get_parameter(Name="/p")["Parameter"]["Value"] == volume["VolumeId"]
    assert child["StackName"].startswith("par-C-")


def test_every_stack_below_knows_its_parent_and_its_root(sandbox, cfn):
    sandbox.client("s3").put_object(Bucket="tpl", Key="mid.json", Body=resources(C=nested()).encode())
    middle = nested("https://tpl.s3.amazonaws.com/mid.json")
    middle["Properties"].pop("Parameters")
    root = create(cfn, "root", resources(M=middle))["StackId"]
    mid = cfn.describe_stacks(StackName=physical(cfn, "root")["M"])["Stacks"][0]
    leaf = cfn.describe_stacks(StackName=physical(cfn, mid["StackId"])["C"])["Stacks"][0]
    assert [mid["ParentId"], mid["RootId"]] == [root, root]
    assert [leaf["ParentId"], leaf["RootId"]] == [mid["StackId"], root]


def test_a_change_set_makes_nested_stacks_too(cfn):
    made = change_set(cfn, "par", "c", ChangeSetType="CREATE", TemplateBody=resources(C=nested()))
    cfn.execute_change_set(ChangeSetName=made["ChangeSetId"])
    assert settled(cfn, "par")["StackStatus"] == "CREATE_COMPLETE"


def test_a_failing_nested_stack_rolls_its_parent_back_and_leaves_nothing(sandbox, cfn):
    sandbox.client("s3").put_object(
        Bucket="tpl", Key="bad.json", Body=resources(X={"Type": "AWS::Unknown::Thing"}).encode()
    )
    bad = nested("https://tpl.s3.amazonaws.com/bad.json", DependsOn="C")
    bad["Properties"].pop("Parameters")
    parent = create(cfn, "par", resources(C=nested(), Bad=bad))
    reasons = [
        reason
        for logical, status, reason in events(cfn, "par")
        if (logical, status) == ("Bad", "CREATE_FAILED")
    ]
    assert parent["StackStatus"] == "ROLLBACK_COMPLETE"
    assert "was not successfully created" in reasons[0]
    assert [stack["StackName"] for stack in cfn.describe_stacks()["Stacks"]] == ["par"]
    assert sandbox.client("ec2").describe_volumes()["Volumes"] == []


def test_a_url_without_a_template_fails_the_resource_not_the_call(cfn):
    parent = create(cfn, "par", resources(C=nested("https://tpl.s3.amazonaws.com/none")))
    assert parent["StackStatus"] == "ROLLBACK_COMPLETE"


def test_deleting_the_parent_deletes_the_child(sandbox, cfn):
    parent = create(cfn, "par", resources(C=nested()))["StackId"]
    child = physical(cfn, "par")["C"]
    delete(cfn, parent)
    assert cfn.describe_stacks(StackName=child)["Stacks"][0]["StackStatus"] == "DELETE_COMPLETE"
    assert sandbox.client("ec2").describe_volumes()["Volumes"] == []


def test_others_are_answered_while_a_nested_stack_is_being_made(sandbox, cfn):
    sandbox.step(0.4)
    stack = cfn.create_stack(StackName="par", TemplateBody=resources(C=nested()))["StackId"]
    seen = set()
    while cfn.describe_stacks(StackName=stack)["Stacks"][0]["StackStatus"] == "CREATE_IN_PROGRESS":
        seen |= {
            one["StackName"][:5]
            for one in cfn.describe_stacks()["Stacks"]
            if one["StackStatus"] == "CREATE_IN_PROGRESS"
        }
    assert seen == {"par", "par-C"}


def test_a_nested_stack_cannot_be_protected_by_itself(cfn):
    create(cfn, "par", resources(C=nested()))
    child = physical(cfn, "par")["C"]
    assert (
        refused(cfn.update_termination_protection, StackName=child, EnableTerminationProtection=True)[0]
        == "ValidationError"
    )
