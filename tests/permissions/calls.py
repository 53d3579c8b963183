"""A call of dr as the recorder keeps it, and what AWS asks IAM when it is made.

This is AWS's side, written down apart from the table in dr/iam: what a call is checked for, on which resources, with
which keys. Sources: Service Authorization Reference (EC2, CloudFormation, S3, KMS, Organizations, Systems Manager); EC2 user guide,
Grant permission to tag resources during creation; S3 user guide, Encryption context.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import unquote, urlsplit

from permissions.evaluator import Request

from dr.config import StoreLocation
from dr.iam.place import Place, Rebuilt

ACCOUNT = "123456789012"
_LISTINGS = ("Describe", "List", "GetTemplateSummary")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An API call. `tags` are those that dr had read of the resource it names; None when it had read none.

    `command` is what a person typed, or the function's name; `targets` are the names of stacks that it may make.
    """

    service: str
    operation: str
    region: str
    params: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] | None = None
    command: str | None = None
    targets: tuple[str, ...] = ()
    place: Place | None = None

    def text(self) -> str:
        return json.dumps(asdict(self), default=str, sort_keys=True)


def revived(text: str) -> Call:
    row = json.loads(text)
    place = row.pop("place")
    return Call(**{**row, "targets": tuple(row["targets"])}, place=None if place is None else _place(place))


def _place(row: dict[str, Any]) -> Place:
    rebuilt = Rebuilt(**{name: tuple(values) for name, values in row.pop("rebuilt").items()})
    stores = tuple(StoreLocation(**store) for store in row.pop("stores"))
    tuples = {name: tuple(row.pop(name)) for name in ("regions", "parameters", "members", "asks", "topics")}
    return Place(**row, **tuples, stores=stores, rebuilt=rebuilt)


def asked(call: Call) -> list[Request]:
    """Every question to IAM; none for what needs no permission."""
    return [
        Request(action=action, resource=resource, context={"aws:RequestedRegion": call.region, **context})
        for action, resource, context in _ASKED[call.service](call)
    ]


Question = tuple[str, str, dict[str, Any]]


def _ec2(call: Call) -> Iterator[Question]:
    match call.operation:
        case "CreateSnapshot":
            yield _source(call, "volume", call.params["VolumeId"])
            yield from _born(call, "snapshot")
        case "CreateImage":
            yield _source(call, "instance", call.params["InstanceId"])
            yield from _born(call, "image")
            yield from _born(call, "snapshot")
        case "DeleteSnapshot":
            yield _ended(call, "snapshot", call.params["SnapshotId"])
        case "DeregisterImage":
            yield _ended(call, "image", call.params["ImageId"])
        case "CreateTags" | "DeleteTags":
            yield from _tagged(call)
        case _:
            yield f"ec2:{call.operation}", "*", {}


def _source(call: Call, kind: str, identity: str) -> Question:
    return f"ec2:{call.operation}", f"arn:aws:ec2:{call.region}:{ACCOUNT}:{kind}/{identity}", {}


def _born(call: Call, kind: str) -> Iterator[Question]:
    """A resource that the call makes, and its tags, which are checked as ec2:CreateTags too."""
    rows = [row for row in call.params.get("TagSpecifications", []) if row["ResourceType"] == kind]
    tags = {tag["Key"]: tag["Value"] for row in rows for tag in row["Tags"]}
    arn, context = f"arn:aws:ec2:{call.region}::{kind}/new", _of_request(tags)
    yield f"ec2:{call.operation}", arn, context
    if tags:
        yield "ec2:CreateTags", arn, {**context, "ec2:CreateAction": call.operation}


def _ended(call: Call, kind: str, identity: str) -> Question:
    return f"ec2:{call.operation}", f"arn:aws:ec2:{call.region}::{kind}/{identity}", _of_resource(call)


def _tagged(call: Call) -> Iterator[Question]:
    """Tags by themselves; nothing that dr does today."""
    tags = {tag["Key"]: tag.get("Value", "") for tag in call.params.get("Tags", [])}
    for identity in call.params["Resources"]:
        kind = "image" if identity.startswith("ami-") else "snapshot"
        context = {**_of_request(tags), **_of_resource(call)}
        yield f"ec2:{call.operation}", f"arn:aws:ec2:{call.region}::{kind}/{identity}", context


def _of_request(tags: Mapping[str, str]) -> dict[str, Any]:
    keys = {"aws:TagKeys": tuple(tags)} if tags else {}
    return {f"aws:RequestTag/{key}": value for key, value in tags.items()} | keys


def _of_resource(call: Call) -> dict[str, Any]:
    return {f"aws:ResourceTag/{key}": value for key, value in (call.tags or {}).items()}


def _cloudformation(call: Call) -> Iterator[Question]:
    named, params = call.params.get("StackName"), call.params
    if named is None:
        yield f"cloudformation:{call.operation}", "*", {}
        if url := params.get("TemplateURL"):
            yield from _read_by_cloudformation(call, url)
        return
    context: dict[str, Any] = {}
    if name := params.get("ChangeSetName"):
        context["cloudformation:ChangeSetName"] = name
    if role := params.get("RoleARN"):
        context["cloudformation:RoleArn"] = role
        yield "iam:PassRole", role, {"iam:PassedToService": "cloudformation.amazonaws.com"}
    arn = _stack(call, named)
    yield f"cloudformation:{call.operation}", arn, context
    if (call.operation, call.command) == ("ExecuteChangeSet", "deploy"):
        yield from _package_read(call)
    if call.operation == "CreateChangeSet":
        if params.get("Tags"):
            yield "cloudformation:TagResource", arn, {"cloudformation:CreateAction": call.operation}
        if url := params.get("TemplateURL"):
            yield from _read_by_cloudformation(call, url)


def _stack(call: Call, named: str) -> str:
    if named.startswith("arn:"):
        return named
    return f"arn:aws:cloudformation:{call.region}:{ACCOUNT}:stack/{named}/new"


def _read_by_cloudformation(call: Call, url: str) -> Iterator[Question]:
    """With the rights of the caller."""
    bucket, _, key = unquote(urlsplit(url).path).lstrip("/").partition("/")
    yield "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", {}
    yield from _key("kms:Decrypt", call.region, bucket, key)


def _package_read(call: Call) -> Iterator[Question]:
    """By Lambda, with the rights of whoever CloudFormation makes the functions for. Source: Lambda API reference, FunctionCode."""
    assert call.place is not None
    bucket = call.place.staging[call.place.home]
    key = f"dr-packages/{call.place.installation}/0123.zip"
    yield "s3:GetObject", f"arn:aws:s3:::{bucket}/{key}", {}
    yield from _key("kms:Decrypt", call.region, bucket, key)


def _s3(call: Call) -> Iterator[Question]:
    bucket, key = call.params["Bucket"], call.params.get("Key", "")
    arn = f"arn:aws:s3:::{bucket}"
    match call.operation:
        case "ListObjectsV2":
            prefix = call.params.get("Prefix")
            yield "s3:ListBucket", arn, {} if prefix is None else {"s3:prefix": prefix}
        case "HeadBucket":
            yield "s3:ListBucket", arn, {}
        case "GetObject":
            yield "s3:GetObject", f"{arn}/{key}", {}
            yield "s3:ListBucket", arn, {}  # or a missing object would be 403, not 404
            yield from _key("kms:Decrypt", call.region, bucket, key)
        case "PutObject":
            yield "s3:PutObject", f"{arn}/{key}", {}
            yield from _key("kms:GenerateDataKey", call.region, bucket, key)
        case _:
            yield f"s3:{call.operation}", f"{arn}/{key}", {}


def _key(action: str, region: str, bucket: str, key: str) -> Iterator[Question]:
    """Under a bucket key, and without one."""
    for context in (f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/{key}"):
        facts = {"kms:ViaService": f"s3.{region}.amazonaws.com", "kms:EncryptionContext:aws:s3:arn": context}
        yield action, f"arn:aws:kms:{region}:{ACCOUNT}:key/k", facts


def _ssm(call: Call) -> Iterator[Question]:
    name = call.params["Name"].partition(":")[0].lstrip("/")
    arn = f"arn:aws:ssm:{call.region}:{ACCOUNT}:parameter/{name}"
    yield f"ssm:{call.operation}", arn, {}
    facts = {"kms:ViaService": f"ssm.{call.region}.amazonaws.com", "kms:EncryptionContext:PARAMETER_ARN": arn}
    yield "kms:Decrypt", f"arn:aws:kms:{call.region}:{ACCOUNT}:key/k", facts


def _kms(call: Call) -> Iterator[Question]:
    """The key behind an alias is KMS's matter; the alias that was asked by is a fact of the request."""
    name = call.params["KeyId"].rpartition(":")[2].removeprefix("key/")
    facts, key = ({"kms:RequestAlias": name}, "k") if name.startswith("alias/") else ({}, name)
    yield f"kms:{call.operation}", f"arn:aws:kms:{call.region}:{ACCOUNT}:key/{key}", facts


def _sns(call: Call) -> Iterator[Question]:
    yield f"sns:{call.operation}", call.params["TopicArn"], {}


def _plain(call: Call) -> Iterator[Question]:
    yield f"{call.service}:{call.operation}", "*", {}


_OF_ORGANIZATION = ("ParentId", "ResourceId", "AccountId", "ChildId")


def _organizations(call: Call) -> Iterator[Question]:
    """Everything in an Organization is its managing account's."""
    named = next((call.params[key] for key in _OF_ORGANIZATION if key in call.params), None)
    if named is None:
        yield from _plain(call)
        return
    kind = {"o": "ou", "r": "root"}.get(named[0], "account")
    arn = f"arn:aws:organizations::111111111111:{kind}/o-exampleorgid/{named}"
    yield f"organizations:{call.operation}", arn, {}


def _sts(call: Call) -> Iterator[Question]:
    """Source: STS API reference, GetCallerIdentity: no permissions are required."""
    if call.operation != "GetCallerIdentity":
        yield f"sts:{call.operation}", call.params["RoleArn"], {}


_ASKED: dict[str, Callable[[Call], Iterator[Question]]] = {
    "autoscaling": _plain,
    "cloudformation": _cloudformation,
    "ec2": _ec2,
    "kms": _kms,
    "organizations": _organizations,
    "s3": _s3,
    "sns": _sns,
    "ssm": _ssm,
    "sts": _sts,
}
