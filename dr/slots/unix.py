"""Unix cron: five fields, as vixie cron reads them.

Source: crontab(5) of Debian's cron, and for what it leaves open vixie cron's entry.c: names may stand in lists and
ranges; a field that begins with `*` (so `*/2` too) counts as unrestricted, and then both day fields must match;
`5/15` and ranges that run backwards are errors.
"""

from __future__ import annotations

from difflib import get_close_matches

from dr.errors import UsageError
from dr.slots.days import DaySets
from dr.slots.fields import MONTHS, WEEKDAYS, Field, minutes_of_day, values
from dr.slots.walk import Calendar
from dr.words import short

_MINUTE = Field(name="minute", low=0, high=59)
_HOUR = Field(name="hour", low=0, high=23)
_DAY = Field(name="day-of-month", low=1, high=31)
_MONTH = Field(name="month", low=1, high=12, names=MONTHS)
_WEEKDAY = Field(name="day-of-week", low=0, high=7, names=WEEKDAYS)

_YEARS = range(1970, 9999)

_MACROS = {
    "@hourly": "0 * * * *",
    "@daily": "0 0 * * *",
    "@midnight": "0 0 * * *",
    "@weekly": "0 0 * * 0",
    "@monthly": "0 0 1 * *",
    "@yearly": "0 0 1 1 *",
    "@annually": "0 0 1 1 *",
}


def parse_unix(text: str) -> Calendar:
    """Read five fields or one of crontab's @words. Raises UsageError."""
    fields = (_macro(text) if text.startswith("@") else text).split()
    if len(fields) != 5:
        raise _wrong_count(fields)
    if foreign := next((field for field in fields if any(sign in field for sign in "?#")), None):
        raise UsageError(
            f"{short(foreign)!r} is no Unix cron", "? and # belong to EventBridge's cron(...) with six fields"
        )
    minute, hour, day, month, weekday = fields
    return Calendar(
        minutes=minutes_of_day(values(_MINUTE, minute), values(_HOUR, hour)),
        months=tuple(sorted(values(_MONTH, month))),
        years=_YEARS,
        days=DaySets(
            month_days=values(_DAY, day),
            weekdays=frozenset(value % 7 for value in values(_WEEKDAY, weekday)),
            either=not (day.startswith("*") or weekday.startswith("*")),
        ),
        real_time=minute.startswith("*") or hour.startswith("*"),
    )


def _macro(text: str) -> str:
    if text in _MACROS:
        return _MACROS[text]
    if text == "@reboot":
        raise UsageError("@reboot names no time", "write when a recovery point is wanted, for example @daily")
    close = get_close_matches(text, _MACROS, n=1)
    fix = f"did you mean {close[0]}?" if close else f"the words are {', '.join(_MACROS)}"
    raise UsageError(f"unknown word {text}", fix)


def _wrong_count(fields: list[str]) -> UsageError:
    if len(fields) == 6 and "?" not in fields:
        fix = "EventBridge's form is cron(minutes hours day-of-month month day-of-week year)"
    elif len(fields) == 6:
        fix = f"EventBridge's six fields are written cron({' '.join(fields)}); Unix cron has five"
    else:
        fix = "write minute hour day-of-month month day-of-week, or cron(...), rate(...), at(...)"
    return UsageError(f"Unix cron has five fields, this has {len(fields)}", fix)
