"""A CloudFormation template as a value: its text, its nodes with their places in the text, and a plain tree.

The tree is what the rules read: dictionaries and lists with every short form in its long form (`!Ref X` is
`{"Ref": "X"}`). Numbers and booleans are Python's only where their spelling says nothing more; octal-looking,
sexagesimal and underscored numbers, dates and account ids with leading zeros stay the text that was written. The
tree is never written back: changes go through `edit`, which leaves all other text as it is.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from dr.errors import UsageError
from dr.stacks.grammar import BOOL, FLOAT, INT, NULL, start
from dr.stacks.nodes import position, read_nodes

Tree = Any
"""None, bool, int, float, str, list of trees, or dict from str to tree."""

_PLAIN_INT = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_PLAIN_FLOAT = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_ENTRIES_AT_MOST = 2_000
"""Of one section. Source: CloudFormation user guide, quotas: 500 resources, fewer of all else; the rest is for the day
on which that grows."""
_TRUE = frozenset({"true", "yes", "on"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """One entry of the Parameters section; `default` is None when there is none."""

    name: str
    type: str
    default: str | None
    no_echo: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A template that parses. `name` is what messages call it; equality is that of the text."""

    text: str
    is_json: bool
    name: str = field(compare=False)
    root: yaml.MappingNode = field(repr=False, compare=False)
    tree: Mapping[str, Tree] = field(repr=False, compare=False)

    def section(self, name: str) -> Mapping[str, Tree]:
        """A top-level section; empty when the template lacks it."""
        found = self.tree.get(name)
        return found if isinstance(found, dict) else {}

    def resources(self) -> dict[str, Mapping[str, Tree]]:
        """Every resource by logical id, in the order of the text. `Fn::ForEach` loops are not resources yet."""
        return {k: v for k, v in self.section("Resources").items() if isinstance(v, dict)}

    def of_type(self, *types: str) -> dict[str, Mapping[str, Tree]]:
        """The resources of these types."""
        return {k: v for k, v in self.resources().items() if v.get("Type") in types}

    def parameters(self) -> tuple[Parameter, ...]:
        """What the template asks for."""
        entries = self.section("Parameters").items()
        return tuple(_parameter(name, entry) for name, entry in entries if isinstance(entry, dict))


def parse_template(text: str, name: str = "template") -> Template:
    """Read a template. Raises UsageError, with `name:line:column`, for one that CloudFormation could not read."""
    text = text.removeprefix("\ufeff")
    root, is_json = read_nodes(text, name)
    tree = plain(root)
    _check_resources(root, tree, text, name)
    return Template(text=text, is_json=is_json, name=name, root=root, tree=tree)


def properties(resource: Mapping[str, Tree]) -> dict[str, Tree]:
    """The properties of a resource; empty when it has none."""
    found = resource.get("Properties")
    return found if isinstance(found, dict) else {}


def plain(node: yaml.Node) -> Tree:
    """The tree of a node."""
    value = _untagged(node)
    if node.tag.startswith("tag:"):
        return value
    name = node.tag[1:]
    if name == "GetAtt" and isinstance(value, str):
        value = value.split(".", 1)
    return {name if name in ("Ref", "Condition") else f"Fn::{name}": value}


def _untagged(node: yaml.Node) -> Tree:
    match node:
        case yaml.MappingNode():
            return {key.value: plain(value) for key, value in node.value}
        case yaml.SequenceNode():
            return [plain(item) for item in node.value]
        case _:
            return _scalar(node.tag, node.value)


def _scalar(tag: str, text: str) -> Tree:
    if tag == NULL:
        return None
    if tag == BOOL:
        return text.lower() in _TRUE
    if tag == INT and _PLAIN_INT.match(text) and len(text) < 40:
        return int(text)
    if tag == FLOAT and _PLAIN_FLOAT.match(text):
        return float(text)
    return text


def _check_resources(root: yaml.MappingNode, tree: Mapping[str, Tree], text: str, name: str) -> None:
    place = {key.value: start(key) for key, _ in root.value}
    resources = tree.get("Resources")
    section, what = "Resources", ""
    if not isinstance(resources, dict) or not resources:
        what = "a template needs a Resources section with at least one resource"
    elif large := next((key for key, one in tree.items() if _is_large(one)), None):
        section, what = (
            large,
            f"more than {_ENTRIES_AT_MOST:,} entries, where CloudFormation takes 500 at most",
        )
    if what:
        line, column = position(text, place.get(section, 0))
        fix = "the stored template cannot be read; choose another version"
        raise UsageError(f"{name}:{line}:{column}: {what}", fix)


def _is_large(section: Tree) -> bool:
    return isinstance(section, dict) and len(section) > _ENTRIES_AT_MOST


def _parameter(name: str, entry: Mapping[str, Tree]) -> Parameter:
    default = entry.get("Default")
    return Parameter(
        name=name,
        type=str(entry.get("Type", "String")),
        default=None if default is None else as_text(default),
        no_echo=as_text(entry.get("NoEcho", "false")).lower() in _TRUE,
    )


def as_text(value: Tree) -> str:
    """A scalar as CloudFormation spells it: booleans in lower case, numbers in digits."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
