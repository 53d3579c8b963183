"""What `dr retention` reads and answers (DESIGN 9)."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import pytest

from dr.durations import Duration
from dr.errors import UsageError
from dr.model import RetentionRule
from dr.retention import parse_keep, parse_times, retention_answer

ZONE = ZoneInfo("UTC")


def test_the_answer_echoes_the_input_in_its_order():
    times = ["2026-05-01T02:00:00+02:00", "2026-05-03T00:00Z", "2026-05-02 00:00:00.5Z", "20260430T000000Z"]
    assert retention_answer(times, RetentionRule(last=1, daily=4), ZONE) == {
        "keep": [
            {"time": "2026-05-01T02:00:00+02:00", "reasons": ["daily"]},
            {"time": "2026-05-03T00:00Z", "reasons": ["last", "daily"]},
            {"time": "2026-05-02 00:00:00.5Z", "reasons": ["daily"]},
            {"time": "20260430T000000Z", "reasons": ["daily"]},
        ],
        "expire": [],
    }


def test_what_no_rule_claims_expires():
    times = ["2026-05-01T00:00Z", "2026-05-03T00:00Z", "2026-05-02T00:00Z"]
    assert retention_answer(times, RetentionRule(last=1), ZONE) == {
        "keep": [{"time": "2026-05-03T00:00Z", "reasons": ["last"]}],
        "expire": ["2026-05-01T00:00Z", "2026-05-02T00:00Z"],
    }


def test_of_equal_instants_the_first_counts_and_the_rest_expire():
    times = ["2026-05-03T02:00+02:00", "2026-05-03T00:00Z", "2026-05-02T00:00Z", "2026-05-03T02:00+02:00"]
    assert retention_answer(times, RetentionRule(last=2), ZONE) == {
        "keep": [
            {"time": "2026-05-03T02:00+02:00", "reasons": ["last"]},
            {"time": "2026-05-02T00:00Z", "reasons": ["last"]},
        ],
        "expire": ["2026-05-03T00:00Z", "2026-05-03T02:00+02:00"],
    }


def test_no_times_no_points():
    assert retention_answer([], RetentionRule(last=2), ZONE) == {"keep": [], "expire": []}


@pytest.mark.parametrize(
    ("time", "message"),
    [
        ("2026-05-03T02:00", "time 2 ('2026-05-03T02:00') has no offset"),
        ("2026-05-03", "time 2 ('2026-05-03') has no offset"),
        ("yesterday", "time 2 ('yesterday') is no ISO 8601 time"),
        ("2026-02-30T00:00Z", "time 2 ('2026-02-30T00:00Z') is no ISO 8601 time"),
        ("0001-01-01T00:00+14:00", "time 2 ('0001-01-01T00:00+14:00') lies outside the years 2 to 9998"),
        ("9999-12-31T23:59-10:00", "time 2 ('9999-12-31T23:59-10:00') lies outside the years 2 to 9998"),
    ],
)
def test_a_faulty_time_is_refused_with_its_position(time, message):
    with pytest.raises(UsageError) as refused:
        retention_answer(["2026-05-03T02:00Z", time], RetentionRule(last=2), ZONE)
    assert refused.value.message == message
    assert refused.value.remedy


def test_keep_is_read_from_one_argument():
    assert parse_keep("last=3,daily=7,within=2d") == RetentionRule(
        last=3, daily=7, within=Duration(seconds=172_800)
    )
    assert parse_keep("hourly=1, weekly = 2 ,monthly=3,yearly=04") == RetentionRule(
        hourly=1, weekly=2, monthly=3, yearly=4
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--keep: an empty item is no rule with a value"),
        ("last", "--keep: 'last' is no rule with a value"),
        ("last=", "--keep: 'last=' is no rule with a value"),
        ("last=3,", "--keep: an empty item is no rule with a value"),
        ("last=3,last=3", "--keep: last is named twice"),
        ("dayly=3", "--keep: unknown rule dayly"),
        ("oldest=3", "--keep: unknown rule oldest"),
        ("last=0", "--keep: last=0 is no count"),
        ("last=-1", "--keep: last=-1 is no count"),
        ("last=1.5", "--keep: last=1.5 is no count"),
        ("last=2d", "--keep: last=2d is no count"),
        ("last=1=2", "--keep: last=1=2 is no count"),
        ("within=0d", "duration '0d' is zero"),
        ("within=7", "'7' is no duration"),
    ],
)
def test_a_faulty_keep_is_refused(text, message):
    with pytest.raises(UsageError) as refused:
        parse_keep(text)
    assert refused.value.message == message
    assert refused.value.remedy


def test_an_unknown_rule_has_a_suggestion():
    with pytest.raises(UsageError) as refused:
        parse_keep("dayly=3")
    expected = "did you mean daily? (last, hourly, daily, weekly, monthly, yearly, within)"
    assert refused.value.remedy == expected


def test_times_come_one_on_a_line_or_as_a_json_list():
    expected = ("2026-05-03T02:00Z", "2026-05-02T02:00Z")
    assert parse_times("2026-05-03T02:00Z\n\n  2026-05-02T02:00Z\r\n") == expected
    assert parse_times(' \n["2026-05-03T02:00Z",\n "2026-05-02T02:00Z"]\n') == expected
    assert (parse_times(""), parse_times("[]")) == ((), ())


@pytest.mark.parametrize(
    "text", ['["2026-05-03T02:00Z"', "[1]", "[null]", '[["2026-05-03T02:00Z"]]', "[" * 100_000]
)
def test_a_faulty_list_is_refused(text):
    with pytest.raises(UsageError) as refused:
        parse_times(text)
    assert refused.value.remedy


@pytest.mark.parametrize(
    "keep", ["x" * 100_000, "daily=" + "9" * 100_000, "x" * 100_000 + "=1", "within=" + "x" * 100_000]
)
def test_a_rule_that_is_none_is_told_by_its_beginning(keep):
    with pytest.raises(UsageError) as refused:
        parse_keep(keep)
    assert len(refused.value.message) < 400


@pytest.mark.parametrize(
    "time", ["2026-03-29T01:00:00." + "0" * 100_000, "0001-01-01T00:00:00Z", "x" * 100_000]
)
def test_a_time_that_is_none_is_told_by_its_beginning(time):
    with pytest.raises(UsageError) as refused:
        retention_answer([time], RetentionRule(last=1), ZoneInfo("UTC"))
    assert len(refused.value.message) < 200
