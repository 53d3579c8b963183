"""Change a template's text where the rewriter wants it changed, and nowhere else.

Each change becomes a splice at the span of the node that it concerns, so that comments, order, quoting and layout of
everything else survive and an operator can diff what was stored against what is deployed. A splice is a guess about
text; what makes it safe is that every result is parsed again and compared, node by node with tags and spelling, with
the graph of nodes that was intended. Where the guess does not hold (a complex key, an odd comment) the document is
written anew from that graph: its meaning is the same, its comments are lost.

Changes are made in rounds, because their spans may touch: first what is set, then what is dropped (one key of a
mapping at a time), last what is put in front of a list, which moves the indexes of its items.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml

from dr.errors import UsageError
from dr.stacks.grammar import end, start
from dr.stacks.graph import changed_graph, find, same
from dr.stacks.spelling import (
    is_inline,
    spell_block,
    spell_document,
    spell_flow,
    spell_inline,
    spell_yaml_flow,
)
from dr.stacks.template import Template, parse_template

Path = tuple[str | int, ...]
"""Keys and list indexes from the root; never through an intrinsic function."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Put:
    """Set a key or a list item to a value; a key that is not there, and mappings on the way, are made."""

    path: Path
    value: Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Drop:
    """Remove a key and its value."""

    path: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepend:
    """Put an item in front of the list at `path`."""

    path: Path
    value: Any


Edit = Put | Drop | Prepend


def edit(template: Template, edits: Sequence[Edit]) -> Template:
    """The template with the changes, which concern different nodes, none inside another."""
    for batch in _rounds(template, edits):
        template = _apply(template, batch)
    return template


def source_text(template: Template, path: Path) -> str | None:
    """The text of a value as it was written, None where there is none."""
    node = find(template.root, path)
    return None if node is None else template.text[start(node) : _content_end(template.text, node)]


def _rounds(template: Template, edits: Sequence[Edit]) -> Iterable[list[Edit]]:
    puts = [e for e in edits if isinstance(e, Put)]
    drops = [e for e in edits if isinstance(e, Drop)]
    prepends = [e for e in edits if isinstance(e, Prepend)]
    if puts:
        yield _grounded(template.root, puts)
    while drops:
        now = list({e.path[:-1]: e for e in reversed(drops)}.values())
        drops = [e for e in drops if e not in now]
        yield list(now)
    if prepends:
        yield list(prepends)


def _grounded(root: yaml.Node, puts: Sequence[Put]) -> list[Edit]:
    """Rest each new key on a mapping that exists: what lies between becomes part of the value."""
    grounded: dict[Path, Any] = {}
    for put in puts:
        depth = len(put.path)
        while depth > 1 and not isinstance(find(root, put.path[: depth - 1]), yaml.CollectionNode):
            depth -= 1
        target, inner = put.path[:depth], put.path[depth:]
        value = put.value
        for key in reversed(inner):
            value = {key: value}
        grounded[target] = _merged(grounded.get(target), value) if inner else value
    return [Put(path=path, value=value) for path, value in grounded.items()]


def _merged(old: Any, new: Any) -> Any:
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        return {**old, **{key: _merged(old.get(key), value) for key, value in new.items()}}
    return new


def _apply(template: Template, batch: Sequence[Edit]) -> Template:
    intended: yaml.Node = template.root
    for change in reversed(batch):
        intended = _intended(intended, change)
    for text in _candidates(template, batch, intended):
        try:
            result = parse_template(text, template.name)
        except UsageError:
            continue
        if same(result.root, intended):
            return result
    raise AssertionError(
        f"{template.name}: no way to write {batch!r} keeps the rest of the template as it is"
    )


def _intended(root: yaml.Node, change: Edit) -> yaml.Node:
    match change:
        case Put():
            return changed_graph(root, change.path, "put", change.value)
        case Drop():
            return changed_graph(root, change.path, "drop", None)
        case Prepend():
            return changed_graph(root, change.path, "prepend", change.value)


def _candidates(template: Template, batch: Sequence[Edit], intended: yaml.Node) -> Iterable[str]:
    spliced = _spliced(template, batch)
    if spliced is not None:
        yield spliced
    yield spell_document(intended, as_json=template.is_json)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Splice:
    """Replace the characters from `begin` to `end`."""

    begin: int
    end: int
    text: str


def _spliced(template: Template, batch: Sequence[Edit]) -> str | None:
    writer = _Writer(template)
    splices = [writer.splice(change) for change in batch]
    known = [s for s in splices if s is not None]
    if len(known) != len(splices):
        return None
    pieces, at = [], 0
    for splice in sorted(known, key=lambda s: (s.begin, s.end)):
        if splice.begin < at:
            return None
        pieces += [template.text[at : splice.begin], splice.text]
        at = splice.end
    return "".join([*pieces, template.text[at:]])


class _Writer:
    """The splices of one text; a method returns None where it sees no safe one."""

    def __init__(self, template: Template) -> None:
        self._root = template.root
        self._text = template.text
        self._json = template.is_json
        self._newline = "\r\n" if "\r\n" in template.text else "\n"

    def splice(self, change: Edit) -> _Splice | None:
        match change:
            case Prepend():
                return self._prepend(change)
            case Drop():
                return self._drop(change)
            case Put():
                return self._put(change)

    def _put(self, change: Put) -> _Splice | None:
        parent, last = find(self._root, change.path[:-1]), change.path[-1]
        if isinstance(parent, yaml.SequenceNode) and isinstance(last, int):
            return self._replace_item(parent, parent.value[last], change.value)
        if not isinstance(parent, yaml.MappingNode):
            return None
        for key, value in parent.value:
            if key.value == last:
                return self._replace_value(parent, key, value, change.value)
        return self._insert(parent, str(last), change.value)

    def _replace_item(self, parent: yaml.SequenceNode, item: yaml.Node, value: Any) -> _Splice:
        begin, stop = start(item), _content_end(self._text, item)
        if parent.flow_style:
            return _Splice(begin=begin, end=stop, text=self._flow(value, self._indent_at(begin)))
        block = self._lines(spell_block(value), self._column(begin))
        return _Splice(begin=begin, end=stop, text=block if stop > begin else " " + self._flow(value))

    def _replace_value(
        self, parent: yaml.MappingNode, key: yaml.Node, old: yaml.Node, new: Any
    ) -> _Splice | None:
        begin, stop = start(old), _content_end(self._text, old)
        if parent.flow_style:
            gap = "" if self._text[begin - 1].isspace() or self._text[begin - 1] in "{[" else " "
            return _Splice(begin=begin, end=stop, text=gap + self._flow(new, self._indent_at(start(key))))
        colon = self._text.find(":", end(key))
        if colon < 0 or colon >= max(begin, colon + (begin == stop)):
            return None
        between = self._text[colon + 1 : begin]
        comment = between.rstrip() if "\n" in between else ""
        if is_inline(new):
            text = f" {spell_inline(new)}{comment}"
        else:
            column = self._column(start(key)) + 2
            text = comment + self._newline + " " * column + self._lines(spell_block(new), column)
        return _Splice(begin=colon + 1, end=max(stop, colon + 1), text=text)

    def _insert(self, parent: yaml.MappingNode, key: str, value: Any) -> _Splice | None:
        if not parent.value:
            if not parent.flow_style or parent.tag[0] == "!":
                return None
            return _Splice(begin=start(parent), end=end(parent), text=self._flow({key: value}))
        first = start(parent.value[0][0])
        if parent.flow_style:
            line = self._indent_at(first)
            pair = f"{self._flow(key)}: {self._flow(value, line)},{line or ' '}"
            return _Splice(begin=first, end=first, text=pair)
        column = self._column(first)
        text = self._lines([*spell_block({key: value}), ""], column)
        at = self._above_comments(first)
        return _Splice(begin=at, end=at, text=text)

    def _above_comments(self, index: int) -> int:
        """Where a line of the same column goes so that the comments of the line at an offset stay with it."""
        column, at = self._column(index), index
        line = index - column
        while line and not self._text[line:at].strip():
            above = self._text.rfind("\n", 0, line - 1) + 1
            comment = self._text[above:line]
            if len(comment) - len(comment.lstrip(" ")) != column or not comment.lstrip(" ").startswith("#"):
                break
            line, at = above, above + column
        return at

    def _prepend(self, change: Prepend) -> _Splice | None:
        target = find(self._root, change.path)
        if not isinstance(target, yaml.SequenceNode):
            return None
        if not target.value:
            return _Splice(begin=start(target), end=end(target), text=self._flow([change.value]))
        if target.flow_style:
            first = start(target.value[0])
            line = self._indent_at(first)
            return _Splice(begin=first, end=first, text=self._flow(change.value, line) + "," + (line or " "))
        dash = start(target)
        if self._text[dash] != "-":
            return None
        text = self._lines([*spell_block([change.value]), ""], self._column(dash))
        return _Splice(begin=dash, end=dash, text=text)

    def _drop(self, change: Drop) -> _Splice | None:
        parent = find(self._root, change.path[:-1])
        if not isinstance(parent, yaml.MappingNode):
            return None
        keys = [key.value for key, _ in parent.value]
        if change.path[-1] not in keys:
            return None
        index = keys.index(change.path[-1])
        key, value = parent.value[index]
        begin, stop = start(key), _content_end(self._text, value)
        following = start(parent.value[index + 1][0]) if index + 1 < len(keys) else None
        if len(keys) == 1:
            return _Splice(begin=begin, end=stop, text="" if parent.flow_style else "{}")
        if parent.flow_style:
            if following is None:
                return _Splice(begin=_content_end(self._text, parent.value[index - 1][1]), end=stop, text="")
            return _Splice(begin=begin, end=following, text="")
        return self._drop_lines(begin, stop, following)

    def _drop_lines(self, begin: int, stop: int, following: int | None) -> _Splice | None:
        line = self._text.rfind("\n", 0, begin) + 1
        if self._text[line:begin].strip() == "":
            newline = self._text.find("\n", stop)
            return _Splice(begin=line, end=len(self._text) if newline < 0 else newline + 1, text="")
        return None if following is None else _Splice(begin=begin, end=following, text="")

    def _flow(self, value: Any, line: str = "") -> str:
        return spell_flow(value, line) if self._json else spell_yaml_flow(value)

    def _column(self, index: int) -> int:
        return index - self._text.rfind("\n", 0, index) - 1

    def _indent_at(self, index: int) -> str:
        """The line break and indent before an offset, empty when something else stands on its line before it."""
        line = self._text.rfind("\n", 0, index) + 1
        indent = self._text[line:index]
        return self._newline + indent if line and not indent.strip() else ""

    def _lines(self, lines: Sequence[str], column: int) -> str:
        return (self._newline + " " * column).join(lines)


def _content_end(text: str, node: yaml.Node) -> int:
    """Where the last character of a value stands; a parser's end of a block collection lies behind its comments."""
    while isinstance(node, yaml.CollectionNode) and not node.flow_style and node.value:
        last = node.value[-1]
        node = last[1] if isinstance(last, tuple) else last
    stop = end(node)
    if isinstance(node, yaml.ScalarNode) and node.style in ("|", ">"):
        while stop > start(node) and text[stop - 1].isspace():
            stop -= 1
    return stop
