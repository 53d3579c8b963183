"""Unix cron as vixie cron reads it: crontab(5), and entry.c where crontab(5) leaves a question open."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dr.errors import UsageError
from dr.slots import next_slots, parse_schedule

ZONE = ZoneInfo("UTC")
# A Sunday; the year has no 29 February.
START = datetime(2026, 3, 1, tzinfo=UTC)


def slots(text, count, start=START):
    return [f"{slot:%a %m-%d %H:%M}" for slot in next_slots([parse_schedule(text, ZONE)], start, count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The example file of crontab(5).
        ("5 0 * * *", ["Sun 03-01 00:05", "Mon 03-02 00:05"]),
        ("15 14 1 * *", ["Sun 03-01 14:15", "Wed 04-01 14:15"]),
        ("0 22 * * 1-5", ["Mon 03-02 22:00", "Tue 03-03 22:00"]),
        ("23 0-23/2 * * *", ["Sun 03-01 00:23", "Sun 03-01 02:23"]),
        ("5 4 * * sun", ["Sun 03-01 04:05", "Sun 03-08 04:05"]),
        # Lists, ranges, steps, names.
        ("0 1,2,5,9 * * *", ["Sun 03-01 01:00", "Sun 03-01 02:00", "Sun 03-01 05:00", "Sun 03-01 09:00"]),
        ("0 0-2,8-9 * * *", ["Sun 03-01 01:00", "Sun 03-01 02:00", "Sun 03-01 08:00", "Sun 03-01 09:00"]),
        ("*/20 3 * * *", ["Sun 03-01 03:00", "Sun 03-01 03:20", "Sun 03-01 03:40", "Mon 03-02 03:00"]),
        ("10-40/15 3 * * *", ["Sun 03-01 03:10", "Sun 03-01 03:25", "Sun 03-01 03:40", "Mon 03-02 03:10"]),
        ("0 0 1 Jan-Feb,jul *", ["Wed 07-01 00:00", "Fri 01-01 00:00", "Mon 02-01 00:00"]),
        ("0 0 * * Mon-Wed,FRI", ["Mon 03-02 00:00", "Tue 03-03 00:00", "Wed 03-04 00:00", "Fri 03-06 00:00"]),
        ("00 012 01 04 *", ["Wed 04-01 12:00"]),
        ("  0\t0 1   1 * ", ["Fri 01-01 00:00"]),
        # A step that is wider than its range leaves the first value.
        ("*/90 3 * * *", ["Sun 03-01 03:00", "Mon 03-02 03:00"]),
        # 0 and 7 are Sunday, also inside ranges and steps, which run from 0 to 7.
        ("0 12 * * 0", ["Sun 03-01 12:00", "Sun 03-08 12:00"]),
        ("0 12 * * 7", ["Sun 03-01 12:00", "Sun 03-08 12:00"]),
        ("0 12 * * 5-7", ["Sun 03-01 12:00", "Fri 03-06 12:00", "Sat 03-07 12:00", "Sun 03-08 12:00"]),
        ("0 12 * * */7", ["Sun 03-01 12:00", "Sun 03-08 12:00"]),
        ("0 12 * * 1-7/3", ["Sun 03-01 12:00", "Mon 03-02 12:00", "Thu 03-05 12:00", "Sun 03-08 12:00"]),
    ],
)
def test_fields_are_read_as_crontab_documents_them(text, expected):
    assert slots(text, len(expected)) == expected


def test_a_day_needs_one_of_both_day_fields_when_both_are_restricted():
    # crontab(5): 4:30 on the 1st and 15th of each month, plus every Friday.
    expected = ["Sun 03-01 04:30", "Fri 03-06 04:30", "Fri 03-13 04:30", "Sun 03-15 04:30", "Fri 03-20 04:30"]
    assert slots("30 4 1,15 * 5", 5) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0 4 */2 * 5", ["Fri 03-13 04:00", "Fri 03-27 04:00", "Fri 04-03 04:00"]),
        ("0 4 *,5 * 5", ["Fri 03-06 04:00", "Fri 03-13 04:00", "Fri 03-20 04:00"]),
        ("0 4 13 * */5", ["Fri 03-13 04:00", "Sun 09-13 04:00", "Fri 11-13 04:00"]),
        ("0 4 13 * *", ["Fri 03-13 04:00", "Mon 04-13 04:00", "Wed 05-13 04:00"]),
        # The same days written without a star: restricted, so either is enough.
        ("0 4 1-31/2 * 5", ["Sun 03-01 04:00", "Tue 03-03 04:00", "Thu 03-05 04:00", "Fri 03-06 04:00"]),
    ],
)
def test_a_day_field_that_begins_with_a_star_does_not_restrict_and_both_must_match(text, expected):
    assert slots(text, len(expected)) == expected


@pytest.mark.parametrize(
    ("word", "fields"),
    [
        ("@hourly", "0 * * * *"),
        ("@daily", "0 0 * * *"),
        ("@midnight", "0 0 * * *"),
        ("@weekly", "0 0 * * 0"),
        ("@monthly", "0 0 1 * *"),
        ("@yearly", "0 0 1 1 *"),
        ("@annually", "0 0 1 1 *"),
    ],
)
def test_words_are_the_fields_that_crontab_gives_for_them(word, fields):
    assert parse_schedule(word, ZONE).when == parse_schedule(fields, ZONE).when


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("60 * * * *", "minute 60 is outside 0-59"),
        ("* 24 * * *", "hour 24 is outside 0-23"),
        ("* * 0 * *", "day-of-month 0 is outside 1-31"),
        ("* * * 13 *", "month 13 is outside 1-12"),
        ("* * * * 8", "day-of-week 8 is outside 0-7"),
        ("* * * January *", "month 'January' is no value"),
        ("* mon * * *", "hour 'mon' is no value"),
        ("*/0 * * * *", "minute: the step '0' is no whole number above 0"),
        ("*/x * * * *", "minute: the step 'x' is no whole number above 0"),
        ("*/ * * * *", "minute: the step '' is no whole number above 0"),
        ("5/15 * * * *", "minute '5/15': a step needs a range or *"),
        ("40-10 * * * *", "minute 40-10: the range runs backwards"),
        ("0 0 * * fri-sun", "day-of-week 5-0: the range runs backwards"),
        ("1,,2 * * * *", "minute has an empty item"),
        ("1, * * * *", "minute has an empty item"),
        ("-5 * * * *", "minute has an empty item"),
        ("*-5 * * * *", "minute '*' is no value"),
        ("1-2-3 * * * *", "minute '2-3' is no value"),
        ("*/2/3 * * * *", "minute: the step '2/3' is no whole number above 0"),
        ("+5 * * * *", "minute '+5' is no value"),
        ("٣ * * * *", "minute '٣' is no value"),
        ("0 0 L * *", "day-of-month 'L' is no value"),
        ("0 0 * * ?", "'?' is no Unix cron"),
        ("0 0 * * 3#2", "'3#2' is no Unix cron"),
        ("0 0 * *", "Unix cron has five fields, this has 4"),
        ("0 0 * * * *", "Unix cron has five fields, this has 6"),
        ("@reboot", "@reboot names no time"),
        ("@dayly", "unknown word @dayly"),
        ("", "the expression is empty"),
        ("   ", "the expression is empty"),
        ("every day", "Unix cron has five fields, this has 2"),
    ],
)
def test_a_faulty_expression_is_refused_with_the_reason_and_a_remedy(text, message):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.message == f'schedule "{text}": {message}'
    assert refused.value.remedy


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("5/15 * * * *", "write 5-59/15"),
        ("0 22-2 * * *", "write 22-23,0-2"),
        ("0 0 * * fri-sun", "write 5-7,0"),
        ("@dayly", "did you mean @daily?"),
        ("0 0 * * * *", "EventBridge's form is cron(minutes hours day-of-month month day-of-week year)"),
        ("0 0 * * ? *", "EventBridge's six fields are written cron(0 0 * * ? *); Unix cron has five"),
    ],
)
def test_a_refusal_suggests_what_to_write(text, remedy):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.remedy == remedy


@pytest.mark.parametrize("text", ["0 0 31 2 *", "0 0 30 2 *", "0 0 31 4,6,9,11 *", "0 0 30-31 2 */2"])
def test_a_day_that_never_comes_is_refused(text):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.message == f'schedule "{text}" can never fire'


def test_a_day_that_never_comes_is_no_fault_beside_a_weekday():
    # Either of the two is enough, so the Mondays of February remain.
    assert slots("0 0 30 2 1", 2) == ["Mon 02-01 00:00", "Mon 02-08 00:00"]


def test_the_29th_of_february_waits_for_its_weekday():
    schedule = parse_schedule("0 0 29 2 */7", ZONE)
    found = next_slots([schedule], datetime(2026, 1, 1, tzinfo=UTC), 4)
    assert [slot.year for slot in found] == [2032, 2060, 2088, 2128]
