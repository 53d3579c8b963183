"""Changes of clocks (DESIGN 6): what is skipped, what comes twice, and what follows real time."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dr.slots import parse_schedule


def slots(text, zone, start, end):
    schedule = parse_schedule(text, ZoneInfo(zone))
    found = schedule.between(datetime.fromisoformat(start), datetime.fromisoformat(end))
    return [f"{slot:%m-%d %H:%M}" for slot in found]


SPRING = ("Europe/Vienna", "2026-03-28T12:00Z", "2026-03-30T06:00Z")  # 02:00 -> 03:00 on 03-29 at 01:00Z
AUTUMN = ("Europe/Vienna", "2026-10-24T12:00Z", "2026-10-26T06:00Z")  # 03:00 -> 02:00 on 10-25 at 01:00Z


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 1 * * *", ["03-29 00:30", "03-29 23:30"]),
        ("0 2 * * *", ["03-29 01:00", "03-30 00:00"]),
        ("30 2 * * *", ["03-29 01:00", "03-30 00:30"]),
        ("0 3 * * *", ["03-29 01:00", "03-30 01:00"]),
        # Several that are skipped together are one, and one with what is due at that instant anyway.
        ("0,15,30,45 2 * * *", ["03-29 01:00", "03-30 00:00", "03-30 00:15", "03-30 00:30", "03-30 00:45"]),
        ("15 2,3 * * *", ["03-29 01:00", "03-29 01:15", "03-30 00:15", "03-30 01:15"]),
        ("0 2,3 * * *", ["03-29 01:00", "03-30 00:00", "03-30 01:00"]),
        ("cron(30 2 * * ? *)", ["03-29 01:00", "03-30 00:30"]),
        ("cron(0/15 2 * * ? *)", ["03-29 01:00", "03-30 00:00", "03-30 00:15", "03-30 00:30", "03-30 00:45"]),
    ],
)
def test_a_fixed_time_that_is_skipped_fires_at_the_first_instant_after_the_gap(text, expected):
    assert slots(text, *SPRING) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30 2 * * *", ["10-25 00:30", "10-26 01:30"]),
        ("0 2 * * *", ["10-25 00:00", "10-26 01:00"]),
        ("59 2 * * *", ["10-25 00:59", "10-26 01:59"]),
        ("0 3 * * *", ["10-25 02:00", "10-26 02:00"]),
        ("0,30 2,3 * * *", ["10-25 00:00", "10-25 00:30", "10-25 02:00", "10-25 02:30",
                            "10-26 01:00", "10-26 01:30", "10-26 02:00", "10-26 02:30"]),
        ("cron(30 2 * * ? *)", ["10-25 00:30", "10-26 01:30"]),
    ],
)  # fmt: skip
def test_a_fixed_time_that_comes_twice_fires_the_first_time_only(text, expected):
    assert slots(text, *AUTUMN) == expected


@pytest.mark.parametrize(
    ("text", "zone", "start", "end", "expected"),
    [
        # An hour that is skipped is missed, one that comes twice fires twice.
        ("*/30 2 * * *", *SPRING, ["03-30 00:00", "03-30 00:30"]),
        ("*/30 2 * * *", *AUTUMN, ["10-25 00:00", "10-25 00:30", "10-25 01:00", "10-25 01:30",
                                   "10-26 01:00", "10-26 01:30"]),
        ("cron(*/30 2 * * ? *)", *SPRING, ["03-30 00:00", "03-30 00:30"]),
        ("0 * * * *", "Europe/Vienna", "2026-03-28T23:30Z", "2026-03-29T02:30Z",
         ["03-29 00:00", "03-29 01:00", "03-29 02:00"]),
        ("0 * * * *", "Europe/Vienna", "2026-10-24T22:30Z", "2026-10-25T02:30Z",
         ["10-24 23:00", "10-25 00:00", "10-25 01:00", "10-25 02:00"]),
        ("30 */2 * * *", "Europe/Vienna", "2026-10-24T21:00Z", "2026-10-25T04:00Z",
         ["10-24 22:30", "10-25 00:30", "10-25 01:30", "10-25 03:30"]),
        # rate(...) knows no clocks.
        ("rate(1 hour)", "Europe/Vienna", "2026-10-24T22:30Z", "2026-10-25T02:30Z",
         ["10-24 23:00", "10-25 00:00", "10-25 01:00", "10-25 02:00"]),
    ],
)  # fmt: skip
def test_a_star_in_minute_or_hour_follows_real_time(text, zone, start, end, expected):
    assert slots(text, zone, start, end) == expected


def test_the_second_pass_is_seen_when_the_expression_has_no_day_left():
    # 2021-10-31 is the last day that matches; the clock shows 02:xx again after it has shown 02:55.
    found = slots("cron(*/30 2 31 10 ? 2021)", "Europe/Vienna", "2021-10-31T00:35Z", "2022-10-31T00:00Z")
    assert found == ["10-31 01:00", "10-31 01:30"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # Lord Howe changes by half an hour: 02:00 -> 02:30 on 10-04 at 15:30Z of the day before.
        ("15 2 * * *", ["10-02 15:45", "10-03 15:30", "10-04 15:15"]),
        ("0,15,45 2 * * *", ["10-02 15:30", "10-02 15:45", "10-02 16:15", "10-03 15:30", "10-03 15:45",
                             "10-04 15:00", "10-04 15:15", "10-04 15:45"]),
    ],
)  # fmt: skip
def test_a_gap_of_half_an_hour(text, expected):
    assert slots(text, "Australia/Lord_Howe", "2026-10-02T12:00Z", "2026-10-05T12:00Z") == expected


def test_a_fold_of_half_an_hour():
    # 02:00 -> 01:30 on 2026-04-05 at 15:00Z of the day before.
    window = ("Australia/Lord_Howe", "2026-04-04T12:00Z", "2026-04-04T18:00Z")
    assert slots("45 1 * * *", *window) == ["04-04 14:45"]
    assert slots("45 * * * *", *window) == ["04-04 12:45", "04-04 13:45", "04-04 14:45", "04-04 15:15",
                                            "04-04 16:15", "04-04 17:15"]  # fmt: skip


def test_a_day_that_never_was_has_its_slot_when_the_next_one_begins():
    # Apia went from 2011-12-29 24:00 (-10) to 2011-12-31 00:00 (+14) at 10:00Z.
    window = ("Pacific/Apia", "2011-12-29T00:00Z", "2012-01-01T00:00Z")
    assert slots("30 12 * * *", *window) == ["12-29 22:30", "12-30 10:00", "12-30 22:30", "12-31 22:30"]
    assert slots("0 0 30 12 *", *window) == ["12-30 10:00"]
    assert slots("0 0,12 30 * *", *window) == ["12-30 10:00"]
    # Real time goes on in steps of six hours: 29th 18:00, then 31st 00:00.
    assert slots("0 */6 * * *", "Pacific/Apia", "2011-12-30T00:00Z", "2011-12-31T00:00Z") == [
        "12-30 04:00", "12-30 10:00", "12-30 16:00", "12-30 22:00",
    ]  # fmt: skip


def test_a_fold_that_reaches_into_the_day_before():
    # St John's changed at one minute past midnight: 00:01 -> 23:01 of the day before, on 2008-11-02 at 02:31Z.
    window = ("America/St_Johns", "2008-11-01T12:00Z", "2008-11-03T12:00Z")
    assert slots("0 0 * * *", *window) == ["11-02 02:30", "11-03 03:30"]
    assert slots("30 23 * * *", *window) == ["11-02 02:00", "11-03 03:00"]
    assert slots("*/30 0,23 * * *", *window) == ["11-02 01:30", "11-02 02:00", "11-02 02:30", "11-02 03:00",
                                                 "11-02 03:30", "11-02 04:00", "11-03 02:30", "11-03 03:00",
                                                 "11-03 03:30", "11-03 04:00"]  # fmt: skip


def test_at_is_a_fixed_time():
    skipped = parse_schedule("at(2026-03-29T02:30:00)", ZoneInfo("Europe/Vienna"))
    doubled = parse_schedule("at(2026-10-25T02:30:07)", ZoneInfo("Europe/Vienna"))
    start = datetime(2026, 1, 1, tzinfo=UTC)
    assert skipped.next_after(start) == datetime(2026, 3, 29, 1, tzinfo=UTC)
    assert doubled.next_after(start) == datetime(2026, 10, 25, 0, 30, 7, tzinfo=UTC)


def test_a_time_that_a_zone_skips_on_all_of_its_days_is_looked_for_no_farther_than_now():
    # A 29th of March that is a Sunday is the last one of the month: since 1980 Vienna's clocks skip this hour on it.
    schedule = parse_schedule("* 2 29 3 */8", ZoneInfo("Europe/Vienna"))
    asked = []

    class Counted:
        def next_after(self, instant, zone, until):
            asked.append(until)
            return schedule.when.next_after(instant, zone, until)

    now = datetime(2026, 3, 30, tzinfo=UTC)
    assert replace(schedule, when=Counted()).latest(now) == datetime(1970, 3, 29, 1, 59, tzinfo=UTC)
    assert set(asked) == {now}


def test_a_zone_whose_offset_has_seconds():
    # Monrovia was 44 minutes and 30 seconds behind until 1972: whole local minutes are not whole ones in UTC.
    schedule = parse_schedule("0 0 * * *", ZoneInfo("Africa/Monrovia"))
    assert schedule.next_after(datetime(1971, 6, 1, tzinfo=UTC)) == datetime(
        1971, 6, 1, 0, 44, 30, tzinfo=UTC
    )
    assert parse_schedule("*/30 * * * *", ZoneInfo("Africa/Monrovia")).next_after(
        datetime(1971, 6, 1, 0, 44, 30, tzinfo=UTC)
    ) == datetime(1971, 6, 1, 1, 14, 30, tzinfo=UTC)
