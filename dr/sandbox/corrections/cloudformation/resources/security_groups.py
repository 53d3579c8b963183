"""AWS::EC2::SecurityGroup, SecurityGroupIngress and SecurityGroupEgress.

Source: CloudFormation template reference, AWS::EC2::SecurityGroup: with SecurityGroupEgress the default rule that lets
everything out is removed.
"""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made, Properties, only, retag

_OPEN = {"IpProtocol": "-1", "IpRanges": [{"CidrIp": "0.0.0.0/0"}]}
_RANGES = {
    "CidrIp": ("IpRanges", "CidrIp"),
    "CidrIpv6": ("Ipv6Ranges", "CidrIpv6"),
    "SourcePrefixListId": ("PrefixListIds", "PrefixListId"),
    "DestinationPrefixListId": ("PrefixListIds", "PrefixListId"),
    "SourceSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
    "SourceSecurityGroupName": ("UserIdGroupPairs", "GroupName"),
    "DestinationSecurityGroupId": ("UserIdGroupPairs", "GroupId"),
}


def group(job: Job) -> Made:
    """The group and its rules; Ref is its id."""
    job.required("GroupDescription")
    name = job.name("GroupName")
    vpc = {"VpcId": job.properties["VpcId"]} if "VpcId" in job.properties else {}
    identifier = job.ec2(
        "create_security_group",
        GroupName=name,
        Description=job.properties["GroupDescription"],
        **vpc,
        **job.tagged("security-group"),
    )["GroupId"]
    job.mark(identifier)
    try:
        _rules(job, identifier)
    except ClientError:
        job.ec2("delete_security_group", GroupId=identifier)
        raise
    found = job.ec2("describe_security_groups", GroupIds=[identifier])["SecurityGroups"][0]
    return Made(
        id=identifier,
        attributes={
            "GroupId": identifier,
            "Id": identifier,
            "VpcId": found.get("VpcId", ""),
            "GroupName": name,
        },
    )


def end_group(job: Job, made: Made) -> None:
    """Deleted; refused while something uses it."""
    try:
        job.ec2("delete_security_group", GroupId=made.id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "InvalidGroup.NotFound":
            raise


def change_group(job: Job, made: Made, changed: set[str]) -> Made:
    """Rules and tags change in place."""
    only(job, changed, {"Tags", "SecurityGroupIngress", "SecurityGroupEgress"})
    found = job.ec2("describe_security_groups", GroupIds=[made.id])["SecurityGroups"][0]
    if "SecurityGroupIngress" in changed and found["IpPermissions"]:
        job.ec2("revoke_security_group_ingress", GroupId=made.id, IpPermissions=found["IpPermissions"])
    if "SecurityGroupEgress" in changed and found["IpPermissionsEgress"]:
        job.ec2("revoke_security_group_egress", GroupId=made.id, IpPermissions=found["IpPermissionsEgress"])
    _authorize(job, made.id, "ingress" if "SecurityGroupIngress" in changed else "")
    _authorize(job, made.id, "egress" if "SecurityGroupEgress" in changed else "")
    retag(job, made)
    return made


def _rules(job: Job, identifier: str) -> None:
    _authorize(job, identifier, "ingress")
    if "SecurityGroupEgress" in job.properties:
        job.ec2("revoke_security_group_egress", GroupId=identifier, IpPermissions=[_OPEN])
        _authorize(job, identifier, "egress")


def _authorize(job: Job, identifier: str, way: str) -> None:
    rules = job.properties.get(f"SecurityGroup{way.capitalize()}") if way else None
    for rule in [rules] if isinstance(rules, dict) else rules or []:
        job.ec2(f"authorize_security_group_{way}", GroupId=identifier, IpPermissions=[_permission(rule)])


def _permission(rule: Properties) -> dict[str, Any]:
    made: dict[str, Any] = {key: rule[key] for key in ("IpProtocol", "FromPort", "ToPort") if key in rule}
    described = {"Description": rule["Description"]} if "Description" in rule else {}
    for key, (member, name) in _RANGES.items():
        if key in rule:
            made[member] = [{name: rule[key], **described}]
    return made


def _rule(way: str) -> Kind:
    def create(job: Job) -> Made:
        job.required("IpProtocol")
        identifier = _group_of(job)
        found = job.ec2(
            f"authorize_security_group_{way}", GroupId=identifier, IpPermissions=[_permission(job.properties)]
        )
        rule = found.get("SecurityGroupRules") or [{}]
        return Made(id=rule[0].get("SecurityGroupRuleId") or job.name(), attributes={"Group": identifier})

    def delete(job: Job, made: Made) -> None:
        try:
            job.ec2(
                f"revoke_security_group_{way}",
                GroupId=made.attributes["Group"],
                IpPermissions=[_permission(job.properties)],
            )
        except ClientError as error:
            if "NotFound" not in error.response["Error"]["Code"]:
                raise

    return Kind(create=create, delete=delete)


def _group_of(job: Job) -> str:
    if "GroupId" in job.properties:
        return str(job.properties["GroupId"])
    job.required("GroupName")
    return str(
        job.ec2("describe_security_groups", GroupNames=[job.properties["GroupName"]])["SecurityGroups"][0][
            "GroupId"
        ]
    )


KINDS = {
    "AWS::EC2::SecurityGroup": Kind(create=group, delete=end_group, change=change_group, retags=True),
    "AWS::EC2::SecurityGroupEgress": _rule("egress"),
    "AWS::EC2::SecurityGroupIngress": _rule("ingress"),
}
