"""Clock readings of a time zone and the instants at which they are seen.

A *wall* is what a clock on the wall of that zone shows: a datetime without zone. An *instant* is a datetime in UTC.
Gaps and folds may have any size: half an hour on Lord Howe Island, a whole day in Apia (2011-12-30 never was).
No zone changes its offset twice within a week, now or in the past (a test reads it out of the whole IANA database):
the questions below look at one change at a time and rely on it.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

_SECOND = timedelta(seconds=1)


def wall_at(instant: datetime, zone: ZoneInfo) -> datetime:
    """Read the zone's clock at an instant."""
    return instant.astimezone(zone).replace(tzinfo=None, fold=0)


def first_reached(wall: datetime, zone: ZoneInfo) -> datetime:
    """Give the first instant at which the zone's clock shows this wall time, or has jumped over it.

    A time that comes twice is the first of the two; a time that is skipped is the first instant after the gap.
    """
    # PEP 495: in a gap fold=0 takes the offset before it, and so lands after it; fold=1 the other way round.
    instant = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if wall_at(instant, zone) == wall:
        return instant
    before_gap = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return _first(before_gap, instant, lambda at: wall_at(at, zone) >= wall)


def first_change(start: datetime, end: datetime, zone: ZoneInfo) -> datetime | None:
    """Give the first instant after `start`, up to and with `end`, that has another UTC offset than `start`.

    None when the offset stays. The two are at most a day apart. Instants of change are whole seconds.
    """
    offset = start.astimezone(zone).utcoffset()
    if end.astimezone(zone).utcoffset() == offset:
        return None
    whole = start.replace(microsecond=0)
    return _first(whole, end.replace(microsecond=0), lambda at: at.astimezone(zone).utcoffset() != offset)


def _first(low: datetime, high: datetime, holds: Callable[[datetime], bool]) -> datetime:
    """Bisect in whole seconds for the first instant in (low, high] at which `holds`: no at low, yes at high."""
    while high - low > _SECOND:
        middle = low + timedelta(seconds=(high - low) // _SECOND // 2)
        if holds(middle):
            high = middle
        else:
            low = middle
    return high
