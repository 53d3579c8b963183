"""Stacks for the conformance tests: plain boto3, bounded waits."""

from __future__ import annotations

import json
import time
from typing import Any

from botocore.exceptions import ClientError

ZONE = "eu-west-1a"
VOLUME = {"Type": "AWS::EC2::Volume", "Properties": {"AvailabilityZone": ZONE, "Size": 1}}


def parameter(name: str, value: Any = "1", **attributes: Any) -> dict[str, Any]:
    return {
        "Type": "AWS::SSM::Parameter",
        "Properties": {"Name": name, "Type": "String", "Value": value},
        **attributes,
    }


def body(**sections: Any) -> str:
    return json.dumps(sections)


def resources(**named: Any) -> str:
    return body(Resources=named)


def as_parameters(**values: str) -> list[dict[str, str]]:
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in values.items()]


def settled(cfn: Any, name: str, seconds: float = 15) -> dict[str, Any]:
    """The stack, once nothing is in progress."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        stack = cfn.describe_stacks(StackName=name)["Stacks"][0]
        if not stack["StackStatus"].endswith("_IN_PROGRESS"):
            return stack
        time.sleep(0.02)
    raise AssertionError(f"{name} is still {stack['StackStatus']}")


def create(cfn: Any, name: str, template: str, **options: Any) -> dict[str, Any]:
    stack = cfn.create_stack(StackName=name, TemplateBody=template, **options)["StackId"]
    return settled(cfn, stack)


def delete(cfn: Any, stack_id: str) -> dict[str, Any]:
    cfn.delete_stack(StackName=stack_id)
    return settled(cfn, stack_id)


def change_set(cfn: Any, stack: str, name: str, seconds: float = 10, **options: Any) -> dict[str, Any]:
    """The change set, once it is made or failed."""
    made = cfn.create_change_set(StackName=stack, ChangeSetName=name, **options)["Id"]
    return changed(cfn, made, "Status", {"CREATE_COMPLETE", "FAILED"}, seconds)


def changed(cfn: Any, change_set_id: str, key: str, wanted: set[str], seconds: float = 10) -> dict[str, Any]:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = cfn.describe_change_set(ChangeSetName=change_set_id)
        if found[key] in wanted:
            return found
        time.sleep(0.02)
    raise AssertionError(f"{change_set_id}: {key} is still {found[key]}")


def physical(cfn: Any, stack: str) -> dict[str, str]:
    """Logical to physical ids."""
    found = cfn.describe_stack_resources(StackName=stack)["StackResources"]
    return {one["LogicalResourceId"]: one.get("PhysicalResourceId", "") for one in found}


def events(cfn: Any, stack: str) -> list[tuple[str, str, str]]:
    """(logical id, status, reason) of every event, oldest first."""
    pages = cfn.get_paginator("describe_stack_events").paginate(StackName=stack)
    found = [event for page in pages for event in page["StackEvents"]]
    return [
        (one["LogicalResourceId"], one["ResourceStatus"], one.get("ResourceStatusReason", ""))
        for one in reversed(found)
    ]


def refused(call: Any, **arguments: Any) -> tuple[str, str]:
    """The code and the message of the refusal."""
    try:
        call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"], error.response["Error"]["Message"]
    raise AssertionError("it was not refused")


def tags(found: dict[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in found.get("Tags", [])}


def machine(image, **properties):
    return {
        "Type": "AWS::EC2::Instance",
        "Properties": {"ImageId": image, "InstanceType": "t3.micro", **properties},
    }


def disk(**properties):
    return {"Type": "AWS::EC2::Volume", "Properties": {"AvailabilityZone": ZONE, **properties}}


def failure(cfn, stack="s"):
    return next(reason for _, status, reason in events(cfn, stack) if status == "CREATE_FAILED")


def network():
    return {
        "Vpc": {
            "Type": "AWS::EC2::VPC",
            "Properties": {
                "CidrBlock": "10.1.0.0/16",
                "EnableDnsHostnames": True,
                "Tags": [{"Key": "n", "Value": "v"}],
            },
        },
        "Net": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.1.1.0/24",
                "AvailabilityZone": "eu-west-1b",
                "MapPublicIpOnLaunch": True,
            },
        },
        "Gate": {"Type": "AWS::EC2::InternetGateway"},
        "Attach": {
            "Type": "AWS::EC2::VPCGatewayAttachment",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "InternetGatewayId": {"Ref": "Gate"}},
        },
        "Table": {"Type": "AWS::EC2::RouteTable", "Properties": {"VpcId": {"Ref": "Vpc"}}},
        "Route": {
            "Type": "AWS::EC2::Route",
            "DependsOn": "Attach",
            "Properties": {
                "RouteTableId": {"Ref": "Table"},
                "DestinationCidrBlock": "0.0.0.0/0",
                "GatewayId": {"Ref": "Gate"},
            },
        },
        "Join": {
            "Type": "AWS::EC2::SubnetRouteTableAssociation",
            "Properties": {"SubnetId": {"Ref": "Net"}, "RouteTableId": {"Ref": "Table"}},
        },
        "Web": {
            "Type": "AWS::EC2::SecurityGroup",
            "Properties": {
                "GroupDescription": "d",
                "VpcId": {"Ref": "Vpc"},
                "SecurityGroupIngress": [
                    {"IpProtocol": "tcp", "FromPort": 443, "ToPort": "443", "CidrIp": "0.0.0.0/0"}
                ],
            },
        },
        "Inner": {
            "Type": "AWS::EC2::SecurityGroupIngress",
            "Properties": {
                "GroupId": {"Ref": "Web"},
                "IpProtocol": "tcp",
                "FromPort": 22,
                "ToPort": 22,
                "SourceSecurityGroupId": {"Ref": "Web"},
            },
        },
        "Ip": {"Type": "AWS::EC2::EIP", "Properties": {"Domain": "vpc"}},
        "Nat": {
            "Type": "AWS::EC2::NatGateway",
            "Properties": {
                "SubnetId": {"Ref": "Net"},
                "AllocationId": {"Fn::GetAtt": ["Ip", "AllocationId"]},
            },
        },
    }


def value(ssm, name):
    return ssm.get_parameter(Name=name)["Parameter"]["Value"]
