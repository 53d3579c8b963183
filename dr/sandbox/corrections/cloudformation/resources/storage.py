"""AWS::S3::Bucket and BucketPolicy, AWS::SSM::Parameter, AWS::SecretsManager::Secret.

Source: CloudFormation template reference of each type. A bucket that holds objects cannot be deleted (AWS::S3::Bucket).
"""

from __future__ import annotations

import json
from typing import Any

from botocore.exceptions import ClientError
from moto.s3.models import s3_backends
from moto.utilities.utils import get_partition

from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made, only
from dr.sandbox.world import lock

_PUBLIC = "PublicAccessBlockConfiguration"


def bucket(job: Job) -> Made:
    """The bucket with its versioning, tags, encryption and public access block; what else it has is recorded only."""
    name = job.name("BucketName", 63).lower()
    place: dict[str, Any] = (
        {} if job.region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": job.region}}
    )
    if "ObjectLockEnabled" in job.properties:
        place["ObjectLockEnabledForBucket"] = job.properties["ObjectLockEnabled"]
    job.call("s3", "create_bucket", Bucket=name, **place)
    try:
        _configure(job, name)
    except ClientError:
        job.call("s3", "delete_bucket", Bucket=name)
        raise
    return Made(id=name, attributes=_addresses(job, name))


def end_bucket(job: Job, made: Made) -> None:
    """Deleted when it is empty."""
    try:
        job.call("s3", "delete_bucket", Bucket=made.id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "NoSuchBucket":
            raise


def change_bucket(job: Job, made: Made, changed: set[str]) -> Made:
    """Versioning, tags, encryption and public access."""
    only(job, changed, {"Tags", "VersioningConfiguration", "BucketEncryption", _PUBLIC})
    _configure(job, made.id)
    return made


def bucket_policy(job: Job) -> Made:
    """Ref is the bucket's name."""
    job.required("Bucket", "PolicyDocument")
    name = job.properties["Bucket"]
    job.call("s3", "put_bucket_policy", Bucket=name, Policy=_json(job.properties["PolicyDocument"]))
    return Made(id=name)


def end_bucket_policy(job: Job, made: Made) -> None:
    """Deleted; gone with its bucket already is as good."""
    try:
        job.call("s3", "delete_bucket_policy", Bucket=made.id)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("NoSuchBucket", "NoSuchBucketPolicy"):
            raise


def parameter(job: Job) -> Made:
    """AWS::SSM::Parameter; Ref is its name. SecureString cannot be made by a template (Type: allowed values)."""
    job.required("Type", "Value")
    name = job.name("Name", 1011)
    if job.properties["Type"] not in ("String", "StringList"):
        raise Stuck(
            f"Properties validation failed for resource {job.logical_id} with message:\n#/Type: {job.properties['Type']} is not a valid enum value"
        )
    tags = [{"Key": key, "Value": value} for key, value in job.tags().items()]
    job.call(
        "ssm", "put_parameter", **{**job.without("Tags"), "Name": name}, **({"Tags": tags} if tags else {})
    )
    return Made(id=name, attributes={"Type": job.properties["Type"], "Value": str(job.properties["Value"])})


def change_parameter(job: Job, made: Made, changed: set[str]) -> Made:
    """The value and its description."""
    only(job, changed, {"Value", "Description", "AllowedPattern"})
    job.call("ssm", "put_parameter", **{**job.without("Tags", "Tier"), "Name": made.id}, Overwrite=True)
    return Made(
        id=made.id, attributes={"Type": job.properties["Type"], "Value": str(job.properties["Value"])}
    )


def end_parameter(job: Job, made: Made) -> None:
    """Deleted; gone already is as good."""
    try:
        job.call("ssm", "delete_parameter", Name=made.id)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ParameterNotFound":
            raise


def secret(job: Job) -> Made:
    """AWS::SecretsManager::Secret, given or generated; Ref is its ARN."""
    name = job.name("Name")
    asked = job.without("Tags", "GenerateSecretString", "Name", "ReplicaRegions")
    if "GenerateSecretString" in job.properties:
        asked["SecretString"] = _generated(job, dict(job.properties["GenerateSecretString"]))
    tags = {"Tags": job.tag_list()} if job.tags() else {}
    found = job.call("secretsmanager", "create_secret", Name=name, **asked, **tags)["ARN"]
    return Made(id=found, attributes={"Id": found})


def end_secret(job: Job, made: Made) -> None:
    """Deleted at once, so that its name is free."""
    try:
        job.call("secretsmanager", "delete_secret", SecretId=made.id, ForceDeleteWithoutRecovery=True)
    except ClientError as error:
        if error.response["Error"]["Code"] != "ResourceNotFoundException":
            raise


def _configure(job: Job, name: str) -> None:
    properties = job.properties
    if "VersioningConfiguration" in properties:
        job.call(
            "s3",
            "put_bucket_versioning",
            Bucket=name,
            VersioningConfiguration=properties["VersioningConfiguration"],
        )
    if "BucketEncryption" in properties:
        job.call(
            "s3",
            "put_bucket_encryption",
            Bucket=name,
            ServerSideEncryptionConfiguration=_encryption(properties["BucketEncryption"]),
        )
    if _PUBLIC in properties:
        job.call("s3", "put_public_access_block", Bucket=name, **{_PUBLIC: properties[_PUBLIC]})
    if job.tags():
        job.call("s3", "put_bucket_tagging", Bucket=name, Tagging={"TagSet": job.tag_list()})
    _mark(job, name)


def _mark(job: Job, name: str) -> None:
    """CloudFormation's own tags, which no caller may write."""
    backend = s3_backends[job.account][get_partition(job.region)]
    tags = [{"Key": key, "Value": value} for key, value in job.own_tags().items()]
    with lock:
        backend.tagger.tag_resource(backend.get_bucket(name).arn, tags)


def _encryption(given: dict[str, Any]) -> dict[str, Any]:
    """ServerSideEncryptionByDefault is ApplyServerSideEncryptionByDefault in S3's API."""
    names = {"ServerSideEncryptionByDefault": "ApplyServerSideEncryptionByDefault"}
    return {
        "Rules": [
            {names.get(key, key): value for key, value in rule.items()}
            for rule in given["ServerSideEncryptionConfiguration"]
        ]
    }


def _addresses(job: Job, name: str) -> dict[str, Any]:
    return {
        "Arn": f"arn:aws:s3:::{name}",
        "DomainName": f"{name}.s3.amazonaws.com",
        "DualStackDomainName": f"{name}.s3.dualstack.{job.region}.amazonaws.com",
        "RegionalDomainName": f"{name}.s3.{job.region}.amazonaws.com",
        "WebsiteURL": f"http://{name}.s3-website-{job.region}.amazonaws.com",
    }


def _generated(job: Job, wanted: dict[str, Any]) -> str:
    template, key = wanted.pop("SecretStringTemplate", None), wanted.pop("GenerateStringKey", None)
    password = job.call("secretsmanager", "get_random_password", **wanted)["RandomPassword"]
    return json.dumps({**json.loads(template or "{}"), key: password}) if key else str(password)


def _json(document: Any) -> str:
    return document if isinstance(document, str) else json.dumps(document)


KINDS = {
    "AWS::S3::Bucket": Kind(create=bucket, delete=end_bucket, change=change_bucket, retags=True),
    "AWS::S3::BucketPolicy": Kind(create=bucket_policy, delete=end_bucket_policy),
    "AWS::SSM::Parameter": Kind(create=parameter, delete=end_parameter, change=change_parameter),
    "AWS::SecretsManager::Secret": Kind(create=secret, delete=end_secret),
}
