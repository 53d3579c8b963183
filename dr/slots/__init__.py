"""Schedule expressions, and the slots they want: the instants at which a recovery point is due (DESIGN 6).

    text --parse--> Calendar | Rate | Once --walk, in the policy's zone--> slots, in UTC

`unix` and `eventbridge` read the dialects, `days` knows the days of a month, `walk` finds wall times and turns them
into instants, `zones` knows gaps and folds. An own walker, because nothing else is exact: libraries differ from vixie
cron in `*/2` as a day and from EventBridge in `W`, `#`, `L` and years, and none follows DESIGN 6 through a change of
clocks. Slots depend on the expression, the zone and the instant asked about, on nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dr.errors import UsageError
from dr.slots.eventbridge import parse_at, parse_cron, parse_rate
from dr.slots.unix import parse_unix
from dr.slots.walk import BEGINNING, END, Once, When
from dr.words import short

SWEEP = 900
"""Seconds between two looks at everything, whatever the schedules say: they repair what was missed (DESIGN 9)."""
_LONGEST = 500
"""Characters of an expression: every value of every field of Unix cron, one by one, takes fewer."""
_FORMS: Mapping[str, Callable[[str], When]] = {"cron": parse_cron, "rate": parse_rate, "at": parse_at}


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """One schedule expression in its zone. Instants are taken in any zone, must have one, and are given in UTC."""

    text: str
    zone: ZoneInfo
    when: When

    @property
    def is_once(self) -> bool:
        """Tell whether this is an at(...): a source that is new gets no point at once for it."""
        return isinstance(self.when, Once)

    def next_after(self, instant: datetime, until: datetime = END) -> datetime | None:
        """Give the first slot strictly after an instant; None when there is none any more, or none up to `until`.

        To look farther than one has to is dear: a time that a zone skips on the only days that match never comes.
        """
        last = min(until, END).astimezone(UTC)
        if instant >= last:
            return None
        return self.when.next_after(max(instant, BEGINNING).astimezone(UTC), self.zone, last)

    def latest(self, now: datetime) -> datetime | None:
        """Give the last slot at or before an instant; None when there was none yet."""
        slot = self._some_slot_until(now)
        high = now
        # No slot lies in (high, now]. Each round halves the way or jumps beyond its middle.
        while slot is not None and (later := self.next_after(slot, now)) is not None:
            middle = slot + (high - slot) / 2
            beyond = self.next_after(middle, now)
            if beyond is not None:
                slot = beyond
            else:
                slot, high = later, middle
        return slot

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """Give the slots after `start` up to and with `end`, in order."""
        slot = self.next_after(start, end)
        while slot is not None:
            yield slot
            slot = self.next_after(slot, end)

    def _some_slot_until(self, now: datetime) -> datetime | None:
        """Look back one minute, two, four ... until there is a slot."""
        back = timedelta(minutes=1)
        while now >= BEGINNING:
            start = max(now - back, BEGINNING) if back < now - BEGINNING else BEGINNING
            slot = self.next_after(start, now)
            if slot is not None:
                return slot
            if start == BEGINNING:
                return None
            back *= 2
        return None


def parse_schedule(text: str, zone: ZoneInfo) -> Schedule:
    """Read Unix cron, cron(...), rate(...) or at(...). Raises UsageError, also for what can never fire."""
    shown = f'schedule "{short(text)}"'
    if len(text) > _LONGEST:
        raise UsageError(f"{shown}: longer than {_LONGEST} characters", "a schedule may be a list instead")
    try:
        schedule = Schedule(text=text.strip(), zone=zone, when=_parse(text.strip()))
    except UsageError as error:
        raise UsageError(f"{shown}: {error.message}", error.remedy) from None
    if schedule.next_after(BEGINNING) is None:
        raise UsageError(f"{shown} can never fire", "check the day against the month and the year")
    return schedule


def latest_slot(schedules: Sequence[Schedule], now: datetime) -> datetime | None:
    """Give the last slot of any of the schedules at or before an instant."""
    return max(_known(schedule.latest(now) for schedule in schedules), default=None)


def next_slots(schedules: Sequence[Schedule], start: datetime, count: int) -> tuple[datetime, ...]:
    """Give the first slots strictly after `start`, at most `count`, each instant once."""
    slots: list[datetime] = []
    while len(slots) < count:
        after = slots[-1] if slots else start
        slot = min(_known(schedule.next_after(after) for schedule in schedules), default=None)
        if slot is None:
            break
        slots.append(slot)
    return tuple(slots)


def period(schedules: Sequence[Schedule], now: datetime) -> int | None:
    """Give the seconds between the latest two slots, or as near to now as there are two; None when there is only one.

    It is what a policy without an RPO is measured by when work is ordered (DESIGN 6).
    """
    latest = latest_slot(schedules, now)
    before = None if latest is None else latest_slot(schedules, latest - timedelta(microseconds=1))
    slots = _known((before, latest))
    if len(slots) < 2:  # only then: to look for what may never come takes long
        slots += next_slots(schedules, now, 2)
    return int((slots[1] - slots[0]).total_seconds()) if len(slots) > 1 else None


def _known(slots: Iterable[datetime | None]) -> list[datetime]:
    return [slot for slot in slots if slot is not None]


def _parse(text: str) -> When:
    found = re.fullmatch(r"([A-Za-z]+)\((.*)\)", text, re.DOTALL)
    if found and found[1] in _FORMS:
        return _FORMS[found[1]](found[2])
    if not text or "(" in text or ")" in text:
        fix = "write five fields of Unix cron, cron(...), rate(...) or at(...), in small letters and with both brackets"
        raise UsageError("no schedule expression" if text else "the expression is empty", fix)
    return parse_unix(text)
