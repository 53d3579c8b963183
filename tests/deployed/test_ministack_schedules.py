"""When the emulator's schedules are due, asked of the correction itself in ministack's own Python: nobody waits for a cron."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime

import pytest
from emulator import LAUNCHER, PYTHON

ASK = """
import json, sys
from ministack.services import scheduler
import ministack_schedules
for schedule, fired, now in json.load(sys.stdin):
    scheduler._schedule_last_fired.clear()
    if fired:
        scheduler._schedule_last_fired["key"] = fired
    print(json.dumps(ministack_schedules._due("key", schedule, now)))
"""
MADE = "2026-03-27T10:20:00"


def epoch(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.fixture(scope="module")
def due(tmp_path_factory):
    """Asks all at once: each is an expression, its zone, the last time that it fired, now, and what else it says."""

    def ask(*rows):
        asked = [
            (
                {
                    "ScheduleExpression": expression,
                    "ScheduleExpressionTimezone": zone,
                    "CreationDate": epoch(MADE),
                    "State": "ENABLED",
                    **more,
                },
                fired and epoch(fired),
                epoch(now),
            )
            for expression, zone, fired, now, more in rows
        ]
        ended = subprocess.run(
            [str(PYTHON), "-B", "-c", ASK],
            input=json.dumps(asked),
            cwd=LAUNCHER.parent,
            env={"HOME": str(tmp_path_factory.mktemp("home"))},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        answers = [json.loads(line) for line in ended.stdout.splitlines() if line]
        return [each and f"{datetime.fromtimestamp(each, UTC):%Y-%m-%dT%H:%M:%S}" for each in answers]

    return ask


def test_a_cron_is_due_at_its_local_time_before_and_after_the_clocks_change(due):
    expression, vienna = "cron(0 3 * * ? *)", "Europe/Vienna"

    assert due(
        (expression, vienna, None, "2026-03-28T01:59:59", {}),
        (expression, vienna, None, "2026-03-28T02:00:01", {}),
        (expression, vienna, "2026-03-28T02:00:01", "2026-03-28T12:00:00", {}),
        (expression, vienna, "2026-03-28T02:00:01", "2026-03-29T01:00:00", {}),
        (expression, "UTC", None, "2026-03-28T03:00:00", {}),
    ) == [None, "2026-03-28T02:00:00", None, "2026-03-29T01:00:00", "2026-03-28T03:00:00"]


def test_a_rate_counts_from_its_making_or_begins_at_its_start(due):
    start = {"StartDate": epoch("2026-03-27T12:00:00")}

    assert due(
        ("rate(1 hour)", "UTC", None, "2026-03-27T11:19:59", {}),
        ("rate(1 hour)", "UTC", None, "2026-03-27T11:20:00", {}),
        ("rate(1 hour)", "UTC", None, "2026-03-27T11:59:59", start),
        ("rate(1 hour)", "UTC", None, "2026-03-27T12:00:00", start),
        ("rate(1 hour)", "UTC", "2026-03-27T12:00:00", "2026-03-27T12:59:59", start),
        ("rate(1 hour)", "UTC", "2026-03-27T12:00:00", "2026-03-27T13:00:00", start),
    ) == [None, "2026-03-27T11:20:00", None, "2026-03-27T12:00:00", None, "2026-03-27T13:00:00"]


def test_what_is_disabled_or_over_is_not_due(due):
    over = {"EndDate": epoch("2026-03-27T11:00:00")}

    assert due(
        ("rate(1 hour)", "UTC", None, "2026-03-27T11:20:00", {"State": "DISABLED"}),
        ("rate(1 hour)", "UTC", None, "2026-03-27T11:20:00", over),
    ) == [None, None]
