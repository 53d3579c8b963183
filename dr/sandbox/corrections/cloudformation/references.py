"""Dynamic references: `{{resolve:...}}` in properties, resolved when the resource is made, never shown.

Source: CloudFormation user guide, "Get values stored in other services using dynamic references".
"""

from __future__ import annotations

import json
import re
from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation import inside
from dr.sandbox.corrections.cloudformation.faults import Stuck

_REFERENCE = re.compile(r"\{\{resolve:(ssm|ssm-secure|secretsmanager):([^}]+)\}\}")


def resolve(node: Any, account: str, region: str) -> Any:
    """The same value with every reference replaced; raise Stuck for one that points to nothing."""
    if isinstance(node, dict):
        return {key: resolve(value, account, region) for key, value in node.items()}
    if isinstance(node, list):
        return [resolve(value, account, region) for value in node]
    if not isinstance(node, str) or "{{resolve:" not in node:
        return node
    return _REFERENCE.sub(lambda match: _value(match[1], match[2].strip(), account, region), node)


def _value(service: str, reference: str, account: str, region: str) -> str:
    read = _secret if service == "secretsmanager" else _parameter
    try:
        return read(service, reference, account, region)
    except ClientError as error:
        raise Stuck(
            f"Could not resolve {{{{resolve:{service}:{reference}}}}}: {error.response['Error'].get('Message')}"
        ) from error


def _parameter(service: str, reference: str, account: str, region: str) -> str:
    """`name` or `name:version`. ssm reads String and StringList only, ssm-secure SecureString only."""
    found = inside.call(account, region, "ssm", "get_parameter", Name=reference, WithDecryption=True)[
        "Parameter"
    ]
    if (found["Type"] == "SecureString") != (service == "ssm-secure"):
        raise Stuck(
            f"Parameter {reference} of type {found['Type']} cannot be read with a reference of {service}"
        )
    return str(found["Value"])


def _secret(_: str, reference: str, account: str, region: str) -> str:
    """`id[:SecretString[:json-key[:version-stage[:version-id]]]]`, where the id may be an ARN."""
    size = 7 if reference.startswith("arn:") else 1
    parts = reference.split(":")
    name = ":".join(parts[:size])
    kind, key, stage, version = [*parts[size:], "", "", "", ""][:4]
    if kind not in ("", "SecretString"):
        raise Stuck(f"Secrets Manager reference {reference}: only SecretString can be read")
    extra = {"VersionId": version} if version else {"VersionStage": stage} if stage else {}
    text = inside.call(account, region, "secretsmanager", "get_secret_value", SecretId=name, **extra)[
        "SecretString"
    ]
    if not key:
        return str(text)
    try:
        return str(json.loads(text)[key])
    except (ValueError, KeyError, TypeError) as error:
        raise Stuck(f"Could not find a value associated with JSONKey {key} in SecretString") from error
