"""Typed values out of a document: each function gives the value, or None after noting what is wrong with it.

A message follows one form: `keep.daily: expected a whole number from 1, found the boolean yes; ...`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from dr.documents.faults import Faults
from dr.documents.nodes import Broken, Document, Items, Node, Position, Scalar, Table
from dr.documents.wording import Path, closest, did_you_mean, kind, quoted

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A value on its way through the checks: where it is, and where its faults go. `key` is the place of its key."""

    node: Node
    path: Path
    faults: Faults
    key: Position

    @property
    def is_empty(self) -> bool:
        """Tell whether it is a mapping without keys, as written."""
        return isinstance(self.node, Table) and self.node.whole and not self.node.entries

    def fault(self, what: str) -> None:
        """Note a fault of the value."""
        self.faults.add(self.node.position, self.path, what)

    def key_fault(self, what: str) -> None:
        """Note a fault of the key: that it should not be there."""
        self.faults.add(self.key, self.path, what)

    def expected(self, what: str, hint: str = "") -> None:
        """Note that something else stands here; nothing more is said of a value that reading refused."""
        if not isinstance(self.node, Broken):
            self.fault(f"expected {what}, found {kind(self.node)}" + (f"; {hint}" if hint else ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shape:
    """The keys that a mapping may have. `required` gives the remedy by key, `later` is known and not built yet."""

    keys: tuple[str, ...]
    required: Mapping[str, str] = field(default_factory=dict)
    later: tuple[str, ...] = ()
    noun: str = "key"


def root(document: Document, faults: Faults) -> Field | None:
    """The document as a field; None when it could not be read, which is noted already."""
    if document.root is None:
        return None
    at = document.root.position
    return Field(node=document.root, path=(), faults=faults, key=at)


def mapping(value: Field, shape: Shape) -> Mapping[str, Field] | None:
    """The fields of a mapping, by key: the known ones. Unknown and missing keys are noted.

    A misspelt key stands for the one that was meant, so that it is not missing too and its value is checked.
    """
    found = entries(value)
    if found is None:
        return None
    known = {key: one for key, one in found.items() if key in shape.keys}
    for key, one in found.items():
        if key in shape.later:
            one.key_fault("not supported yet; remove it")
        elif key not in shape.keys:
            meant = closest(key, shape.keys)
            one.key_fault(f"unknown {shape.noun}{did_you_mean(meant)} ({', '.join(shape.keys)})")
            if meant is not None:
                known.setdefault(meant, one)
    for key in shape.required.keys() - known.keys():
        value.faults.add(value.node.position, (*value.path, key), f"missing; {shape.required[key]}")
    return known


def entries(value: Field) -> Mapping[str, Field] | None:
    """The fields of a mapping whose keys are free, by key."""
    if not isinstance(value.node, Table):
        value.expected("a mapping (keys and values)")
        return None
    return {
        entry.key: Field(
            node=entry.value, path=(*value.path, entry.key), faults=value.faults, key=entry.position
        )
        for entry in value.node.entries
    }


def given(fields: Mapping[str, Field], key: str, read: Callable[[Field], T | None], default: T) -> T:
    """Read a key; the default where it is absent, or wrong and noted."""
    found = read(fields[key]) if key in fields else None
    return default if found is None else found


def text(value: Field) -> str | None:
    """Text that is not empty. What YAML took for a number, a date or a boolean has to be quoted."""
    found = any_text(value)
    if found == "":
        value.fault("is empty")
        return None
    return found


def any_text(value: Field) -> str | None:
    """Text, also the empty one."""
    if not isinstance(value.node, Scalar):
        value.expected("text")
        return None
    if isinstance(value.node.value, str):
        return value.node.value
    value.expected("text", f"quote it: {quoted(value.node.text)}" if value.node.value is not None else "")
    return None


def texts(value: Field, example: str, read: Callable[[Field], str | None] = text) -> tuple[Field, ...] | None:
    """The items of a list that is not empty: those that are text, each once."""
    if not isinstance(value.node, Items):
        value.expected("a list", f"write {example}")
        return None
    if not value.node.items:
        value.fault(f"the list is empty; write {example}")
        return None
    return _distinct([one for one in items(value, value.node) if read(one) is not None])


def items(value: Field, node: Items) -> list[Field]:
    """The items of a list, each with its number as the end of its path."""
    return [
        replace(value, node=one, path=(*value.path, number), key=one.position)
        for number, one in enumerate(node.items)
    ]


def text_or_texts(
    value: Field, example: str, read: Callable[[Field], str | None] = text
) -> tuple[Field, ...] | None:
    """One text, or a list of them."""
    if isinstance(value.node, Items):
        return texts(value, example, read)
    return None if read(value) is None else (value,)


def count(value: Field, at_most: int | None = None) -> int | None:
    """A whole number from 1."""
    wanted = "a whole number from 1" + (f" to {at_most}" if at_most else "")
    node = value.node
    found = node.value if isinstance(node, Scalar) else None
    if isinstance(found, str) and re.fullmatch(r"[1-9][0-9]{0,8}", found):
        value.expected(wanted, "remove the quotes")
    elif not isinstance(found, int) or isinstance(found, bool) or not isinstance(node, Scalar):
        value.expected(wanted)
    elif not re.fullmatch(r"[+-]?(0|[1-9][0-9_]*)", node.text):
        value.expected(wanted, f"YAML reads it as {found}; write that")  # 012 is 10, 1:30 is 90
    elif found < 1 or (at_most is not None and found > at_most):
        value.expected(wanted)
    else:
        return found
    return None


def flag(value: Field) -> bool | None:
    """`true` or `false`."""
    found = value.node.value if isinstance(value.node, Scalar) else None
    if isinstance(found, bool):
        return found
    hint = "remove the quotes" if found in ("true", "false") else ""
    value.expected("true or false", hint)
    return None


def choice(value: Field, known: tuple[str, ...]) -> str | None:
    """One of the known words."""
    found = text(value)
    if found is None or found in known:
        return found
    value.fault(f"unknown value {quoted(found)}{did_you_mean(closest(found, known))} ({', '.join(known)})")
    return None


def matching(value: Field, pattern: str, what: str) -> str | None:
    """Text of a form; `what` describes the form."""
    found = text(value)
    if found is None or re.fullmatch(pattern, found):
        return found
    value.fault(f"{quoted(found)} is not {what}")
    return None


def written(value: Field) -> str:
    """The text of a field that is known to be text."""
    return value.node.text if isinstance(value.node, Scalar) else ""


def _distinct(fields: list[Field]) -> tuple[Field, ...]:
    seen: dict[str, Field] = {}
    for one in fields:
        word = written(one)
        if word in seen:
            one.fault(f"{quoted(word)} is there twice; remove one")
        else:
            seen[word] = one
    return tuple(seen.values())
