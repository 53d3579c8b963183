"""Typed reading of JSON objects that come out of the store: every fault is a `ValueError` that names the field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Row:
    """One JSON object. What an optional field lacks reads as absent, so that older documents stay readable."""

    values: Mapping[str, Any]

    def text(self, name: str) -> str:
        """Give a field that must be there."""
        value = self.values.get(name)
        if not isinstance(value, str):
            raise _wrong(name, "a text")
        return value

    def maybe(self, name: str) -> str | None:
        """Give a text that may be absent or null."""
        return None if self.values.get(name) is None else self.text(name)

    def digest(self, name: str) -> str:
        """Give a SHA-256 in hexadecimal."""
        value = self.text(name)
        if not _DIGEST.fullmatch(value):
            raise _wrong(name, "a SHA-256")
        return value

    def instant(self, name: str) -> datetime:
        """Give an instant with its offset, in UTC."""
        try:
            value = datetime.fromisoformat(self.text(name))
            if value.tzinfo is not None:
                return value.astimezone(UTC)
        except (ValueError, OverflowError) as error:
            raise _wrong(name, "an instant") from error
        raise _wrong(name, "an instant with its offset")

    def count(self, name: str) -> int | None:
        """Give a whole number that may be absent or null."""
        value = self.values.get(name)
        if value is not None and type(value) is not int:
            raise _wrong(name, "a whole number")
        return value

    def flag(self, name: str) -> bool:
        """Give true or false; absent is false."""
        value = self.values.get(name, False)
        if not isinstance(value, bool):
            raise _wrong(name, "true or false")
        return value

    def texts(self, name: str) -> tuple[str, ...]:
        """Give a list of texts; absent is empty."""
        values = self._list(name)
        if not all(isinstance(value, str) for value in values):
            raise _wrong(name, "a list of texts")
        return tuple(values)

    def mapping(self, name: str) -> dict[str, str]:
        """Give an object of texts; absent is empty."""
        values = dict(self.row(name).values) if name in self.values else {}
        if not all(isinstance(value, str) for value in values.values()):
            raise _wrong(name, "an object of texts")
        return values

    def row(self, name: str) -> Row:
        """Give an object that must be there."""
        value = self.values.get(name)
        if not isinstance(value, dict):
            raise _wrong(name, "an object")
        return Row(value)

    def rows(self, name: str) -> tuple[Row, ...]:
        """Give a list of objects; absent is empty."""
        values = self._list(name)
        if not all(isinstance(value, dict) for value in values):
            raise _wrong(name, "a list of objects")
        return tuple(Row(value) for value in values)

    def children(self, name: str) -> dict[str, Row]:
        """Give an object of objects; absent is empty."""
        values = self.row(name).values if name in self.values else {}
        if not all(isinstance(value, dict) for value in values.values()):
            raise _wrong(name, "an object of objects")
        return {key: Row(value) for key, value in values.items()}

    def _list(self, name: str) -> list[Any]:
        values = self.values.get(name, [])
        if not isinstance(values, list):
            raise _wrong(name, "a list")
        return values


def _wrong(name: str, wanted: str) -> ValueError:
    return ValueError(f"{name} is not {wanted}")
