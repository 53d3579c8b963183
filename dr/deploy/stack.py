"""The stack of an installation's functions, as a value: cloudformation/functions.yaml with a schedule for each wake-up.

    functions.yaml + wake-ups --> template (JSON)
    dr.yaml, policies, package --> parameters

The same installation gives the same template and parameters, so that a second deployment finds nothing to change.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from dr import layout
from dr.config import Account, Config, Organization
from dr.deploy.wakeups import WakeUp, rate_as_cron, wake_ups
from dr.errors import UsageError
from dr.iam.place import Rebuilt, place_of
from dr.iam.reach import parameters as parameters_reach
from dr.iam.reach import stacks_made
from dr.model import Policy, Protect
from dr.slots import SWEEP, Schedule
from dr.slots.days import EVERY_WEEKDAY, DaySets
from dr.slots.walk import Calendar, Rate
from dr.stacks.template import parse_template
from dr.words import names, short

_SOURCE = "cloudformation/functions.yaml"
_WHY_PREFIX = (
    "cannot stand in the functions' permissions, where * is any text",
    "keep the store below another prefix",
)
_NARROWER = {
    "Installation": (
        "name",
        "is too long for the names of the functions' roles",
        "take at most 36 characters",
    ),
    "StorePrefix": ("store.primary.url", *_WHY_PREFIX),
    "ReplicaPrefix": ("store.replica.url", *_WHY_PREFIX),
}
"""Parameters that take less than dr.yaml does: where it says them, why not, and what to do."""
_LIFE_OF_A_STACK = 100
"""Years."""
_PREFIX = "WakeUp"
_START = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """What is deployed: the template's text, and the values of its parameters."""

    name: str
    region: str
    template: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a deployment rests on. `accounts` are those that are protected, `organization` the id of the one they are in."""

    config: Config
    policies: tuple[Policy, ...]
    regions: frozenset[str]
    account: str
    accounts: tuple[Account, ...]
    organization: str = ""

    @property
    def fans_out(self) -> bool:
        """Whether there is more than one account or Region, or may be tomorrow."""
        return (
            isinstance(self.config.accounts, Organization)
            or len(self.accounts) * len({r for p in self.policies for r in p.regions}) > 1
        )

    @property
    def stack(self) -> str:
        """The stack's name."""
        return layout.functions_stack(self.config.name)


def stack_of(
    ground: Ground, package: tuple[str, str], source: str, standing: str | None, now: datetime
) -> Stack:
    """The stack. `package` is its bucket and its SHA-256, `source` the text of functions.yaml, `standing` the template deployed.

    Raises `UsageError` for what functions cannot do.
    """
    deploy = ground.config.deploy
    if deploy is None:
        raise UsageError(
            f"{ground.config.file or 'dr.yaml'} does not say where the functions run",
            "add `deploy: {region: ...}`: best a Region that they do not protect, they should outlive it",
        )
    require_places(ground.config, ground.policies, source)
    bucket, sha256 = package
    return Stack(
        name=ground.stack,
        region=deploy.region,
        template=_template(source, wake_ups(ground.policies, now), standing, fans_out=ground.fans_out),
        parameters={
            **_of_package(ground, bucket, sha256),
            **_of_store(ground.config),
            **_of_accounts(ground),
            **_of_restores(ground),
            "AlarmEmail": deploy.email,
            "QuietSeconds": str(quiet_seconds(ground.policies)),
        },
    )


def require_places(config: Config, policies: Sequence[Policy], source: str) -> None:
    """Refuse what no function can work with, which takes only the files. Raises `UsageError`."""
    if not policies:
        raise UsageError("there is no policy, and so nothing for functions to do", "write one: dr init")
    declared = parse_template(source, _SOURCE).tree["Parameters"]
    given = {"Installation": config.name, **_of_store(config)}
    for name, (where, why, remedy) in _NARROWER.items():
        if not re.fullmatch(declared[name]["AllowedPattern"], given[name]):
            raise UsageError(f"{where}: {short(given[name])!r} {why}", remedy)


def quiet_seconds(policies: Sequence[Policy]) -> int:
    """Twice the longest time between two ticks, in whole minutes: the sweep's, unless a schedule never rests for so long."""
    waits = (_longest_wait(schedule) for policy in policies for schedule in policy.schedules)
    return max(120, 2 * min(SWEEP, *waits) // 60 * 60)


def _longest_wait(schedule: Schedule) -> int:
    """Seconds. A schedule that rests on some days, or in a zone whose hours are there twice in autumn, may wait for the sweep."""
    match schedule.when:
        case Rate() as rate:
            return (
                rate.seconds if rate_as_cron(rate) else max(SWEEP, rate.seconds)
            )  # until its start the sweep alone ticks
        case Calendar(days=DaySets() as days) as when if schedule.zone.key == "UTC" and _each_day(when, days):
            after = (*when.minutes[1:], when.minutes[0] + 24 * 60)
            return 60 * max(late - early for early, late in zip(when.minutes, after, strict=True))
        case _:
            return SWEEP


def _each_day(when: Calendar, days: DaySets) -> bool:
    every_day = len(days.month_days) == 31 and days.weekdays == EVERY_WEEKDAY
    return every_day and len(when.months) == 12 and len(when.years) > _LIFE_OF_A_STACK


# --- the template -----------------------------------------------------------------------------------------------------


def _template(source: str, wanted: Sequence[WakeUp], standing: str | None, *, fans_out: bool) -> str:
    tree = dict(parse_template(source, _SOURCE).tree)
    resources = {name: _without_remarks(row) for name, row in tree["Resources"].items()}
    sweep = resources["SweepSchedule"]["Properties"]
    before = _schedules(standing)
    for one in wanted:
        name = _name(one, sweep, fans_out=fans_out)
        resources[name] = {
            "Type": "AWS::Scheduler::Schedule",
            "Properties": {**sweep, "Name": _readable(name), **_when(one, before.get(name))},
        }
    return json.dumps({**tree, "Resources": resources}, separators=(",", ":"), ensure_ascii=False)


def _without_remarks(resource: Mapping[str, Any]) -> dict[str, Any]:
    """What linters are told is for who reads the file."""
    return {key: value for key, value in resource.items() if key != "Metadata"}


def _name(one: WakeUp, sweep: Mapping[str, Any], *, fans_out: bool) -> str:
    """Its logical id: of what it is, so that another policy's change leaves it alone.

    One with a start is another one when anything else of it changes: EventBridge takes no start that is more than 5
    minutes ago, in an update either, and CloudFormation would send the old one and roll everything back.
    """
    said = f"{one.expression} {one.zone}"
    if one.start is not None:
        said += json.dumps([sweep, fans_out], sort_keys=True)
    return _PREFIX + hashlib.sha256(said.encode()).hexdigest()[:12]


def _readable(name: str) -> str:
    return name.replace(_PREFIX, "wake-up-")


def _when(one: WakeUp, before: Mapping[str, Any] | None) -> dict[str, str]:
    """When it wakes. One that is deployed keeps its start: any multiple of its rate will do."""
    found = {"ScheduleExpression": one.expression, "ScheduleExpressionTimezone": one.zone}
    if one.start is None:
        return found
    start = (before or {}).get("StartDate") or one.start.astimezone(UTC).strftime(_START)
    return {**found, "StartDate": str(start)}


def _schedules(standing: str | None) -> dict[str, Mapping[str, Any]]:
    """The properties of the wake-ups that are deployed."""
    if standing is None:
        return {}
    resources = parse_template(standing, "the deployed template").resources()
    return {name: row.get("Properties", {}) for name, row in resources.items() if name.startswith(_PREFIX)}


# --- the parameters ---------------------------------------------------------------------------------------------------


def _of_package(ground: Ground, bucket: str, sha256: str) -> dict[str, str]:
    return {
        "Installation": ground.config.name,
        "Regions": ",".join(sorted(ground.regions)),
        "PackageBucket": bucket,
        "PackageKey": layout.package_key(ground.config.name, sha256),
        "PackageSha256": sha256,
    }


def _of_store(config: Config) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, location in (("Store", config.primary), ("Replica", config.replica)):
        found |= {
            f"{name}Bucket": (location and location.bucket) or "",
            f"{name}Prefix": (location and location.prefix) or "",
        }
    return found


def _of_accounts(ground: Ground) -> dict[str, str]:
    every = ground.config.accounts
    theirs = {account.role for account in ground.accounts if account.role}
    roles = sorted({every.role} if isinstance(every, Organization) else theirs)
    if len(roles) > 1:
        raise UsageError(
            f"accounts: the functions take on one role, and these are several: {names(roles)}",
            "give it one name in every account: cloudformation/member.yaml has RoleName",
        )
    listed = [account.id for account in ground.accounts if account.role]
    organized = isinstance(every, Organization)
    return {
        "FanOut": "true" if ground.fans_out else "false",
        "MemberRole": next(iter(roles), ""),
        "MemberAccounts": "" if organized else ",".join(listed),
        "OrganizationId": ground.organization,
        "ListsOrganization": "true" if organized else "false",
    }


def _of_restores(ground: Ground) -> dict[str, str]:
    deploy, config = ground.config.deploy, ground.config
    named = {name for p in ground.policies if p.protect is Protect.STACKS for name in p.select.names}
    stacks = tuple(sorted((deploy and deploy.restorable) or named))
    roles = deploy.stack_roles if deploy else ()
    place = place_of(
        replace(config, accounts=()), ground.account, ground.regions, Rebuilt(stacks=stacks, roles=roles)
    )
    return {
        "RestorableStacks": ",".join(stacks_made(place).resources),
        "StackRoles": ",".join(roles),
        "ParameterArns": ",".join(parameters_reach(place).resources),
    }
