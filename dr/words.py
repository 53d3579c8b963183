"""How instants, durations, counts, lists and foreign text are written for people; nothing branches on them."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_NAMES_SHOWN = 3
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def instant(moment: datetime) -> str:
    """`2026-03-29T01:00:00Z`, the form of the contract (DESIGN 9)."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration(seconds: int) -> str:
    """The two largest units: `26d 3h`, `3h 5min`, `45s`."""
    rest, parts = abs(seconds), []
    for size, unit in _UNITS:
        if rest >= size:
            parts.append(f"{rest // size}{unit}")
            rest %= size
    if not parts:
        return f"{seconds}s"
    return ("-" if seconds < 0 else "") + " ".join(parts[:2])


def count(number: int, noun: str, plural: str | None = None) -> str:
    """`1 point`, `2 points`."""
    return f"{number} {noun if number == 1 else plural or noun + 's'}"


def names(items: Collection[str]) -> str:
    """`a, b, c and 4 more`, in order."""
    shown = sorted(items)[:_NAMES_SHOWN]
    rest = len(items) - len(shown)
    return ", ".join(shown) + (f" and {rest} more" if rest else "")


def clean(text: str) -> str:
    """Foreign text without what a terminal would obey: control and format characters become `?` (FAILURES 4.3)."""
    return "".join("?" if unicodedata.category(char) in _UNSAFE else char for char in text)


def one_line(text: str) -> str:
    """Foreign text (an error of AWS) without line breaks and control characters."""
    return clean(" ".join(text.split()))
