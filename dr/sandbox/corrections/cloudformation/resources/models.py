"""Types that moto's own CloudFormation models make (IAM, KMS, SNS, SQS, Logs, Lambda, load balancers and others)."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation import parsing
from moto.core.common_models import CloudFormationModel
from moto.core.exceptions import ServiceException

from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made
from dr.sandbox.world import lock

# Models that moto cannot delete: (service, call, member of its request).
_BY_CALL = {
    "AWS::ApiGateway::RestApi": ("apigateway", "delete_rest_api", "restApiId"),
    "AWS::EC2::TransitGateway": ("ec2", "delete_transit_gateway", "TransitGatewayId"),
    "AWS::EC2::VPCPeeringConnection": ("ec2", "delete_vpc_peering_connection", "VpcPeeringConnectionId"),
    "AWS::EC2::VPNGateway": ("ec2", "delete_vpn_gateway", "VpnGatewayId"),
    "AWS::ECS::Cluster": ("ecs", "delete_cluster", "cluster"),
    "AWS::ECS::TaskDefinition": ("ecs", "deregister_task_definition", "taskDefinition"),
    "AWS::ElasticLoadBalancingV2::Listener": ("elbv2", "delete_listener", "ListenerArn"),
    "AWS::ElasticLoadBalancingV2::ListenerRule": ("elbv2", "delete_rule", "RuleArn"),
    "AWS::ElasticLoadBalancingV2::TargetGroup": ("elbv2", "delete_target_group", "TargetGroupArn"),
    "AWS::IAM::ManagedPolicy": ("iam", "delete_policy", "PolicyArn"),
    "AWS::Route53::HealthCheck": ("route53", "delete_health_check", "HealthCheckId"),
    "AWS::Route53::HostedZone": ("route53", "delete_hosted_zone", "Id"),
}
# They go with what they are part of.
_PARTS = {
    "AWS::ApiGateway::Deployment",
    "AWS::ApiGateway::Method",
    "AWS::ApiGateway::Resource",
    "AWS::Lambda::LayerVersion",
    "AWS::Lambda::Version",
}
_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, NotImplementedError)


def known(kind: str) -> bool:
    """Whether moto can make a resource of this type, and it can be deleted again."""
    model = parsing.get_model_map().get(kind)
    if model is None:
        return False
    inherited = CloudFormationModel.delete_from_cloudformation_json.__func__
    own = model.delete_from_cloudformation_json.__func__ is not inherited or "delete" in dir(model)
    return own or kind in _BY_CALL or kind in _PARTS


def create(job: Job) -> Made:
    """By the model's create_from_cloudformation_json."""
    model = parsing.get_model_map()[job.type]
    property_name = parsing.resource_name_property_from_type(job.type)
    name = job.properties.get(property_name) if property_name else None
    name = name or parsing.generate_resource_name(job.type, job.stack_name, job.logical_id)
    name = name.lower() if job.type == "AWS::ECR::Repository" else name
    definition = {"Type": job.type, "Properties": _tagged(job)}
    with lock:
        made = _attempt(
            lambda: model.create_from_cloudformation_json(
                name, definition, job.account, job.region, LogicalId=job.logical_id
            ),
            job,
        )
        # moto's event bus has no such attribute. Source: AWS::Events::EventBus, Return values: Ref is its name.
        return Made(id=str(getattr(made, "physical_resource_id", name)), model=made)


def delete(job: Job, made: Made) -> None:
    """By the object's delete, else by the model's delete_from_cloudformation_json."""
    if job.type == "AWS::KMS::Key":
        _schedule_key(job, made)
        return
    if job.type in _BY_CALL:
        service, operation, member = _BY_CALL[job.type]
        job.call(service, operation, **{member: made.id})
    elif job.type not in _PARTS:
        with lock:
            _attempt(lambda: _delete(job, made), job)


def _delete(job: Job, made: Made) -> None:
    """As moto's own stacks do: some models have `delete`, some the class method, by physical id."""
    if "delete" in dir(made.model):
        made.model.delete(job.account, job.region)
        return
    definition = {"Type": job.type, "Properties": job.properties}
    type(made.model).delete_from_cloudformation_json(made.id, definition, job.account, job.region)


def _schedule_key(job: Job, made: Made) -> None:
    """Source: AWS::KMS::Key, PendingWindowInDays: deleting the resource schedules the key's deletion."""
    try:
        job.call(
            "kms",
            "schedule_key_deletion",
            KeyId=made.id,
            PendingWindowInDays=job.properties.get("PendingWindowInDays", 30),
        )
    except ClientError as error:
        raise Stuck(error.response["Error"].get("Message", str(error))) from error


def _tagged(job: Job) -> dict[str, Any]:
    """The stack's tags reach resources that take tags as a list. Source: user guide, "Resource tags"."""
    own = job.properties.get("Tags")
    return {**job.properties, "Tags": job.tag_list()} if isinstance(own, list) else dict(job.properties)


def _attempt(work: Any, job: Job) -> Any:
    """Run moto's code; what it cannot do fails the resource, with its words."""
    try:
        return work()
    except ServiceException as error:
        raise Stuck(str(getattr(error, "message", error))) from error
    except _BROKEN as error:
        raise Stuck(f"the sandbox's model of {job.type} cannot use these properties ({error!r})") from error


KIND = Kind(create=create, delete=delete)
