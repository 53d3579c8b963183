"""The policies' schedules as EventBridge Scheduler's: when the function is woken to look.

    Schedule --> cron(...) | rate(...) | at(...), in its zone --> WakeUp, each once

A wake-up decides nothing: slots come from `dr.slots` and now alone. So it may come too often, and what it misses the next one
finds, at the latest the sweep that every deployment has besides: a local time that a zone skips, the second of two that it
shows twice (EventBridge fires once), a Region of AWS that was down. It is therefore enough that it comes at every other slot:

- day-of-month OR day-of-week of Unix cron are two expressions, because EventBridge takes one of the two;
- where Unix cron wants both (`*/2` beside a weekday), the one that names fewer days is taken;
- a rate is counted from 1970 (DESIGN 6), and by EventBridge from when it was made. Where a cron expression in UTC says the
  same it is that, which stays as it is from deployment to deployment; another begins at a multiple of itself that is an hour away: until then
  the sweep finds its slots.

Sources: EventBridge Scheduler user guide, Schedule types; API reference, CreateSchedule.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.errors import UsageError
from dr.model import Policy
from dr.slots import Schedule
from dr.slots.days import EVERY_WEEKDAY, DaySets
from dr.slots.walk import Calendar, Rate

_LONGEST = 256
"""Characters of a ScheduleExpression. Source: EventBridge Scheduler API reference, CreateSchedule."""
_DAY = 86_400
_UNTIL_MADE = timedelta(hours=1)
"""For whoever reads the change set, and for CloudFormation: a start that is more than 5 minutes ago is refused."""


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class WakeUp:
    """One schedule of EventBridge's: its expression, the zone that it is in, and when it begins, None for at once."""

    expression: str
    zone: str
    start: datetime | None = None


def wake_ups(policies: Iterable[Policy], now: datetime) -> tuple[WakeUp, ...]:
    """Every distinct wake-up that these policies need, in order; an at(...) that is over needs none.

    Raises `UsageError` for a schedule that EventBridge has no room for.
    """
    schedules = {schedule for policy in policies for schedule in policy.schedules}
    return tuple(sorted({one for each in schedules for one in _of(each, now)}))


def _of(schedule: Schedule, now: datetime) -> Iterator[WakeUp]:
    zone, when = schedule.zone.key, schedule.when
    match when:
        case Rate():
            exact = rate_as_cron(when)
            start = None if exact else schedule.next_after(now + _UNTIL_MADE)
            yield WakeUp(expression=exact or schedule.text, zone="UTC", start=start)
        case Calendar(days=DaySets() as days) if not schedule.text.startswith("cron("):
            for expression in _unix_as_cron(when, days):
                yield _checked(schedule, expression, zone)
        case _:
            if schedule.next_after(now) is not None:
                yield _checked(schedule, schedule.text, zone)


def _checked(schedule: Schedule, expression: str, zone: str) -> WakeUp:
    if len(expression) > _LONGEST:
        raise UsageError(
            f'schedule "{schedule.text[:60]}": EventBridge takes {_LONGEST} characters, and it needs {len(expression)}',
            "write it as a list of simpler ones",
        )
    return WakeUp(expression=expression, zone=zone)


def rate_as_cron(rate: Rate) -> str | None:
    """The expression that comes at the multiples of a rate and at no other time; None where there is none."""
    times = [seconds // 60 for seconds in range(0, _DAY, rate.seconds)]
    minutes, hours = {time % 60 for time in times}, {time // 60 for time in times}
    exact = _DAY % rate.seconds == 0 and len(minutes) * len(hours) == len(times)
    return _cron(minutes, hours, "*", "*", "?") if exact else None


def _unix_as_cron(when: Calendar, days: DaySets) -> Iterator[str]:
    """One expression, or two where a day of either sort will do."""
    minutes, hours = {at % 60 for at in when.minutes}, {at // 60 for at in when.minutes}
    months = _field(when.months, 1, 12)
    by_weekday = ",".join(_runs(sorted(day + 1 for day in days.weekdays)))  # which takes no step
    numbered = _cron(minutes, hours, _field(days.month_days, 1, 31), months, "?")
    named = _cron(minutes, hours, "?", months, by_weekday)
    if days.either:
        yield from (numbered, named)
    else:
        yield numbered if days.weekdays == EVERY_WEEKDAY or _rarer_by_number(days) else named


def _rarer_by_number(days: DaySets) -> bool:
    """Whether fewer days match by their number than by their weekday."""
    return len(days.month_days) / 31 < len(days.weekdays) / 7


def _cron(minutes: Collection[int], hours: Collection[int], day: str, month: str, weekday: str) -> str:
    return f"cron({_field(minutes, 0, 59)} {_field(hours, 0, 23)} {day} {month} {weekday} *)"


def _field(values: Collection[int], low: int, high: int) -> str:
    """The values of one field: `*`, a step that runs to the end, or a list of numbers and ranges."""
    ordered = sorted(values)
    if len(ordered) == high - low + 1:
        return "*"
    step = ordered[1] - ordered[0] if len(ordered) > 2 else 0
    if step > 1 and ordered == list(range(ordered[0], high + 1, step)):
        return f"{ordered[0]}/{step}"
    return ",".join(_runs(ordered))


def _runs(ordered: list[int]) -> Iterator[str]:
    """Neighbours as ranges."""
    first = last = ordered[0]
    for value in [*ordered[1:], None]:
        if value == last + 1:
            last = value
            continue
        yield str(first) if first == last else f"{first}-{last}"
        first = last = value if value is not None else last
