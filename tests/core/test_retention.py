"""Which points stay, and why (DESIGN 7)."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from dr.durations import parse_duration
from dr.model import RetentionRule
from dr.retention import Candidate, retain

ZONE = ZoneInfo("UTC")
VIENNA = ZoneInfo("Europe/Vienna")


def points(*slots, archived=()):
    """Points whose id is their slot as it is written here; those that stand in `archived` are."""
    return [Candidate(id=slot, slot=at(slot), time=at(slot), archived=slot in archived) for slot in slots]


def at(text):
    moment = datetime.fromisoformat(text)
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def kept(found):
    return {id_: list(reasons) for id_, reasons in found.items() if reasons}


def test_last_keeps_the_newest_slots():
    found = retain(points("2026-01-01", "2026-01-05", "2026-01-03"), RetentionRule(last=2), ZONE)
    assert found == {"2026-01-01": (), "2026-01-05": ("last",), "2026-01-03": ("last",)}


@pytest.mark.parametrize(
    ("rule", "slots", "expected"),
    [
        (
            RetentionRule(hourly=2),
            ["2026-05-01T10:59", "2026-05-01T10:00", "2026-05-01T09:59", "2026-05-01T08:00"],
            ["2026-05-01T10:59", "2026-05-01T09:59"],
        ),
        (
            RetentionRule(daily=2),
            ["2026-05-03T23:00", "2026-05-03T00:00", "2026-05-02T12:00", "2026-05-01T12:00"],
            ["2026-05-03T23:00", "2026-05-02T12:00"],
        ),
        # ISO weeks begin on Monday, and the week of a New Year may belong to the year before.
        (
            RetentionRule(weekly=2),
            ["2026-01-05", "2026-01-04", "2025-12-29", "2025-12-28"],
            ["2026-01-05", "2026-01-04"],
        ),
        (
            RetentionRule(monthly=2),
            ["2026-03-01", "2026-02-28", "2026-02-01", "2026-01-31"],
            ["2026-03-01", "2026-02-28"],
        ),
        (
            RetentionRule(yearly=2),
            ["2026-01-01", "2025-12-31", "2025-01-01", "2024-12-31"],
            ["2026-01-01", "2025-12-31"],
        ),
        # Periods without a point are not counted.
        (
            RetentionRule(daily=3),
            ["2026-05-20", "2026-05-10", "2025-05-10", "2024-05-10"],
            ["2026-05-20", "2026-05-10", "2025-05-10"],
        ),
    ],
)
def test_a_period_rule_keeps_the_newest_point_of_each_of_the_newest_periods(rule, slots, expected):
    assert list(kept(retain(points(*slots), rule, ZONE))) == expected


def test_periods_are_those_of_the_zone():
    # 23:30Z is half past midnight of the next day in Vienna, and of the next year.
    slots = ("2025-12-31T23:30", "2025-12-31T22:30")
    rule = RetentionRule(yearly=1)
    assert list(kept(retain(points(*slots), rule, ZONE))) == ["2025-12-31T23:30"]
    rule = RetentionRule(yearly=2)
    assert kept(retain(points(*slots), rule, VIENNA)) == {
        "2025-12-31T23:30": ["yearly"],
        "2025-12-31T22:30": ["yearly"],
    }


def test_the_two_hours_of_one_name_are_two():
    # In Vienna 02:30 comes twice on 2026-10-25: at 00:30Z and at 01:30Z.
    slots = ("2026-10-25T01:30", "2026-10-25T00:30", "2026-10-24T23:30")
    assert list(kept(retain(points(*slots), RetentionRule(hourly=2), VIENNA))) == list(slots[:2])


def test_the_oldest_point_stays_while_a_period_rule_is_not_full():
    slots = ("2026-05-03T12:00", "2026-05-02T12:00", "2026-05-02T06:00", "2026-05-02T00:00")
    assert kept(retain(points(*slots), RetentionRule(daily=3), ZONE)) == {
        "2026-05-03T12:00": ["daily"],
        "2026-05-02T12:00": ["daily"],
        "2026-05-02T00:00": ["oldest"],
    }


def test_a_full_rule_lets_the_oldest_point_go():
    slots = ("2026-05-03T12:00", "2026-05-02T12:00", "2026-05-02T00:00")
    assert list(kept(retain(points(*slots), RetentionRule(daily=2), ZONE))) == list(slots[:2])


def test_one_rule_that_is_not_full_is_enough_for_the_oldest():
    slots = ("2026-05-03T12:00", "2026-05-02T12:00", "2026-05-02T00:00")
    rule = RetentionRule(daily=1, monthly=2)
    assert kept(retain(points(*slots), rule, ZONE)) == {
        "2026-05-03T12:00": ["daily", "monthly"],
        "2026-05-02T00:00": ["oldest"],
    }


def test_the_oldest_is_named_also_where_a_period_claims_it():
    assert retain(points("2026-05-03"), RetentionRule(daily=2), ZONE) == {"2026-05-03": ("daily", "oldest")}
    assert retain(points("2026-05-03"), RetentionRule(daily=1), ZONE) == {"2026-05-03": ("daily",)}


def test_last_and_within_know_no_oldest():
    slots = ("2026-05-03", "2026-05-02", "2026-05-01")
    rule = RetentionRule(last=5, within=parse_duration("9y"))
    assert set(retain(points(*slots), rule, ZONE).values()) == {("last", "within")}
    rule = RetentionRule(last=1, within=parse_duration("1h"))
    assert list(kept(retain(points(*slots), rule, ZONE))) == ["2026-05-03"]


def test_within_is_measured_from_the_newest_point_and_is_exclusive():
    slots = ("2026-05-10T12:00", "2026-05-09T12:00:01", "2026-05-09T12:00", "2026-05-09T11:59")
    found = retain(points(*slots), RetentionRule(within=parse_duration("1d")), ZONE)
    assert kept(found) == {"2026-05-10T12:00": ["within"], "2026-05-09T12:00:01": ["within"]}


def test_within_months_are_the_zones_calendar():
    # A month before 2026-03-31 is 2026-02-28, in Vienna.
    slots = ("2026-03-31T10:00", "2026-02-28T11:00:01", "2026-02-28T11:00")
    found = retain(points(*slots), RetentionRule(within=parse_duration("1mo")), VIENNA)
    assert list(kept(found)) == ["2026-03-31T10:00", "2026-02-28T11:00:01"]


def test_within_goes_by_time_and_the_others_by_slot():
    # The point of the slot of the 9th was taken late, on the 10th.
    late = Candidate(id="late", slot=at("2026-05-09"), time=at("2026-05-10T06:00"))
    newest = Candidate(id="newest", slot=at("2026-05-11"), time=at("2026-05-11"))
    rule = RetentionRule(last=1, within=parse_duration("1d"))
    assert retain([late, newest], rule, ZONE) == {"late": ("within",), "newest": ("last", "within")}
    assert retain([late, newest], RetentionRule(daily=1), ZONE) == {"late": (), "newest": ("daily",)}


def test_reasons_stand_in_one_order():
    rule = RetentionRule(
        last=1, hourly=1, daily=1, weekly=1, monthly=1, yearly=2, within=parse_duration("1h")
    )
    everything = ("last", "hourly", "daily", "weekly", "monthly", "yearly", "oldest", "within")
    assert retain(points("2026-05-03"), rule, ZONE) == {"2026-05-03": everything}


def test_i2_archived_points_count_for_the_period_rules_but_not_for_last():
    slots = ("2026-05-04", "2026-05-03", "2026-05-02", "2026-05-01")
    found = retain(points(*slots, archived=slots[:2]), RetentionRule(last=1, daily=3), ZONE)
    assert kept(found) == {
        "2026-05-04": ["daily"],
        "2026-05-03": ["daily"],
        "2026-05-02": ["last", "daily"],
    }


def test_i2_within_is_not_measured_from_an_archived_point():
    slots = ("2026-05-20", "2026-05-10", "2026-05-09")
    rule = RetentionRule(within=parse_duration("2d"))
    assert list(kept(retain(points(*slots, archived=slots[:1]), rule, ZONE))) == list(slots)


def test_within_is_measured_from_the_newest_of_all_when_all_are_archived():
    slots = ("2026-05-20", "2026-05-10")
    found = retain(points(*slots, archived=slots), RetentionRule(within=parse_duration("2d")), ZONE)
    assert found == {"2026-05-20": ("within",), "2026-05-10": ()}


def test_rule_1_the_newest_point_stays_where_an_archived_one_takes_its_place():
    slots = ("2026-05-03T12:00", "2026-05-03T06:00")
    found = retain(points(*slots, archived=slots[:1]), RetentionRule(daily=1), ZONE)
    assert found == {"2026-05-03T12:00": ("daily",), "2026-05-03T06:00": ("newest",)}


def test_rule_1_the_newest_point_is_the_one_whose_data_is_newest():
    older_slot = Candidate(id="a", slot=at("2026-05-01"), time=at("2026-05-09"))
    newer_slot = Candidate(id="b", slot=at("2026-05-02"), time=at("2026-05-02"))
    assert retain([older_slot, newer_slot], RetentionRule(last=1), ZONE) == {"a": ("newest",), "b": ("last",)}


def test_nothing_keeps_nothing():
    assert retain([], RetentionRule(last=3, daily=7, within=parse_duration("1d")), ZONE) == {}


def test_a_year_of_hours_is_thinned_out_to_what_the_rules_promise():
    start = datetime(2025, 1, 1, tzinfo=UTC)
    hours = [start + timedelta(hours=n) for n in range(365 * 24)]
    candidates = [Candidate(id=slot.isoformat(), slot=slot, time=slot) for slot in hours]
    rule = RetentionRule(last=3, hourly=24, daily=7, weekly=5, monthly=12, yearly=3)
    found = kept(retain(candidates, rule, ZONE))
    count = {name: sum(name in reasons for reasons in found.values()) for name in ("last", "hourly", "daily")}
    assert count == {"last": 3, "hourly": 24, "daily": 7}
    assert [id_ for id_, reasons in found.items() if "weekly" in reasons] == [
        "2025-12-07T23:00:00+00:00",
        "2025-12-14T23:00:00+00:00",
        "2025-12-21T23:00:00+00:00",
        "2025-12-28T23:00:00+00:00",
        "2025-12-31T23:00:00+00:00",
    ]
    # Three years are wanted and there is one, so the very first point stays too.
    assert found["2025-01-01T00:00:00+00:00"] == ["oldest"]
    assert len(found) == 24 + 6 + 3 + 11 + 1
