"""Explicit names: what AWS allows once in an account and Region (or in the world), and so collides on a second stack.

`keep` leaves them, right for a stack that is gone. `drop` lets CloudFormation make names up; a name that the resource
cannot do without, and an export, which others import by its name, is treated as said at NAMES. `suffix` appends to
the name, also to one that a function makes.

Source: CloudFormation template reference, the naming property of each type.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from dr.stacks.edit import Drop, Edit, Path, Put, edit
from dr.stacks.evaluate import is_intrinsic
from dr.stacks.template import Template, Tree, properties

Mode = Literal["keep", "drop", "suffix"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """The property that names resources of a type.

    `required`: the resource cannot be without; it is suffixed where others are dropped. `ending`: what the name has
    to end with (a FIFO queue's `.fifo`); the suffix goes before it. `longest`: characters that AWS allows.
    """

    property: str
    longest: int
    required: bool = False
    ending: str = ""


NAMES: dict[str, Name] = {
    "AWS::ApiGateway::ApiKey": Name(property="Name", longest=255),
    "AWS::ApiGateway::UsagePlan": Name(property="UsagePlanName", longest=255),
    "AWS::AutoScaling::AutoScalingGroup": Name(property="AutoScalingGroupName", longest=255),
    "AWS::AutoScaling::LaunchConfiguration": Name(property="LaunchConfigurationName", longest=255),
    "AWS::Batch::ComputeEnvironment": Name(property="ComputeEnvironmentName", longest=128),
    "AWS::Batch::JobQueue": Name(property="JobQueueName", longest=128),
    "AWS::CloudTrail::Trail": Name(property="TrailName", longest=128),
    "AWS::CloudWatch::Alarm": Name(property="AlarmName", longest=255),
    "AWS::CloudWatch::CompositeAlarm": Name(property="AlarmName", longest=255, required=True),
    "AWS::CloudWatch::Dashboard": Name(property="DashboardName", longest=255),
    "AWS::CodeBuild::Project": Name(property="Name", longest=150),
    "AWS::CodeCommit::Repository": Name(property="RepositoryName", longest=100, required=True),
    "AWS::CodePipeline::Pipeline": Name(property="Name", longest=100),
    "AWS::Cognito::UserPool": Name(property="UserPoolName", longest=128),
    "AWS::DocDB::DBCluster": Name(property="DBClusterIdentifier", longest=63),
    "AWS::DocDB::DBInstance": Name(property="DBInstanceIdentifier", longest=63),
    "AWS::DynamoDB::GlobalTable": Name(property="TableName", longest=255),
    "AWS::DynamoDB::Table": Name(property="TableName", longest=255),
    "AWS::EC2::KeyPair": Name(property="KeyName", longest=255, required=True),
    "AWS::EC2::LaunchTemplate": Name(property="LaunchTemplateName", longest=128),
    "AWS::EC2::SecurityGroup": Name(property="GroupName", longest=255),
    "AWS::ECR::Repository": Name(property="RepositoryName", longest=256),
    "AWS::ECS::Cluster": Name(property="ClusterName", longest=255),
    "AWS::ECS::Service": Name(property="ServiceName", longest=255),
    "AWS::EKS::Cluster": Name(property="Name", longest=100),
    "AWS::ElastiCache::CacheCluster": Name(property="ClusterName", longest=50),
    "AWS::ElastiCache::ReplicationGroup": Name(property="ReplicationGroupId", longest=40),
    "AWS::ElastiCache::SubnetGroup": Name(property="CacheSubnetGroupName", longest=255),
    "AWS::ElasticLoadBalancing::LoadBalancer": Name(property="LoadBalancerName", longest=32),
    "AWS::ElasticLoadBalancingV2::LoadBalancer": Name(property="Name", longest=32),
    "AWS::ElasticLoadBalancingV2::TargetGroup": Name(property="Name", longest=32),
    "AWS::Elasticsearch::Domain": Name(property="DomainName", longest=28),
    "AWS::Events::EventBus": Name(property="Name", longest=256, required=True),
    "AWS::Events::Rule": Name(property="Name", longest=64),
    "AWS::IAM::Group": Name(property="GroupName", longest=128),
    "AWS::IAM::InstanceProfile": Name(property="InstanceProfileName", longest=128),
    "AWS::IAM::ManagedPolicy": Name(property="ManagedPolicyName", longest=128),
    "AWS::IAM::Role": Name(property="RoleName", longest=64),
    "AWS::IAM::User": Name(property="UserName", longest=64),
    "AWS::KMS::Alias": Name(property="AliasName", longest=256, required=True),
    "AWS::Kinesis::Stream": Name(property="Name", longest=128),
    "AWS::KinesisFirehose::DeliveryStream": Name(property="DeliveryStreamName", longest=64),
    "AWS::Lambda::Function": Name(property="FunctionName", longest=64),
    "AWS::Lambda::LayerVersion": Name(property="LayerName", longest=140),
    "AWS::Logs::LogGroup": Name(property="LogGroupName", longest=512),
    "AWS::MSK::Cluster": Name(property="ClusterName", longest=64, required=True),
    "AWS::Neptune::DBCluster": Name(property="DBClusterIdentifier", longest=63),
    "AWS::Neptune::DBInstance": Name(property="DBInstanceIdentifier", longest=63),
    "AWS::OpenSearchService::Domain": Name(property="DomainName", longest=28),
    "AWS::RDS::DBCluster": Name(property="DBClusterIdentifier", longest=63),
    "AWS::RDS::DBInstance": Name(property="DBInstanceIdentifier", longest=63),
    "AWS::RDS::DBParameterGroup": Name(property="DBParameterGroupName", longest=255),
    "AWS::RDS::DBSubnetGroup": Name(property="DBSubnetGroupName", longest=255),
    "AWS::Redshift::Cluster": Name(property="ClusterIdentifier", longest=63),
    "AWS::S3::Bucket": Name(property="BucketName", longest=63),
    "AWS::SNS::Topic": Name(property="TopicName", longest=256, ending=".fifo"),
    "AWS::SQS::Queue": Name(property="QueueName", longest=80, ending=".fifo"),
    "AWS::SSM::Document": Name(property="Name", longest=128),
    "AWS::SSM::Parameter": Name(property="Name", longest=2048),
    "AWS::Scheduler::Schedule": Name(property="Name", longest=64),
    "AWS::Scheduler::ScheduleGroup": Name(property="Name", longest=64),
    "AWS::SecretsManager::Secret": Name(property="Name", longest=512),
    "AWS::StepFunctions::Activity": Name(property="Name", longest=80, required=True),
    "AWS::StepFunctions::StateMachine": Name(property="StateMachineName", longest=80),
    "AWS::Synthetics::Canary": Name(property="Name", longest=255, required=True),
    "AWS::WAFv2::IPSet": Name(property="Name", longest=128),
    "AWS::WAFv2::WebACL": Name(property="Name", longest=128),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ExplicitName:
    """A name that the template fixes: of a resource, or of an output's export (`type` "Export")."""

    logical_id: str
    type: str
    property: str
    value: Tree


def explicit_names(template: Template) -> tuple[ExplicitName, ...]:
    """Every name that would collide with a stack of the same template."""
    return (*_resource_names(template), *_export_names(template))


def rename(template: Template, mode: Mode, suffix: str) -> Template:
    """The template with its explicit names kept, dropped or suffixed."""
    if mode == "keep":
        return template
    return edit(template, [_edit(found, mode, suffix) for found in explicit_names(template)])


def _resource_names(template: Template) -> Iterator[ExplicitName]:
    for logical_id, resource in template.resources().items():
        kind = str(resource.get("Type"))
        rule = NAMES.get(kind)
        found = properties(resource)
        if rule is not None and found.get(rule.property) is not None:
            name = rule.property
            yield ExplicitName(logical_id=logical_id, type=kind, property=name, value=found[name])


def _export_names(template: Template) -> Iterator[ExplicitName]:
    for logical_id, output in template.section("Outputs").items():
        export = output.get("Export") if isinstance(output, dict) else None
        if isinstance(export, dict) and "Name" in export:
            yield ExplicitName(logical_id=logical_id, type="Export", property="Name", value=export["Name"])


def _edit(found: ExplicitName, mode: Mode, suffix: str) -> Edit:
    path: Path
    if found.type == "Export":
        path = ("Outputs", found.logical_id, "Export")
        if mode == "drop":
            return Drop(path=path)
        return Put(
            path=(*path, "Name"), value=_suffixed(found.value, suffix, Name(property="Name", longest=255))
        )
    rule = NAMES[found.type]
    path = ("Resources", found.logical_id, "Properties", found.property)
    if mode == "drop" and not rule.required:
        return Drop(path=path)
    return Put(path=path, value=_suffixed(found.value, suffix, rule))


def _suffixed(value: Tree, suffix: str, rule: Name) -> Any:
    if value == {"Ref": "AWS::NoValue"}:
        return value
    if is_intrinsic(value) and isinstance(value.get("Fn::If"), list):
        condition, *branches = value["Fn::If"]
        return {"Fn::If": [condition, *(_suffixed(branch, suffix, rule) for branch in branches)]}
    if is_intrinsic(value):
        return _suffixed_call(value, suffix)
    text = str(value)
    ending = rule.ending if rule.ending and text.endswith(rule.ending) else ""
    stem = text.removesuffix(ending)
    return stem[: rule.longest - len(suffix) - len(ending)] + suffix + ending


def _suffixed_call(value: dict[str, Tree], suffix: str) -> Any:
    """The function's result with the suffix; appended inside a plain Fn::Sub, joined to anything else."""
    text = value.get("Fn::Sub")
    if isinstance(text, str) and not text.endswith(".fifo"):
        return {"Fn::Sub": text + suffix}
    if isinstance(text, str):
        return {"Fn::Sub": text.removesuffix(".fifo") + suffix + ".fifo"}
    return {"Fn::Join": ["", [value, suffix]]}
