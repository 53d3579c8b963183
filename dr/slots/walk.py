"""From what an expression says to the instants at which it fires: calendars, rates and single times.

Two steps: a `Calendar` finds the next matching wall time with sets and bisection, never minute by minute; then the
wall time becomes an instant, by one of two rules (DESIGN 6, as Debian's cron does).

- *Fixed times* (no `*` at the start of minute or hour): every matching wall time has exactly one instant, the first at
  which the zone's clock shows it or has jumped over it. So a skipped time fires right after the gap, a doubled one
  once, and several that are skipped together fire once.
- *Real time* (`*` or `*/n`): an instant fires when the clock shows a matching minute at that very instant. So a
  doubled hour fires twice, and a skipped one not at all.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dr.slots.days import DayRule, days_in
from dr.slots.zones import first_change, first_reached, wall_at

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
BEGINNING = EPOCH - timedelta(days=2)
"""No schedule has a slot before 1970, in whatever zone."""
END = datetime(9999, 1, 3, tzinfo=UTC)
"""No schedule has a slot after 9998, in whatever zone: datetime ends a year later."""

_DAY = timedelta(days=1)
_CYCLE = 400  # years after which the calendar repeats itself, weekdays included: what did not come by then never will


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """A cron expression: the wall times that match. `minutes` are minutes of the day, all sequences ascend.

    `real_time` chooses between the two rules for daylight saving in the module's docstring.
    """

    minutes: tuple[int, ...]
    months: tuple[int, ...]
    years: tuple[int, ...] | range
    days: DayRule
    real_time: bool

    def next_after(self, instant: datetime, zone: ZoneInfo, until: datetime) -> datetime | None:
        """Give the first slot strictly after an instant, None when there is none up to and with `until`."""
        find = _next_in_real_time if self.real_time else _next_fixed
        return find(self, instant, zone, until)

    def wall_after(self, wall: datetime) -> datetime | None:
        """Give the first matching wall time strictly after another one."""
        if self._has_day(wall.date()):
            index = bisect_right(self.minutes, wall.hour * 60 + wall.minute)
            if index < len(self.minutes):
                return _at_minute(wall.date(), self.minutes[index])
        day = self._day_after(wall.date())
        return None if day is None else _at_minute(day, self.minutes[0])

    def matches(self, wall: datetime) -> bool:
        """Tell whether this very wall time, a whole minute, matches."""
        whole = wall.second == wall.microsecond == 0
        return whole and wall.hour * 60 + wall.minute in self.minutes and self._has_day(wall.date())

    def _has_day(self, day: date) -> bool:
        named = day.month in self.months and day.year in self.years
        return named and day.day in days_in(self.days, day.year, day.month)

    def _day_after(self, day: date) -> date | None:
        for year, month in self._months_from(day):
            for number in days_in(self.days, year, month):
                if (year, month, number) > (day.year, day.month, day.day):
                    return date(year, month, number)
        return None

    def _months_from(self, day: date) -> Iterator[tuple[int, int]]:
        start = bisect_left(self.years, day.year)
        for year in self.years[start : start + _CYCLE + 1]:
            for month in self.months:
                if (year, month) >= (day.year, day.month):
                    yield year, month


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """`rate(5 minutes)`: every so many seconds, counted from 1970-01-01T00:00Z."""

    seconds: int

    def next_after(self, instant: datetime, zone: ZoneInfo, until: datetime) -> datetime | None:  # noqa: ARG002 - as its siblings
        """Give the first multiple strictly after an instant; the zone makes no difference."""
        elapsed = (instant - EPOCH) // timedelta(seconds=1)
        upcoming = max(0, (elapsed // self.seconds + 1) * self.seconds)
        return EPOCH + timedelta(seconds=upcoming) if upcoming <= (until - EPOCH).total_seconds() else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Once:
    """`at(...)`: one wall time."""

    wall: datetime

    def next_after(self, instant: datetime, zone: ZoneInfo, until: datetime) -> datetime | None:
        """Give its instant when that is still to come."""
        slot = first_reached(self.wall, zone)
        return slot if instant < slot <= until else None


When = Calendar | Rate | Once


def _next_fixed(calendar: Calendar, instant: datetime, zone: ZoneInfo, until: datetime) -> datetime | None:
    """Wall times up to what the clock shows now have been reached; later ones too where the clock was set back."""
    wall = calendar.wall_after(wall_at(instant, zone))
    while wall is not None:
        slot = first_reached(wall, zone)
        if slot > instant:
            return slot if slot <= until else None
        wall = calendar.wall_after(wall)
    return None


def _next_in_real_time(
    calendar: Calendar, instant: datetime, zone: ZoneInfo, until: datetime
) -> datetime | None:
    """Go along stretches of one UTC offset, in which wall time and real time run alike.

    A stretch is looked at for one day at a time. Where the next match is farther, what lies between may be jumped:
    a clock that is set back there (by less than two days) shows again only times that did not match either.
    """
    at = instant
    while at < until:
        wall = wall_at(at, zone)
        target = calendar.wall_after(wall)
        candidate = None if target is None else at + (target - wall)
        change = first_change(at, at + _DAY, zone)
        if change is None:
            if candidate is None or candidate <= at + _DAY:
                return candidate if candidate is not None and candidate <= until else None
            at = max(at + _DAY, candidate - 2 * _DAY)
        elif candidate is not None and candidate < change:
            return candidate if candidate <= until else None
        elif calendar.matches(wall_at(change, zone)):
            return change if change <= until else None
        else:
            at = change
    return None


def _at_minute(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(minute // 60, minute % 60))
