"""What CloudWatch counts of a tick."""

from __future__ import annotations

import json
from datetime import timedelta

from plan_values import NOW, SLOT, hourly, plan, point, policy, unread, volume, world

from dr.actions import Outcome, Result
from dr.errors import Interrupted
from dr.functions.metrics import embedded, tick_metrics
from dr.tick.applying import Applying

RPO = 7_200
QUIET = {
    "TickSucceeded": 1,
    "Captured": 0,
    "CapturesFailed": 0,
    "Expired": 0,
    "ExpiriesFailed": 0,
    "Left": 0,
    "RpoBreaches": 0,
}


def counted(*points, results=(), sources=None, interrupted=None, **facts):
    policies = (policy(rpo=RPO),)
    made = plan(*points, policies=policies, sources=sources)
    outcomes = tuple(Outcome(action=a, result=r) for a, r in zip(made.actions, results, strict=False))
    done = Applying(
        inventory=world(*points, sources=sources, **facts),
        plan=made,
        outcomes=outcomes,
        interrupted=interrupted,
    )
    return tick_metrics(policies, done, NOW)


def test_a_tick_with_nothing_to_do_succeeds():
    assert counted(point(SLOT)) == QUIET


def test_captures_and_expiries_are_counted_by_how_they_ended():
    points = hourly(5, SLOT - timedelta(hours=1))

    assert counted(*points, results=[Result.DONE, Result.DONE, Result.FAILED]) == QUIET | {
        "Captured": 1,
        "Expired": 1,
        "ExpiriesFailed": 1,
    }
    assert counted(*points, results=[Result.FAILED, Result.SKIPPED, Result.LEFT]) == QUIET | {
        "CapturesFailed": 1,
        "Left": 1,
    }


def test_sources_out_of_their_rpo_are_counted_as_the_tick_found_them():
    sources = [volume("vol-1"), volume("vol-2"), volume("vol-3")]
    points = (point(SLOT, source="vol-1"), point(SLOT - timedelta(hours=9), source="vol-2"))

    assert counted(*points, sources=sources)["RpoBreaches"] == 2


def test_a_tick_that_could_not_read_everything_or_had_to_end_has_not_succeeded():
    assert counted(point(SLOT), unread=(unread("points"),))["TickSucceeded"] == 0
    assert counted(point(SLOT), interrupted=Interrupted())["TickSucceeded"] == 0


def test_the_line_is_cloudwatchs_embedded_metric_format():
    line = json.loads(json.dumps(embedded("acme", QUIET, NOW)))
    (directive,) = line["_aws"]["CloudWatchMetrics"]

    assert line["_aws"]["Timestamp"] == NOW.timestamp() * 1000
    assert (directive["Namespace"], directive["Dimensions"]) == ("dr", [["installation"]])
    assert line["installation"] == "acme"
    assert {metric["Name"]: line[metric["Name"]] for metric in directive["Metrics"]} == QUIET
    assert {metric["Unit"] for metric in directive["Metrics"]} == {"Count"}
