"""AWS::EC2::Instance, Volume, VolumeAttachment, LaunchTemplate and KeyPair.

Source: CloudFormation template reference of each type; every property goes to the EC2 call that bears its name.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made, Properties, only, retag

_PLACEMENT = {
    "AvailabilityZone": "AvailabilityZone",
    "Tenancy": "Tenancy",
    "PlacementGroupName": "GroupName",
    "Affinity": "Affinity",
    "HostId": "HostId",
}
_AFTERWARDS = (
    "Tags",
    "Volumes",
    "SourceDestCheck",
    "PropagateTagsToVolumeOnCreation",
    "SsmAssociations",
    "Ipv6Addresses",
)
_VOLUME_CHANGES = {"Size", "VolumeType", "Iops", "Throughput"}


def instance(job: Job) -> Made:
    """AWS::EC2::Instance: RunInstances, then what has calls of its own (volumes, source/destination check)."""
    asked = job.without(*_AFTERWARDS, *_PLACEMENT)
    for key in [key for key in asked if key in _RENAMED]:
        asked.update(_RENAMED[key](asked.pop(key)))
    if place := {name: job.properties[key] for key, name in _PLACEMENT.items() if key in job.properties}:
        asked["Placement"] = place
    made = job.ec2("run_instances", MinCount=1, MaxCount=1, **asked, **_instance_tags(job))["Instances"][0]
    identifier = made["InstanceId"]
    job.mark(identifier)
    try:
        _after_launch(job, identifier)
    except ClientError:
        job.ec2("terminate_instances", InstanceIds=[identifier])
        raise
    return Made(id=identifier, attributes=_instance_attributes(job, identifier))


def end_instance(job: Job, made: Made) -> None:
    """Terminated; gone already is as good. Volumes with DeleteOnTermination go with it."""
    _unless_gone(job, "InvalidInstanceID.NotFound", "terminate_instances", InstanceIds=[made.id])


def change_instance(job: Job, made: Made, changed: set[str]) -> Made:
    """Tags only: every other change stops, replaces or rewires a machine."""
    only(job, changed, {"Tags"})
    retag(job, made)
    return made


def volume(job: Job) -> Made:
    """AWS::EC2::Volume: CreateVolume; from SnapshotId, with its size where Size is not given."""
    job.required("AvailabilityZone")
    asked = job.without("Tags", "AutoEnableIO", "SourceVolumeId")
    identifier = job.ec2("create_volume", **asked, **job.tagged("volume"))["VolumeId"]
    job.mark(identifier)
    return Made(id=identifier, attributes={"VolumeId": identifier})


def end_volume(job: Job, made: Made) -> None:
    """Deleted; one that is attached is not, as with DeleteVolume."""
    _unless_gone(job, "InvalidVolume.NotFound", "delete_volume", VolumeId=made.id)


def snapshot_volume(job: Job, made: Made) -> None:
    """DeletionPolicy Snapshot. Source: user guide, "DeletionPolicy attribute"."""
    job.ec2(
        "create_snapshot",
        VolumeId=made.id,
        Description=f"Created by CloudFormation for {job.stack_name}",
        **job.tagged("snapshot"),
    )


def change_volume(job: Job, made: Made, changed: set[str]) -> Made:
    """Size, type, IOPS and throughput (ModifyVolume), and tags."""
    only(job, changed, {"Tags", *_VOLUME_CHANGES})
    if wanted := {key: job.properties[key] for key in changed & _VOLUME_CHANGES if key in job.properties}:
        job.ec2("modify_volume", VolumeId=made.id, **wanted)
    retag(job, made)
    return made


def attachment(job: Job) -> Made:
    """AWS::EC2::VolumeAttachment: identified by volume and instance."""
    job.required("VolumeId", "InstanceId")
    job.ec2("attach_volume", **job.properties)
    return Made(id=f"{job.properties['VolumeId']}|{job.properties['InstanceId']}")


def end_attachment(job: Job, made: Made) -> None:
    """Detached, where it still is attached to that instance."""
    volume_id, instance_id = made.id.split("|")
    try:
        found = job.ec2("describe_volumes", VolumeIds=[volume_id])["Volumes"]
    except ClientError:
        return
    if any(one["InstanceId"] == instance_id for one in found[0]["Attachments"]):
        job.ec2("detach_volume", VolumeId=volume_id, InstanceId=instance_id)


def launch_template(job: Job) -> Made:
    """AWS::EC2::LaunchTemplate: Ref is its id."""
    job.required("LaunchTemplateData")
    made = job.ec2(
        "create_launch_template",
        LaunchTemplateName=job.name("LaunchTemplateName", 128),
        **_template_version(job),
        **_template_tags(job),
    )["LaunchTemplate"]
    job.mark(made["LaunchTemplateId"])
    return Made(id=made["LaunchTemplateId"], attributes=_template_attributes(made))


def change_launch_template(job: Job, made: Made, changed: set[str]) -> Made:
    """A new version of the template. Source: AWS::EC2::LaunchTemplate, LaunchTemplateData: no interruption."""
    only(job, changed, {"LaunchTemplateData", "VersionDescription"})
    job.ec2("create_launch_template_version", LaunchTemplateId=made.id, **_template_version(job))
    found = job.ec2("describe_launch_templates", LaunchTemplateIds=[made.id])["LaunchTemplates"][0]
    return Made(id=made.id, attributes=_template_attributes(found))


def end_launch_template(job: Job, made: Made) -> None:
    """Deleted with all its versions."""
    _unless_gone(job, "InvalidLaunchTemplateId.NotFound", "delete_launch_template", LaunchTemplateId=made.id)


def key_pair(job: Job) -> Made:
    """AWS::EC2::KeyPair, made or imported; Ref is its name."""
    name = job.name("KeyName")
    if material := job.properties.get("PublicKeyMaterial"):
        made = job.ec2(
            "import_key_pair",
            KeyName=name,
            PublicKeyMaterial=str(material).encode(),
            **job.tagged("key-pair"),
        )
    else:
        made = job.ec2("create_key_pair", KeyName=name, **job.tagged("key-pair"))
    return Made(
        id=name, attributes={"KeyPairId": made["KeyPairId"], "KeyFingerprint": made["KeyFingerprint"]}
    )


def end_key_pair(job: Job, made: Made) -> None:
    """Deleted; deleting again is no error."""
    job.ec2("delete_key_pair", KeyName=made.id)


def _user_data(encoded: str) -> Properties:
    """The property is base64 already; boto3 encodes what RunInstances gets. Source: AWS::EC2::Instance, UserData."""
    try:
        return {"UserData": base64.b64decode(encoded, validate=True)}
    except binascii.Error as error:
        raise Stuck("Invalid BASE64 encoding of user data.") from error


def _devices(mappings: list[Properties]) -> Properties:
    """`NoDevice: {}` of a template is `NoDevice: ""` of the API. Source: AWS::EC2::Instance BlockDeviceMapping."""
    return {
        "BlockDeviceMappings": [{**one, "NoDevice": ""} if "NoDevice" in one else one for one in mappings]
    }


def _interfaces(given: list[Properties]) -> Properties:
    names = {"GroupSet": "Groups"}
    return {
        "NetworkInterfaces": [{names.get(key, key): value for key, value in one.items()} for one in given]
    }


_RENAMED: dict[str, Callable[[Any], Properties]] = {
    "BlockDeviceMappings": _devices,
    "CreditSpecification": lambda value: {
        "CreditSpecification": {"CpuCredits": value.get("CPUCredits", value.get("CpuCredits"))}
    },
    "IamInstanceProfile": lambda name: {"IamInstanceProfile": {"Name": name}},
    "Monitoring": lambda on: {"Monitoring": {"Enabled": on}},
    "NetworkInterfaces": _interfaces,
    "UserData": _user_data,
}


def _instance_tags(job: Job) -> dict[str, Any]:
    """Source: AWS::EC2::Instance, PropagateTagsToVolumeOnCreation: else volumes of the mappings get no tags."""
    kinds = ["instance"]
    if str(job.properties.get("PropagateTagsToVolumeOnCreation", False)).lower() == "true":
        kinds.append("volume")
    tags = job.tag_list()
    return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags} for kind in kinds]} if tags else {}


def _after_launch(job: Job, identifier: str) -> None:
    if "SourceDestCheck" in job.properties:
        job.ec2(
            "modify_instance_attribute",
            InstanceId=identifier,
            SourceDestCheck={"Value": job.properties["SourceDestCheck"]},
        )
    for one in job.properties.get("Volumes", []):
        job.ec2("attach_volume", InstanceId=identifier, **one)


def _instance_attributes(job: Job, identifier: str) -> dict[str, Any]:
    found = job.ec2("describe_instances", InstanceIds=[identifier])["Reservations"][0]["Instances"][0]
    return {
        "AvailabilityZone": found["Placement"]["AvailabilityZone"],
        "InstanceId": identifier,
        "PrivateDnsName": found.get("PrivateDnsName", ""),
        "PrivateIp": found.get("PrivateIpAddress", ""),
        "PublicDnsName": found.get("PublicDnsName", ""),
        "PublicIp": found.get("PublicIpAddress", ""),
        "VpcId": found.get("VpcId", ""),
    }


def _template_version(job: Job) -> Properties:
    data = dict(job.properties["LaunchTemplateData"])
    if "BlockDeviceMappings" in data:
        data.update(_devices(data["BlockDeviceMappings"]))
    described = (
        {"VersionDescription": job.properties["VersionDescription"]}
        if "VersionDescription" in job.properties
        else {}
    )
    return {"LaunchTemplateData": data, **described}


def _template_tags(job: Job) -> dict[str, Any]:
    own = [tag for one in job.properties.get("TagSpecifications", []) for tag in one.get("Tags", [])]
    tags = {**job.stack_tags, **{tag["Key"]: tag["Value"] for tag in own}}
    listed = [{"Key": key, "Value": value} for key, value in tags.items()]
    return {"TagSpecifications": [{"ResourceType": "launch-template", "Tags": listed}]} if listed else {}


def _template_attributes(found: dict[str, Any]) -> dict[str, Any]:
    return {
        "LaunchTemplateId": found["LaunchTemplateId"],
        "DefaultVersionNumber": str(found["DefaultVersionNumber"]),
        "LatestVersionNumber": str(found["LatestVersionNumber"]),
    }


def _unless_gone(job: Job, code: str, operation: str, **parameters: Any) -> None:
    """Source: CloudFormation CLI, "Resource type handler contract": deleting what is gone counts as deleted."""
    try:
        job.ec2(operation, **parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != code:
            raise


KINDS = {
    "AWS::EC2::Instance": Kind(create=instance, delete=end_instance, change=change_instance, retags=True),
    "AWS::EC2::KeyPair": Kind(create=key_pair, delete=end_key_pair),
    "AWS::EC2::LaunchTemplate": Kind(
        create=launch_template, delete=end_launch_template, change=change_launch_template
    ),
    "AWS::EC2::Volume": Kind(create=volume, delete=end_volume, change=change_volume, retags=True),
    "AWS::EC2::VolumeAttachment": Kind(create=attachment, delete=end_attachment),
}
