"""Short ways to write policies, sources, points and inventories in tests of the planner."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from dr.actions import Capture, Cause, Expire, Plan, WarningCode
from dr.limits import decide
from dr.model import (
    Applied,
    Inventory,
    Kind,
    Lineage,
    Part,
    Policy,
    Protect,
    RecoveryPoint,
    RetentionRule,
    Selector,
    Source,
    State,
    Unread,
)
from dr.slots import parse_schedule

ACCOUNT, REGION = "111111111111", "eu-west-1"
NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
SLOT = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LAST_3 = RetentionRule(last=3)


def policy(name="db", *schedules, keep=LAST_3, zone="UTC", select=None, **facts) -> Policy:
    given = {"protect": Protect.VOLUMES, "regions": (REGION,), **facts}
    return Policy(
        name=name,
        select=select or Selector(tags={"Tier": ("db",)}),
        schedules=tuple(parse_schedule(text, ZoneInfo(zone)) for text in schedules or ("0 * * * *",)),
        zone=ZoneInfo(zone),
        keep=keep,
        **given,
    )


def volume(name="vol-1", **facts) -> Source:
    given = {
        "protect": Protect.VOLUMES,
        "account": ACCOUNT,
        "region": REGION,
        "tags": {"Tier": "db"},
        "created": NOW - timedelta(days=900),
        **facts,
    }
    return Source(id=name, **given)


def lineage(source="vol-1", policy="db", region=REGION) -> Lineage:
    return Lineage(policy=policy, account=ACCOUNT, region=region, source=source)


def point(slot, name=None, *, source="vol-1", policy="db", state=State.GOOD, **facts) -> RecoveryPoint:
    """A good snapshot of vol-1 under the policy db, taken a minute after its slot."""
    given = {"kind": Kind.SNAPSHOT, "time": slot + timedelta(minutes=1), **facts}
    return RecoveryPoint(
        id=name or f"{source} {slot:%Y-%m-%dT%H:%M}",
        lineage=lineage(source, policy, given.pop("region", REGION)),
        slot=slot,
        state=state,
        **given,
    )


def part(slot, name, *, source="i-1", policy="db", **facts) -> Part:
    given = {"time": slot + timedelta(minutes=1), **facts}
    return Part(id=name, lineage=lineage(source, policy), slot=slot, **given)


def hourly(count, newest=SLOT, **facts) -> list[RecoveryPoint]:
    """Points of `count` hours in a row, newest first."""
    return [point(newest - number * HOUR, **facts) for number in range(count)]


def world(*points, sources=None, policies=(), **facts) -> Inventory:
    """An inventory of vol-1 in which each of the policies was applied before with the keep that it has."""
    applied = {(p.name, region): Applied(keep=p.keep) for p in policies for region in p.regions} | facts.pop(
        "applied", {}
    )
    found = (volume(),) if sources is None else tuple(sources)
    return Inventory(account=ACCOUNT, sources=found, points=tuple(points), applied=applied, **facts)


def plan(*points, policies=None, now=NOW, **facts) -> Plan:
    """The plan for these points, the policy db by default, which was applied before."""
    chosen = policies or (policy(),)
    return decide(chosen, world(*points, policies=chosen, **facts), now)


def unread(what, region=REGION, **facts) -> Unread:
    return Unread(what=what, region=region, message="RequestLimitExceeded", **facts)


def captured(plan: Plan) -> list[str]:
    return [action.lineage.source for action in plan.actions if isinstance(action, Capture)]


def captures(plan: Plan) -> list[Capture]:
    return [action for action in plan.actions if isinstance(action, Capture)]


def expiries(plan: Plan, cause: Cause | None = None) -> list[Expire]:
    found = (action for action in plan.actions if isinstance(action, Expire))
    return [expire for expire in found if cause in {None, expire.cause}]


def expired(plan: Plan, *, blocked: bool = False) -> set[str]:
    return {expire.point_id for expire in expiries(plan) if expire.blocked == blocked}


def ids(points: Iterable[RecoveryPoint]) -> set[str]:
    return {point.id for point in points}


def codes(plan: Plan) -> list[WarningCode]:
    return [warn.code for warn in plan.warnings]


def message(plan: Plan, code: WarningCode) -> str:
    return next(warn.message for warn in plan.warnings if warn.code is code)
