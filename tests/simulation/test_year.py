"""Hourly ticks over weeks and over a year, in a zone with daylight saving, on the fake cloud."""

from __future__ import annotations

from datetime import timedelta

import pytest
from fake_clock import FakeClock
from plan_values import policy
from year import HOUR, Installation, hours, promised, utc

from dr.durations import Duration
from dr.errors import CloudError
from dr.model import RetentionRule, Selector

MINUTE = timedelta(minutes=1)
EVERY_RULE = {
    "last": 3,
    "hourly": 24,
    "daily": 7,
    "weekly": 5,
    "monthly": 12,
    "yearly": 3,
    "within": timedelta(days=2),
}
KEEPS = {"all": EVERY_RULE, **{rule: {rule: value} for rule, value in EVERY_RULE.items()}}
COUNTED = {name: keep for name, keep in KEEPS.items() if name not in {"all", "within"}}
"""Rules that promise a number of points: a gap in time takes nothing from it."""
WEEKS = {
    "clocks go forward": (utc(2026, 3, 22), utc(2026, 4, 5)),
    "clocks go back": (utc(2026, 10, 18), utc(2026, 11, 2)),
    "the year ends": (utc(2026, 12, 20), utc(2027, 1, 5)),
}


def rule(keep) -> RetentionRule:
    within = keep.get("within")
    rest = {name: value for name, value in keep.items() if name != "within"}
    return RetentionRule(**rest, within=Duration(seconds=int(within.total_seconds())) if within else None)


def installed(start, keeps=KEEPS) -> Installation:
    """One policy and one volume for each keep; ticks come seven minutes after the hour."""
    policies = [
        policy(name, zone="Europe/Vienna", keep=rule(keep), select=Selector(tags={"Keep": (name,)}))
        for name, keep in keeps.items()
    ]
    here = Installation(FakeClock(start + 7 * MINUTE), policies)
    for name in keeps:
        here.cloud.add_volume(f"vol-{name}", tags={"Keep": name})
    return here


def expected(keep, slots, after=7 * MINUTE):
    """What the last tick has left: the promise on what was good then, and the point that it took itself."""
    return promised({slot: slot + after for slot in slots[:-1]}, keep) | {slots[-1]}


def live_through(start, end) -> Installation:
    here = installed(start)
    here.ticks(end)
    return here


@pytest.mark.parametrize(("start", "end"), WEEKS.values(), ids=WEEKS.keys())
def test_weeks_of_hourly_ticks_end_with_exactly_what_the_rules_promise(start, end):
    here = live_through(start, end)

    slots = hours(start, end)
    assert {name: expected(keep, slots) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }


@pytest.mark.long
def test_a_year_of_hourly_ticks_ends_with_exactly_what_the_rules_promise():
    start, end = utc(2026, 1, 31, 23), utc(2027, 2, 15, 9)
    here = live_through(start, end)

    slots = hours(start, end)
    assert {name: expected(keep, slots) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }


def test_every_slot_was_taken_once_and_every_call_was_needed():
    start, end = utc(2026, 3, 28), utc(2026, 3, 30)
    here = installed(start, {"last": {"last": 3}})
    here.ticks(end)

    made = [name for name, _ in here.cloud.calls]
    assert (made.count("create_snapshot"), made.count("delete_snapshot")) == (48, 44)


def test_i8_a_second_tick_in_a_slot_changes_nothing():
    """The first look after the capture became good may let older points go; from then on nothing is left to do."""
    here = live_through(utc(2026, 3, 28), utc(2026, 3, 29, 6))
    here.clock.at -= HOUR / 2
    here.tick()
    before = list(here.cloud.calls)
    here.tick()
    here.clock.advance(minutes=10)
    here.tick()

    assert before == here.cloud.calls


def test_ticks_every_ten_minutes_end_with_the_same_points():
    start, end = utc(2026, 3, 28), utc(2026, 3, 30)
    here = installed(start)
    here.ticks(end, every=10 * MINUTE)

    slots = hours(start, end)
    assert {name: promised({s: s + 7 * MINUTE for s in slots}, keep) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }


def test_an_outage_costs_the_slots_inside_it_and_nothing_else():
    start, dark, light, end = utc(2026, 3, 20), utc(2026, 3, 23), utc(2026, 3, 28), utc(2026, 3, 31)
    here = installed(start)
    here.ticks(dark)
    here.clock.at = light + 7 * MINUTE
    here.ticks(end)

    slots = hours(start, dark) + hours(light, end)
    assert {name: expected(keep, slots) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }


def test_i4_while_points_cannot_be_listed_nothing_expires_and_captures_go_on():
    start, dark, end = utc(2026, 3, 20), utc(2026, 3, 22), utc(2026, 3, 23)
    here = installed(start)
    here.ticks(dark)
    here.cloud.failures.for_ever["points"] = CloudError("points: RequestLimitExceeded")
    before = len(here.cloud.calls)
    here.ticks(end)
    del here.cloud.failures.for_ever["points"]

    assert {"create_snapshot"} == {name for name, _ in here.cloud.calls[before:]}
    assert set(hours(dark, end)) <= set.intersection(*(here.slots(name) for name in KEEPS))


def test_after_days_without_listings_the_backlog_shrinks_to_what_the_rules_promise():
    start, dark, light, end = utc(2026, 3, 20), utc(2026, 3, 22), utc(2026, 3, 23), utc(2026, 3, 24)
    here = installed(start)
    here.ticks(dark)
    here.cloud.failures.for_ever["points"] = CloudError("points: RequestLimitExceeded")
    here.ticks(light)
    del here.cloud.failures.for_ever["points"]
    here.ticks(end)

    slots = hours(start, end)
    assert {name: expected(keep, slots) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }


def test_i2_a_source_whose_points_all_fail_keeps_what_was_good():
    start, bad, end = utc(2026, 3, 20), utc(2026, 3, 23), utc(2026, 3, 26)
    here = installed(start)
    here.ticks(bad)
    before = {name: here.slots(name) for name in KEEPS}
    here.cloud.doomed |= {f"vol-{name}" for name in KEEPS}
    here.ticks(end)

    last = hours(start, bad)
    assert {name: promised({s: s for s in last}, keep) for name, keep in KEEPS.items()} == {
        name: here.slots(name) for name in KEEPS
    }
    assert all(max(before[name]) in here.slots(name) for name in KEEPS)


@pytest.mark.parametrize(
    "jump", [timedelta(days=1), timedelta(days=-1), timedelta(days=3652), timedelta(days=-3652)]
)
@pytest.mark.parametrize("seen", [True, False], ids=["noticed", "unnoticed"])
def test_i9_a_clock_that_jumps_and_comes_back_never_costs_what_a_rule_keeps(jump, seen):
    """Snapshots bear AWS's time, not this machine's, so only slots are wrong while the clock is."""
    start, wrong, back, end = utc(2026, 3, 20), utc(2026, 3, 27), utc(2026, 3, 28), utc(2026, 3, 30)
    here = installed(start, COUNTED)
    here.ticks(wrong - 2 * 24 * HOUR, every=6 * HOUR)
    here.ticks(wrong)
    floor = {name: len(here.slots(name)) - 1 for name in COUNTED}  # the last one is still pending
    here.cloud.clock, here.cloud.ahead = FakeClock(here.clock.now()), jump.total_seconds() if seen else 0.0
    here.clock.at += jump
    while here.cloud.clock.now() < end:
        if here.cloud.clock.now() == back + 7 * MINUTE:
            here.clock.at, here.cloud.ahead = here.cloud.clock.now(), 0.0
        here.tick()
        here.clock.at += HOUR
        here.cloud.clock.at += HOUR
        assert {name: n for name in COUNTED if (n := len(here.slots(name))) < floor[name]} == {}
