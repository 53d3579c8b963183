"""What a template's expressions are worth: intrinsic functions, pseudo parameters, conditions, exports.

Source: CloudFormation user guide, "Intrinsic function reference", "Condition functions", "Pseudo parameters reference".
"""

from __future__ import annotations

import base64
import ipaddress
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.exceptions import UnformattedGetAttTemplateException

from dr.sandbox.corrections.cloudformation import exports, inside
from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.graph import PLACE
from dr.sandbox.corrections.cloudformation.state import Stack

NOTHING = object()  # AWS::NoValue: the property is left out


@dataclass(slots=True, kw_only=True)
class Scope:
    """Where an expression is evaluated: one stack, with one request's template and parameters."""

    stack: Stack
    masked: bool = False  # NoEcho values as asterisks
    conditions: dict[str, bool] = field(default_factory=dict)

    @property
    def body(self) -> dict[str, Any]:
        """The template's document."""
        return self.stack.asked.body


def evaluate(node: Any, scope: Scope) -> Any:
    """The value of an expression; raise Stuck when it has none. Members that are AWS::NoValue are left out."""
    if isinstance(node, list):
        return [value for value in (evaluate(item, scope) for item in node) if value is not NOTHING]
    if not isinstance(node, dict):
        return node
    if len(node) == 1:
        ((name, argument),) = node.items()
        if function := _FUNCTIONS.get(name):
            return function(argument, scope)
        if name.startswith("Fn::"):
            raise Stuck(f"Template error: unknown function {name}")
    members = {key: evaluate(value, scope) for key, value in node.items()}
    return {key: value for key, value in members.items() if value is not NOTHING}


def holds(name: str, scope: Scope) -> bool:
    """Whether a condition is true."""
    if name not in scope.conditions:
        conditions = scope.body.get("Conditions") or {}
        if name not in conditions:
            raise Stuck(f"Template error: unresolved condition dependency {name}")
        scope.conditions[name] = _test(conditions[name], scope)
    return scope.conditions[name]


def _test(node: Any, scope: Scope) -> bool:
    if isinstance(node, dict) and len(node) == 1:
        ((name, argument),) = node.items()
        if name in _TESTS:
            return _TESTS[name](argument, scope)
    return _text(evaluate(node, scope)) == "true"


def _equals(argument: Any, scope: Scope) -> bool:
    left, right = (evaluate(side, scope) for side in argument)
    return _text(left) == _text(right)


_TESTS: dict[str, Callable[[Any, Scope], bool]] = {
    "Fn::And": lambda argument, scope: all(_test(item, scope) for item in argument),
    "Fn::Or": lambda argument, scope: any(_test(item, scope) for item in argument),
    "Fn::Not": lambda argument, scope: not _test(argument[0], scope),
    "Fn::Equals": _equals,
    "Condition": holds,
}


def _ref(name: str, scope: Scope) -> Any:
    if name.startswith("AWS::"):
        return _pseudo(name, scope.stack)
    if parameter := scope.stack.asked.parameters.get(name):
        return "****" if parameter.secret and scope.masked else parameter.value
    record = scope.stack.records.get(name)
    if record is None or not record.physical_id:
        raise Stuck(f"Unresolved resource dependencies [{name}] in the Resources block of the template")
    return record.attributes.get("Ref", record.physical_id)


def _pseudo(name: str, stack: Stack) -> Any:
    if name == "AWS::NoValue":
        return NOTHING
    partition = stack.id.split(":")[1]
    known = {
        "AWS::AccountId": stack.account,
        "AWS::NotificationARNs": list(stack.asked.notification_arns),
        "AWS::Partition": partition,
        "AWS::Region": stack.region,
        "AWS::StackId": stack.id,
        "AWS::StackName": stack.name,
        "AWS::URLSuffix": "amazonaws.com.cn" if partition == "aws-cn" else "amazonaws.com",
    }
    if name not in known:
        raise Stuck(f"Template error: unresolved pseudo parameter {name}")
    return known[name]


def _get_att(argument: Any, scope: Scope) -> Any:
    logical, attribute = (
        argument.split(".", 1) if isinstance(argument, str) else (argument[0], evaluate(argument[1], scope))
    )
    record = scope.stack.records.get(logical)
    if record is None or not record.physical_id:
        raise Stuck(f"Template error: instance of Fn::GetAtt references undefined resource {logical}")
    if attribute in record.attributes:
        return record.attributes[attribute]
    value = _moto_attribute(record.model, attribute)
    if value is None:
        raise Stuck(
            f"Template error: resource {logical} does not support attribute type {attribute} in Fn::GetAtt"
        )
    return value


def _moto_attribute(model: Any, attribute: str) -> Any:
    try:
        return model.get_cfn_attribute(attribute)
    except (UnformattedGetAttTemplateException, NotImplementedError, AttributeError, KeyError, TypeError):
        return None


def _sub(argument: Any, scope: Scope) -> str:
    text, own = (argument[0], argument[1]) if isinstance(argument, list) else (argument, {})
    known = {key: evaluate(value, scope) for key, value in own.items()}

    def place(match: Any) -> str:
        name = match[1].strip()
        if name in known:
            return _text(known[name])
        value = _get_att(name, scope) if "." in name else _ref(name, scope)
        return ",".join(map(_text, value)) if isinstance(value, list) else _text(value)

    return PLACE.sub(place, text).replace("${!", "${")


def _join(argument: Any, scope: Scope) -> str:
    delimiter, parts = evaluate(argument, scope)
    if not isinstance(parts, list):
        raise Stuck(
            "Template error: every Fn::Join object requires two parameters, (1) a string delimiter and (2) a list of strings to be joined"
        )
    return _text(delimiter).join(map(_text, parts))


def _select(argument: Any, scope: Scope) -> Any:
    index, parts = evaluate(argument, scope)
    if not str(index).isdigit() or int(index) >= len(parts):
        raise Stuck(f"Template error: Fn::Select cannot select nonexistent value at index {index}")
    return parts[int(index)]


def _split(argument: Any, scope: Scope) -> list[str]:
    delimiter, text = evaluate(argument, scope)
    return _text(text).split(_text(delimiter))


def _if(argument: Any, scope: Scope) -> Any:
    return evaluate(argument[1] if holds(argument[0], scope) else argument[2], scope)


def _find_in_map(argument: Any, scope: Scope) -> Any:
    keys = [_text(evaluate(key, scope)) for key in argument[:3]]
    node: Any = scope.body.get("Mappings") or {}
    for key in keys:
        node = node.get(key, NOTHING) if isinstance(node, dict) else NOTHING
    if node is not NOTHING:
        return node
    if len(argument) > 3 and "DefaultValue" in argument[3]:  # AWS::LanguageExtensions
        return evaluate(argument[3]["DefaultValue"], scope)
    raise Stuck(f"Template error: Unable to get mapping for {'::'.join(keys)}")


def _base64(argument: Any, scope: Scope) -> str:
    return base64.b64encode(_text(evaluate(argument, scope)).encode()).decode()


def _cidr(argument: Any, scope: Scope) -> list[str]:
    block, count, *bits = evaluate(argument, scope)
    network = ipaddress.ip_network(block)
    prefix = network.max_prefixlen - int(bits[0] if bits else 8)
    made = network.subnets(new_prefix=prefix)
    return [str(next(made)) for _ in range(int(count))]


def _zones(argument: Any, scope: Scope) -> list[str]:
    region = evaluate(argument, scope) or scope.stack.region
    found = inside.call(scope.stack.account, region, "ec2", "describe_availability_zones")[
        "AvailabilityZones"
    ]
    return sorted(zone["ZoneName"] for zone in found)


def _import_value(argument: Any, scope: Scope) -> Any:
    return exports.import_value(scope.stack, _text(evaluate(argument, scope)))


def _json_string(argument: Any, scope: Scope) -> str:
    return json.dumps(evaluate(argument, scope), separators=(",", ":"))


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


_FUNCTIONS: dict[str, Callable[[Any, Scope], Any]] = {
    "Ref": _ref,
    "Fn::GetAtt": _get_att,
    "Fn::Sub": _sub,
    "Fn::Join": _join,
    "Fn::Select": _select,
    "Fn::Split": _split,
    "Fn::If": _if,
    "Fn::FindInMap": _find_in_map,
    "Fn::Base64": _base64,
    "Fn::Cidr": _cidr,
    "Fn::GetAZs": _zones,
    "Fn::ImportValue": _import_value,
    "Fn::ToJsonString": _json_string,
    "Fn::Length": lambda argument, scope: len(evaluate(argument, scope)),
    **_TESTS,
}
# A key of that name is a plain property as well (IAM policies have conditions): only templates' Conditions test it.
del _FUNCTIONS["Condition"]
