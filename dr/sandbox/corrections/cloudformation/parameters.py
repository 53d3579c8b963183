"""Parameters: from what a caller gives to what Ref is worth.

Source: CloudFormation user guide, "Parameters section", "CloudFormation-supplied parameter types", "SSM parameter types".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

from dr.sandbox.corrections.cloudformation import inside
from dr.sandbox.corrections.cloudformation.faults import Fault
from dr.sandbox.corrections.cloudformation.state import Parameter

_LIST = re.compile(r"^List<(.+)>$")
_SSM = re.compile(r"^AWS::SSM::Parameter::Value<(.+)>$")

Asked = list[dict[str, Any]]


def read(
    account: str,
    region: str,
    body: dict[str, Any],
    asked: Asked,
    previous: dict[str, Parameter] | None = None,
) -> dict[str, Parameter]:
    """The values of all parameters of a template; refuse missing, unknown and forbidden ones.

    `previous` are those of the stack that is updated: without it UsePreviousValue is refused.
    """
    slots = body.get("Parameters") or {}
    texts = _texts(asked, previous)
    if unknown := [key for key in texts if key not in slots]:
        raise Fault(f"Parameters: [{', '.join(unknown)}] do not exist in the template")
    for key, slot in slots.items():
        if key not in texts and "Default" in slot:
            texts[key] = _text(slot["Default"])
    if missing := [key for key in slots if key not in texts]:
        raise Fault(f"Parameters: [{', '.join(missing)}] must have values")
    return {key: _one(account, region, key, slot, texts[key]) for key, slot in slots.items()}


def secret(slot: dict[str, Any]) -> bool:
    """Whether a parameter's value is masked wherever it is shown (NoEcho)."""
    return _text(slot.get("NoEcho", False)).lower() == "true"


def _texts(asked: Asked, previous: dict[str, Parameter] | None) -> dict[str, str]:
    texts = {}
    for one in asked:
        key = one["ParameterKey"]
        if not one.get("UsePreviousValue"):
            if one.get("ParameterValue") is None:
                raise Fault(f"Parameters: [{key}] must have values")
            texts[key] = one["ParameterValue"]
        elif previous is None or key not in previous:
            raise Fault(
                f"Invalid input for parameter key {key}. Cannot specify usePreviousValue as true for a parameter key not in the previous template"
            )
        else:
            texts[key] = previous[key].given
    return texts


def _one(account: str, region: str, key: str, slot: dict[str, Any], text: str) -> Parameter:
    kind = slot.get("Type", "String")
    stored = _SSM.match(kind)
    if kind == "AWS::SSM::Parameter::Name":
        _stored(account, region, text)
    resolved = _stored(account, region, text) if stored else None
    effective = stored[1] if stored else kind
    value = _typed(key, effective, text if resolved is None else resolved)
    _constrain(key, slot, effective, text, value)
    _refuse_absent(account, region, key, effective, value)
    return Parameter(key=key, given=text, value=value, resolved=resolved, secret=secret(slot))


def _stored(account: str, region: str, name: str) -> str:
    """The value of an SSM parameter. Source: "SSM parameter types": SecureString is not supported."""
    try:
        found = inside.call(account, region, "ssm", "get_parameter", Name=name)["Parameter"]
    except ClientError as error:
        raise Fault(f"Unable to fetch parameters [{name}] from parameter store for this account.") from error
    if found["Type"] == "SecureString":
        raise Fault(f"Parameters [{name}] referenced by template have types not supported by CloudFormation.")
    return str(found["Value"])


def _typed(key: str, kind: str, text: str) -> Any:
    if kind == "CommaDelimitedList" or _LIST.match(kind):
        values = [part.strip() for part in text.split(",")] if text else []
        return [_number(key, value) for value in values] if kind == "List<Number>" else values
    return _number(key, text) if kind == "Number" else text


def _number(key: str, text: str) -> str:
    """A number stays the text that it was given as, as Ref gives it."""
    try:
        float(text)
    except ValueError as error:
        raise Fault(f"Parameter '{key}' must be a number") from error
    return text


def _constrain(key: str, slot: dict[str, Any], kind: str, text: str, value: Any) -> None:
    said = slot.get("ConstraintDescription")
    for constraint, breaks in _CONSTRAINTS.items():
        if constraint not in slot:
            continue
        for one in value if isinstance(value, list) else [text]:
            if problem := breaks(str(one), slot[constraint], kind):
                raise Fault(
                    f"Parameter '{key}' failed to satisfy constraint: {said}"
                    if said
                    else f"Parameter '{key}' {problem}"
                )


def _not_allowed(text: str, allowed: list[Any], _: str) -> str | None:
    return None if text in [_text(one) for one in allowed] else "must be one of AllowedValues"


def _no_match(text: str, pattern: Any, _: str) -> str | None:
    return None if re.fullmatch(str(pattern), text) else f"must match pattern {pattern}"


_CONSTRAINTS: dict[str, Callable[[str, Any, str], str | None]] = {
    "AllowedValues": _not_allowed,
    "AllowedPattern": _no_match,
    "MinLength": lambda text, least, _: (
        None if len(text) >= int(least) else f"must contain at least {least} characters"
    ),
    "MaxLength": lambda text, most, _: (
        None if len(text) <= int(most) else f"must contain at most {most} characters"
    ),
    "MinValue": lambda text, least, _: (
        None if float(text) >= float(least) else f"must be a number not less than {least}"
    ),
    "MaxValue": lambda text, most, _: (
        None if float(text) <= float(most) else f"must be a number not greater than {most}"
    ),
}

_DESCRIBED = {
    "AWS::EC2::AvailabilityZone::Name": ("describe_availability_zones", "ZoneNames"),
    "AWS::EC2::Image::Id": ("describe_images", "ImageIds"),
    "AWS::EC2::Instance::Id": ("describe_instances", "InstanceIds"),
    "AWS::EC2::KeyPair::KeyName": ("describe_key_pairs", "KeyNames"),
    "AWS::EC2::SecurityGroup::Id": ("describe_security_groups", "GroupIds"),
    "AWS::EC2::SecurityGroup::GroupName": ("describe_security_groups", "GroupNames"),
    "AWS::EC2::Subnet::Id": ("describe_subnets", "SubnetIds"),
    "AWS::EC2::Volume::Id": ("describe_volumes", "VolumeIds"),
    "AWS::EC2::VPC::Id": ("describe_vpcs", "VpcIds"),
}


def _refuse_absent(account: str, region: str, key: str, kind: str, value: Any) -> None:
    """Source: "CloudFormation-supplied parameter types": the value has to exist in the caller's account and Region."""
    inner = _LIST.match(kind)
    described = _DESCRIBED.get(inner[1] if inner else kind)
    if not described:
        return
    operation, ids = described
    for one in value if isinstance(value, list) else [value]:
        try:
            found = inside.call(account, region, "ec2", operation, **{ids: [one]})
        except ClientError as error:
            raise _absent(key, one) from error
        if not any(found.values()):
            raise _absent(key, one)


def _absent(key: str, value: str) -> Fault:
    return Fault(
        f"Parameter validation failed: parameter value {value} for parameter name {key} does not exist"
    )


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)
