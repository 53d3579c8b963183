"""How reasons and warnings name instants, counts, rules and lists. For people; nothing branches on them."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import fields
from datetime import UTC, datetime

from dr.model import RetentionRule

_NAMES_SHOWN = 3


def instant(moment: datetime) -> str:
    """`2026-03-29T01:00:00Z`, the form of the contract (DESIGN 9)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 point`, `2 points`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def keep_text(rule: RetentionRule) -> str:
    """`last 3, daily 7, within 2d`."""
    values = ((f.name, getattr(rule, f.name)) for f in fields(rule))
    return ", ".join(f"{name} {value}" for name, value in values if value is not None) or "no rule"


def names(items: Collection[str]) -> str:
    """`a, b, c and 4 more`, in order."""
    shown = sorted(items)[:_NAMES_SHOWN]
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def one_line(text: str) -> str:
    """Foreign text (an error of AWS) without line breaks and control characters."""
    return "".join(char if char.isprintable() else "?" for char in " ".join(text.split()))
