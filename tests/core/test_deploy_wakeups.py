"""The policies' schedules as EventBridge's: every slot has a wake-up, and the same schedule only one."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import islice
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from plan_values import policy

from dr.deploy.wakeups import WakeUp, wake_ups
from dr.errors import UsageError
from dr.slots import parse_schedule

UTC_ZONE = ZoneInfo("UTC")
SUMMER = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)
"""Months from any change of clocks."""


def woken(*texts, zone="Europe/Vienna", now=SUMMER):
    return wake_ups([policy("db", *texts, zone=zone)], now)


def wakes(wakeup, start, end):
    """When EventBridge fires it: as dr reads its expression, a rate counted from its start."""
    schedule = parse_schedule(wakeup.expression, ZoneInfo(wakeup.zone))
    if wakeup.start is None:
        return set(schedule.between(start, end))
    step = timedelta(seconds=schedule.when.seconds)
    return {wakeup.start + step * n for n in range(int((end - wakeup.start) / step) + 1)}


@pytest.mark.parametrize(
    ("text", "expressions"),
    [
        ("0 * * * *", ["cron(0 * * * ? *)"]),
        ("*/15 8-17 * * mon-fri", ["cron(0/15 8-17 ? * 2-6 *)"]),
        ("@weekly", ["cron(0 0 ? * 1 *)"]),
        ("30 2 1,15 jan,jul *", ["cron(30 2 1,15 1,7 ? *)"]),
        ("0 0 1,15 * fri", ["cron(0 0 1,15 * ? *)", "cron(0 0 ? * 6 *)"]),
        ("0 0 */2 * mon", ["cron(0 0 ? * 2 *)"]),
        ("0 0 */31 * *", ["cron(0 0 1 * ? *)"]),
        ("0 0 1 * */2", ["cron(0 0 1 * ? *)"]),
        ("cron(0 10 ? * 6L 2030)", ["cron(0 10 ? * 6L 2030)"]),
        ("at(2026-12-01T02:00:00)", ["at(2026-12-01T02:00:00)"]),
    ],
)
def test_a_schedule_in_eventbridges_words_and_its_own_zone(text, expressions):
    assert woken(text) == tuple(WakeUp(expression=each, zone="Europe/Vienna") for each in expressions)


@pytest.mark.parametrize(
    ("text", "expression"),
    [
        ("rate(1 minute)", "cron(* * * * ? *)"),
        ("rate(5 minutes)", "cron(0/5 * * * ? *)"),
        ("rate(1 hour)", "cron(0 * * * ? *)"),
        ("rate(6 hours)", "cron(0 0/6 * * ? *)"),
        ("rate(120 minutes)", "cron(0 0/2 * * ? *)"),
        ("rate(1 day)", "cron(0 0 * * ? *)"),
    ],
)
def test_a_rate_that_a_cron_expression_says_needs_no_beginning(text, expression):
    assert woken(text) == (WakeUp(expression=expression, zone="UTC"),)


@pytest.mark.parametrize("text", ["rate(7 minutes)", "rate(90 minutes)", "rate(5 hours)", "rate(2 days)"])
def test_another_rate_begins_at_a_multiple_of_itself_an_hour_from_now(text):
    """EventBridge refuses a start that has gone by while a person read the change set."""
    (found,) = woken(text)

    assert found.expression == text
    assert found.start == parse_schedule(text, UTC_ZONE).next_after(SUMMER + timedelta(hours=1))


def test_a_schedule_of_two_policies_wakes_once_and_one_that_is_over_never():
    assert len(woken("0 * * * *", "0 * * * *", "@hourly")) == 1
    assert woken("at(2026-05-01T02:00:00)") == ()


def test_what_eventbridge_has_no_room_for_is_refused():
    years = ",".join(str(year) for year in range(1971, 2191, 2))

    with pytest.raises(UsageError, match="EventBridge takes 256 characters") as caught:
        woken(f"cron(0 0 1 1 ? {years[:420].rstrip(',')})")

    assert caught.value.remedy


@pytest.mark.parametrize("zone", ["Europe/Vienna", "America/New_York", "UTC"])
def test_any_unix_field_fits(zone):
    odd = "1,3,5,8,11,13,17,19,22,25,28,31,33,36,39,41,44,47,50,53,56,58"

    (found,) = woken(
        f"{odd} 1,3,6,8,11,13,16,18,21,23 2,4,7,9,12,14,17,19,22,24,27,29,31 1,3,5,7,9,11 *",
        zone=zone,
    )

    assert len(found.expression) <= 256


def lists(low, high):
    values = st.integers(low, high)
    spans = st.tuples(values, values).map(lambda pair: f"{min(pair)}-{max(pair)}")
    return st.one_of(
        st.just("*"),
        st.integers(2, 9).map(lambda n: f"*/{n}"),
        st.lists(values.map(str) | spans, min_size=1, max_size=3).map(",".join),
    )


UNIX = st.tuples(lists(0, 59), lists(0, 23), lists(1, 28), lists(1, 12), lists(0, 6)).map(" ".join)
RATES = st.tuples(st.integers(2, 400), st.sampled_from(["minutes", "hours", "days"])).map(
    lambda of: f"rate({of[0]} {of[1]})"
)


@given(text=UNIX | RATES)
def test_every_slot_of_a_schedule_has_a_wake_up(text):
    """In UTC, where no local time is ever skipped: those are the sweep's, and those of a rate's first hour."""
    schedule = parse_schedule(text, UTC_ZONE)
    end = SUMMER + timedelta(days=400)
    slots = list(islice(schedule.between(SUMMER + timedelta(hours=1), end), 50))

    found = (
        set().union(*(wakes(one, SUMMER, slots[-1]) for one in woken(text, zone="UTC"))) if slots else set()
    )

    assert set(slots) <= found
