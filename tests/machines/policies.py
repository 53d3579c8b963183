"""The policies of the machines, and what else they choose from; the oracle is taught each schedule in other words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from machines import oracle, truth
from machines.world import HOME

from dr.durations import Duration
from dr.model import Policy, Protect, RetentionRule, Selector
from dr.slots import parse_schedule

BEGINS = [
    datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC),
    datetime(2026, 3, 28, 21, 0, 10, tzinfo=UTC),  # the night in which clocks go forward in Vienna
    datetime(2026, 10, 24, 20, 0, 10, tzinfo=UTC),  # and back
    datetime(2028, 2, 28, 20, 0, 10, tzinfo=UTC),  # before a leap day
    datetime(2026, 12, 31, 18, 0, 10, tzinfo=UTC),
]
SCHEDULES = [
    (parse_schedule("0 * * * *", truth.VIENNA), truth.hourly),
    (parse_schedule("rate(2 hours)", truth.VIENNA), truth.every_other_hour),
    (parse_schedule("0 2 * * *", truth.VIENNA), truth.at_two_in_vienna),
]
for _schedule, _latest in SCHEDULES:
    oracle.teach(_schedule, _latest)
KEEPS = [
    RetentionRule(last=3),
    RetentionRule(last=1),
    RetentionRule(last=2, daily=2),
    RetentionRule(hourly=2),
    RetentionRule(within=Duration(seconds=3 * 3600)),
    RetentionRule(hourly=4, yearly=1),
    RetentionRule(weekly=1, monthly=1),
    RetentionRule(last=6),
    RetentionRule(last=16),
]
JUMPS = [
    timedelta(days=1),
    timedelta(days=-1),
    timedelta(days=3652),
    timedelta(days=-3652),
    timedelta(minutes=6),
]
WAITS = [timedelta(minutes=m) for m in (10, 60, 61, 180, 1440, 4 * 1440)] + [timedelta(days=400)]
BLIND = ["points", "sources", "pins/", "words/", "applied/", "installation.json", "orphans/"]
PROTECTED = {
    "db": (Protect.VOLUMES, Selector(tags={"Backup": ("*",)})),
    "overlap": (Protect.VOLUMES, Selector(tags={"Tier": ("db",)})),
    "machines": (Protect.INSTANCES, Selector(tags={"Backup": ("*",)})),
    "stacks": (Protect.STACKS, Selector(names=("app*",))),
}


def a_policy(
    name: str, keep: int, schedule: int, regions: tuple[str, ...] = (HOME,), percent: int = 30
) -> Policy:
    protect, select = PROTECTED[name]
    return Policy(
        name=name,
        protect=protect,
        regions=regions,
        select=select,
        schedules=(SCHEDULES[schedule % len(SCHEDULES)][0],),
        zone=truth.VIENNA,
        keep=KEEPS[keep % len(KEEPS)],
        expire_percent=percent,
    )
