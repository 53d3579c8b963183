"""What the fields of both cron dialects have in common: numbers, names, ranges, lists and steps."""

from __future__ import annotations

import re
from dataclasses import dataclass

from dr.errors import UsageError
from dr.words import short

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
WEEKDAYS = ("SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT")

_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """One field: its name, its lowest and highest value, names from the lowest value on, and what its dialect allows.

    `wraps`: a range may run over the end (22-2). `open_steps`: 5/15 means from 5 to the end. `widest_step`: a larger
    step is refused; None for no limit.
    """

    name: str
    low: int
    high: int
    names: tuple[str, ...] = ()
    wraps: bool = False
    open_steps: bool = False
    widest_step: int | None = None

    @property
    def span(self) -> str:
        """Its values, for people."""
        names = f" or {self.names[0]}-{self.names[-1]}" if self.names else ""
        return f"{self.low}-{self.high}{names}"


def values(field: Field, text: str) -> frozenset[int]:
    """Give every value that a list of items means. Raises UsageError."""
    return frozenset().union(*(_item(field, item) for item in text.split(",")))


def number(field: Field, text: str) -> int:
    """Read one value, by number or by name. Raises UsageError."""
    if text.upper() in field.names:
        return field.low + field.names.index(text.upper())
    if not text:
        raise UsageError(f"{field.name} has an empty item", f"its values are {field.span}")
    if not _NUMBER.fullmatch(text):
        raise UsageError(f"{field.name} {short(text)!r} is no value", f"its values are {field.span}")
    if not field.low <= int(text) <= field.high:
        raise UsageError(
            f"{field.name} {text} is outside {field.low}-{field.high}", f"its values are {field.span}"
        )
    return int(text)


def minutes_of_day(minutes: frozenset[int], hours: frozenset[int]) -> tuple[int, ...]:
    """Combine the two fields into minutes of the day, ascending."""
    return tuple(sorted(hour * 60 + minute for hour in hours for minute in minutes))


def _item(field: Field, item: str) -> frozenset[int]:
    head, slash, step = item.partition("/")
    stride = _step(field, step) if slash else 1
    if head == "*":
        return frozenset(range(field.low, field.high + 1, stride))
    first, dash, last = head.partition("-")
    start = number(field, first)
    if dash:
        return _range(field, start, number(field, last), stride)
    if not slash:
        return frozenset({start})
    if not field.open_steps:
        fix = f"write {start}-{field.high}/{stride}"
        raise UsageError(f"{field.name} {short(item)!r}: a step needs a range or *", fix)
    return frozenset(range(start, field.high + 1, stride))


def _step(field: Field, text: str) -> int:
    if not _NUMBER.fullmatch(text) or int(text) == 0:
        raise UsageError(
            f"{field.name}: the step {short(text)!r} is no whole number above 0", "write for example */5"
        )
    if field.widest_step is not None and int(text) > field.widest_step:
        fix = "use a rate(...) for intervals that are longer than the field"
        raise UsageError(f"{field.name}: the step {text} is above {field.widest_step}", fix)
    return int(text)


def _range(field: Field, start: int, end: int, stride: int) -> frozenset[int]:
    if start <= end:
        return frozenset(range(start, end + 1, stride))
    if not field.wraps:
        tail = f"{field.low}-{end}" if end > field.low else f"{field.low}"
        fix = f"write {start}-{field.high},{tail}" if field.high < 1000 else f"write {end}-{start}"
        raise UsageError(f"{field.name} {start}-{end}: the range runs backwards", fix)
    count = field.high - field.low + 1
    return frozenset(
        field.low + (value - field.low) % count for value in range(start, end + count + 1, stride)
    )
