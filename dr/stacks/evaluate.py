"""What a value of a template comes to, as far as the parameters of the stored stack tell.

Two answers that are not values: UNKNOWN (an attribute of a resource, a secret, an import) and NO_VALUE (the property
is left out, AWS::NoValue). A `Ref` to a resource, or the attribute that is its id, is a Reference. `Evaluator.value`
goes all the way; `Evaluator.unfold` only decides the `Fn::If`s that shape a list or a mapping and leaves what stands
in them as it was written.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from dr.stacks.template import Parameter, Template, Tree, as_text


class Special(Enum):
    """Answers that are not values."""

    UNKNOWN = "unknown"
    NO_VALUE = "no value"


UNKNOWN, NO_VALUE = Special.UNKNOWN, Special.NO_VALUE


@dataclass(frozen=True, slots=True, kw_only=True)
class Reference:
    """The id of another resource of the stack."""

    logical_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was true of the stack: parameters with their resolved values, pseudo parameters such as AWS::Region.

    A parameter that is None has a value that nobody knows, a secret or what a parent hands down; one that is not there
    was given none and has its default. The value of an SSM-typed parameter is the one behind the name; lists are joined by commas, as CloudFormation
    shows them.
    """

    parameters: Mapping[str, str | None] = field(default_factory=dict)
    pseudo: Mapping[str, str] = field(default_factory=dict)


_ID_ATTRIBUTES = frozenset({"VolumeId", "InstanceId", "LaunchTemplateId"})
_TEXT_AT_MOST = 16_384
"""Characters of a text that functions make: beyond it nothing is told. Functions around functions could double a text
a hundred times; the longest text that a property of a machine holds is its user data (Source: EC2 user guide, Run
commands at launch, 16 KB)."""
_DEEPEST = 80
"""Values inside values, through functions, lists and conditions that refer to conditions: deeper than this nothing is
told. A reader of templates must not recurse as deep as whoever wrote one chooses."""
_DYNAMIC = "{{resolve:"
"""CloudFormation looks up what this stands for when it creates the stack, also where functions put it together.
Source: CloudFormation user guide, Dynamic references."""
_VARIABLE = re.compile(r"\$\{(!?)([^${}]+)\}")


def is_intrinsic(value: Tree) -> bool:
    """Whether a value is a call of an intrinsic function."""
    if not isinstance(value, dict) or len(value) != 1:
        return False
    (key,) = value
    return key in ("Ref", "Condition") or key.startswith("Fn::")


class Evaluator:
    """Evaluates the values of one template."""

    def __init__(self, template: Template, facts: Facts) -> None:
        self._template = template
        self._facts = facts
        self._parameters = {p.name: p for p in template.parameters()}
        self._conditions: dict[str, bool | None] = {}
        self._deep = 0

    def value(self, tree: Tree) -> Any:
        """The value: scalars, lists, dicts, a Reference, UNKNOWN or NO_VALUE, which may also stand inside."""
        if self._deep >= _DEEPEST:
            return UNKNOWN
        self._deep += 1
        found = self._value(tree)
        self._deep -= 1
        return UNKNOWN if isinstance(found, str) and _DYNAMIC in found else found

    def _value(self, tree: Tree) -> Any:
        if isinstance(tree, list):
            return [v for v in map(self.value, tree) if v is not NO_VALUE]
        if not isinstance(tree, dict):
            return tree
        if is_intrinsic(tree):
            ((name, argument),) = tree.items()
            return self._call(name, argument)
        return {k: v for k, v in ((k, self.value(v)) for k, v in tree.items()) if v is not NO_VALUE}

    def unfold(self, tree: Tree) -> Any:
        """The value with its structural `Fn::If`s decided; UNKNOWN stands where one could not be."""
        if isinstance(tree, list):
            return [v for v in map(self.unfold, tree) if v is not NO_VALUE]
        if not isinstance(tree, dict):
            return tree
        if not is_intrinsic(tree):
            return {k: v for k, v in ((k, self.unfold(v)) for k, v in tree.items()) if v is not NO_VALUE}
        if tree == {"Ref": "AWS::NoValue"}:
            return NO_VALUE
        return self._chosen(tree["Fn::If"], self.unfold) if "Fn::If" in tree else tree

    def condition(self, name: str) -> bool | None:
        """Whether a condition of the Conditions section holds; None when that cannot be told."""
        if name not in self._conditions:
            self._conditions[name] = None  # a circle of conditions cannot be told
            if self._deep < _DEEPEST:
                self._deep += 1
                self._conditions[name] = self._truth(self._template.section("Conditions").get(name))
                self._deep -= 1
        return self._conditions[name]

    def present(self, logical_id: str) -> bool:
        """Whether the stack has the resource: False only where its condition is known not to hold."""
        name = self._template.resources().get(logical_id, {}).get("Condition")
        return not isinstance(name, str) or self.condition(name) is not False

    def _call(self, name: str, argument: Tree) -> Any:
        match name:
            case "Ref":
                return self._ref(argument)
            case "Condition":
                return self._named_condition(argument)
            case "Fn::If":
                return self._chosen(argument, self.value)
            case "Fn::GetAtt":
                return self._get_att(argument)
            case "Fn::FindInMap":
                return self._find_in_map(argument)
            case "Fn::Sub":
                return self._sub(argument)
            case "Fn::Join":
                return self._join(argument)
            case "Fn::Split":
                return self._split(argument)
            case "Fn::Select":
                return self._select(argument)
            case "Fn::Equals":
                return self._equals(argument)
            case "Fn::And" | "Fn::Or":
                return self._all_or_any(argument, decisive=name == "Fn::Or")
            case "Fn::Not":
                return self._not(argument)
            case _:
                return UNKNOWN

    def _truth(self, tree: Tree) -> bool | None:
        if isinstance(tree, dict) and set(tree) == {"Condition"}:
            return self.condition(str(tree["Condition"]))
        value = self.value(tree)
        return as_bool(value)

    def _chosen(self, argument: Tree, go_on: Callable[[Tree], Any]) -> Any:
        if not isinstance(argument, list) or len(argument) != 3:
            return UNKNOWN
        holds = self.condition(str(argument[0]))
        if holds is None:
            yes, no = go_on(argument[1]), go_on(argument[2])
            return yes if yes == no else UNKNOWN
        return go_on(argument[1] if holds else argument[2])

    def _ref(self, name: Tree) -> Any:
        if not isinstance(name, str):
            return UNKNOWN
        if name == "AWS::NoValue":
            return NO_VALUE
        if name in self._parameters:
            return _parameter_value(self._parameters[name], self._facts.parameters)
        if name in self._template.resources():
            return Reference(logical_id=name)
        return self._facts.pseudo.get(name, UNKNOWN)

    def _get_att(self, argument: Tree) -> Any:
        parts = argument.split(".", 1) if isinstance(argument, str) else argument
        match parts:
            case [str() as name, str() as attribute] if attribute in _ID_ATTRIBUTES:
                return Reference(logical_id=name)
            case _:
                return UNKNOWN

    def _find_in_map(self, argument: Tree) -> Any:
        found: Any = self._template.section("Mappings")
        keys = self.value(argument)
        for key in keys[:3] if isinstance(keys, list) and len(keys) > 2 else [UNKNOWN]:
            if not isinstance(key, str | int) or not isinstance(found, dict):
                return UNKNOWN
            found = found.get(as_text(key), UNKNOWN)
        return found

    def _sub(self, argument: Tree) -> Any:
        text, variables = argument if isinstance(argument, list) and len(argument) == 2 else (argument, {})
        if not isinstance(text, str) or not isinstance(variables, dict):
            return UNKNOWN
        parts: list[Any] = []
        seen: dict[
            tuple[str, str], Any
        ] = {}  # each is told once, however often and with whatever spaces it stands there
        at = 0
        for match in _VARIABLE.finditer(text):
            one = match[1], match[2].strip()
            if one not in seen:
                seen[one] = self._variable(*one, variables)
            parts += [text[at : match.start()], seen[one]]
            at = match.end()
        parts.append(text[at:])
        if len(parts) == 3 and parts[0] == parts[2] == "":
            return parts[1]
        return _joined("", parts)

    def _variable(self, literal: str, name: str, variables: Mapping[str, Tree]) -> Any:
        if literal:
            return "${" + name + "}"
        if name in variables:
            return self.value(variables[name])
        return self._get_att(name) if "." in name else self._ref(name)

    def _join(self, argument: Tree) -> Any:
        value = self.value(argument)
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
            return UNKNOWN
        return _joined(as_text(value[0]), value[1])

    def _split(self, argument: Tree) -> Any:
        value = self.value(argument)
        if (
            not isinstance(value, list)
            or len(value) != 2
            or not all(isinstance(v, str) for v in value)
            or not value[0]
        ):
            return UNKNOWN
        return value[1].split(value[0])

    def _select(self, argument: Tree) -> Any:
        value = self.value(argument)
        if not isinstance(value, list) or len(value) != 2 or not isinstance(value[1], list):
            return UNKNOWN
        index = as_int(value[0])
        return value[1][index] if index is not None and 0 <= index < len(value[1]) else UNKNOWN

    def _equals(self, argument: Tree) -> Any:
        value = self.value(argument)
        if not isinstance(value, list) or len(value) != 2 or not _is_told(value):
            return UNKNOWN
        return as_text(value[0]) == as_text(value[1])

    def _all_or_any(self, argument: Tree, *, decisive: bool) -> Any:
        truths = [self._truth(item) for item in argument] if isinstance(argument, list) else [None]
        if decisive in truths:
            return decisive
        return UNKNOWN if None in truths else not decisive

    def _not(self, argument: Tree) -> Any:
        truth = self._truth(argument[0]) if isinstance(argument, list) and len(argument) == 1 else None
        return UNKNOWN if truth is None else not truth

    def _named_condition(self, argument: Tree) -> Any:
        truth = self.condition(str(argument))
        return UNKNOWN if truth is None else truth


def _is_told(value: Any) -> bool:
    """Whether it is a value through and through."""
    if isinstance(value, list | dict):
        return all(map(_is_told, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, Special | Reference)


def as_bool(value: Any) -> bool | None:
    """A boolean as CloudFormation takes it, also from text; None when it is none."""
    if isinstance(value, bool):
        return value
    return {"true": True, "false": False}.get(value.lower()) if isinstance(value, str) else None


def as_int(value: Any) -> int | None:
    """A whole number, also from text; None when it is none."""
    if isinstance(value, str) and re.fullmatch(r"[1-9][0-9]{0,8}|0", value):
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def _parameter_value(parameter: Parameter, given: Mapping[str, str | None]) -> Any:
    value = given.get(parameter.name)
    if parameter.name not in given and not parameter.type.startswith("AWS::SSM::Parameter::Value"):
        value = parameter.default
    if value is None:
        return UNKNOWN
    listed = parameter.type == "CommaDelimitedList" or "List<" in parameter.type
    return [part.strip() for part in value.split(",")] if listed else value


def _joined(delimiter: str, parts: list[Any]) -> Any:
    if any(isinstance(part, Special | Reference | list | dict) for part in parts):
        return UNKNOWN
    texts = [as_text(part) for part in parts]
    size = sum(map(len, texts)) + len(delimiter) * len(texts)
    return UNKNOWN if size > _TEXT_AT_MOST else delimiter.join(texts)
