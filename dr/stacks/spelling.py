"""Values to text: as JSON (and so as YAML's flow style), as YAML's block style, and whole documents."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

import yaml

from dr.stacks.grammar import BOOL, FLOAT, INT, MAP, NULL, SEQ, STR

_SAFE = re.compile(r"[A-Za-z/][A-Za-z0-9_./-]*(?:::?[A-Za-z0-9_./-]+)*\Z")
_resolve: Callable[[type, str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve


def spell_flow(value: Any, line: str = "") -> str:
    """A value as JSON; spread over lines when `line` is a line break with an indent."""
    if "\n" not in line:
        return json.dumps(value, ensure_ascii=False)
    indent = "\t" if "\t" in line else 2
    return json.dumps(value, ensure_ascii=False, indent=indent).replace("\n", line)


def spell_yaml_flow(value: Any) -> str:
    """A value in YAML's flow style, on one line, with quotes where they are needed."""
    match value:
        case dict():
            pairs = (f"{spell_yaml_flow(key)}: {spell_yaml_flow(item)}" for key, item in value.items())
            return "{" + ", ".join(pairs) + "}"
        case list():
            return "[" + ", ".join(map(spell_yaml_flow, value)) + "]"
        case _:
            text = spell_inline(value)
            return spell_flow(value) if ":" in text and text[0] != '"' else text


def is_inline(value: Any) -> bool:
    """Whether a value stands on the line of its key in block style."""
    return not isinstance(value, dict | list) or not value


def spell_inline(value: Any) -> str:
    """A scalar (or an empty collection) for block style: plain where YAML reads it back as text, else quoted."""
    if isinstance(value, str) and _SAFE.match(value) and _resolves_to_text(value):
        return value
    return spell_flow(value)


def spell_block(value: Any) -> list[str]:
    """A value as lines of block style, the first one at column 0."""
    if is_inline(value):
        return [spell_inline(value)]
    if isinstance(value, dict):
        return [line for key, item in value.items() for line in _entry(key, item)]
    return [line for item in value for line in _item(item)]


def to_node(value: Any) -> yaml.Node:
    """The node that a new value is; it has no place in a text."""
    match value:
        case dict():
            return yaml.MappingNode(
                MAP, [(to_node(k), to_node(v)) for k, v in value.items()], flow_style=False
            )
        case list():
            return yaml.SequenceNode(SEQ, [to_node(item) for item in value], flow_style=False)
        case bool():
            return yaml.ScalarNode(BOOL, "true" if value else "false")
        case None:
            return yaml.ScalarNode(NULL, "null")
        case int():
            return yaml.ScalarNode(INT, str(value))
        case float():
            return yaml.ScalarNode(FLOAT, json.dumps(value))
        case _:
            return yaml.ScalarNode(STR, str(value))


def spell_document(root: yaml.Node, *, as_json: bool) -> str:
    """A whole document from its nodes: meaning, order and number spelling kept; comments and layout are lost."""
    if as_json:
        return _json(root, "\n") + "\n"
    return str(yaml.serialize(root, Dumper=yaml.SafeDumper, allow_unicode=True, width=1_000_000))


def _resolves_to_text(value: str) -> bool:
    return _resolve(yaml.ScalarNode, value, (True, False)) == STR


def _entry(key: str, item: Any) -> list[str]:
    head = f"{spell_inline(key)}:"
    if is_inline(item):
        return [f"{head} {spell_inline(item)}"]
    return [head, *("  " + line for line in spell_block(item))]


def _item(item: Any) -> list[str]:
    first, *rest = spell_block(item)
    return [f"- {first}", *("  " + line for line in rest)]


def _json(node: yaml.Node, line: str) -> str:
    deeper = line + "  "
    match node:
        case yaml.MappingNode() if node.value:
            pairs = (f"{json.dumps(k.value, ensure_ascii=False)}: {_json(v, deeper)}" for k, v in node.value)
            return "{" + ",".join(deeper + pair for pair in pairs) + line + "}"
        case yaml.SequenceNode() if node.value:
            return "[" + ",".join(deeper + _json(item, deeper) for item in node.value) + line + "]"
        case yaml.MappingNode():
            return "{}"
        case yaml.SequenceNode():
            return "[]"
        case _:
            return json.dumps(node.value, ensure_ascii=False) if node.tag == STR else str(node.value)
