"""Types that need no behaviour here: the stack records them, with a physical id by the naming rule, and nothing else.

The list is explicit, so that a type which matters is never accepted and silently not made.
Source of names: CloudFormation user guide, "Name type": `stack-LogicalId-RANDOM`.
"""

from __future__ import annotations

from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made

_RECORDED = {
    "ApiGateway": ("Account", "BasePathMapping", "DomainName", "Stage", "UsagePlan"),
    "ApiGatewayV2": ("Api", "Integration", "Route", "Stage"),
    "ApplicationAutoScaling": ("ScalableTarget", "ScalingPolicy"),
    "AutoScaling": ("LifecycleHook", "ScalingPolicy", "ScheduledAction"),
    "Backup": ("BackupPlan", "BackupSelection", "BackupVault"),
    "Budgets": ("Budget",),
    "CertificateManager": ("Certificate",),
    "CloudFormation": ("CustomResource", "WaitCondition", "WaitConditionHandle"),
    "CloudFront": ("Distribution",),
    "CloudTrail": ("Trail",),
    "CloudWatch": ("Alarm", "CompositeAlarm", "Dashboard"),
    "Cognito": ("UserPool", "UserPoolClient"),
    "Config": ("ConfigRule",),
    "DLM": ("LifecyclePolicy",),
    "EC2": (
        "DHCPOptions",
        "EgressOnlyInternetGateway",
        "FlowLog",
        "NetworkAclEntry",
        "PlacementGroup",
        "SubnetNetworkAclAssociation",
        "VPCDHCPOptionsAssociation",
    ),
    "ElastiCache": ("CacheCluster", "ReplicationGroup", "SubnetGroup"),
    "Events": ("EventBusPolicy",),
    "IAM": ("Group", "UserToGroupAddition"),
    "KinesisFirehose": ("DeliveryStream",),
    "Lambda": ("Alias", "EventInvokeConfig", "LayerVersionPermission", "Permission"),
    "Logs": ("MetricFilter", "SubscriptionFilter"),
    "OpenSearchService": ("Domain",),
    "RDS": (
        "DBCluster",
        "DBClusterParameterGroup",
        "DBInstance",
        "DBParameterGroup",
        "DBSecurityGroup",
        "DBSubnetGroup",
        "EventSubscription",
        "OptionGroup",
    ),
    "ResourceGroups": ("Group",),
    "S3": ("AccessPoint",),
    "SNS": ("Subscription", "TopicPolicy"),
    "SQS": ("QueuePolicy",),
    "SSM": ("Association", "MaintenanceWindow"),
    "Scheduler": ("Schedule", "ScheduleGroup"),
    "SecretsManager": ("ResourcePolicy", "RotationSchedule", "SecretTargetAttachment"),
    "ServiceDiscovery": ("PrivateDnsNamespace", "Service"),
    "WAFv2": ("WebACL", "WebACLAssociation"),
}
TYPES = frozenset(f"AWS::{service}::{kind}" for service, kinds in _RECORDED.items() for kind in kinds)

_NAMES = {
    "AWS::CloudWatch::Alarm": "AlarmName",
    "AWS::CloudWatch::Dashboard": "DashboardName",
    "AWS::IAM::Group": "GroupName",
    "AWS::RDS::DBCluster": "DBClusterIdentifier",
    "AWS::RDS::DBInstance": "DBInstanceIdentifier",
    "AWS::RDS::DBSubnetGroup": "DBSubnetGroupName",
    "AWS::Scheduler::Schedule": "Name",
    "AWS::Scheduler::ScheduleGroup": "Name",
}
_LOWER = {
    "AWS::RDS::DBCluster",
    "AWS::RDS::DBInstance",
    "AWS::RDS::DBSubnetGroup",
    "AWS::ElastiCache::CacheCluster",
}
_PORTS = {
    "mysql": "3306",
    "mariadb": "3306",
    "postgres": "5432",
    "aurora-postgresql": "5432",
    "aurora-mysql": "3306",
}


def record(job: Job) -> Made:
    """Nothing but a physical id, and an ARN and endpoint that look like the type's."""
    name = job.name(_NAMES.get(job.type, ""))
    name = name.lower() if job.type in _LOWER else name
    service, kind = [*(part.lower() for part in job.type.split("::")), "resource"][1:3]
    attributes = {"Arn": f"arn:aws:{service}:{job.region}:{job.account}:{kind}/{name}"}
    if service == "rds":
        attributes |= _endpoint(job, name)
    if job.type == "AWS::CloudFormation::WaitCondition":
        attributes["Data"] = "{}"
    return Made(id=name, attributes=attributes)


def _endpoint(job: Job, name: str) -> dict[str, str]:
    host = f"{name}.sandbox.{job.region}.rds.amazonaws.com"
    port = str(job.properties.get("Port") or _PORTS.get(str(job.properties.get("Engine")), "3306"))
    return {"Endpoint.Address": host, "Endpoint.Port": port, "ReadEndpoint.Address": host}


KIND = Kind(create=record, delete=lambda job, made: None, change=lambda job, made, changed: made)
