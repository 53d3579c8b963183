"""EventBridge's cron(...), rate(...) and at(...): what AWS documents, and nothing more.

Sources: Amazon EventBridge User Guide, "Cron expressions reference" and "Rate expressions reference"; EventBridge
Scheduler User Guide, "Schedule types". The table of fields and wildcards there is the whole of what is accepted:
`/` is not among the wildcards of day-of-week, `#` allows one expression only, `L` and `W` stand alone (a schedule of
dr may be a list instead), `6L` is the last Friday of the month (example of the Scheduler guide), a bare `L` in
day-of-week is the last day of the week, Saturday. `20-2` runs over the end (example of the EventBridge guide).
"""

from __future__ import annotations

import re
from datetime import datetime

from dr.errors import UsageError
from dr.slots.days import (
    EVERY_WEEKDAY,
    SATURDAY,
    DayRule,
    DaySets,
    LastDay,
    LastWeekday,
    NearestWorkday,
    NthWeekday,
)
from dr.slots.fields import MONTHS, WEEKDAYS, Field, minutes_of_day, number, values
from dr.slots.walk import Calendar, Once, Rate

_MINUTES = Field(name="minutes", low=0, high=59, wraps=True, open_steps=True, widest_step=59)
_HOURS = Field(name="hours", low=0, high=23, wraps=True, open_steps=True, widest_step=23)
_DAY = Field(name="day-of-month", low=1, high=31, wraps=True, open_steps=True, widest_step=31)
_MONTH = Field(name="month", low=1, high=12, names=MONTHS, wraps=True, open_steps=True, widest_step=12)
_WEEKDAY = Field(name="day-of-week", low=1, high=7, names=WEEKDAYS, wraps=True)
_YEAR = Field(name="year", low=1970, high=2199, open_steps=True, widest_step=229)

_UNITS = {"minute": 60, "hour": 3_600, "day": 86_400}
_FIELDS = "minutes hours day-of-month month day-of-week year"


def parse_cron(body: str) -> Calendar:
    """Read the six fields inside cron(...). Raises UsageError."""
    fields = body.upper().split()
    if len(fields) != 6:
        fix = f"write cron({_FIELDS})"
        if len(fields) == 5:
            fix += "; five fields without cron(...) are Unix cron"
        raise UsageError(f"cron(...) has six fields, this has {len(fields)}", fix)
    minutes, hours, day, month, weekday, year = fields
    return Calendar(
        minutes=minutes_of_day(values(_MINUTES, minutes), values(_HOURS, hours)),
        months=tuple(sorted(values(_MONTH, month))),
        years=tuple(sorted(values(_YEAR, year))),
        days=_days(day, weekday),
        real_time=minutes.startswith("*") or hours.startswith("*"),
    )


def parse_rate(body: str) -> Rate:
    """Read the value and the unit inside rate(...): singular for 1, plural above. Raises UsageError."""
    found = re.fullmatch(r"\s*([1-9][0-9]{0,8})\s+([a-z]+)\s*", body)
    unit = found[2].removesuffix("s") if found else ""
    if not found or unit not in _UNITS:
        fix = "write rate(N minutes), rate(N hours) or rate(N days), singular for 1; N is a whole number above 0"
        raise UsageError(f"rate({body}) is no rate", fix)
    right = unit if found[1] == "1" else f"{unit}s"
    if found[2] != right:
        raise UsageError(
            f"rate({body}): AWS wants the unit singular for 1, else plural", f"write rate({found[1]} {right})"
        )
    return Rate(seconds=int(found[1]) * _UNITS[unit])


def parse_at(body: str) -> Once:
    """Read the local time inside at(...). Raises UsageError."""
    fix = "write at(yyyy-mm-ddThh:mm:ss), a local time of the policy's zone between 1970 and 2199"
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}", body, re.ASCII):
        raise UsageError(f"at({body}) is not of the form yyyy-mm-ddThh:mm:ss", fix)
    try:
        wall = datetime.fromisoformat(body)
    except ValueError as error:
        raise UsageError(f"at({body}) is no date and time: {error}", fix) from None
    if not _YEAR.low <= wall.year <= _YEAR.high:
        raise UsageError(f"at({body}): the year is outside {_YEAR.span}", fix)
    return Once(wall=wall)


def _days(day: str, weekday: str) -> DayRule:
    if day == weekday == "?":
        raise UsageError("day-of-month and day-of-week are both ?", "put * or a value in one of the two")
    if "?" not in (day, weekday):
        fix = "put ? in day-of-week, or in day-of-month"
        raise UsageError("AWS takes day-of-month or day-of-week, not both: one of the two must be ?", fix)
    return _weekdays(weekday) if day == "?" else _month_days(day)


def _month_days(text: str) -> DayRule:
    if text == "L":
        return LastDay()
    if found := re.fullmatch(r"([0-9]{1,2})W", text):
        return NearestWorkday(day=number(_DAY, found[1]))
    if "L" in text or "W" in text:
        fix = "L (the last day) and 15W (the weekday closest to the 15th) stand alone; a schedule may be a list instead"
        raise UsageError(f"day-of-month {text} is not documented by AWS", fix)
    return DaySets(month_days=values(_DAY, text), weekdays=EVERY_WEEKDAY)


def _weekdays(text: str) -> DayRule:
    if text == "L":
        return _on_weekdays(frozenset({SATURDAY}))
    if found := re.fullmatch(r"([0-9]|[A-Z]{3})L", text):
        return LastWeekday(weekday=number(_WEEKDAY, found[1]) - 1)
    if found := re.fullmatch(r"([0-9]|[A-Z]{3})#([1-5])", text):
        return NthWeekday(weekday=number(_WEEKDAY, found[1]) - 1, nth=int(found[2]))
    if "#" in text:
        fix = (
            "write one weekday and 1 to 5: 3#2 or TUE#2, the second Tuesday; a schedule may be a list instead"
        )
        raise UsageError(f"day-of-week {text}: with # AWS allows one expression only", fix)
    if "L" in text:
        fix = (
            "6L (the last Friday of the month) and L (Saturday) stand alone; a schedule may be a list instead"
        )
        raise UsageError(f"day-of-week {text} is not documented by AWS", fix)
    if "/" in text:
        raise UsageError(
            f"day-of-week {text}: AWS allows no / in this field", "name the days, for example MON,WED,FRI"
        )
    return _on_weekdays(frozenset(value - 1 for value in values(_WEEKDAY, text)))


def _on_weekdays(weekdays: frozenset[int]) -> DaySets:
    return DaySets(month_days=frozenset(range(1, 32)), weekdays=weekdays)
