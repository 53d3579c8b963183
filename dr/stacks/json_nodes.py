"""JSON text to PyYAML's node types, with spans: YAML's reader disagrees about tabs, escapes and surrogate pairs."""

from __future__ import annotations

import json
import re
from collections.abc import Sized

import yaml

from dr.stacks.grammar import (
    BOOL,
    FLOAT,
    INT,
    MAP,
    MAX_DEPTH,
    MAX_NODES,
    NULL,
    SEQ,
    STR,
    TOO_MANY,
    Malformed,
    refuse_bad_keys,
)

_HALF = re.compile(r"[\ud800-\udfff]")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?")
_SPACE = re.compile(r"[ \t\r\n]*")


def compose_json(text: str) -> yaml.Node:
    """The nodes of a JSON text. Raises Malformed."""
    node, index = _value(text, _skip(text, 0), 0)
    index = _skip(text, index)
    if index != len(text):
        raise Malformed("not JSON: text after the end", index)
    return node


def _value(text: str, index: int, depth: int) -> tuple[yaml.Node, int]:
    if depth >= MAX_DEPTH:
        raise Malformed(f"nested deeper than {MAX_DEPTH} levels", index)
    match text[index : index + 1]:
        case "{":
            return _object(text, index, depth)
        case "[":
            return _array(text, index, depth)
        case '"':
            return _string(text, index)
        case _:
            return _literal(text, index)


def _object(text: str, begin: int, depth: int) -> tuple[yaml.Node, int]:
    pairs: list[tuple[yaml.Node, yaml.Node]] = []
    index = _skip(text, begin + 1)
    while not text.startswith("}", index):
        if pairs:
            index = _skip(text, _expect(text, index, ","))
        key, index = _string(text, index)
        index = _skip(text, _expect(text, _skip(text, index), ":"))
        value, index = _value(text, index, depth + 1)
        pairs.append((key, value))
        _refuse_many(pairs, index)
        index = _skip(text, index)
    node = yaml.MappingNode(MAP, pairs, _mark(begin), _mark(index + 1), flow_style=True)
    refuse_bad_keys(node)
    return node, index + 1


def _array(text: str, begin: int, depth: int) -> tuple[yaml.Node, int]:
    items: list[yaml.Node] = []
    index = _skip(text, begin + 1)
    while not text.startswith("]", index):
        if items:
            index = _skip(text, _expect(text, index, ","))
        item, index = _value(text, index, depth + 1)
        items.append(item)
        _refuse_many(items, index)
        index = _skip(text, index)
    return yaml.SequenceNode(SEQ, items, _mark(begin), _mark(index + 1), flow_style=True), index + 1


def _refuse_many(children: Sized, index: int) -> None:
    """Of one list or object: a file of a mebibyte has room for few that are as large."""
    if len(children) > MAX_NODES:
        raise Malformed(TOO_MANY, index)


def _string(text: str, index: int) -> tuple[yaml.Node, int]:
    match = _STRING.match(text, index)
    if not match:
        raise Malformed("not JSON: a string in double quotes is expected", index)
    try:
        value = json.loads(match[0])
    except json.JSONDecodeError as error:
        raise Malformed(f"not JSON: {error.msg}", index + error.pos) from error
    if half := _HALF.search(value):
        raise Malformed(f"not JSON: half of a surrogate pair, \\u{ord(half[0]):04x}, is no character", index)
    return yaml.ScalarNode(STR, value, _mark(index), _mark(match.end()), style='"'), match.end()


def _literal(text: str, index: int) -> tuple[yaml.Node, int]:
    for word, tag in (("true", BOOL), ("false", BOOL), ("null", NULL)):
        if text.startswith(word, index):
            return yaml.ScalarNode(tag, word, _mark(index), _mark(index + len(word))), index + len(word)
    match = _NUMBER.match(text, index)
    if not match:
        raise Malformed("not JSON: a value is expected", index)
    tag = FLOAT if match[1] or match[2] else INT
    return yaml.ScalarNode(tag, match[0], _mark(index), _mark(match.end())), match.end()


def _expect(text: str, index: int, sign: str) -> int:
    if not text.startswith(sign, index):
        raise Malformed(f"not JSON: {sign!r} is expected", index)
    return index + 1


def _skip(text: str, index: int) -> int:
    match = _SPACE.match(text, index)
    return match.end() if match else index


def _mark(index: int) -> yaml.Mark:
    return yaml.Mark("", index, 0, 0, None, 0)
