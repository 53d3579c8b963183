"""Templates: from text or URL to a checked document.

    text --parse--> dict (short-form tags in full) --transformed--> dict without Transform --check--> refused or good

Source: CloudFormation user guide, "Template sections", "Intrinsic function reference" and "CloudFormation quotas".
"""

from __future__ import annotations

import json
import re
from typing import Any
from urllib.parse import parse_qs, unquote, urlparse

import yaml
from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation import graph, inside
from dr.sandbox.corrections.cloudformation.faults import Fault

BODY_LIMIT = 51_200  # bytes; quota "Template body size in a request"
URL_LIMIT = 1_048_576  # bytes; quota "Template body size in an S3 object": 1 MB
RESOURCE_LIMIT = 500  # quota "Resources"

_SECTIONS = {
    "AWSTemplateFormatVersion",
    "Description",
    "Metadata",
    "Parameters",
    "Rules",
    "Mappings",
    "Conditions",
    "Transform",
    "Resources",
    "Outputs",
    "Hooks",
}
_ATTRIBUTES = {
    "Type",
    "Properties",
    "Condition",
    "DependsOn",
    "DeletionPolicy",
    "UpdateReplacePolicy",
    "UpdatePolicy",
    "CreationPolicy",
    "Metadata",
}
_POLICIES = {"Delete", "Retain", "Snapshot", "RetainExceptOnCreate"}
_LANGUAGE = "AWS::LanguageExtensions"
_REGION = r"[a-z]{2}(?:-[a-z]+)+-\d"
_VIRTUAL = re.compile(rf"^(?P<bucket>.+?)\.s3(?:[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?$")
_PATH = re.compile(
    rf"^(?:s3(?:[.-]{_REGION})?\.amazonaws\.com(?:\.cn)?|127\.0\.0\.1(?::\d+)?|localhost(?::\d+)?)$"
)


class _Loader(yaml.SafeLoader):
    """YAML as CloudFormation reads it: dates stay text, short-form tags become functions."""


def _short_form(loader: yaml.SafeLoader, tag: str, node: yaml.Node) -> dict[str, Any]:
    """`!Sub x` is `{Fn::Sub: x}`, however deep the functions inside it. Source: "Intrinsic function reference"."""
    value: Any
    if isinstance(node, yaml.ScalarNode):
        value = node.value.split(".", 1) if tag == "GetAtt" else loader.construct_scalar(node)
    elif isinstance(node, yaml.SequenceNode):
        value = loader.construct_sequence(node, deep=True)
    elif isinstance(node, yaml.MappingNode):
        value = loader.construct_mapping(node, deep=True)
    return {tag if tag in ("Ref", "Condition") else f"Fn::{tag}": value}


_Loader.add_multi_constructor("!", _short_form)
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in pairs if tag != "tag:yaml.org,2002:timestamp"]
    for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def given(account: str, region: str, body: str | None, url: str | None) -> str:
    """The text of a request's template; refuse none, both, and what is too large. Source: CreateStack, TemplateBody."""
    if bool(body) == bool(url):
        raise Fault("Either Template URL or Template Body must be specified.")
    if body:
        if len(body.encode()) > BODY_LIMIT:
            raise Fault(
                f"1 validation error detected: Value at 'templateBody' failed to satisfy constraint: Member must have length less than or equal to {BODY_LIMIT}"
            )
        return body
    return fetch(account, region, url or "")


def fetch(account: str, region: str, url: str) -> str:
    """The template that lies at an S3 URL, virtual-hosted or path style. Source: S3 user guide, "Virtual hosting of buckets"."""
    place = _bucket_and_key(url)
    if place is None:
        raise Fault("TemplateURL must be a supported URL.")
    bucket, key = place
    version = parse_qs(urlparse(url).query).get("versionId")
    extra = {"VersionId": version[0]} if version else {}
    try:
        data = inside.call(account, region, "s3", "get_object", Bucket=bucket, Key=key, **extra)[
            "Body"
        ].read()
    except ClientError as error:
        raise Fault(f"S3 error: {error.response['Error'].get('Message', 'Access Denied')}") from error
    if len(data) > URL_LIMIT:
        raise Fault(f"Template size is too large: at most {URL_LIMIT} bytes are allowed at a URL.")
    return data.decode()


def parse(text: str) -> dict[str, Any]:
    """The document of a template, JSON or YAML; refuse what is neither. Source: "CloudFormation template format"."""
    if text.lstrip().startswith("{"):
        try:
            return _mapping(json.loads(text))
        except ValueError:
            pass  # a YAML flow mapping begins with a brace too
    try:
        return _mapping(yaml.load(text, Loader=_Loader))  # noqa: S506 - a SafeLoader  # nosec B506
    except yaml.MarkedYAMLError as error:
        at = error.problem_mark
        where = f" (line {at.line + 1}, column {at.column + 1})" if at else ""
        raise Fault(f"Template format error: YAML not well-formed.{where}") from error
    except (yaml.YAMLError, TypeError) as error:
        raise Fault("Template format error: YAML not well-formed.") from error


def transforms(body: dict[str, Any]) -> list[str]:
    """The names of a template's transforms, of Fn::Transform too. Source: "Transform section"."""
    named = body.get("Transform") or []
    top = (
        [named]
        if isinstance(named, str)
        else [t["Name"] if isinstance(t, dict) else t for t in named]
        if isinstance(named, list)
        else [named["Name"]]
    )
    return [*top, *sorted(set(_inline(body)) - set(top))]


def transformed(body: dict[str, Any]) -> dict[str, Any]:
    """The template after its transforms; refuse the ones that need a macro's code.

    Source: "AWS::LanguageExtensions transform": the processed template is the same without it.
    """
    for name in transforms(body):
        if name != _LANGUAGE:
            raise Fault(
                f"Transform {name} failed with: the sandbox runs no macros; only {_LANGUAGE} is known here."
            )
    if "Fn::ForEach" in json.dumps(body, default=str):
        raise Fault(f"Transform {_LANGUAGE} failed with: the sandbox does not expand Fn::ForEach.")
    return {key: value for key, value in body.items() if key != "Transform"}


def check(body: dict[str, Any]) -> None:
    """Refuse what CloudFormation refuses before it makes anything. Source: "Template sections"; ValidateTemplate."""
    if unknown := sorted(set(body) - _SECTIONS):
        raise Fault(f"Invalid template property or properties [{', '.join(unknown)}]")
    resources = body.get("Resources")
    if not isinstance(resources, dict) or not resources:
        raise Fault("Template format error: At least one Resources member must be defined.")
    if len(resources) > RESOURCE_LIMIT:
        raise Fault(
            f"Template format error: Number of resources, {len(resources)}, is greater than maximum allowed, {RESOURCE_LIMIT}"
        )
    for logical, definition in resources.items():
        _check_resource(logical, definition)
    for section in ("Parameters", "Mappings", "Conditions", "Outputs"):
        if section in body and not isinstance(body[section], dict):
            raise Fault(f"Template format error: [/{section}] 'null' values are not allowed in templates")
    graph.check(body)


def _mapping(document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise Fault("Template format error: unsupported structure.")
    return document


def _bucket_and_key(url: str) -> tuple[str, str] | None:
    parts = urlparse(url)
    path = unquote(parts.path).lstrip("/")
    if hosted := _VIRTUAL.match(parts.netloc):
        return hosted["bucket"], path
    if _PATH.match(parts.netloc) and "/" in path:
        bucket, key = path.split("/", 1)
        return bucket, key
    return None


def _inline(node: Any) -> list[str]:
    if isinstance(node, dict):
        own = [node["Fn::Transform"]["Name"]] if isinstance(node.get("Fn::Transform"), dict) else []
        return own + [name for value in node.values() for name in _inline(value)]
    return [name for value in node for name in _inline(value)] if isinstance(node, list) else []


def _check_resource(logical: str, definition: Any) -> None:
    if not re.fullmatch(r"[A-Za-z0-9]{1,255}", str(logical)):
        raise Fault(f"Template format error: Resource name {logical} is non alphanumeric.")
    if not isinstance(definition, dict) or not isinstance(definition.get("Type"), str):
        raise Fault(
            f"Template format error: [/Resources/{logical}] Every Resources object must contain a Type member."
        )
    if unknown := sorted(set(definition) - _ATTRIBUTES):
        raise Fault(f"Invalid template resource property '{unknown[0]}'")
    if not isinstance(definition.get("Properties", {}), dict):
        raise Fault(
            f"Template format error: [/Resources/{logical}/Properties] 'null' values are not allowed in templates"
        )
    policy = definition.get("DeletionPolicy", "Delete")
    if isinstance(policy, str) and policy not in _POLICIES:
        raise Fault(f"Template error: Unrecognized DeletionPolicy {policy} for resource {logical}")
