"""A second opinion on schedules, slow and plain: it looks at every minute. Shares no code with dr.

It reads an expression by asking of every value of a field whether some item of the list admits it, and it walks
through UTC minute by minute, watching the zone's clock:

- real time: fire in every minute whose reading matches;
- fixed times: keep the highest reading seen so far; when the clock passes it, fire once if any of the readings that
  were passed, shown or jumped over, matches.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

MINUTE = timedelta(minutes=1)
MONTHS = ["JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC"]
WEEKDAYS = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"]


def admits(item, value, low, high, names=()):
    """Whether one item of a list (`*`, `7`, `7-9`, with or without `/2`) admits a value."""

    def read(text):
        return names.index(text.upper()) + low if text.upper() in names else int(text)

    body, _, step = item.partition("/")
    stride = int(step or 1)
    if body == "*":
        first, last = low, high
    elif "-" in body:
        first, last = (read(end) for end in body.split("-"))
    else:
        first = read(body)
        last = high if step else first
    if first > last:  # over the end: turn the circle until the range begins at its lowest value
        size = high - low + 1
        value, last = first + (value - first) % size, last + size
    return first <= value <= last and (value - first) % stride == 0


def listed(field, value, low, high, names=()):
    return any(admits(item, value, low, high, names) for item in field.split(","))


class Oracle:
    """One expression in one zone; `unix` or EventBridge by its form."""

    def __init__(self, text, zone):
        self.zone = ZoneInfo(zone)
        self.unix = not text.startswith("cron(")
        self.fields = (text if self.unix else text[5:-1]).split()
        self.real_time = self.fields[0][0] == "*" or self.fields[1][0] == "*"

    @cache  # noqa: B019 - lives as long as one example
    def day(self, day):
        return self._unix_day(day) if self.unix else self._eventbridge_day(day)

    def matches(self, wall):
        minute, hour = self.fields[:2]
        return listed(minute, wall.minute, 0, 59) and listed(hour, wall.hour, 0, 23) and self.day(wall.date())

    def slots(self, start, end, *, run_up=timedelta(days=3)):
        """Every slot after `start`, up to and with `end`. The run-up is longer than any clock was ever set back."""
        found, matching = [], cache(self.matches)
        at = start.replace(second=0, microsecond=0) - run_up
        reached = at.astimezone(self.zone).replace(tzinfo=None, fold=0)
        while at < end:
            at += MINUTE
            reading = at.astimezone(self.zone).replace(tzinfo=None, fold=0)
            passed = []
            while reached < reading:
                reached += MINUTE
                passed.append(reached)
            fires = matching(reading) if self.real_time else any(map(matching, passed))
            if fires and start < at <= end:
                found.append(at)
        return found

    def days(self, first, last):
        """Every day that matches, both ends included."""
        count = (last - first).days + 1
        return [day for day in (first + timedelta(days=n) for n in range(count)) if self.day(day)]

    def _unix_day(self, day):
        _, _, number, month, weekday = self.fields
        if not listed(month, day.month, 1, 12, MONTHS):
            return False
        sunday_based = day.isoweekday() % 7
        by_number = listed(number, day.day, 1, 31)
        by_weekday = any(
            listed(weekday, value, 0, 7, WEEKDAYS) for value in {sunday_based, sunday_based or 7}
        )
        if number[0] == "*" or weekday[0] == "*":
            return by_number and by_weekday
        return by_number or by_weekday

    def _eventbridge_day(self, day):
        _, _, number, month, weekday, year = self.fields
        if not (listed(month, day.month, 1, 12, MONTHS) and listed(year, day.year, 1970, 2199)):
            return False
        length = calendar.monthrange(day.year, day.month)[1]
        if weekday == "?":
            return self._by_number(day, number, length)
        return self._by_weekday(day, weekday.upper(), length)

    def _by_number(self, day, number, length):
        if number == "L":
            return day.day == length
        if not number.endswith("W"):
            return listed(number, day.day, 1, 31)
        wanted = int(number[:-1])
        if wanted > length or day.isoweekday() > 5:
            return False
        working = [n for n in range(1, length + 1) if date(day.year, day.month, n).isoweekday() <= 5]
        return day.day == min(working, key=lambda n: abs(n - wanted))

    def _by_weekday(self, day, weekday, length):
        mine = day.isoweekday() % 7 + 1
        if weekday == "L":
            return mine == 7
        if weekday.endswith("L"):
            return listed(weekday[:-1], mine, 1, 7, WEEKDAYS) and day.day + 7 > length
        if "#" in weekday:
            name, nth = weekday.split("#")
            return listed(name, mine, 1, 7, WEEKDAYS) and (day.day + 6) // 7 == int(nth)
        return listed(weekday, mine, 1, 7, WEEKDAYS)


def utc(*parts):
    return datetime(*parts, tzinfo=UTC)
