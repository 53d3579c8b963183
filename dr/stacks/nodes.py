"""Text to nodes: YAML through libyaml's events, JSON through a reader of our own; both give PyYAML's node types.

Nodes rather than values, because a node knows its span: `edit` changes a template by replacing spans, so that
comments, order and spelling survive. JSON has its own reader because YAML's disagrees about escapes and surrogates.
Composition is our own loop over events: nesting is limited before it becomes recursion, and what CloudFormation
does not support is refused where it stands.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import yaml

from dr.errors import UsageError
from dr.stacks.grammar import (
    FUNCTIONS,
    MAP,
    MAX_BYTES,
    MAX_DEPTH,
    MAX_NODES,
    SCALAR_TAGS,
    SEQ,
    TIMESTAMP,
    TOO_MANY,
    Malformed,
    refuse_bad_keys,
    start,
)
from dr.stacks.json_nodes import compose_json
from dr.words import short

_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_HANDLE = re.compile(r"^%TAG", re.MULTILINE)
_HANDLES_AT_MOST = 20
"""Tag handles of one text. libyaml compares each with all others, and no template of CloudFormation has one."""
_resolve: Callable[[type, str, tuple[bool, bool]], str] = yaml.resolver.Resolver().resolve


def read_nodes(text: str, name: str) -> tuple[yaml.MappingNode, bool]:
    """The root mapping and whether the text is JSON. Raises UsageError with `name:line:column` for a bad template."""
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise UsageError(
            f"{name}: larger than 1 MiB, the most that CloudFormation takes", "split the template"
        )
    try:
        root, is_json = _read(text)
        if not isinstance(root, yaml.MappingNode) or root.tag != MAP:
            raise Malformed("a template is a mapping with a Resources section", start(root))
        return root, is_json
    except Malformed as error:
        line, column = position(text, error.index)
        raise UsageError(
            f"{name}:{line}:{column}: {error.message}",
            "the stored template cannot be read; choose another version",
        ) from error


def position(text: str, index: int) -> tuple[int, int]:
    """Line and column of an offset, both from 1."""
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _read(text: str) -> tuple[yaml.Node, bool]:
    if not text.lstrip().startswith("{"):
        return _compose_yaml(text), False
    try:
        return compose_json(text), True
    except Malformed as json_error:
        try:
            return _compose_yaml(text), False
        except Malformed:
            raise json_error from None


def _compose_yaml(text: str) -> yaml.Node:
    handles = [found.start() for found in _HANDLE.finditer(text)]
    if len(handles) > _HANDLES_AT_MOST:
        raise Malformed(f"more than {_HANDLES_AT_MOST} %TAG directives", handles[_HANDLES_AT_MOST])
    try:
        return _compose_events(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Malformed(
            f"not YAML: {short(str(error.problem or error.context))}", int(getattr(mark, "index", None) or 0)
        ) from error
    except yaml.reader.ReaderError as error:
        raise Malformed(f"not YAML: {error.reason}", error.position) from error
    except yaml.YAMLError as error:
        raise Malformed(f"not YAML: {short(str(error))}", 0) from error
    except UnicodeError as error:
        raise Malformed("not YAML: a character that Unicode does not allow in text", 0) from error


class _Builder:
    """Collections that are open while the events go by; `root` is the finished document."""

    def __init__(self) -> None:
        self.root: yaml.Node | None = None
        self._nodes = 0
        self._open: list[tuple[yaml.Node, list[yaml.Node]]] = []

    def push(self, node: yaml.Node) -> None:
        """Begin a collection."""
        if len(self._open) >= MAX_DEPTH:
            raise Malformed(f"nested deeper than {MAX_DEPTH} levels", start(node))
        self._open.append((node, []))

    def pop(self, mark: Any) -> None:
        """End the innermost collection."""
        node, children = self._open.pop()
        node.end_mark = mark
        if isinstance(node, yaml.MappingNode):
            node.value = list(zip(children[::2], children[1::2], strict=True))
            refuse_bad_keys(node)
        else:
            node.value = children
        self.add(node)

    def add(self, node: yaml.Node) -> None:
        """Put a finished node where it belongs."""
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Malformed(TOO_MANY, start(node))
        if self._open:
            self._open[-1][1].append(node)
        elif self.root is None:
            self.root = node
        else:
            raise Malformed("a template is one document; a second one begins here", start(node))


def _compose_events(events: Iterator[Any]) -> yaml.Node:
    builder = _Builder()
    for event in events:
        match event:
            case yaml.AliasEvent():
                raise Malformed(
                    f"*{short(str(event.anchor))}: CloudFormation does not support YAML aliases",
                    _begin(event),
                )
            case yaml.ScalarEvent():
                builder.add(_scalar(event))
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                builder.push(_collection(event))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                builder.pop(event.end_mark)
            case _:
                pass
    if builder.root is None:
        raise Malformed("the template is empty", 0)
    return builder.root


def _scalar(event: Any) -> yaml.ScalarNode:
    tag = event.tag
    if tag in (None, "!"):
        tag = _resolve(yaml.ScalarNode, event.value, event.implicit)
    elif tag == TIMESTAMP or (tag not in SCALAR_TAGS and tag[1:] not in FUNCTIONS):
        raise Malformed(f"{short(tag)}: not a tag of CloudFormation", _begin(event))
    return yaml.ScalarNode(tag, event.value, event.start_mark, event.end_mark, style=event.style)


def _collection(event: Any) -> yaml.Node:
    kind, core = (
        (yaml.MappingNode, MAP) if isinstance(event, yaml.MappingStartEvent) else (yaml.SequenceNode, SEQ)
    )
    tag = core if event.tag in (None, "!") else event.tag
    if tag != core and tag[1:] not in FUNCTIONS:
        raise Malformed(f"{short(tag)}: not a tag of CloudFormation", _begin(event))
    return kind(tag, [], event.start_mark, event.end_mark, flow_style=event.flow_style)


def _begin(event: Any) -> int:
    return int(event.start_mark.index)
