"""What a template's resources need of one another, and the order in which they are made.

Source: CloudFormation user guide, "DependsOn attribute" (Ref, GetAtt and Sub are implicit dependencies), "Template errors".
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from dr.sandbox.corrections.cloudformation.faults import Fault

PLACE = re.compile(r"\$\{([^!${}][^${}]*)\}")


def order(body: dict[str, Any]) -> list[str]:
    """The logical ids, each after what it needs; otherwise in the template's order. Refuse cycles."""
    resources = body["Resources"]
    done: list[str] = []
    path: list[str] = []

    def visit(logical: str) -> None:
        if logical in done:
            return
        if logical in path:
            raise Fault(
                f"Circular dependency between resources: [{', '.join(sorted(path[path.index(logical) :]))}]"
            )
        path.append(logical)
        for other in sorted(needs(resources[logical]) & resources.keys()):
            visit(other)
        done.append(path.pop())

    for logical in resources:
        visit(logical)
    return done


def needs(definition: dict[str, Any]) -> set[str]:
    """Every name that a resource refers to: resources, parameters and pseudo parameters."""
    depends = definition.get("DependsOn", [])
    named = [depends] if isinstance(depends, str) else depends
    return {*named, *references(definition.get("Properties", {}))}


def references(node: Any) -> Iterator[str]:
    """The names in Ref, Fn::GetAtt and Fn::Sub anywhere below a node."""
    if isinstance(node, list):
        for value in node:
            yield from references(value)
    elif isinstance(node, dict):
        for key, value in node.items():
            yield from _of_function(key, value)


def check(body: dict[str, Any]) -> None:
    """Refuse names that nothing bears, in Resources, Conditions and Outputs, and cycles."""
    resources, parameters = body["Resources"], body.get("Parameters") or {}
    known = resources.keys() | parameters.keys()
    for section, parts in (("Resources", resources), ("Outputs", body.get("Outputs") or {})):
        missing: set[str] = set()
        for part in parts.values():
            found = needs(part) if section == "Resources" else set(references(part))
            missing |= {name for name in found if name not in known and not name.startswith("AWS::")}
        if missing:
            raise Fault(
                f"Template format error: Unresolved resource dependencies [{', '.join(sorted(missing))}] in the {section} block of the template"
            )
        _check_conditions(section, parts, body.get("Conditions") or {})
    order(body)


def _check_conditions(section: str, parts: dict[str, Any], conditions: dict[str, Any]) -> None:
    for part in parts.values():
        named = {part["Condition"]} if isinstance(part.get("Condition"), str) else set()
        for name in sorted(
            (named | set(_tested(part.get("Properties", part.get("Value"))))) - conditions.keys()
        ):
            raise Fault(
                f"Template format error: Unresolved condition dependency {name} in the {section} block of the template"
            )


def _tested(node: Any) -> Iterator[str]:
    """The conditions that Fn::If tests below a node."""
    if isinstance(node, list):
        for value in node:
            yield from _tested(value)
    elif isinstance(node, dict):
        choice = node.get("Fn::If")
        if isinstance(choice, list) and choice and isinstance(choice[0], str):
            yield choice[0]
        for value in node.values():
            yield from _tested(value)


def _of_function(key: str, value: Any) -> Iterator[str]:
    if key == "Ref" and isinstance(value, str):
        yield value
    elif key == "Fn::GetAtt":
        yield value[0] if isinstance(value, list) else str(value).split(".")[0]
        if isinstance(value, list):
            yield from references(value[1:])
    elif key == "Fn::Sub":
        text, own = (value[0], value[1]) if isinstance(value, list) else (value, {})
        yield from (
            name for name in (place.strip().split(".")[0] for place in PLACE.findall(text)) if name not in own
        )
        yield from references(own)
    else:
        yield from references(value)
