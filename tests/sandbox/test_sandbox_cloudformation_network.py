"""Networks and Auto Scaling groups of stacks: made by their properties, and gone with their stack."""

from __future__ import annotations

import base64

import pytest
from cfn_helpers import (
    create,
    delete,
    failure,
    machine,
    network,
    physical,
    resources,
    tags,
)
from ec2_helpers import base_image, one_instance

pytestmark = pytest.mark.usefixtures("at_once")


@pytest.fixture
def ec2(sandbox):
    return sandbox.client("ec2")


@pytest.fixture
def base(ec2):
    return base_image(ec2)


def test_a_network_is_made_and_goes_with_its_stack(cfn, ec2):
    before = [
        len(ec2.describe_vpcs()["Vpcs"]),
        len(ec2.describe_addresses()["Addresses"]),
        len(ec2.describe_security_groups()["SecurityGroups"]),
    ]
    stack = create(cfn, "s", resources(**network()))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    web = ec2.describe_security_groups(GroupIds=[physical(cfn, "s")["Web"]])["SecurityGroups"][0]
    assert sorted(rule["FromPort"] for rule in web["IpPermissions"]) == [22, 443]
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert [
        len(ec2.describe_vpcs()["Vpcs"]),
        len(ec2.describe_addresses()["Addresses"]),
        len(ec2.describe_security_groups()["SecurityGroups"]),
    ] == before


def test_an_instance_is_placed_as_its_properties_say(sandbox, cfn, ec2, base):
    role = {
        "Type": "AWS::IAM::Role",
        "Properties": {"AssumeRolePolicyDocument": {"Version": "2012-10-17", "Statement": []}},
    }
    profile = {"Type": "AWS::IAM::InstanceProfile", "Properties": {"Roles": [{"Ref": "Role"}]}}
    i = machine(
        base,
        SubnetId={"Ref": "Net"},
        SecurityGroupIds=[{"Fn::GetAtt": ["Web", "GroupId"]}],
        PrivateIpAddress="10.1.1.77",
        KeyName={"Ref": "Key"},
        IamInstanceProfile={"Ref": "Profile"},
        UserData={"Fn::Base64": {"Fn::Sub": "#!/bin/sh\necho ${AWS::StackName} é"}},
        Monitoring=True,
    )
    key = {"Type": "AWS::EC2::KeyPair", "Properties": {"KeyName": "ops"}}
    parts = {name: network()[name] for name in ("Vpc", "Net", "Web")}
    stack = create(
        cfn,
        "s",
        resources(I=i, Key=key, Role=role, Profile=profile, **parts),
        Capabilities=["CAPABILITY_IAM"],
    )
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    ids = physical(cfn, "s")
    found = one_instance(ec2, ids["I"])
    data = ec2.describe_instance_attribute(InstanceId=ids["I"], Attribute="userData")["UserData"]["Value"]
    assert [
        found["SubnetId"],
        found["PrivateIpAddress"],
        found["KeyName"],
        found["Placement"]["AvailabilityZone"],
    ] == [ids["Net"], "10.1.1.77", "ops", "eu-west-1b"]
    assert [group["GroupId"] for group in found["SecurityGroups"]] == [ids["Web"]]
    assert found["IamInstanceProfile"]["Arn"].endswith(ids["Profile"])
    assert base64.b64decode(data).decode() == "#!/bin/sh\necho s é"


def test_a_group_launches_its_instances_and_ends_them_with_its_stack(sandbox, cfn, ec2, base):
    template = {
        "Type": "AWS::EC2::LaunchTemplate",
        "Properties": {"LaunchTemplateData": {"ImageId": base, "InstanceType": "t3.micro"}},
    }
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "1",
            "MaxSize": "3",
            "DesiredCapacity": "2",
            "VPCZoneIdentifier": [{"Ref": "Net"}],
            "LaunchTemplate": {
                "LaunchTemplateId": {"Ref": "T"},
                "Version": {"Fn::GetAtt": ["T", "LatestVersionNumber"]},
            },
            "Tags": [{"Key": "Name", "Value": "web", "PropagateAtLaunch": True}],
        },
    }
    stack = create(cfn, "s", resources(T=template, G=group, Vpc=network()["Vpc"], Net=network()["Net"]))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    asg = sandbox.client("autoscaling").describe_auto_scaling_groups(
        AutoScalingGroupNames=[physical(cfn, "s")["G"]]
    )["AutoScalingGroups"][0]
    machines = [one_instance(ec2, one["InstanceId"]) for one in asg["Instances"]]
    assert [(tags(one)["Name"], tags(one)["aws:cloudformation:logical-id"]) for one in machines] == [
        ("web", "G")
    ] * 2
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
    assert {one_instance(ec2, one["InstanceId"])["State"]["Name"] for one in machines} == {"terminated"}


def test_a_launch_configuration_serves_a_group(sandbox, cfn, ec2, base):
    configuration = {
        "Type": "AWS::AutoScaling::LaunchConfiguration",
        "Properties": {"ImageId": base, "InstanceType": "t3.micro", "UserData": {"Fn::Base64": "x"}},
    }
    group = {
        "Type": "AWS::AutoScaling::AutoScalingGroup",
        "Properties": {
            "MinSize": "1",
            "MaxSize": "1",
            "AvailabilityZones": {"Fn::GetAZs": ""},
            "LaunchConfigurationName": {"Ref": "L"},
        },
    }
    stack = create(cfn, "s", resources(L=configuration, G=group))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    assert delete(cfn, stack["StackId"])["StackStatus"] == "DELETE_COMPLETE"


def test_a_web_tier_is_made_and_goes_with_its_stack(sandbox, cfn):
    parts = {
        **{name: network()[name] for name in ("Vpc", "Net", "Web")},
        "Net2": {
            "Type": "AWS::EC2::Subnet",
            "Properties": {
                "VpcId": {"Ref": "Vpc"},
                "CidrBlock": "10.1.2.0/24",
                "AvailabilityZone": "eu-west-1c",
            },
        },
        "Balancer": {
            "Type": "AWS::ElasticLoadBalancingV2::LoadBalancer",
            "Properties": {"Subnets": [{"Ref": "Net"}, {"Ref": "Net2"}], "SecurityGroups": [{"Ref": "Web"}]},
        },
        "Targets": {
            "Type": "AWS::ElasticLoadBalancingV2::TargetGroup",
            "Properties": {"Port": 80, "Protocol": "HTTP", "VpcId": {"Ref": "Vpc"}},
        },
        "Listener": {
            "Type": "AWS::ElasticLoadBalancingV2::Listener",
            "Properties": {
                "LoadBalancerArn": {"Ref": "Balancer"},
                "Port": 80,
                "Protocol": "HTTP",
                "DefaultActions": [{"Type": "forward", "TargetGroupArn": {"Ref": "Targets"}}],
            },
        },
        "Endpoint": {
            "Type": "AWS::EC2::VPCEndpoint",
            "Properties": {"VpcId": {"Ref": "Vpc"}, "ServiceName": "com.amazonaws.eu-west-1.s3"},
        },
    }
    stack = create(cfn, "s", resources(**parts))
    assert stack["StackStatus"] == "CREATE_COMPLETE", failure(cfn)
    gone = delete(cfn, stack["StackId"])
    assert gone["StackStatus"] == "DELETE_COMPLETE", gone.get("StackStatusReason")
