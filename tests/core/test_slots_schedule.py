"""What a schedule answers: next, latest, between; several schedules as one; and quickly."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from dr.errors import UsageError
from dr.slots import latest_slot, next_slots, parse_schedule, period

ZONE = ZoneInfo("UTC")
VIENNA = ZoneInfo("Europe/Vienna")


def at(text):
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("text", "now", "latest", "upcoming"),
    [
        ("0 * * * *", "2026-05-01T10:00:00Z", "2026-05-01T10:00Z", "2026-05-01T11:00Z"),
        ("0 * * * *", "2026-05-01T09:59:59.999999Z", "2026-05-01T09:00Z", "2026-05-01T10:00Z"),
        ("0 * * * *", "2026-05-01T10:00:00.000001Z", "2026-05-01T10:00Z", "2026-05-01T11:00Z"),
        ("0 12 1 1 *", "2026-01-01T11:59:00Z", "2025-01-01T12:00Z", "2026-01-01T12:00Z"),
        ("rate(1 hour)", "2026-05-01T10:00:00Z", "2026-05-01T10:00Z", "2026-05-01T11:00Z"),
        ("at(2026-05-01T10:00:00)", "2026-05-01T10:00:00Z", "2026-05-01T10:00Z", None),
        ("at(2026-05-01T10:00:00)", "2026-05-01T09:59:59Z", None, "2026-05-01T10:00Z"),
        ("cron(0 0 1 1 ? 2025)", "2026-05-01T10:00:00Z", "2025-01-01T00:00Z", None),
        ("cron(0 0 1 1 ? 2027)", "2026-05-01T10:00:00Z", None, "2027-01-01T00:00Z"),
        ("0 0 * * *", "1960-01-01T00:00:00Z", None, "1970-01-01T00:00Z"),
        ("0 0 * * *", "1970-01-01T00:00:00Z", "1970-01-01T00:00Z", "1970-01-02T00:00Z"),
        ("0 0 * * *", "9998-12-31T12:00:00Z", "9998-12-31T00:00Z", None),
        ("0 0 * * *", "9999-12-31T23:59:59Z", "9998-12-31T00:00Z", None),
        ("rate(1 day)", "9999-12-31T23:59:59Z", "9999-01-03T00:00Z", None),
        ("0 0 * * *", "0001-01-01T00:00:00Z", None, "1970-01-01T00:00Z"),
    ],
)
def test_latest_is_at_or_before_now_and_next_is_strictly_after(text, now, latest, upcoming):
    schedule = parse_schedule(text, ZONE)
    expected = (latest and at(latest), upcoming and at(upcoming))
    assert (schedule.latest(at(now)), schedule.next_after(at(now))) == expected


def test_between_leaves_out_its_start_and_holds_its_end():
    schedule = parse_schedule("0 * * * *", ZONE)
    found = list(schedule.between(at("2026-05-01T10:00Z"), at("2026-05-01T12:00Z")))
    assert found == [at("2026-05-01T11:00Z"), at("2026-05-01T12:00Z")]


def test_slots_are_in_utc_whatever_zone_is_asked_in():
    schedule = parse_schedule("30 3 * * *", VIENNA)
    asked = at("2026-05-01T12:00:00Z").astimezone(timezone(timedelta(hours=-8)))
    found = [schedule.next_after(asked), schedule.latest(asked)]
    assert [(slot.isoformat(), slot.tzinfo) for slot in found] == [
        ("2026-05-02T01:30:00+00:00", UTC),
        ("2026-05-01T01:30:00+00:00", UTC),
    ]


def test_a_schedule_keeps_its_text_and_compares_by_value():
    first, second = parse_schedule(" 0 * * * * ", VIENNA), parse_schedule("0 * * * *", VIENNA)
    assert (first.text, first, hash(first)) == ("0 * * * *", second, hash(second))
    assert first != parse_schedule("0 * * * *", ZONE)


def test_several_schedules_are_one_and_an_instant_counts_once():
    schedules = [parse_schedule("0 */6 * * *", ZONE), parse_schedule("0 12,13 * * *", ZONE)]
    now = at("2026-05-01T12:30Z")
    assert latest_slot(schedules, now) == at("2026-05-01T12:00Z")
    assert next_slots(schedules, at("2026-05-01T06:00Z"), 4) == (
        at("2026-05-01T12:00Z"),
        at("2026-05-01T13:00Z"),
        at("2026-05-01T18:00Z"),
        at("2026-05-02T00:00Z"),
    )


def test_next_slots_are_fewer_when_the_expression_ends():
    schedules = [parse_schedule("cron(0 0 1 * ? 2026)", ZONE)]
    assert next_slots(schedules, at("2026-10-15T00:00Z"), 5) == (
        at("2026-11-01T00:00Z"),
        at("2026-12-01T00:00Z"),
    )
    assert latest_slot([], at("2026-10-15T00:00Z")) is None


@pytest.mark.parametrize(
    ("texts", "now", "seconds"),
    [
        (["0 * * * *"], "2026-05-01T12:30Z", 3_600),
        (["0 0 * * *"], "2026-03-30T12:00Z", 23 * 3_600),
        (["0 0 1 * *"], "2026-03-15T12:00Z", 28 * 86_400),
        (["0 */6 * * *", "0 13 * * *"], "2026-05-01T13:30Z", 3_600),
        # Before there are two slots behind us, the nearest two are taken.
        (["cron(0 0 * * ? 2026)"], "2026-01-01T12:00Z", 86_400),
        (["cron(0 0 * * ? 2027)"], "2026-05-01T12:00Z", 86_400),
        (["at(2026-05-01T10:00:00)"], "2026-05-01T12:00Z", None),
        (["at(2026-05-01T10:00:00)", "at(2026-05-02T10:00:00)"], "2026-05-01T12:00Z", 86_400),
    ],
)
def test_the_period_is_the_distance_of_the_latest_two_slots(texts, now, seconds):
    assert period([parse_schedule(text, VIENNA) for text in texts], at(now)) == seconds


@pytest.mark.parametrize(
    "text",
    [
        "* * * * *",
        "0 0 29 2 */7",
        "0 0 29 2 *",
        "cron(0 0 1 1 ? 2199)",
        "cron(*/5 1 1 11 ? *)",
        "cron(0 0 29W 2 ? *)",
        "cron(0 0 ? 2 7#5 *)",
        "rate(365 days)",
        "at(2199-12-31T23:59:59)",
    ],
)
def test_the_rarest_expressions_answer_in_milliseconds(text):
    schedule = parse_schedule(text, ZoneInfo("America/New_York"))
    begin = time.process_time()
    for year in range(2000, 2050):
        instant = datetime(year, 6, 15, 12, 34, tzinfo=UTC)
        schedule.next_after(instant)
        schedule.latest(instant)
    assert (time.process_time() - begin) / 50 < 0.2


def test_an_expression_of_500_characters_is_read_and_a_longer_one_is_refused_by_its_beginning():
    text = "0 0 * * *"
    assert parse_schedule(" " * (500 - len(text)) + text, ZONE).text == text
    with pytest.raises(UsageError) as refused:
        parse_schedule("0," * 100_000 + "0 0 * * *", ZONE)
    assert "longer than 500 characters" in refused.value.message
    assert (refused.value.remedy, len(refused.value.message) < 300) == (
        "a schedule may be a list instead",
        True,
    )


def test_every_value_of_every_field_fits_into_an_expression():
    values = (range(60), range(24), range(1, 32), range(1, 13), range(7))
    text = " ".join(",".join(map(str, field)) for field in values)
    assert next_slots([parse_schedule(text, ZONE)], at("2026-05-01T10:00Z"), 1) == (at("2026-05-01T10:01Z"),)


@pytest.mark.parametrize("text", ["x" * 400, "* * * * " + "9" * 400, "rate(" + "9" * 400 + " days)"])
def test_a_message_shows_the_beginning_of_a_long_expression_only(text):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    shown = refused.value.message.partition('"')[2].rpartition('"')[0]
    assert shown.startswith(text[:20].strip())
    assert len(refused.value.message.partition('": ')[0]) <= 213


def test_a_long_expression_that_never_fires_is_shown_by_its_beginning():
    with pytest.raises(UsageError) as refused:
        parse_schedule("0 0 " + ",".join(["31"] * 100) + " 2 *", ZONE)
    assert refused.value.message.endswith('..." can never fire')
    assert len(refused.value.message) < 250
