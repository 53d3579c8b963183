"""What a YAML file says, with the place of every key and value: plain values, no YAML library behind them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from dr.errors import Problem

ScalarValue = str | int | float | bool | date | None
"""As YAML 1.1 resolves it: `no` is False, `012` is 10, `1:30` is 90, `2026-12-01` a date (or datetime)."""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """Line and column of a file, both counted from 1."""

    line: int
    column: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """One value; `text` is how it was written, without quotes."""

    position: Position
    value: ScalarValue
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Items:
    """A list."""

    position: Position
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One key of a mapping and its value."""

    key: str
    position: Position
    value: Node


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A mapping: its keys are text and distinct. `whole` is false where keys were refused and left out."""

    position: Position
    entries: tuple[Entry, ...]
    whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken:
    """A value that was refused and reported already, so that nothing more is said about it."""

    position: Position


Node = Scalar | Items | Table | Broken


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """One file. `root` is None when it could not be read at all; then `problems` says why."""

    file: str
    root: Node | None
    problems: tuple[Problem, ...]
