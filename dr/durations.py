"""Lengths of time as people write them: `90min`, `26h`, `2d`, `3w`, `6mo`, `1y`, `1y6mo` (DESIGN 7).

Minutes, hours, days and weeks are lengths in seconds (a day is 24 hours); months and years are the calendar's.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dr.errors import UsageError
from dr.words import short

_MONTHS = {"y": 12, "mo": 1}
_SECONDS = {"w": 604_800, "d": 86_400, "h": 3_600, "min": 60}
_PART = re.compile(r"([0-9]{1,9})([a-z]+)")
_FIX = "write a number with min, h, d, w, mo or y, each unit once: 90min, 26h, 2d, 3w, 6mo, 1y, 1y6mo"
_EARLIEST = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Duration:
    """Calendar months and seconds; both count. `str()` gives a text that parses to the same duration."""

    months: int = 0
    seconds: int = 0

    def before(self, instant: datetime, zone: ZoneInfo) -> datetime:
        """Give the instant, in UTC, that lies this long before another one.

        Months first, on the zone's calendar: the same wall time, on the last day of the month where the month is too
        short; a wall time that comes twice is the first of the two, one that is skipped is read with the offset that
        held before the gap (PEP 495, fold 0). Then the seconds. What would lie before the year 1 is its beginning.
        """
        try:
            return _months_before(instant, self.months, zone) - timedelta(seconds=self.seconds)
        except OverflowError:
            return _EARLIEST

    def __str__(self) -> str:
        years, months = divmod(self.months, 12)
        days, rest = divmod(self.seconds, 86_400)
        hours, rest = divmod(rest, 3_600)
        minutes, seconds = divmod(rest, 60)
        parts = {"y": years, "mo": months, "d": days, "h": hours, "min": minutes, "s": seconds}
        return "".join(f"{count}{unit}" for unit, count in parts.items() if count) or "0min"


def parse_duration(text: str) -> Duration:
    """Read a duration above zero. Raises UsageError."""
    shown = repr(short(text))
    parts = _PART.findall(text.strip())
    units = [unit for _, unit in parts]
    if not parts or "".join(count + unit for count, unit in parts) != text.strip():
        raise UsageError(f"{shown} is no duration", _FIX)
    if unknown := next((unit for unit in units if unit not in _MONTHS | _SECONDS), None):
        fix = "min is minutes, mo is months" if unknown == "m" else _FIX
        raise UsageError(f"duration {shown}: unknown unit {short(unknown)}", fix)
    if len(units) != len(set(units)):
        raise UsageError(f"duration {shown} names a unit twice", _FIX)
    duration = Duration(
        months=sum(int(count) * _MONTHS.get(unit, 0) for count, unit in parts),
        seconds=sum(int(count) * _SECONDS.get(unit, 0) for count, unit in parts),
    )
    if duration == Duration():
        raise UsageError(f"duration {shown} is zero", _FIX)
    return duration


def _months_before(instant: datetime, months: int, zone: ZoneInfo) -> datetime:
    if months == 0:
        return instant.astimezone(UTC)
    wall = instant.astimezone(zone)
    year, month = divmod(wall.year * 12 + wall.month - 1 - months, 12)
    if year < 1:
        raise OverflowError
    day = min(wall.day, monthrange(year, month + 1)[1])
    return wall.replace(year=year, month=month + 1, day=day, fold=0).astimezone(UTC)
