"""Laws of schedules, and their answers beside two others: a walk over every minute, and croniter."""

from __future__ import annotations

import importlib.resources
import re
import struct
import zoneinfo
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise

import pytest
from croniter import croniter
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from slots_oracle import MONTHS, WEEKDAYS, Oracle, utc

from dr.errors import UsageError
from dr.slots import latest_slot, next_slots, parse_schedule
from dr.slots.zones import first_reached, wall_at

UTC_ZONE = zoneinfo.ZoneInfo("UTC")
SAMPLED = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
WHOLE = settings(SAMPLED, max_examples=3_000)

# Zones and instants at which they change: an hour on and back, half an hour, a whole day, at midnight, at one minute
# past it, at noon UTC, backwards in spring (Dublin), a change of standard time, years with no change near.
CHANGES = [
    ("Europe/Vienna", utc(2026, 3, 29, 1)),
    ("Europe/Vienna", utc(2026, 10, 25, 1)),
    ("Europe/Dublin", utc(2024, 3, 31, 1)),
    ("America/New_York", utc(2026, 3, 8, 7)),
    ("America/New_York", utc(2020, 11, 1, 6)),
    ("America/St_Johns", utc(2008, 11, 2, 2, 31)),
    ("America/St_Johns", utc(2008, 3, 9, 3, 31)),
    ("America/Sao_Paulo", utc(2018, 11, 4, 3)),
    ("America/Sao_Paulo", utc(2018, 2, 18, 2)),
    ("America/Havana", utc(2026, 3, 8, 5)),
    ("America/Havana", utc(2026, 11, 1, 5)),
    ("Asia/Beirut", utc(2026, 3, 28, 22)),
    ("Australia/Lord_Howe", utc(2026, 10, 3, 15, 30)),
    ("Australia/Lord_Howe", utc(2026, 4, 4, 15)),
    ("Antarctica/Troll", utc(2026, 3, 29, 1)),
    ("Antarctica/Troll", utc(2026, 10, 25, 1)),
    ("Antarctica/Casey", utc(2010, 3, 4, 15)),
    ("Asia/Pyongyang", utc(2015, 8, 14, 15)),
    ("Asia/Kathmandu", utc(1985, 12, 31, 18, 30)),
    ("Pacific/Apia", utc(2011, 12, 30, 10)),
    ("Pacific/Kwajalein", utc(1993, 8, 21, 12)),
    ("America/Caracas", utc(2007, 12, 9, 7)),
    ("Africa/Casablanca", utc(2026, 2, 15, 2)),
    ("Asia/Tokyo", utc(2026, 3, 1)),
    ("UTC", utc(2028, 2, 29)),
]


def field(low, high, names=(), *, wraps=False, open_steps=False, steps=True):
    """Texts of one field; `*` often, since real schedules have it often."""
    value = st.integers(low, high)
    shown = value.map(str) if not names else st.one_of(value.map(str), st.sampled_from(names))
    ends = st.tuples(value, value).map(lambda pair: pair if wraps else tuple(sorted(pair)))
    span = ends.map(lambda pair: f"{pair[0]}-{pair[1]}")
    stride = st.integers(1, max(1, min(high, 40))).map(lambda n: f"/{n}")
    heads = [st.just("*"), span, *([value.map(str)] if open_steps else [])]
    stepped = [st.tuples(st.one_of(heads), stride).map("".join)] if steps else []
    item = st.one_of(shown, span, *stepped)
    return st.one_of(st.just("*"), st.lists(item, min_size=1, max_size=3).map(",".join))


UNIX = st.tuples(
    field(0, 59), field(0, 23), field(1, 31), field(1, 12, MONTHS), field(0, 7, [d.lower() for d in WEEKDAYS])
).map(" ".join)

BRIDGE = {"wraps": True, "open_steps": True}
BY_NUMBER = st.tuples(
    st.one_of(field(1, 31, **BRIDGE), st.just("L"), st.integers(1, 31).map(lambda n: f"{n}W")),
    field(1, 12, MONTHS, **BRIDGE),
    st.just("?"),
)
WEEKDAY = st.one_of(st.integers(1, 7).map(str), st.sampled_from(WEEKDAYS))
BY_WEEKDAY = st.tuples(
    st.just("?"),
    field(1, 12, MONTHS, **BRIDGE),
    st.one_of(
        field(1, 7, WEEKDAYS, wraps=True, steps=False),
        st.just("L"),
        WEEKDAY.map(lambda day: f"{day}L"),
        st.tuples(WEEKDAY, st.integers(1, 5)).map(lambda pair: f"{pair[0]}#{pair[1]}"),
    ),
)
YEAR = st.one_of(st.just("*"), st.just("1970/2"), st.integers(1985, 2026).map(lambda y: f"{y}-{y + 3}"))
EVENTBRIDGE = st.tuples(
    field(0, 59, **BRIDGE), field(0, 23, **BRIDGE), st.one_of(BY_NUMBER, BY_WEEKDAY), YEAR
).map(lambda parts: f"cron({parts[0]} {parts[1]} {' '.join(parts[2])} {parts[3]})")

EXPRESSIONS = st.one_of(UNIX, EVENTBRIDGE)
# Many of these hit the very days around a change.
FREQUENT = st.one_of(
    st.tuples(field(0, 59), field(0, 23)).map(lambda pair: f"{pair[0]} {pair[1]} * * *"),
    st.tuples(field(0, 59), st.sampled_from(["*", "*/2", "0", "1", "2", "3", "0-3", "1,2,23"])).map(
        lambda pair: f"{pair[0]} {pair[1]} * * *"
    ),
    EXPRESSIONS,
)


def parsed(text, zone):
    """The schedule, or None for what can never fire."""
    try:
        return parse_schedule(text, zoneinfo.ZoneInfo(zone))
    except UsageError as error:
        if "can never fire" in error.message:
            return None
        raise


def agrees_with_a_walk_over_minutes(text, place, offset, length):
    zone, change = place
    start = change + timedelta(minutes=offset)
    end = start + timedelta(minutes=length)
    schedule = parsed(text, zone)
    expected = Oracle(text, zone).slots(start, end)
    assert (list(schedule.between(start, end)) if schedule else []) == expected
    if schedule and expected:
        assert schedule.latest(end) == expected[-1]


MINUTE_WALKS = given(
    text=FREQUENT,
    place=st.sampled_from(CHANGES),
    offset=st.integers(-2_000, 1_500),
    length=st.integers(1, 3_500),
)


@MINUTE_WALKS
@SAMPLED
def test_slots_are_those_of_a_walk_over_every_minute(text, place, offset, length):
    agrees_with_a_walk_over_minutes(text, place, offset, length)


@pytest.mark.long
@MINUTE_WALKS
@WHOLE
def test_slots_are_those_of_a_walk_over_every_minute_whole(text, place, offset, length):
    agrees_with_a_walk_over_minutes(text, place, offset, length)


def agrees_with_a_walk_over_days(text, year):
    schedule = parsed(text, "UTC")
    minute, hour = (text.removeprefix("cron(")).split()[:2]
    first, last = date(year, 1, 1), date(year + 6, 12, 31)
    expected = Oracle(text, "UTC").days(first, last)
    begin, end = utc(year, 1, 1) - timedelta(minutes=1), utc(year + 6, 12, 31, 23, 59)
    found = sorted({slot.date() for slot in schedule.between(begin, end)}) if schedule else []
    assert (minute, hour, found) == ("7", "13", expected)


def at_one_time(text):
    """The same days, once a day: a whole walk over years stays quick."""
    bare = text.removeprefix("cron(").removesuffix(")").split()
    bare[:2] = ["7", "13"]
    return f"cron({' '.join(bare)})" if text.startswith("cron(") else " ".join(bare)


@given(text=EXPRESSIONS.map(at_one_time), year=st.integers(1970, 2180))
@settings(SAMPLED, max_examples=100)
def test_days_are_those_of_a_walk_over_seven_years(text, year):
    agrees_with_a_walk_over_days(text, year)


@pytest.mark.long
@given(text=EXPRESSIONS.map(at_one_time), year=st.integers(1970, 2180))
@WHOLE
def test_days_are_those_of_a_walk_over_seven_years_whole(text, year):
    agrees_with_a_walk_over_days(text, year)


def agrees_with_croniter(text, start):
    """In UTC, and with the rule that croniter calls implement_cron_bug: a day field that begins with a star."""
    schedule = parsed(text, "UTC")
    other = croniter(text, start.replace(tzinfo=None), implement_cron_bug=True, max_years_between_matches=120)
    expected = tuple(other.get_next(datetime).replace(tzinfo=UTC) for _ in range(5))
    assert next_slots([schedule], start, 5) == expected


def widens_a_day_field(text):
    """Whether croniter takes a day field that names every day (`0-6`) for a star: vixie cron looks at its first letter."""
    fields = text.split()
    expanded = croniter.expand(text)[0]
    return any(expanded[at] == ["*"] and not fields[at].startswith("*") for at in (2, 4))


# Where croniter means something else: it takes the days of the week from 0 to 6, so that `*/5` and `2-7/2` are other
# days than in vixie cron, it reads a range of one value (`3-3`) as the whole field, and it widens day fields.
CRONITER_WEEKDAYS = field(0, 6, [d.lower() for d in WEEKDAYS], steps=False)
CRONITER = given(
    text=st.tuples(field(0, 59), field(0, 23), field(1, 31), field(1, 12, MONTHS), CRONITER_WEEKDAYS)
    .map(" ".join)
    .filter(lambda text: not re.search(r"\b(\d+)-\1\b", text))
    .filter(lambda text: parsed(text, "UTC") is not None and not widens_a_day_field(text)),
    start=st.datetimes(datetime(1990, 1, 1), datetime(2060, 1, 1), timezones=st.just(UTC)),
)


@CRONITER
@SAMPLED
def test_slots_are_those_of_croniter_where_it_means_the_same(text, start):
    agrees_with_croniter(text, start)


@pytest.mark.long
@CRONITER
@WHOLE
def test_slots_are_those_of_croniter_where_it_means_the_same_whole(text, start):
    agrees_with_croniter(text, start)


@given(
    text=st.one_of(EXPRESSIONS, st.integers(1, 5_000).map(lambda n: f"rate({n + 1} minutes)")),
    place=st.sampled_from(CHANGES),
    seconds=st.integers(-200_000, 200_000),
)
@settings(SAMPLED, max_examples=150)
def test_latest_and_next_lie_around_now_with_nothing_between(text, place, seconds):
    zone, change = place
    now = change + timedelta(seconds=seconds)
    schedule = parsed(text, zone)
    if schedule is None:
        return
    latest, upcoming = schedule.latest(now), schedule.next_after(now)
    if latest is not None:
        assert latest <= now
        assert schedule.next_after(latest) == upcoming
        assert schedule.next_after(latest - timedelta(microseconds=1)) == latest
    if upcoming is not None:
        assert upcoming > now
        assert schedule.latest(upcoming) == upcoming
        assert schedule.latest(upcoming - timedelta(microseconds=1)) == latest


@given(texts=st.lists(EXPRESSIONS, min_size=1, max_size=3), place=st.sampled_from(CHANGES))
@SAMPLED
def test_several_schedules_are_the_union_of_each(texts, place):
    zone, change = place
    schedules = [schedule for text in texts if (schedule := parsed(text, zone))]
    found = next_slots(schedules, change, 6)
    each = sorted({slot for schedule in schedules for slot in next_slots([schedule], change, 6)})
    assert list(found) == each[:6]
    assert [latest_slot(schedules, slot) for slot in found] == list(found)


@given(place=st.sampled_from(CHANGES), minutes=st.integers(-3_000, 3_000))
@settings(SAMPLED, max_examples=300)
def test_a_wall_time_is_reached_when_the_clock_first_shows_it_or_has_jumped_over_it(place, minutes):
    name, change = place
    zone = zoneinfo.ZoneInfo(name)
    wall = wall_at(change, zone) + timedelta(minutes=minutes)
    instant = first_reached(wall, zone)
    assert wall_at(instant, zone) >= wall
    assert wall_at(instant - timedelta(seconds=1), zone) < wall


def changes(name):
    """The instants at which a zone's offset changes, read from its TZif file (RFC 8536, section 3)."""
    raw = (importlib.resources.files("tzdata") / "zoneinfo" / name).read_bytes()
    isut, isstd, leaps, times, types, letters = struct.unpack(">6l", raw[20:44])
    second = 44 + times * 5 + types * 6 + letters + leaps * 8 + isstd + isut  # the header of version 2
    *_, times, types, _ = struct.unpack(">6l", raw[second + 20 : second + 44])
    body = raw[second + 44 :]
    instants = struct.unpack(f">{times}q", body[: 8 * times])
    kinds = body[8 * times : 9 * times]
    offsets = [struct.unpack(">l", body[9 * times + 6 * k : 9 * times + 6 * k + 4])[0] for k in range(types)]
    before = [offsets[0], *(offsets[kind] for kind in kinds)]
    return [at for at, old, new in zip(instants, before, before[1:], strict=False) if old != new]


def test_no_zone_changes_its_offset_twice_within_a_week():
    names = (importlib.resources.files("tzdata") / "zones").read_text().split()
    assert len(names) > 500
    nearest = min(b - a for name in names for a, b in pairwise(changes(name)))
    assert nearest >= 6.9 * 86_400


@pytest.mark.long
@pytest.mark.parametrize("text", ["*/20 * * * *", "7,47 0-3,23 * * *", "30 2 * * *", "0 12 */2 * *"])
def test_slots_are_those_of_a_walk_over_every_minute_at_every_change_of_every_zone(text):
    names = (importlib.resources.files("tzdata") / "zones").read_text().split()
    seen = set()
    for name in names:
        for at in changes(name):
            change = datetime.fromtimestamp(at, UTC) if 73_000_000 < at < 2_000_000_000 else None
            if change is None or (name.split("/")[0], change) in seen:
                continue  # before 1973 some offsets have seconds; zones of one region often change together
            seen.add((name.split("/")[0], change))
            start, end = change - timedelta(hours=3), change + timedelta(hours=3)
            schedule = parse_schedule(text, zoneinfo.ZoneInfo(name))
            # Since 1973 no clock was set back by more than three hours.
            expected = Oracle(text, name).slots(start, end, run_up=timedelta(hours=4))
            assert (name, change, list(schedule.between(start, end))) == (name, change, expected)
