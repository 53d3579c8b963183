"""EventBridge's expressions: what AWS documents, and nothing more.

Sources: EventBridge User Guide, "Cron expressions reference", "Rate expressions reference"; EventBridge Scheduler
User Guide, "Schedule types".
"""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dr.errors import UsageError
from dr.slots import next_slots, parse_schedule

ZONE = ZoneInfo("UTC")
# A Sunday.
START = datetime(2026, 3, 1, tzinfo=UTC)


def slots(text, count, start=START):
    return [f"{slot:%a %Y-%m-%d %H:%M}" for slot in next_slots([parse_schedule(text, ZONE)], start, count)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # The examples of both guides.
        ("cron(0 10 * * ? *)", ["Sun 2026-03-01 10:00", "Mon 2026-03-02 10:00"]),
        ("cron(15 12 * * ? *)", ["Sun 2026-03-01 12:15", "Mon 2026-03-02 12:15"]),
        ("cron(0 18 ? * MON-FRI *)", ["Mon 2026-03-02 18:00", "Tue 2026-03-03 18:00"]),
        ("cron(0 8 1 * ? *)", ["Sun 2026-03-01 08:00", "Wed 2026-04-01 08:00"]),
        ("cron(0/15 * * * ? *)", ["Sun 2026-03-01 00:15", "Sun 2026-03-01 00:30", "Sun 2026-03-01 00:45"]),
        ("cron(0/10 * ? * MON-FRI *)", ["Mon 2026-03-02 00:00", "Mon 2026-03-02 00:10"]),
        ("cron(0/5 8-17 ? * MON-FRI *)", ["Mon 2026-03-02 08:00", "Mon 2026-03-02 08:05"]),
        ("cron(5,35 14 * * ? *)", ["Sun 2026-03-01 14:05", "Sun 2026-03-01 14:35", "Mon 2026-03-02 14:05"]),
        ("cron(15 10 ? * 6L 2026-2027)", ["Fri 2026-03-27 10:15", "Fri 2026-04-24 10:15"]),
        ("cron(0 9 ? * 2#1 *)", ["Mon 2026-03-02 09:00", "Mon 2026-04-06 09:00"]),
        ("cron(1/10 0 1 3 ? 2026)", ["Sun 2026-03-01 00:01", "Sun 2026-03-01 00:11", "Sun 2026-03-01 00:21"]),
        (
            "cron(0/30 20-2 ? * MON-FRI *)",
            ["Mon 2026-03-02 00:00", "Mon 2026-03-02 00:30", "Mon 2026-03-02 01:00", "Mon 2026-03-02 01:30",
             "Mon 2026-03-02 02:00", "Mon 2026-03-02 02:30", "Mon 2026-03-02 20:00"],
        ),
        # 1 is Sunday, 7 is Saturday; a bare L is the last day of the week.
        ("cron(0 0 ? * 1 *)", ["Sun 2026-03-08 00:00", "Sun 2026-03-15 00:00"]),
        ("cron(0 0 ? * 7 *)", ["Sat 2026-03-07 00:00", "Sat 2026-03-14 00:00"]),
        ("cron(0 0 ? * L *)", ["Sat 2026-03-07 00:00", "Sat 2026-03-14 00:00"]),
        ("cron(0 0 ? * FRIL *)", ["Fri 2026-03-27 00:00", "Fri 2026-04-24 00:00"]),
        ("cron(0 0 ? * TUE#2 *)", ["Tue 2026-03-10 00:00", "Tue 2026-04-14 00:00"]),
        # A month without a fifth Monday is left out.
        ("cron(0 0 ? * 2#5 *)", ["Mon 2026-03-30 00:00", "Mon 2026-06-29 00:00", "Mon 2026-08-31 00:00"]),
        ("cron(0 0 L * ? *)", ["Tue 2026-03-31 00:00", "Thu 2026-04-30 00:00"]),
        ("cron(0 0 L 2 ? *)", ["Sun 2027-02-28 00:00", "Tue 2028-02-29 00:00"]),
        # Wrapping ranges, with steps too.
        ("cron(0 0 ? * FRI-MON *)",
         ["Mon 2026-03-02 00:00", "Fri 2026-03-06 00:00", "Sat 2026-03-07 00:00", "Sun 2026-03-08 00:00"]),
        ("cron(0 22-2/2 * * ? *)",
         ["Sun 2026-03-01 02:00", "Sun 2026-03-01 22:00", "Mon 2026-03-02 00:00", "Mon 2026-03-02 02:00"]),
        ("cron(0 0 30-2 * ? *)",
         ["Mon 2026-03-02 00:00", "Mon 2026-03-30 00:00", "Tue 2026-03-31 00:00", "Wed 2026-04-01 00:00"]),
        ("cron(0 0 1 NOV-JAN ? *)", ["Sun 2026-11-01 00:00", "Tue 2026-12-01 00:00", "Fri 2027-01-01 00:00"]),
        # Years.
        ("cron(0 0 1 1 ? 2027,2030-2034/2)",
         ["Fri 2027-01-01 00:00", "Tue 2030-01-01 00:00", "Thu 2032-01-01 00:00", "Sun 2034-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2026/10)", ["Tue 2036-01-01 00:00", "Mon 2046-01-01 00:00"]),
        ("cron(0 0 1 1 ? 2199)", ["Tue 2199-01-01 00:00"]),
        ("cron( 0  0 1 jan ? * )", ["Fri 2027-01-01 00:00"]),
    ],
)  # fmt: skip
def test_cron_fires_as_aws_documents_it(text, expected):
    assert slots(text, len(expected)) == expected


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("cron(0 0 3W * ? *)", (2026, 3, 1), "Tue 2026-03-03 00:00"),
        # Saturday goes back, Sunday goes on ...
        ("cron(0 0 14W * ? *)", (2026, 3, 1), "Fri 2026-03-13 00:00"),
        ("cron(0 0 15W * ? *)", (2026, 3, 1), "Mon 2026-03-16 00:00"),
        # ... but not out of the month.
        ("cron(0 0 1W * ? *)", (2026, 7, 15), "Mon 2026-08-03 00:00"),
        ("cron(0 0 31W * ? *)", (2026, 5, 1), "Fri 2026-05-29 00:00"),
        # A month that lacks the day is left out.
        ("cron(0 0 31W * ? *)", (2026, 6, 1), "Fri 2026-07-31 00:00"),
        ("cron(0 0 29W 2 ? *)", (2026, 1, 1), "Tue 2028-02-29 00:00"),
    ],
)
def test_w_is_the_closest_weekday_in_the_same_month(text, start, expected):
    assert slots(text, 1, datetime(*start, tzinfo=UTC)) == [expected]


def test_an_expression_ends_with_its_years():
    assert slots("cron(0 0 1 6 ? 2026-2027)", 5) == ["Mon 2026-06-01 00:00", "Tue 2027-06-01 00:00"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate(1 minute)", ["2026-03-01 00:01", "2026-03-01 00:02"]),
        ("rate(5 minutes)", ["2026-03-01 00:05", "2026-03-01 00:10"]),
        ("rate(7 minutes)", ["2026-03-01 00:06", "2026-03-01 00:13"]),
        ("rate(1 hour)", ["2026-03-01 01:00", "2026-03-01 02:00"]),
        ("rate(1 day)", ["2026-03-02 00:00", "2026-03-03 00:00"]),
        # 1970-01-01 was a Thursday.
        ("rate(7 days)", ["2026-03-05 00:00", "2026-03-12 00:00"]),
    ],
)
def test_a_rate_is_counted_from_the_beginning_of_1970(text, expected):
    found = next_slots([parse_schedule(text, ZoneInfo("Europe/Vienna"))], START, 2)
    assert [f"{slot:%Y-%m-%d %H:%M}" for slot in found] == expected


def test_a_rate_begins_in_1970():
    schedule = parse_schedule("rate(1 day)", ZONE)
    assert schedule.next_after(datetime(1960, 1, 1, tzinfo=UTC)) == datetime(1970, 1, 1, tzinfo=UTC)
    assert schedule.latest(datetime(1969, 12, 31, 23, 59, tzinfo=UTC)) is None


def test_at_fires_once_in_its_zone():
    # The example of the Scheduler guide: 1pm UTC-8.
    schedule = parse_schedule("at(2022-11-20T13:00:00)", ZoneInfo("America/Los_Angeles"))
    once = datetime(2022, 11, 20, 21, tzinfo=UTC)
    assert list(schedule.between(datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))) == [
        once
    ]
    assert (schedule.next_after(once), schedule.latest(once), schedule.is_once) == (None, once, True)


def test_only_at_is_once():
    texts = ["0 * * * *", "rate(1 hour)", "cron(0 0 1 1 ? 2027)"]
    assert [parse_schedule(text, ZONE).is_once for text in texts] == [False, False, False]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("cron(0 0 LW * ? *)", "day-of-month LW is not documented by AWS"),
        ("cron(0 0 L-3 * ? *)", "day-of-month L-3 is not documented by AWS"),
        ("cron(0 0 1,L * ? *)", "day-of-month 1,L is not documented by AWS"),
        ("cron(0 0 1-15W * ? *)", "day-of-month 1-15W is not documented by AWS"),
        ("cron(0 0 W * ? *)", "day-of-month W is not documented by AWS"),
        ("cron(0 0 32W * ? *)", "day-of-month 32 is outside 1-31"),
        ("cron(0 0 0W * ? *)", "day-of-month 0 is outside 1-31"),
        ("cron(0 0 ? * MON,WED#2 *)", "day-of-week MON,WED#2: with # AWS allows one expression only"),
        ("cron(0 0 ? * 3#1,6#3 *)", "day-of-week 3#1,6#3: with # AWS allows one expression only"),
        ("cron(0 0 ? * 3#6 *)", "day-of-week 3#6: with # AWS allows one expression only"),
        ("cron(0 0 ? * 8#1 *)", "day-of-week 8 is outside 1-7"),
        ("cron(0 0 ? * MON,6L *)", "day-of-week MON,6L is not documented by AWS"),
        ("cron(0 0 ? * 2/2 *)", "day-of-week 2/2: AWS allows no / in this field"),
        ("cron(0 0 ? * 0 *)", "day-of-week 0 is outside 1-7"),
        ("cron(0 0 ? * ? *)", "day-of-month and day-of-week are both ?"),
        ("cron(0 0 * * * *)", "AWS takes day-of-month or day-of-week, not both: one of the two must be ?"),
        ("cron(0 0 1 * MON *)", "AWS takes day-of-month or day-of-week, not both: one of the two must be ?"),
        ("cron(? 0 1 * ? *)", "minutes '?' is no value"),
        ("cron(0 0 ?,1 * ? *)", "day-of-month '?' is no value"),
        ("cron(L 0 1 * ? *)", "minutes 'L' is no value"),
        ("cron(60 0 1 * ? *)", "minutes 60 is outside 0-59"),
        ("cron(0 0 1 * ? 1969)", "year 1969 is outside 1970-2199"),
        ("cron(0 0 1 * ? 2200)", "year 2200 is outside 1970-2199"),
        ("cron(0 0 1 * ? 2030-2026)", "year 2030-2026: the range runs backwards"),
        ("cron(0/90 * * * ? *)", "minutes: the step 90 is above 59"),
        ("cron(0 0/24 * * ? *)", "hours: the step 24 is above 23"),
        ("cron(/5 * * * ? *)", "minutes has an empty item"),
        ("cron(* * * * *)", "cron(...) has six fields, this has 5"),
        ("cron(0 0 0 * * ? *)", "cron(...) has six fields, this has 7"),
        ("cron()", "cron(...) has six fields, this has 0"),
        ("rate(1 hours)", "rate(1 hours): AWS wants the unit singular for 1, else plural"),
        ("rate(5 hour)", "rate(5 hour): AWS wants the unit singular for 1, else plural"),
        ("rate(0 minutes)", "rate(0 minutes) is no rate"),
        ("rate(-5 minutes)", "rate(-5 minutes) is no rate"),
        ("rate(1.5 hours)", "rate(1.5 hours) is no rate"),
        ("rate(2 weeks)", "rate(2 weeks) is no rate"),
        ("rate(30 seconds)", "rate(30 seconds) is no rate"),
        ("rate(5minutes)", "rate(5minutes) is no rate"),
        ("rate()", "rate() is no rate"),
        ("at(2026-12-01)", "at(2026-12-01) is not of the form yyyy-mm-ddThh:mm:ss"),
        ("at(2026-12-01T02:00:00Z)", "at(2026-12-01T02:00:00Z) is not of the form yyyy-mm-ddThh:mm:ss"),
        ("at(2026-12-01T02:00)", "at(2026-12-01T02:00) is not of the form yyyy-mm-ddThh:mm:ss"),
        (
            "at(2026-02-30T02:00:00)",
            "at(2026-02-30T02:00:00) is no date and time: day is out of range for month",
        ),
        ("at(1969-12-31T02:00:00)", "at(1969-12-31T02:00:00): the year is outside 1970-2199"),
        ("Cron(0 0 * * ? *)", "no schedule expression"),
        ("cron(0 0 * * ? *", "no schedule expression"),
        ("cron(0 0 * * ? *) x", "no schedule expression"),
        ("every(5 minutes)", "no schedule expression"),
    ],
)
def test_what_aws_does_not_document_is_refused_with_the_reason_and_a_remedy(text, message):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.message == f'schedule "{text}": {message}'
    assert refused.value.remedy


@pytest.mark.parametrize("text", ["cron(0 0 30 2 ? *)", "cron(0 0 29 2 ? 2025-2027)", "cron(0 0 30W 2 ? *)"])
def test_what_never_comes_is_refused(text):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.message == f'schedule "{text}" can never fire'


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("rate(1 hours)", "write rate(1 hour)"),
        ("rate(5 hour)", "write rate(5 hours)"),
        ("cron(0 0 1 * ? 2030-2026)", "write 2026-2030"),
        ("cron(0 0 * * * *)", "put ? in day-of-week, or in day-of-month"),
    ],
)
def test_a_refusal_suggests_what_to_write(text, remedy):
    with pytest.raises(UsageError) as refused:
        parse_schedule(text, ZONE)
    assert refused.value.remedy == remedy
