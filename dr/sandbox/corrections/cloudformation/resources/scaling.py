"""AWS::AutoScaling::AutoScalingGroup and LaunchConfiguration.

Source: CloudFormation template reference of both; Auto Scaling user guide, "Tag Auto Scaling groups and instances".
"""

from __future__ import annotations

import base64
from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made, only

_RENAMED = {"Cooldown": "DefaultCooldown"}
_APART = (
    "Tags",
    "AutoScalingGroupName",
    "VPCZoneIdentifier",
    "MetricsCollection",
    "NotificationConfigurations",
    "NotificationConfiguration",
)


def group(job: Job) -> Made:
    """The group with its instances; Ref is its name."""
    job.required("MinSize", "MaxSize")
    name = job.name("AutoScalingGroupName")
    asked = {_RENAMED.get(key, key): value for key, value in job.without(*_APART).items()}
    if subnets := job.properties.get("VPCZoneIdentifier"):
        asked["VPCZoneIdentifier"] = ",".join(subnets)
    job.call(
        "autoscaling", "create_auto_scaling_group", AutoScalingGroupName=name, Tags=_tags(job, name), **asked
    )
    _own_tags(job, name)
    return Made(id=name, attributes={"AutoScalingGroupName": name})


def change_group(job: Job, made: Made, changed: set[str]) -> Made:
    """Sizes, launch template, subnets and health checks. Running instances stay as they are without an UpdatePolicy."""
    only(
        job,
        changed,
        {
            "MinSize",
            "MaxSize",
            "DesiredCapacity",
            "LaunchTemplate",
            "LaunchConfigurationName",
            "VPCZoneIdentifier",
            "HealthCheckType",
        },
    )
    asked = {key: job.properties[key] for key in changed if key in job.properties}
    if "VPCZoneIdentifier" in asked:
        asked["VPCZoneIdentifier"] = ",".join(asked["VPCZoneIdentifier"])
    job.call("autoscaling", "update_auto_scaling_group", AutoScalingGroupName=made.id, **asked)
    _own_tags(job, made.id)
    return made


def end_group(job: Job, made: Made) -> None:
    """Deleted; its instances are terminated. Source: DeleteAutoScalingGroup, ForceDelete."""
    found = job.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[made.id])[
        "AutoScalingGroups"
    ]
    if not found:
        return
    machines = [one["InstanceId"] for one in found[0].get("Instances", [])]
    job.call("autoscaling", "delete_auto_scaling_group", AutoScalingGroupName=made.id, ForceDelete=True)
    if machines:
        job.ec2("terminate_instances", InstanceIds=machines)


def configuration(job: Job) -> Made:
    """AWS::AutoScaling::LaunchConfiguration; Ref is its name."""
    name = job.name("LaunchConfigurationName")
    asked = job.without("LaunchConfigurationName", "InstanceMonitoring", "UserData")
    if "InstanceMonitoring" in job.properties:
        asked["InstanceMonitoring"] = {"Enabled": job.properties["InstanceMonitoring"]}
    if "UserData" in job.properties:
        asked["UserData"] = base64.b64decode(job.properties["UserData"]).decode("utf-8", "surrogateescape")
    job.call("autoscaling", "create_launch_configuration", LaunchConfigurationName=name, **asked)
    return Made(id=name)


def end_configuration(job: Job, made: Made) -> None:
    """Deleted; refused while a group uses it."""
    try:
        job.call("autoscaling", "delete_launch_configuration", LaunchConfigurationName=made.id)
    except ClientError as error:
        if "not found" not in error.response["Error"]["Message"]:
            raise


def _tags(job: Job, name: str) -> list[dict[str, Any]]:
    own = [
        {
            "Key": tag["Key"],
            "Value": str(tag["Value"]),
            "PropagateAtLaunch": tag.get("PropagateAtLaunch", True),
        }
        for tag in job.properties.get("Tags", [])
    ]
    named = {tag["Key"] for tag in own}
    stack = [
        {"Key": key, "Value": value, "PropagateAtLaunch": True}
        for key, value in job.stack_tags.items()
        if key not in named
    ]
    return [{**tag, "ResourceId": name, "ResourceType": "auto-scaling-group"} for tag in [*own, *stack]]


def _own_tags(job: Job, name: str) -> None:
    """CloudFormation's tags go to the group's instances too."""
    found = job.call("autoscaling", "describe_auto_scaling_groups", AutoScalingGroupNames=[name])[
        "AutoScalingGroups"
    ]
    for machine in found[0].get("Instances", []):
        job.mark(machine["InstanceId"])


KINDS = {
    "AWS::AutoScaling::AutoScalingGroup": Kind(create=group, delete=end_group, change=change_group),
    "AWS::AutoScaling::LaunchConfiguration": Kind(create=configuration, delete=end_configuration),
}
