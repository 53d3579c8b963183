"""Templates, parameters, functions, references, exports: what AWS documents, asked over boto3."""

from __future__ import annotations

import base64
import json

import pytest
from cfn_helpers import (
    VOLUME,
    as_parameters,
    body,
    create,
    delete,
    events,
    parameter,
    physical,
    refused,
    resources,
    settled,
)


@pytest.fixture
def cfn(sandbox):
    sandbox.reset()
    sandbox.step(0.01)
    return sandbox.client("cloudformation")


@pytest.fixture
def ssm(sandbox):
    return sandbox.client("ssm")


def value(ssm, name):
    return ssm.get_parameter(Name=name)["Parameter"]["Value"]


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
    ("slot", "given", "message"),
    [
        ({}, None, "Parameters: [A] must have values"),
        ({"AllowedValues": ["x", "y"]}, "z", "Parameter 'A' must be one of AllowedValues"),
        ({"AllowedPattern": "[a-c]+"}, "abd", "Parameter 'A' must match pattern [a-c]+"),
        (
            {"AllowedPattern": "[a-c]+", "ConstraintDescription": "only a to c"},
            "d",
            "Parameter 'A' failed to satisfy constraint: only a to c",
        ),
        ({"MinLength": 3}, "ab", "Parameter 'A' must contain at least 3 characters"),
        ({"Type": "Number"}, "x", "Parameter 'A' must be a number"),
        ({"Type": "Number", "MaxValue": 5}, "6", "Parameter 'A' must be a number not greater than 5"),
        (
            {"Type": "AWS::EC2::VPC::Id"},
            "vpc-0",
            "Parameter validation failed: parameter value vpc-0 for parameter name A does not exist",
        ),
        (
            {"Type": "AWS::SSM::Parameter::Value<String>"},
            "/no",
            "Unable to fetch parameters [/no] from parameter store for this account.",
        ),
    ],
)
def test_a_parameter_that_does_not_fit_is_refused(cfn, slot, given, message):
    template = body(Parameters={"A": {"Type": "String", **slot}}, Resources={"V": VOLUME})
    arguments = {"Parameters": as_parameters(A=given)} if given is not None else {}
    assert refused(cfn.create_stack, StackName="s", TemplateBody=template, **arguments) == (
        "ValidationError",
        message,
    )


def test_a_parameter_that_the_template_does_not_have_is_refused(cfn):
    found = refused(
        cfn.create_stack, StackName="s", TemplateBody=resources(V=VOLUME), Parameters=as_parameters(Z="1")
    )
    assert found == ("ValidationError", "Parameters: [Z] do not exist in the template")


def test_a_secret_is_used_and_never_shown(cfn, ssm):
    template = body(
        Parameters={"Pw": {"Type": "String", "NoEcho": "true"}},
        Resources={"P": parameter("/p", {"Ref": "Pw"})},
    )
    stack = create(cfn, "s", template, Parameters=as_parameters(Pw="canary-1234"))
    everything = json.dumps(
        [stack, cfn.describe_stack_events(StackName="s"), cfn.describe_stack_resources(StackName="s")],
        default=str,
    )
    assert value(ssm, "/p") == "canary-1234"
    assert stack["Parameters"] == [{"ParameterKey": "Pw", "ParameterValue": "****"}]
    assert "canary" not in everything


def test_ssm_types_show_the_name_and_resolve_the_value(cfn, ssm):
    ssm.put_parameter(Name="/size", Value="7", Type="String")
    ssm.put_parameter(Name="/list", Value="a,b", Type="StringList")
    template = body(
        Parameters={
            "Size": {"Type": "AWS::SSM::Parameter::Value<String>"},
            "All": {"Type": "AWS::SSM::Parameter::Value<List<String>>", "Default": "/list"},
        },
        Resources={
            "P": parameter(
                "/p", {"Fn::Sub": ["${Size}${Second}", {"Second": {"Fn::Select": [1, {"Ref": "All"}]}}]}
            )
        },
    )
    stack = create(cfn, "s", template, Parameters=as_parameters(Size="/size"))
    assert value(ssm, "/p") == "7b"
    assert stack["Parameters"] == [
        {"ParameterKey": "Size", "ParameterValue": "/size", "ResolvedValue": "7"},
        {"ParameterKey": "All", "ParameterValue": "/list", "ResolvedValue": "a,b"},
    ]


def test_a_secure_string_is_no_parameter_type(cfn, ssm):
    ssm.put_parameter(Name="/pw", Value="x", Type="SecureString")
    template = body(Parameters={"A": {"Type": "AWS::SSM::Parameter::Value<String>"}}, Resources={"V": VOLUME})
    found = refused(cfn.create_stack, StackName="s", TemplateBody=template, Parameters=as_parameters(A="/pw"))
    assert found == (
        "ValidationError",
        "Parameters [/pw] referenced by template have types not supported by CloudFormation.",
    )


def test_lists_are_split_and_joined(cfn, ssm):
    template = body(
        Parameters={"L": {"Type": "CommaDelimitedList"}},
        Resources={"P": parameter("/p", {"Fn::Join": ["+", {"Ref": "L"}]})},
    )
    stack = create(cfn, "s", template, Parameters=as_parameters(L="a, b,c"))
    assert [value(ssm, "/p"), stack["Parameters"][0]["ParameterValue"]] == ["a+b+c", "a, b,c"]


def test_dynamic_references_are_resolved_when_the_resource_is_made(sandbox, cfn, ssm):
    ssm.put_parameter(Name="/plain", Value="p1", Type="String")
    ssm.put_parameter(Name="/plain", Value="p2", Type="String", Overwrite=True)
    ssm.put_parameter(Name="/sec", Value="s1", Type="SecureString")
    sandbox.client("secretsmanager").create_secret(Name="db", SecretString='{"user": "u1"}')
    references = "{{resolve:ssm:/plain:1}} {{resolve:ssm:/plain}} {{resolve:ssm-secure:/sec}} {{resolve:secretsmanager:db:SecretString:user}}"
    create(cfn, "s", resources(P=parameter("/p", references)))
    assert value(ssm, "/p") == "p1 p2 s1 u1"


@pytest.mark.parametrize(
    "reference", ["ssm:/none", "ssm:/sec", "secretsmanager:none", "secretsmanager:db:SecretString:none"]
)
def test_a_reference_to_nothing_fails_the_resource(sandbox, cfn, ssm, reference):
    ssm.put_parameter(Name="/sec", Value="s1", Type="SecureString")
    sandbox.client("secretsmanager").create_secret(Name="db", SecretString="{}")
    assert (
        create(cfn, "s", resources(P=parameter("/p", f"{{{{resolve:{reference}}}}}")))["StackStatus"]
        == "ROLLBACK_COMPLETE"
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


EXPORTER = body(
    Resources={"P": parameter("/exp", "v1")},
    Outputs={
        "O": {
            "Value": {"Fn::GetAtt": ["P", "Value"]},
            "Export": {"Name": {"Fn::Sub": "${AWS::StackName}-v"}},
            "Description": "d",
        }
    },
)
IMPORTER = resources(P=parameter("/imp", {"Fn::ImportValue": "exp-v"}))


def test_an_export_is_imported_listed_and_cannot_be_deleted_while_in_use(cfn, ssm):
    exporter = create(cfn, "exp", EXPORTER)
    importer = create(cfn, "imp", IMPORTER)["StackId"]
    assert value(ssm, "/imp") == "v1"
    assert exporter["Outputs"] == [
        {"OutputKey": "O", "OutputValue": "v1", "Description": "d", "ExportName": "exp-v"}
    ]
    assert cfn.list_exports()["Exports"] == [
        {"ExportingStackId": exporter["StackId"], "Name": "exp-v", "Value": "v1"}
    ]
    assert cfn.list_imports(ExportName="exp-v")["Imports"] == ["imp"]
    refusal = delete(cfn, exporter["StackId"])
    assert [refusal["StackStatus"], refusal["StackStatusReason"]] == [
        "DELETE_FAILED",
        "Cannot delete export exp-v as it is in use by imp.",
    ]
    delete(cfn, importer)
    assert delete(cfn, exporter["StackId"])["StackStatus"] == "DELETE_COMPLETE"
    assert cfn.list_exports()["Exports"] == []


def test_an_export_that_nobody_imports_has_no_imports(cfn):
    create(cfn, "exp", EXPORTER)
    assert refused(cfn.list_imports, ExportName="exp-v") == (
        "ValidationError",
        "Export 'exp-v' is not imported by any stack.",
    )


def test_importing_what_is_not_exported_fails(cfn):
    create(cfn, "imp", IMPORTER)
    assert ("P", "CREATE_FAILED", "No export named exp-v found.") in events(cfn, "imp")


def test_a_taken_export_name_rolls_the_second_stack_back(cfn):
    create(cfn, "exp", EXPORTER)
    second = body(Resources={"V": VOLUME}, Outputs={"O": {"Value": "x", "Export": {"Name": "exp-v"}}})
    assert create(cfn, "other", second)["StackStatus"] == "ROLLBACK_COMPLETE"
