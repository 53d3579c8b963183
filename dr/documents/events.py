"""PyYAML's events -> nodes, limited while they are built (FAILURES 4.3).

The parser is the pure Python one, so that messages and places are the same on every machine; it neither recurses nor
resolves. A file that would unfold into something huge is refused before it does. A fault that leaves the rest
readable is noted and reading goes on, so that one run shows as many faults as it can.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import date
from typing import Protocol

import yaml

from dr.documents.nodes import Broken, Document, Entry, Items, Node, Position, Scalar, ScalarValue, Table
from dr.documents.wording import Path, joined, quoted, shown
from dr.errors import Problem

DEPTH_AT_MOST = 50
NODES_AT_MOST = 10_000

_NUMBER_AT_MOST = 100
"""Characters. Python needs quadratic time for the digits of a number, and no honest number is longer."""

_EMPTY = "empty file; write it, or delete it"
_START = Position(1, 1)
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
"""What an escape in double quotes could smuggle in; line breaks and tabs are text."""

_TAG = "tag:yaml.org,2002:"
_NUMBERS = {f"{_TAG}int": "number", f"{_TAG}float": "number", f"{_TAG}timestamp": "date"}
_HINTS = (
    ("'\\t'", "indent with spaces, not tabs"),
    ("scanning an alias", "quote text that starts with *"),
    ("scanning an anchor", "quote text that starts with &"),
    ("cannot start any token", "quote text that starts with a special character"),
    (
        "mapping values are not allowed",
        "quote text that contains a colon and a space, or mend the indentation",
    ),
    ("could not find expected ':'", "every key ends in a colon and a space"),
    ("found unexpected end of stream", "close the quotes"),
    ("expected <block end>", "mend the indentation"),
    ("expected ',' or", "close the bracket, or put a comma"),
    ("unknown escape character", "in double quotes write \\\\ for a backslash"),
    ("expected chomping or indentation", "quote text that starts with | or >"),
)


def build(text: str, file: str) -> Document:
    """Read one document out of text that is printable. Never raises for what it holds."""
    return _Building(text, file).document()


class _Mark(Protocol):
    """Where PyYAML is; it counts from 0."""

    line: int
    column: int


class _TooMuch(Exception):  # noqa: N818 - ends the reading of one file; never leaves this module
    """A limit is crossed."""

    def __init__(self, at: Position, what: str) -> None:
        super().__init__(what)
        self.at = at
        self.what = what


class _Building:
    """The state of reading one text: PyYAML's parser, what was counted and what was found."""

    def __init__(self, text: str, file: str) -> None:
        self._yaml = yaml.SafeLoader(text)
        self._next: Callable[[], yaml.Event] = self._yaml.get_event
        self._resolve: Callable[..., str] = self._yaml.resolve
        self._file = file
        self._nodes = 0
        self._problems: list[Problem] = []

    def document(self) -> Document:
        """The first document of the stream; a second one is a fault."""
        root = None
        try:
            root = self._root()
        except _TooMuch as error:
            self._note(error.at, error.what)
        except yaml.MarkedYAMLError as error:
            self._note(_of(error.problem_mark or error.context_mark), _syntax(error))
        except (ValueError, OverflowError):
            # PyYAML's scanner makes a character of the digits of an escape without a look at them.
            self._note(_of(self._yaml), "not YAML: an escape that is no character")
        return Document(file=self._file, root=root, problems=tuple(sorted(self._problems)))

    def _root(self) -> Node | None:
        self._next()  # stream start
        if isinstance(self._next(), yaml.StreamEndEvent):
            self._note(_START, _EMPTY)
            return None
        root = self._node(self._next(), ())
        self._next()  # document end
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._note(_of(after.start_mark), "a second document starts here; one document per file")
        if isinstance(root, Scalar) and root.value is None and not root.text:
            self._note(_START, _EMPTY)
            return None
        return root

    def _note(self, at: Position, what: str, path: Path = ()) -> None:
        message = f"{joined(path)}: {what}" if path else what
        self._problems.append(Problem(file=self._file, line=at.line, column=at.column, message=message))

    def _node(self, event: yaml.Event, path: Path) -> Node:
        """The value that starts with this event, whole."""
        at = _of(event.start_mark)
        self._nodes += 1
        if self._nodes > NODES_AT_MOST:
            raise _TooMuch(at, f"more than {NODES_AT_MOST:,} keys and values; split the file")
        if len(path) >= DEPTH_AT_MOST:
            raise _TooMuch(at, f"nested deeper than {DEPTH_AT_MOST} levels")
        match event:
            case yaml.MappingStartEvent():
                node: Node = self._table(at, path)
            case yaml.SequenceStartEvent():
                node = self._items(at, path)
            case yaml.ScalarEvent():
                node = self._scalar(event, at, path)
            case _:
                node = self._alias(event, at, path)
        return node if self._undecorated(event, at, path) else Broken(position=at)

    def _alias(self, event: yaml.Event, at: Position, path: Path) -> Broken:
        text = f"*{event.anchor}" if isinstance(event, yaml.NodeEvent) else "*"
        self._note(at, f"aliases are not supported; quote text that starts with *: {quoted(text)}", path)
        return Broken(position=at)

    def _undecorated(self, event: yaml.Event, at: Position, path: Path) -> bool:
        """Neither an anchor nor a tag; both are noted."""
        if not isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent):
            return True
        if event.anchor is not None:
            hint = f"write the value out, or quote it: {quoted('&' + event.anchor)}"
            self._note(at, f"anchors are not supported; {hint}", path)
        if event.tag is not None:
            self._note(at, f"tags such as {shown(event.tag)} are not supported; quote text instead", path)
        return event.anchor is None and event.tag is None

    def _items(self, at: Position, path: Path) -> Items:
        items: list[Node] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            items.append(self._node(event, (*path, len(items))))
        return Items(position=at, items=tuple(items))

    def _table(self, at: Position, path: Path) -> Table:
        entries: dict[str, Entry] = {}
        whole = True
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            name = event.value if isinstance(event, yaml.ScalarEvent) else "?"
            key = self._node(event, (*path, name))
            value = self._value(self._next(), key.position, (*path, name))
            if self._is_fit(key, entries, path):
                entries[name] = Entry(key=name, position=key.position, value=value)
            else:
                whole = False
        return Table(position=at, entries=tuple(entries.values()), whole=whole)

    def _value(self, event: yaml.Event, key: Position, path: Path) -> Node:
        """A value that is not there is placed at its key: there is nothing else to point at."""
        node = self._node(event, path)
        if isinstance(node, Scalar) and node.value is None and not node.text:
            return Scalar(position=key, value=None, text="")
        return node

    def _is_fit(self, key: Node, entries: Mapping[str, Entry], path: Path) -> bool:
        """Tell whether a key is text and new; a fault is noted, and of two the first stays."""
        if isinstance(key, Broken):
            return False
        what = ""
        if not isinstance(key, Scalar):
            what = "a key must be text, not a list or mapping"
        elif not isinstance(key.value, str):
            what = f"a key must be text, found {shown(key.text) or 'nothing'}; quote it: {quoted(key.text)}"
        elif key.value in entries:
            first = entries[key.value].position.line
            path = (*path, key.value)
            what = f"duplicate key; remove this one or the one in line {first}"
        if what:
            self._note(key.position, what, path)
        return not what

    def _scalar(self, event: yaml.ScalarEvent, at: Position, path: Path) -> Scalar | Broken:
        text: str = event.value
        tag = self._resolve(yaml.ScalarNode, text, event.implicit)
        what = ""
        if _CONTROL.search(text):
            what = f"control character in {shown(text)}; remove it"
        elif tag == f"{_TAG}merge":
            what = "merge keys (<<) are not supported; write the keys out"
        else:
            try:
                return Scalar(position=at, value=self._resolved(tag, text), text=text)
            except (ValueError, OverflowError):
                what = f"not a {_NUMBERS.get(tag, 'value')}: {shown(text)}; quote it: {quoted(text)}"
        self._note(at, what, path)
        return Broken(position=at)

    def _resolved(self, tag: str, text: str) -> ScalarValue:
        """Raises ValueError or OverflowError for what looks like a number or a date and is none."""
        if tag in _NUMBERS and len(text) > _NUMBER_AT_MOST:
            raise ValueError
        value = text if tag == f"{_TAG}value" else self._yaml.construct_object(yaml.ScalarNode(tag, text))
        if value is None or isinstance(value, str | int | float | date):
            return value
        raise ValueError


def _of(mark: _Mark | None) -> Position:
    return Position(mark.line + 1, mark.column + 1) if mark else _START


def _syntax(error: yaml.MarkedYAMLError) -> str:
    """PyYAML's words in one line, and what usually helps."""
    said = ", ".join(part for part in (error.context, error.problem) if part)
    hint = next((hint for sign, hint in _HINTS if sign in said), "")
    return f"not YAML: {shown(said, 160)}" + (f"; {hint}" if hint else "")
