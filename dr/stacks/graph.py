"""The graph of a template's nodes: finding a node, changing a copy, comparing two."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import yaml

from dr.stacks.grammar import MAP, SEQ
from dr.stacks.spelling import to_node

Operation = Literal["put", "drop", "prepend"]


def find(node: yaml.Node | None, path: Sequence[str | int]) -> yaml.Node | None:
    """The node at a path, None where there is none; a path does not lead through a short-form tag."""
    for step in path:
        match node:
            case yaml.MappingNode(tag=tag) if tag == MAP:
                node = next((value for key, value in node.value if key.value == step), None)
            case yaml.SequenceNode(tag=tag) if (
                tag == SEQ and isinstance(step, int) and step < len(node.value)
            ):
                node = node.value[step]
            case _:
                return None
    return node


def changed_graph(root: yaml.Node, path: Sequence[str | int], operation: Operation, value: Any) -> yaml.Node:
    """A copy of the graph with one change; what the change does not touch is shared with the original."""
    return _changed(root, tuple(path), operation, value)


def same(left: yaml.Node, right: yaml.Node) -> bool:
    """Whether two graphs mean the same: kinds, tags, order of keys and the text of every scalar."""
    match left, right:
        case yaml.MappingNode(), yaml.MappingNode():
            pairs = zip(left.value, right.value, strict=False)
            return _alike(left, right) and all(same(a, c) and same(b, d) for (a, b), (c, d) in pairs)
        case yaml.SequenceNode(), yaml.SequenceNode():
            return _alike(left, right) and all(
                same(a, b) for a, b in zip(left.value, right.value, strict=False)
            )
        case yaml.ScalarNode(), yaml.ScalarNode():
            return bool(left.tag == right.tag and left.value == right.value)
        case _:
            return False


def _alike(left: yaml.Node, right: yaml.Node) -> bool:
    return bool(left.tag == right.tag and len(left.value) == len(right.value))


def _changed(node: yaml.Node, path: tuple[str | int, ...], operation: Operation, value: Any) -> yaml.Node:
    if not path:
        return _with(node, [to_node(value), *node.value]) if operation == "prepend" else to_node(value)
    step, rest = path[0], path[1:]
    if isinstance(node, yaml.SequenceNode):
        items = [_changed(n, rest, operation, value) if i == step else n for i, n in enumerate(node.value)]
        return _with(node, items)
    if operation == "drop" and not rest:
        return _with(node, [(k, v) for k, v in node.value if k.value != step])
    if any(key.value == step for key, _ in node.value):
        pairs = [(k, _changed(v, rest, operation, value) if k.value == step else v) for k, v in node.value]
        return _with(node, pairs)
    return _with(node, [(to_node(str(step)), to_node(value)), *node.value])


def _with(node: yaml.Node, value: list[Any]) -> yaml.Node:
    kind = yaml.MappingNode if isinstance(node, yaml.MappingNode) else yaml.SequenceNode
    return kind(node.tag, value, flow_style=False)
