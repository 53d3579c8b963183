"""Reading JSON that anybody may have written: each value is what it should be, or the file is no plan (exit 2)."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from dr.errors import UsageError
from dr.words import clean

_AT_MOST = 64 * 2**20
"""Bytes of a plan file: some 100,000 actions."""
_TEXT_AT_MOST = 10_000
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
_Choice = TypeVar("_Choice", bound=StrEnum)


def fail(where: str, what: str) -> NoReturn:
    """Say that the file is no plan. Raises `UsageError`."""
    raise UsageError(f"not a plan file: {where}: {what}", "make one with `dr plan -o FILE`")


def load(text: str) -> Any:
    """Parse strict JSON: no NaN, no key twice, no depth or size that no plan has. Raises `UsageError`."""
    if len(text) > _AT_MOST:
        fail("the file", f"larger than {_AT_MOST // 2**20} MiB")
    try:
        return json.loads(text, parse_constant=_no_constant, object_pairs_hook=_once)
    except RecursionError:
        fail("the file", "nested too deeply")
    except ValueError as error:
        fail("the file", f"no JSON: {str(error)[:100]}")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no number of JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("an object has a key twice")
    return found


def canonical(document: Any) -> str:
    """One text for one document, whatever the order of its keys. Raises `UsageError` for what no plan holds."""
    try:
        return json.dumps(document, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (RecursionError, ValueError):
        fail("the file", "nested too deeply, or a number out of range")


def members(data: Any, where: str, keys: tuple[str, ...]) -> Mapping[str, Any]:
    """An object that has all of the keys; more are allowed."""
    if not isinstance(data, dict):
        fail(where, "not an object")
    for key in keys:
        if key not in data:
            fail(where, f"{key} is missing")
    return data


def rows(data: Any, where: str) -> list[Any]:
    """A list."""
    return data if isinstance(data, list) else fail(where, "not a list")


def text(data: Any, where: str) -> str:
    """A string without what a terminal would obey: dr writes none."""
    if not isinstance(data, str):
        fail(where, "not a string")
    if len(data) > _TEXT_AT_MOST or clean(data) != data:
        fail(where, "too long, or with control characters")
    return data


def maybe_text(data: Any, where: str) -> str | None:
    """A string or null."""
    return None if data is None else text(data, where)


def flag(data: Any, where: str) -> bool:
    """True or false."""
    return data if isinstance(data, bool) else fail(where, "neither true nor false")


def number(data: Any, where: str) -> int:
    """A whole number from 1 on."""
    if isinstance(data, bool) or not isinstance(data, int) or data < 1:
        fail(where, "no whole number from 1 on")
    return data


def time(data: Any, where: str) -> datetime:
    """An instant, written as dr writes it: in UTC, ending in Z."""
    found = text(data, where)
    if not _TIME.fullmatch(found):
        fail(where, "no time like 2026-03-29T01:00:00Z")
    try:
        return datetime.fromisoformat(found)
    except ValueError:
        fail(where, "no such time")


def choice(data: Any, where: str, choices: type[_Choice]) -> _Choice:
    """One of a set of names."""
    found = text(data, where)
    if found not in list(choices):
        fail(where, f"none of {', '.join(choices)}")
    return choices(found)
