"""Reading what API calls and templates hand in: `true` may be a bool or a word, a number may be text."""

from __future__ import annotations

from typing import Any


def truthy(value: Any) -> bool:
    """Whether a flag is set, written as a bool or as a word."""
    return value if isinstance(value, bool) else str(value).lower() == "true"


def number(value: Any) -> int | None:
    """A whole number, or None where none is given."""
    return None if value in (None, "") else int(value)


def given(mapping: dict[str, Any] | None) -> dict[str, Any]:
    """What was really said: moto fills the rest with None."""
    return {key: value for key, value in (mapping or {}).items() if value is not None}
