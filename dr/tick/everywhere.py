"""Plan and apply in every shard: what `dr plan`, `dr apply`, the daemon and the scheduled function do.

    shards --each--> inventory --decide--> Plan --execute--> Applying, by shard --merging--> one answer

A word that a person says of a whole plan (a saved plan, a number of blocked expiries) is held against all shards before any
of them begins; each then decides again, under its leases. So whatever moves between the two is refused where it moved.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dr.actions import Action, Expire, Outcome, Plan, Result, Warn, failed
from dr.errors import CloudError, DrError, EnvironmentFailed, NotEnabled, Refused
from dr.executor.at_once import Report
from dr.limits import allow_expire
from dr.model import Inventory, Policy
from dr.planfile import Context, SavedPlan, part, require_places, require_something, revive
from dr.ports import Clock
from dr.tick.applying import Applying, Decide, apply_now
from dr.tick.desk import Desk
from dr.tick.inventory import read_for_plan, read_inventory
from dr.tick.merging import failure_warnings, merge_applied, merge_plans
from dr.tick.shards import Ran, Shard, each, merged

Deciding = Callable[[Shard], Decide]
"""How the plan of a shard is made."""
Then = Callable[[Shard, Applying, Desk], Applying]
"""What a shard does once it has applied."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """What is asked for: policies, and the shards in which they work. `monotonic` reads a clock that is never set, in seconds."""

    policies: tuple[Policy, ...]
    shards: tuple[Shard, ...]
    clock: Clock
    monotonic: Callable[[], float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saved:
    """A saved plan, and what it has to fit: today's context and all policies."""

    plan: SavedPlan
    policies: tuple[Policy, ...]
    context: Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Planned:
    """What a dry run came to: the plan, what it rests on, and whether everything could be seen."""

    plan: Plan
    inventory: Inventory
    whole: bool


def plan_everywhere(scope: Scope, decide: Decide) -> Planned:
    """The dry run. Raises `DrError` where no shard could be read."""

    def look(shard: Shard, desk: Desk) -> tuple[Inventory, tuple[Warn, ...]]:
        elsewhere: list[Warn] = []

        def read() -> Inventory:
            inventory, warnings = read_for_plan(shard.working, desk, {shard.region})
            elsewhere.extend(warnings)
            return inventory

        return where_enabled(shard, desk, read), tuple(elsewhere)

    ran = each(scope.shards, look, scope.monotonic)
    ran.some()
    now = scope.clock.now()
    plans = {shard: _decided(shard, found, decide, now) for shard, found in ran.results.items()}
    plan = merge_plans(plans, scope.policies, scope.shards, now)
    return Planned(
        plan=replace(plan, warnings=(*plan.warnings, *failure_warnings(ran.errors))),
        inventory=merged([inventory for inventory, _ in ran.results.values()]),
        whole=_whole(ran),
    )


def _decided(shard: Shard, found: tuple[Inventory, tuple[Warn, ...]], decide: Decide, now: datetime) -> Plan:
    inventory, elsewhere = found
    plan = decide(shard.policies, inventory, now)
    return replace(plan, warnings=(*plan.warnings, *elsewhere))


def _whole(ran: Ran[tuple[Inventory, tuple[Warn, ...]]]) -> bool:
    unread = any(inventory.unread for inventory, _ in ran.results.values())
    return not unread and all(isinstance(error, NotEnabled) for error in ran.errors.values())


def unwaited(_shard: Shard, done: Applying, _desk: Desk) -> Applying:
    """Do nothing more."""
    return done


def apply_everywhere(
    scope: Scope, deciding: Deciding, report: Report, *, every: bool = False, then: Then = unwaited
) -> Applying:
    """Apply. Raises as `apply_now` where it is so in every shard."""
    told: list[Outcome] = []
    planned: dict[Shard, Plan] = {}
    lock = threading.Lock()

    def note(outcome: Outcome) -> None:
        with lock:
            told.append(outcome)
            report(outcome)

    def work(shard: Shard, desk: Desk) -> Applying:
        applied: list[Applying] = []

        def apply() -> Inventory:
            decide = _remembered(deciding(shard), partial(planned.__setitem__, shard))
            applied.append(apply_now(shard.working, desk, decide, note, every=every))
            return applied[0].inventory

        where_enabled(shard, desk, apply)
        return applied[0] if applied[0].interrupted else then(shard, applied[0], desk)

    ran = each(scope.shards, work, scope.monotonic)
    known = {id(outcome.action) for outcome in told}
    unknown = [
        _unknown(action, error)
        for shard, error in ran.errors.items()
        for action in (planned[shard].actions if shard in planned else ())
        if id(action) not in known
    ]
    return merge_applied(ran, [*told, *unknown], scope.policies, scope.clock.now())


def _remembered(decide: Decide, remember: Callable[[Plan], None]) -> Decide:
    """A shard that is given up leaves its plan: each action of it has one outcome, too."""

    def made(policies: Sequence[Policy], inventory: Inventory, now: datetime) -> Plan:
        plan = decide(policies, inventory, now)
        remember(plan)
        return plan

    return made


def _unknown(action: Action, error: DrError) -> Outcome:
    """The outcome of an action of a shard that was given up before it said one."""
    if isinstance(action, Expire) and action.blocked:
        return Outcome(action=action, result=Result.LEFT, error="blocked, and its shard has not ended")
    return failed(action, error, "its shard has not ended, and it may be done all the same: ")


def where_enabled(shard: Shard, desk: Desk, look: Callable[[], Inventory]) -> Inventory:
    """What was seen there. Raises `NotEnabled` where nothing was, because the account has not enabled the Region."""
    try:
        found = look()
    except (CloudError, EnvironmentFailed) as error:
        _require_enabled(shard, desk, error)
        raise
    if found.unread and not (found.sources or found.points or found.parts):
        _require_enabled(shard, desk, None)
    return found


def _require_enabled(shard: Shard, desk: Desk, why: DrError | None) -> None:
    if not desk.hands.cloud.enabled(shard.region):
        raise NotEnabled(
            f"{shard.account} has not enabled {shard.region}",
            "enable it there, or take it out of dr.yaml and the policies",
        ) from why


# --- a person's word ----------------------------------------------------------------------------------------------------


def as_saved(scope: Scope, saved: Saved) -> Deciding:
    """Carry out a saved plan: in each shard its own part of it. Raises `Refused` for one with actions in no shard."""
    require_places(saved.plan, {(shard.account, shard.region) for shard in scope.shards})

    def deciding(shard: Shard) -> Decide:
        mine = part(saved.plan, shard.account, shard.region)
        return lambda _policies, inventory, now: revive(mine, saved.policies, inventory, now, saved.context)

    return deciding


def with_the_word(scope: Scope, deciding: Deciding, saved: SavedPlan | None, allowed: int | None) -> Deciding:
    """Hold a saved plan, and the number of expiries that a person allows, against every shard. Raises `Refused`.

    One shard decides once, under its leases.
    """
    if len(scope.shards) == 1:
        return lambda shard: partial(_allowing, deciding(shard), saved, allowed)
    if saved is None and allowed is None:
        return deciding

    def look(shard: Shard, desk: Desk) -> Plan:
        return deciding(shard)(shard.working, read_inventory(shard.working, desk), scope.clock.now())

    ran = each(scope.shards, look, scope.monotonic)
    ran.heed()
    for shard, error in ran.errors.items():
        if isinstance(error, Refused) or (saved and part(saved, shard.account, shard.region).actions):
            raise Refused(f"{shard.name}: {error.message}", error.remedy)
    ran.some()
    plans = ran.results
    if saved:
        require_something(saved, list(plans.values()))
    if allowed is not None:
        allow_expire(merge_plans(plans, (), scope.shards, scope.clock.now()), allowed)
    blocked = {shard: _blocked(plan.actions) for shard, plan in plans.items()}
    return lambda shard: partial(
        _allowing, deciding(shard), None, (blocked.get(shard) or None) if allowed is not None else None
    )


def _blocked(actions: Collection[object]) -> int:
    return sum(isinstance(action, Expire) and action.blocked for action in actions)


def _allowing(
    decide: Decide,
    saved: SavedPlan | None,
    allowed: int | None,
    policies: Sequence[Policy],
    inventory: Inventory,
    now: datetime,
) -> Plan:
    plan = decide(policies, inventory, now)
    if saved:
        require_something(saved, [plan])
    return plan if allowed is None else allow_expire(plan, allowed)
