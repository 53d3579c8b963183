"""How instants, durations, counts, lists and foreign text are written for people; nothing branches on them."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection
from datetime import UTC, datetime
from functools import lru_cache

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"))
_NAMES_SHOWN = 3
_UNSAFE = {"Cc", "Cf", "Cs", "Zl", "Zp"}
_SHOWN_AT_MOST = 200
_SIGNED = re.compile(
    r"((?:X-Amz-(?:Signature|Credential|Security-Token)|[?&](?:Signature|AWSAccessKeyId))(?:=|%3D))[^&\s\"'<>]+",
    re.IGNORECASE,
)
"""What a presigned URL proves who it is by. Source: S3 API reference, Authenticating requests: query parameters."""
_USER = re.compile(r"(://)[^\s/@]+@")


@lru_cache(maxsize=1 << 16)
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
    return text if text.isascii() and text.isprintable() else "".join(map(_cleaned, text))


def _cleaned(char: str) -> str:
    return "?" if _is_unsafe(char) else char


def one_line(text: str) -> str:
    """Foreign text (an error of AWS) without line breaks and control characters."""
    return clean(" ".join(text.split()))


def without_credentials(text: str) -> str:
    """Foreign text without the signatures and tokens of presigned URLs, and without a URL's user and password."""
    return _USER.sub(r"\1***@", _SIGNED.sub(r"\1***", text))


def lines(text: str) -> str:
    """A whole answer for a terminal: its own line ends stay, everything else that a terminal would obey becomes `?`."""
    return "\n".join(clean(line) for line in text.split("\n"))


def short(text: str) -> str:
    """Foreign text in a message: its beginning is enough to find it again."""
    return text if len(text) <= _SHOWN_AT_MOST else text[: _SHOWN_AT_MOST - 3] + "..."


def escaped(document: str) -> str:
    """JSON with the control and format characters inside its texts written as escapes: the same JSON, safe to show.

    `json` escapes those below U+0020 only, or else every letter that is not English.
    """
    if document.isascii() and "\x7f" not in document:
        return document
    return "".join(char if char == "\n" or not _is_unsafe(char) else _escape(char) for char in document)


def _is_unsafe(char: str) -> bool:
    return unicodedata.category(char) in _UNSAFE


def _escape(char: str) -> str:
    r"""`\u202e`, and beyond the first plane a pair of surrogates (RFC 8259, 7)."""
    return "".join(f"\\u{unit:04x}" for unit in _units(ord(char)))


def _units(code: int) -> tuple[int, ...]:
    rest = code - 0x10000
    return (code,) if rest < 0 else (0xD800 + (rest >> 10), 0xDC00 + (rest & 0x3FF))
