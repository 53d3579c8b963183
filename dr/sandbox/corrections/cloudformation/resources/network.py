"""The network types of AWS::EC2, each by the calls that bear its properties.

Source: CloudFormation template reference of each type, "Return values".
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made, only, retag

Found = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Thing:
    """A taggable thing that one call makes and one call deletes, both by the same id."""

    noun: str  # vpc -> create_vpc, delete_vpc
    answer: str  # Vpc: the member of the answer
    id: str  # VpcId
    apart: tuple[str, ...] = ()  # properties with calls of their own
    after: Callable[[Job, Found], None] = lambda job, found: None
    attributes: Callable[[Job, Found], dict[str, Any]] = lambda job, found: {}
    tag: str = ""
    fixed: dict[str, Any] = field(default_factory=dict)


def _kind(thing: _Thing) -> Kind:
    def create(job: Job) -> Made:
        tags = job.tagged(thing.tag or thing.noun.replace("_", "-"))
        found = job.ec2(f"create_{thing.noun}", **job.without("Tags", *thing.apart), **tags)[thing.answer]
        job.mark(found[thing.id])
        thing.after(job, found)
        return Made(
            id=found[thing.id], attributes={thing.id: found[thing.id], **thing.attributes(job, found)}
        )

    def delete(job: Job, made: Made) -> None:
        _unless_gone(job, f"delete_{thing.noun}", **{thing.id: made.id})

    return Kind(create=create, delete=delete, change=_tags_only, retags=True)


def _tags_only(job: Job, made: Made, changed: set[str]) -> Made:
    only(job, changed, {"Tags"})
    retag(job, made)
    return made


def _unless_gone(job: Job, operation: str, **parameters: Any) -> None:
    """Source: CloudFormation CLI, "Resource type handler contract": deleting what is gone counts as deleted."""
    try:
        job.ec2(operation, **parameters)
    except ClientError as error:
        if "NotFound" not in error.response["Error"]["Code"]:
            raise


def _vpc_switches(job: Job, found: Found) -> None:
    for name in ("EnableDnsSupport", "EnableDnsHostnames"):
        if name in job.properties:
            job.ec2("modify_vpc_attribute", VpcId=found["VpcId"], **{name: {"Value": job.properties[name]}})


def _vpc_attributes(job: Job, found: Found) -> dict[str, Any]:
    here = [{"Name": "vpc-id", "Values": [found["VpcId"]]}]
    groups = job.ec2(
        "describe_security_groups", Filters=[*here, {"Name": "group-name", "Values": ["default"]}]
    )["SecurityGroups"]
    acls = job.ec2("describe_network_acls", Filters=here)["NetworkAcls"]
    return {
        "CidrBlock": found["CidrBlock"],
        "CidrBlockAssociations": [one["AssociationId"] for one in found.get("CidrBlockAssociationSet", [])],
        "DefaultSecurityGroup": groups[0]["GroupId"] if groups else "",
        "DefaultNetworkAcl": acls[0]["NetworkAclId"] if acls else "",
    }


def _subnet_switches(job: Job, found: Found) -> None:
    if "MapPublicIpOnLaunch" in job.properties:
        job.ec2(
            "modify_subnet_attribute",
            SubnetId=found["SubnetId"],
            MapPublicIpOnLaunch={"Value": job.properties["MapPublicIpOnLaunch"]},
        )


def _subnet_attributes(job: Job, found: Found) -> dict[str, Any]:
    return {
        "AvailabilityZone": found["AvailabilityZone"],
        "CidrBlock": found["CidrBlock"],
        "VpcId": found["VpcId"],
    }


def _interface(job: Job) -> Made:
    renamed = {
        "Groups" if key == "GroupSet" else key: value
        for key, value in job.without("Tags", "SourceDestCheck").items()
    }
    found = job.ec2("create_network_interface", **renamed, **job.tagged("network-interface"))[
        "NetworkInterface"
    ]
    job.mark(found["NetworkInterfaceId"])
    return Made(
        id=found["NetworkInterfaceId"],
        attributes={"Id": found["NetworkInterfaceId"], "PrimaryPrivateIpAddress": found["PrivateIpAddress"]},
    )


def _endpoint(job: Job) -> Made:
    policy = {
        key: json.dumps(job.properties[key])
        for key in ("PolicyDocument",)
        if isinstance(job.properties.get(key), dict)
    }
    asked = {
        "VpcEndpointType": "Gateway",
        **job.without("Tags"),
        **policy,
    }  # CreateVpcEndpoint: default Gateway
    found = job.ec2("create_vpc_endpoint", **asked, **job.tagged("vpc-endpoint"))["VpcEndpoint"]
    job.mark(found["VpcEndpointId"])
    return Made(id=found["VpcEndpointId"], attributes={"Id": found["VpcEndpointId"]})


def _gateway_attachment(job: Job) -> Made:
    vpc, gateway = job.properties["VpcId"], job.properties.get("InternetGatewayId")
    if gateway:
        job.ec2("attach_internet_gateway", VpcId=vpc, InternetGatewayId=gateway)
        return Made(id=f"IGW|{vpc}|{gateway}")
    job.required("VpnGatewayId")
    job.ec2("attach_vpn_gateway", VpcId=vpc, VpnGatewayId=job.properties["VpnGatewayId"])
    return Made(id=f"VGW|{vpc}|{job.properties['VpnGatewayId']}")


def _end_gateway_attachment(job: Job, made: Made) -> None:
    kind, vpc, gateway = made.id.split("|")
    operation, name = (
        ("detach_internet_gateway", "InternetGatewayId")
        if kind == "IGW"
        else ("detach_vpn_gateway", "VpnGatewayId")
    )
    _unless_gone(job, operation, VpcId=vpc, **{name: gateway})


def _route(job: Job) -> Made:
    job.ec2("create_route", **job.properties)
    target = next(value for key, value in job.properties.items() if key.startswith("Destination"))
    return Made(id=f"{job.properties['RouteTableId']}|{target}", attributes={"CidrBlock": target})


def _end_route(job: Job, made: Made) -> None:
    table, target = made.id.split("|")
    name = next((key for key in job.properties if key.startswith("Destination")), "DestinationCidrBlock")
    _unless_gone(job, "delete_route", RouteTableId=table, **{name: target})


def _association(job: Job) -> Made:
    identifier = job.ec2("associate_route_table", **job.properties)["AssociationId"]
    return Made(id=identifier, attributes={"Id": identifier})


def _address(job: Job) -> Made:
    job.properties.setdefault("Domain", "vpc")
    found = job.ec2(
        "allocate_address", **job.without("Tags", "InstanceId", "TransferAddress"), **job.tagged("elastic-ip")
    )
    job.mark(found["AllocationId"])
    if instance := job.properties.get("InstanceId"):
        job.ec2("associate_address", InstanceId=instance, AllocationId=found["AllocationId"])
    return Made(
        id=found["PublicIp"],
        attributes={"AllocationId": found["AllocationId"], "PublicIp": found["PublicIp"]},
    )


def _end_address(job: Job, made: Made) -> None:
    for one in job.ec2("describe_addresses", PublicIps=[made.id])["Addresses"]:
        if one.get("AssociationId"):
            job.ec2("disassociate_address", AssociationId=one["AssociationId"])
    _unless_gone(job, "release_address", AllocationId=made.attributes["AllocationId"])


def _address_association(job: Job) -> Made:
    renamed = {"PublicIp" if key == "EIP" else key: value for key, value in job.properties.items()}
    return Made(id=job.ec2("associate_address", **renamed)["AssociationId"])


_NAT = _Thing(
    noun="nat_gateway",
    answer="NatGateway",
    id="NatGatewayId",
    tag="natgateway",
    apart=("MaxDrainDurationSeconds",),
)
_GATEWAY = _Thing(noun="internet_gateway", answer="InternetGateway", id="InternetGatewayId")
_TABLE = _Thing(noun="route_table", answer="RouteTable", id="RouteTableId")
_VPC = _Thing(
    noun="vpc",
    answer="Vpc",
    id="VpcId",
    apart=("EnableDnsSupport", "EnableDnsHostnames"),
    after=_vpc_switches,
    attributes=_vpc_attributes,
)
_SUBNET = _Thing(
    noun="subnet",
    answer="Subnet",
    id="SubnetId",
    apart=("MapPublicIpOnLaunch",),
    after=_subnet_switches,
    attributes=_subnet_attributes,
)
_ACL = _Thing(noun="network_acl", answer="NetworkAcl", id="NetworkAclId")

KINDS = {
    "AWS::EC2::EIP": Kind(create=_address, delete=_end_address),
    "AWS::EC2::EIPAssociation": Kind(
        create=_address_association,
        delete=lambda job, made: _unless_gone(job, "disassociate_address", AssociationId=made.id),
    ),
    "AWS::EC2::InternetGateway": _kind(_GATEWAY),
    "AWS::EC2::NatGateway": _kind(_NAT),
    "AWS::EC2::NetworkAcl": _kind(_ACL),
    "AWS::EC2::NetworkInterface": Kind(
        create=_interface,
        delete=lambda job, made: _unless_gone(job, "delete_network_interface", NetworkInterfaceId=made.id),
        change=_tags_only,
        retags=True,
    ),
    "AWS::EC2::Route": Kind(create=_route, delete=_end_route),
    "AWS::EC2::RouteTable": _kind(_TABLE),
    "AWS::EC2::Subnet": _kind(_SUBNET),
    "AWS::EC2::SubnetRouteTableAssociation": Kind(
        create=_association,
        delete=lambda job, made: _unless_gone(job, "disassociate_route_table", AssociationId=made.id),
    ),
    "AWS::EC2::VPC": _kind(_VPC),
    "AWS::EC2::VPCEndpoint": Kind(
        create=_endpoint,
        delete=lambda job, made: _unless_gone(job, "delete_vpc_endpoints", VpcEndpointIds=[made.id]),
        change=_tags_only,
        retags=True,
    ),
    "AWS::EC2::VPCGatewayAttachment": Kind(create=_gateway_attachment, delete=_end_gateway_attachment),
}
