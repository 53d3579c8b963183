"""Parameters, secrets and dynamic references: what AWS documents, asked over boto3."""

from __future__ import annotations

import json

import pytest
from cfn_helpers import (
    VOLUME,
    as_parameters,
    body,
    create,
    parameter,
    refused,
    resources,
    value,
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
