"""The days of a month that a cron expression means.

Weekdays are numbered as in crontab: 0 is Sunday, 6 is Saturday.
"""

from __future__ import annotations

import calendar
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import assert_never

SATURDAY = 6
EVERY_WEEKDAY = frozenset(range(7))


@dataclass(frozen=True, slots=True, kw_only=True)
class DaySets:
    """Days by number and by weekday. `either`: one of the two is enough (crontab's rule when both are restricted)."""

    month_days: frozenset[int]
    weekdays: frozenset[int]
    either: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class LastDay:
    """EventBridge `L` in day-of-month: the last day of the month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NearestWorkday:
    """EventBridge `15W`: the Monday to Friday closest to that day, in the same month; none if the month lacks the day."""

    day: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LastWeekday:
    """EventBridge `6L` in day-of-week: the last one of that weekday in the month."""

    weekday: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NthWeekday:
    """EventBridge `3#2` in day-of-week: the second one of that weekday in the month; some months lack a fifth."""

    weekday: int
    nth: int


DayRule = DaySets | LastDay | NearestWorkday | LastWeekday | NthWeekday


@lru_cache(maxsize=4096)
def days_in(rule: DayRule, year: int, month: int) -> tuple[int, ...]:
    """Give the days of that month which the rule means, in order."""
    length = calendar.monthrange(year, month)[1]
    match rule:
        case DaySets():
            return tuple(day for day in range(1, length + 1) if _in_sets(rule, year, month, day))
        case LastDay():
            return (length,)
        case NearestWorkday(day=day):
            return (_nearest_workday(year, month, day, length),) if day <= length else ()
        case LastWeekday(weekday=weekday):
            return _on(weekday, year, month, length)[-1:]
        case NthWeekday(weekday=weekday, nth=nth):
            return _on(weekday, year, month, length)[nth - 1 : nth]
        case _:
            assert_never(rule)


def _in_sets(rule: DaySets, year: int, month: int, day: int) -> bool:
    by_number, by_weekday = day in rule.month_days, _weekday(year, month, day) in rule.weekdays
    return by_number or by_weekday if rule.either else by_number and by_weekday


def _nearest_workday(year: int, month: int, day: int, length: int) -> int:
    """Saturday goes back to Friday and Sunday on to Monday, unless that would leave the month."""
    match _weekday(year, month, day):
        case 6:
            return day - 1 if day > 1 else day + 2
        case 0:
            return day + 1 if day < length else day - 2
        case _:
            return day


def _on(weekday: int, year: int, month: int, length: int) -> tuple[int, ...]:
    first = 1 + (weekday - _weekday(year, month, 1)) % 7
    return tuple(range(first, length + 1, 7))


def _weekday(year: int, month: int, day: int) -> int:
    return date(year, month, day).isoweekday() % 7
