"""Templates: reading, functions, transforms, limits, summaries: what AWS documents, asked over boto3."""

from __future__ import annotations

import base64

import pytest
from cfn_helpers import (
    VOLUME,
    body,
    create,
    parameter,
    physical,
    refused,
    resources,
    settled,
    value,
)


def test_short_form_tags_are_read_however_deep(cfn, ssm):
    text = """
Parameters: {Env: {Type: String, Default: prod}}
Conditions:
  Prod: !And [!Equals [!Ref Env, prod], !Not [!Equals [!Ref Env, dev]]]
Mappings: {Sizes: {prod: {Version: 2012-10-17}}}
Resources:
  A:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Name: /a
      Value: !Base64
        Fn::Sub:
          - "${Env}-${!Literal}-${X}"
          - X: !Join [":", !Split [",", "1,2"]]
  B:
    Type: AWS::SSM::Parameter
    Condition: Prod
    Properties: {Type: String, Name: /b, Value: !If [Prod, !FindInMap [Sizes, !Ref Env, Version], !Ref "AWS::NoValue"]}
  C:
    Type: AWS::SSM::Parameter
    Properties:
      Type: String
      Name: /c
      Description: !If [Prod, !Ref "AWS::NoValue", x]
      Value: !Select [1, !Cidr [10.0.0.0/16, 2, 8]]
"""
    assert create(cfn, "s", text)["StackStatus"] == "CREATE_COMPLETE"
    assert base64.b64decode(value(ssm, "/a")).decode() == "prod-${Literal}-1:2"
    assert [value(ssm, "/b"), value(ssm, "/c")] == ["2012-10-17", "10.0.1.0/24"]


def test_pseudo_parameters_are_right(cfn, ssm):
    names = ["Region", "AccountId", "StackName", "StackId", "Partition", "URLSuffix"]
    stack = create(
        cfn, "s", resources(P=parameter("/p", {"Fn::Sub": "|".join(f"${{AWS::{name}}}" for name in names)}))
    )["StackId"]
    assert value(ssm, "/p").split("|") == ["eu-west-1", "123456789012", "s", stack, "aws", "amazonaws.com"]


def test_zones_are_those_of_the_region(sandbox, cfn, ssm):
    create(cfn, "s", resources(P=parameter("/p", {"Fn::Join": [",", {"Fn::GetAZs": ""}]})))
    zones = [
        zone["ZoneName"] for zone in sandbox.client("ec2").describe_availability_zones()["AvailabilityZones"]
    ]
    assert value(ssm, "/p").split(",") == sorted(zones)


def test_a_resource_whose_condition_is_false_is_not_made(cfn):
    create(
        cfn,
        "s",
        body(
            Conditions={"No": {"Fn::Equals": ["a", "b"]}},
            Resources={"V": VOLUME, "Off": {**VOLUME, "Condition": "No"}},
        ),
    )
    assert list(physical(cfn, "s")) == ["V"]


@pytest.mark.parametrize(
    "text",
    [
        "Resources:\r\n  A:\n    Type: AWS::SSM::Parameter # why\n    Properties: {Type: String, Value: 'é<&>'}\n\n",
        "Resources: {A: {Type: AWS::SNS::Topic}}",
    ],
)
def test_the_original_template_comes_back_byte_for_byte(cfn, text):
    create(cfn, "s", text)
    assert cfn.get_template(StackName="s")["TemplateBody"] == text


def test_the_processed_template_is_the_one_without_its_transform(cfn):
    template = body(
        Transform="AWS::LanguageExtensions", Resources={"P": parameter("/p", {"Fn::ToJsonString": {"a": 1}})}
    )
    assert refused(cfn.create_stack, StackName="s", TemplateBody=template) == (
        "InsufficientCapabilitiesException",
        "Requires capabilities : [CAPABILITY_AUTO_EXPAND]",
    )
    create(cfn, "s", template, Capabilities=["CAPABILITY_AUTO_EXPAND"])
    found = cfn.get_template(StackName="s", TemplateStage="Processed")
    assert found["TemplateBody"] == {"Resources": {"P": parameter("/p", {"Fn::ToJsonString": {"a": 1}})}}
    assert found["StagesAvailable"] == ["Original", "Processed"]


def test_a_macro_that_the_sandbox_cannot_run_is_refused(cfn):
    template = body(Transform="AWS::Serverless-2016-10-31", Resources={"V": VOLUME})
    code, message = refused(
        cfn.create_stack, StackName="s", TemplateBody=template, Capabilities=["CAPABILITY_AUTO_EXPAND"]
    )
    assert code == "ValidationError"
    assert message.startswith("Transform AWS::Serverless-2016-10-31 failed with:")


def test_a_body_above_51200_bytes_is_refused_and_goes_through_a_url(sandbox, cfn):
    s3 = sandbox.client("s3")
    large = body(Description="d", Metadata={"pad": "x" * 60_000}, Resources={"V": VOLUME})
    s3.create_bucket(Bucket="tpl", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket="tpl", Key="a/b.json", Body=large.encode())
    s3.put_object(Bucket="tpl", Key="huge", Body=b"#" * 1_048_577)
    assert refused(cfn.create_stack, StackName="s", TemplateBody=large)[0] == "ValidationError"
    assert (
        refused(cfn.create_stack, StackName="s", TemplateURL="https://tpl.s3.amazonaws.com/huge")[0]
        == "ValidationError"
    )
    stack = cfn.create_stack(StackName="s", TemplateURL="https://tpl.s3.eu-west-1.amazonaws.com/a/b.json")[
        "StackId"
    ]
    assert settled(cfn, stack)["StackStatus"] == "CREATE_COMPLETE"


@pytest.mark.parametrize(
    "url",
    ["https://tpl.s3.amazonaws.com/nothing", "https://nobody.s3.amazonaws.com/k", "https://example.com/k"],
)
def test_a_url_without_a_template_is_refused(sandbox, cfn, url):
    sandbox.client("s3").create_bucket(
        Bucket="tpl", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    assert refused(cfn.create_stack, StackName="s", TemplateURL=url)[0] == "ValidationError"


def test_the_summary_tells_what_a_template_needs(cfn):
    template = body(
        Description="d",
        Parameters={
            "Pw": {"Type": "String", "NoEcho": "true", "AllowedValues": ["a", "b"]},
            "N": {"Type": "Number", "Default": 3},
        },
        Resources={
            "V": VOLUME,
            "W": VOLUME,
            "R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}},
        },
    )
    found = cfn.get_template_summary(TemplateBody=template)
    pw, n = found["Parameters"]
    assert [found["Capabilities"], found["ResourceTypes"], found["Description"]] == [
        ["CAPABILITY_NAMED_IAM"],
        ["AWS::EC2::Volume", "AWS::IAM::Role"],
        "d",
    ]
    assert [pw["NoEcho"], pw["ParameterConstraints"], n["DefaultValue"], n["ParameterType"]] == [
        True,
        {"AllowedValues": ["a", "b"]},
        "3",
        "Number",
    ]


def test_a_template_is_validated(cfn):
    good = cfn.validate_template(
        TemplateBody=body(Parameters={"A": {"Type": "String", "Default": "x"}}, Resources={"V": VOLUME})
    )
    assert [(one["ParameterKey"], one["DefaultValue"], one["NoEcho"]) for one in good["Parameters"]] == [
        ("A", "x", False)
    ]
    assert (
        refused(
            cfn.validate_template, TemplateBody=resources(V={"Type": "AWS::EC2::Volume", "Condition": "No"})
        )[0]
        == "ValidationError"
    )


@pytest.mark.parametrize(
    ("given", "good"), [([], False), (["CAPABILITY_IAM"], False), (["CAPABILITY_NAMED_IAM"], True)]
)
def test_a_named_role_needs_its_capability(cfn, given, good):
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {
            "RoleName": "r",
            "AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []},
        },
    }
    if good:
        assert create(cfn, "s", resources(R=role), Capabilities=given)["StackStatus"] == "CREATE_COMPLETE"
    else:
        assert refused(
            cfn.create_stack, StackName="s", TemplateBody=resources(R=role), Capabilities=given
        ) == (
            "InsufficientCapabilitiesException",
            "Requires capabilities : [CAPABILITY_NAMED_IAM]",
        )
