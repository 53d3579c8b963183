"""Which points stay, and why (DESIGN 7).

The rules are OR-ed; one point may satisfy several.

- `last: n`: the n newest slots.
- `hourly`, `daily`, `weekly`, `monthly`, `yearly: n`: the newest point of each of the n newest periods that have a
  point. A period without a point is not counted. Periods are those of the policy's zone, weeks are ISO weeks, and the
  two hours of one name, when clocks are set back, are two.
- `oldest`: while a period rule is not full, that is, while there are fewer periods with a point than it has places,
  the oldest point stays as well: a history can then grow as old as its rules want it. A full rule lets it go.
- `within`: whatever is younger than that, measured back from the newest good point and not from now, so that a source
  that is dead does not bleed out. A point that is exactly as old is not within.
- `newest`: the newest point stays whatever the rules say (safety rule 1). The reason is given only where no rule
  claims it: where archived points stand before it, or slots and times disagree.

Slots order points and put them into periods; `within` and `newest` go by time, when the data is from. Archived points
are claimed and counted by every rule but `last`, and they are never the newest point. Where all are archived,
`within` is then measured from the newest of them, and no reason `newest` is given: that the newest of them is not
deleted either, being the last of its source, is seen to by the planner.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from datetime import UTC, datetime
from difflib import get_close_matches
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple, Protocol
from zoneinfo import ZoneInfo

from dr.durations import parse_duration
from dr.errors import UsageError
from dr.model import RetentionRule
from dr.words import short

_BUCKETS: Mapping[str, Callable[[datetime], Hashable]] = {
    "hourly": lambda local: (local.date(), local.hour, local.utcoffset()),
    "daily": lambda local: local.date(),
    "weekly": lambda local: local.isocalendar()[:2],
    "monthly": lambda local: (local.year, local.month),
    "yearly": lambda local: local.year,
}

RULES = ("last", *_BUCKETS, "within")
"""The names of the rules, in the order in which they are shown."""

REASONS = ("last", *_BUCKETS, "oldest", "within", "newest")
"""Why a point stays, in the order in which reasons are given."""


class Kept(Protocol):
    """A good or archived point of one lineage, the only one of its slot; `model.RecoveryPoint` is one."""

    @property
    def id(self) -> str:
        """Its name, unlike that of any other."""

    @property
    def slot(self) -> datetime:
        """What orders it, and puts it into periods."""

    @property
    def time(self) -> datetime:
        """When its data is from."""

    @property
    def archived(self) -> bool:
        """Whether it is of no use before it was brought back."""


class Candidate(NamedTuple):
    """A point of which no more is known."""

    id: str
    slot: datetime
    time: datetime
    archived: bool = False


def retain(points: Sequence[Kept], rule: RetentionRule, zone: ZoneInfo) -> dict[str, tuple[str, ...]]:
    """Give the reasons for which each point stays, by id, in the order of the input; no reason means: it expires."""
    newest_first = sorted(points, key=attrgetter("slot"), reverse=True)
    usable = [point for point in newest_first if not point.archived]
    newest = _newest(usable)
    places: dict[str, int] = {name: count for name in _BUCKETS if (count := getattr(rule, name))}
    heads = {name: _heads(newest_first, name, zone, count) for name, count in places.items()}
    claims = {
        "last": usable[: rule.last or 0],
        **heads,
        "oldest": newest_first[-1:] if any(len(heads[name]) < places[name] for name in places) else [],
        "within": _within(newest_first, newest, rule, zone),
    }
    reasons: dict[str, tuple[str, ...]] = {}
    for reason in REASONS:
        for point in claims.get(reason, ()):
            reasons[point.id] = (*reasons.get(point.id, ()), reason)
    if newest is not None:
        reasons.setdefault(newest.id, ("newest",))
    return {point.id: reasons.get(point.id, ()) for point in points}


def retention_answer(times: Sequence[str], rule: RetentionRule, zone: ZoneInfo) -> dict[str, Any]:
    """Try a rule on a list of times, as `dr retention` shows it (DESIGN 9): each time is the slot of a point.

    Of equal instants the first counts and the rest expire. Raises UsageError, naming the position from 1.
    """
    instants = [_instant(text, position) for position, text in enumerate(times, start=1)]
    first: dict[datetime, str] = {}
    for position, instant in enumerate(instants):
        first.setdefault(instant, str(position))
    points = [Candidate(id=id_, slot=instant, time=instant) for instant, id_ in first.items()]
    reasons = retain(points, rule, zone)
    kept = [(text, reasons.get(str(position), ())) for position, text in enumerate(times)]
    return {
        "keep": [{"time": text, "reasons": list(why)} for text, why in kept if why],
        "expire": [text for text, why in kept if not why],
    }


def parse_keep(text: str) -> RetentionRule:
    """Read `last=3,daily=7,within=2d`. Raises UsageError."""
    fix = "write for example last=3,daily=7,within=2d"
    rules: dict[str, Any] = {}
    for item in text.split(","):
        name, equals, value = (part.strip() for part in item.partition("="))
        if not equals or not value:
            shown = repr(short(item.strip())) if item.strip() else "an empty item"
            raise UsageError(f"--keep: {shown} is no rule with a value", fix)
        if name not in RULES:
            raise UsageError(f"--keep: unknown rule {short(name)}", _nearest(short(name)))
        if name in rules:
            raise UsageError(f"--keep: {name} is named twice", fix)
        rules[name] = parse_duration(value) if name == "within" else _count(name, value)
    return RetentionRule(**rules)


def parse_times(text: str) -> tuple[str, ...]:
    """Read a list of times: one on a line (empty lines do not count) or a JSON list of strings. Raises UsageError."""
    if not text.lstrip().startswith("["):
        return tuple(line.strip() for line in text.splitlines() if line.strip())
    try:
        times = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(
            f"the list of times is no JSON: {error}", "write a JSON list of strings, or one time a line"
        ) from None
    for position, time in enumerate(times, start=1):
        if not isinstance(time, str):
            raise UsageError(
                f"time {position} is no string but {json.dumps(time)[:40]}", "write ISO 8601 in quotes"
            )
    return tuple(times)


def _heads(newest_first: Sequence[Kept], name: str, zone: ZoneInfo, places: int) -> Sequence[Kept]:
    """Give the newest point of each of the newest periods that have one, as many as there are places."""
    heads: dict[Hashable, Kept] = {}
    for point in newest_first:
        heads.setdefault(_bucket(name, point.slot, zone), point)
        if len(heads) == places:
            break
    return list(heads.values())


@lru_cache(maxsize=1 << 16)
def _bucket(name: str, slot: datetime, zone: ZoneInfo) -> Hashable:
    """The period of a slot. Lineages of one schedule have the same slots, and there are thousands of them."""
    return _BUCKETS[name](slot.astimezone(zone))


def _within(
    newest_first: Sequence[Kept], newest: Kept | None, rule: RetentionRule, zone: ZoneInfo
) -> Sequence[Kept]:
    if rule.within is None or not newest_first:
        return []
    first = newest or max(newest_first, key=attrgetter("time"))
    cutoff = rule.within.before(first.time, zone)
    return [point for point in newest_first if point.time > cutoff]


def _newest(usable: Sequence[Kept]) -> Kept | None:
    """The good point with the newest data, of equal ones that of the newest slot; None where all are archived."""
    return max(usable, key=attrgetter("time"), default=None)


def _instant(text: str, position: int) -> datetime:
    fix = "write ISO 8601 with an offset, for example 2026-03-29T03:00:00+02:00 or 2026-03-29T01:00:00Z"
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"time {position} ({text[:40]!r}) is no ISO 8601 time", fix) from None
    if time.tzinfo is None:
        raise UsageError(f"time {position} ({text[:40]!r}) has no offset", fix)
    if not 2 <= time.year <= 9998:
        raise UsageError(f"time {position} ({text[:40]!r}) lies outside the years 2 to 9998", fix)
    return time.astimezone(UTC)


def _nearest(name: str) -> str:
    close = get_close_matches(name, RULES, n=1)
    return f"did you mean {close[0]}? ({', '.join(RULES)})" if close else f"the rules are {', '.join(RULES)}"


def _count(name: str, value: str) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", value) or int(value) < 1:
        raise UsageError(f"--keep: {name}={short(value)} is no count", "write a whole number from 1 on")
    return int(value)
