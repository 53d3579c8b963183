"""One document -> one policy: what each key may hold (DESIGN 4)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from zoneinfo import ZoneInfo

from dr.documents import Document
from dr.documents.domain import duration, name, regions, schedule, time_zone
from dr.documents.faults import Faults
from dr.documents.fields import (
    Field,
    Shape,
    choice,
    count,
    flag,
    given,
    mapping,
    root,
    text_or_texts,
)
from dr.documents.wording import quoted
from dr.durations import Duration
from dr.model import Policy, Protect, RetentionRule, Selector
from dr.policy.selecting import selector
from dr.retention import RULES
from dr.slots import Schedule

_EXPIRE_PERCENT = 30
"""DESIGN 7.4."""
_UTC = ZoneInfo("UTC")
_MONTH, _YEAR = 30 * 86_400, 365 * 86_400
"""Seconds. An objective is one number, so a calendar month or year in it has a fixed length."""

_POLICY = Shape(
    keys=(
        "policy",
        "protect",
        "regions",
        "select",
        "schedule",
        "timezone",
        "keep",
        "objectives",
        "reboot",
        "limits",
    ),
    required={
        "policy": "give the policy a name, such as prod-data",
        "protect": f"say what it protects: {', '.join(Protect)}",
        "select": "say which ones: {tags: {Backup: 'yes'}}",
        "schedule": "say when: '0 * * * *', cron(...), rate(1 hour) or at(...)",
        "keep": "say how long, or nothing could ever expire: {daily: 7, weekly: 5}",
    },
    later=("gone", "copies", "consistency"),
)
_KEEP = Shape(keys=RULES, noun="period")
_NO_FIELDS: Mapping[str, Field] = {}
_OBJECTIVES = Shape(keys=("rpo", "rto"))
_LIMITS = Shape(keys=("expire_percent",))


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a policy is read with: dr.yaml's Regions (None: unknown), and the time if it matters."""

    regions: tuple[str, ...] | None
    now: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What one file came to. `name` is the field with the policy's name, where it has a sound one."""

    policy: Policy | None
    name: Field | None
    faults: Faults


def read_policy(document: Document, context: Context) -> Reading:
    """Read one policy; it counts only where there are no faults."""
    faults = Faults(document)
    top = root(document, faults)
    fields = None if top is None else mapping(top, _POLICY)
    if top is None or fields is None:
        return Reading(policy=None, name=None, faults=faults)
    named = fields.get("policy")
    policy = _policy(top, fields, context)
    return Reading(policy=policy, name=named if policy.name else None, faults=faults)


def _policy(top: Field, fields: Mapping[str, Field], context: Context) -> Policy:
    """The policy, with a stand-in for whatever is missing or wrong: that is noted in the faults."""
    protect = given(fields, "protect", _protect, None)
    zone = given(fields, "timezone", time_zone, _UTC)
    objectives = given(fields, "objectives", lambda value: mapping(value, _OBJECTIVES), _NO_FIELDS)
    limits = given(fields, "limits", lambda value: mapping(value, _LIMITS), _NO_FIELDS)
    if "reboot" in fields and protect not in {None, Protect.INSTANCES}:
        fields["reboot"].key_fault("only for protect: instances; remove it")
    return Policy(
        name=given(fields, "policy", name, ""),
        protect=protect or Protect.VOLUMES,
        regions=_regions(top, fields, context),
        select=given(fields, "select", partial(selector, protect=protect), Selector()),
        schedules=given(fields, "schedule", partial(_schedules, zone=zone, now=context.now), ()),
        zone=zone,
        keep=given(fields, "keep", _keep, RetentionRule()),
        expire_percent=given(limits, "expire_percent", partial(count, at_most=100), _EXPIRE_PERCENT),
        rpo=given(objectives, "rpo", _seconds, None),
        rto=given(objectives, "rto", _seconds, None),
        reboot=given(fields, "reboot", flag, default=False),
        file=top.faults.file,
    )


def _protect(value: Field) -> Protect | None:
    found = choice(value, tuple(Protect))
    return None if found is None else Protect(found)


def _regions(top: Field, fields: Mapping[str, Field], context: Context) -> tuple[str, ...]:
    if "regions" not in fields and context.regions == ():
        what = "missing, and dr.yaml has none for all policies; write regions: [eu-west-1] here or there"
        top.faults.add(top.node.position, ("regions",), what)
    return given(fields, "regions", regions, context.regions or ())


def _schedules(value: Field, zone: ZoneInfo, now: datetime | None) -> tuple[Schedule, ...] | None:
    found = text_or_texts(value, "['0 * * * *']")
    if found is None:
        return None
    return tuple(read for one in found if (read := _schedule(one, zone, now)) is not None)


def _schedule(value: Field, zone: ZoneInfo, now: datetime | None) -> Schedule | None:
    found = schedule(value, zone)
    if found and now is not None and found.next_after(now) is None:
        last = found.latest(now)
        over = f" was {last.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}" if last else " is past"
        value.fault(f"{quoted(found.text)} is over: its last slot{over}; mend the year, or remove it")
    return found


def _keep(value: Field) -> RetentionRule | None:
    fields = mapping(value, _KEEP)
    if fields is None:
        return None
    if value.is_empty:
        value.fault("is empty: say how many, such as {daily: 7, weekly: 5}")
    counts = {rule: given(fields, rule, count, None) for rule in RULES if rule != "within"}
    return RetentionRule(**counts, within=given(fields, "within", duration, None))


def _seconds(value: Field) -> int | None:
    found: Duration | None = duration(value)
    if found is None:
        return None
    years, months = divmod(found.months, 12)
    return found.seconds + months * _MONTH + years * _YEAR
