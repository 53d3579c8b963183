"""Plan and carry out: what `dr apply`, the daemon and the scheduled function do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dr.actions import Action, Cause, Expire, Outcome, Plan, Result, Warn, WarningCode
from dr.errors import (
    EXIT_BUSY,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_REFUSED,
    CloudError,
    DrError,
    EnvironmentFailed,
    weightiest,
)
from dr.executor.run import Report, execute
from dr.limits import next_applied
from dr.model import Inventory, Policy, Protect, Unread
from dr.planner import orphans_to_record
from dr.tick.desk import Desk
from dr.tick.inventory import clock_fault, read_inventory
from dr.tick.leasing import leased
from dr.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What an apply did: the plan it carried out, an outcome for each action, and what to warn of besides."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    warnings: tuple[Warn, ...] = ()
    unread: tuple[Unread, ...] = ()
    busy: tuple[str, ...] = ()

    @property
    def exit_code(self) -> int:
        """The contract's exit code (DESIGN 9)."""
        return weightiest(self._codes())

    def _codes(self) -> list[int]:
        codes = [EXIT_DONE]
        if self.busy:
            codes.append(EXIT_BUSY)
        if any(_blocked(outcome) for outcome in self.outcomes):
            codes.append(EXIT_REFUSED)
        failed = any(o.result is Result.FAILED or _interrupted(o) for o in self.outcomes)
        nothing = any(warn.code is WarningCode.SELECTS_NOTHING for warn in self.warnings)
        if failed or nothing or self.unread:
            codes.append(EXIT_FAILED)
        return codes


def _blocked(outcome: Outcome) -> bool:
    return isinstance(outcome.action, Expire) and outcome.action.blocked


def _interrupted(outcome: Outcome) -> bool:
    """Left for another reason than a person's word: the run had to end."""
    return outcome.result is Result.LEFT and not _blocked(outcome)


Decide = Callable[[Sequence[Policy], Inventory, datetime], Plan]
"""How a plan is made: `dr.limits.decide`, or the revival of a saved one."""


def apply_now(
    policies: Sequence[Policy], desk: Desk, decide: Decide, report: Report, *, every: bool = False
) -> Applying:
    """Do what the policies ask for now. `decide` sees the inventory that was read under the leases.

    Raises `Refused` when the store belongs to another installation, `Busy` when all leases are taken; with `every`,
    as a saved plan needs it, when one is.
    """
    warnings = _claim(desk)
    with leased(policies, desk, every=every) as held:
        inventory = read_inventory(held.policies, desk)
        plan = decide(held.policies, inventory, desk.hands.clock.now())
        unrecorded = _remember(held.policies, inventory, plan, desk)
        waits, goes = _apart(plan, unrecorded)
        hands = replace(desk.hands, heartbeat=held.renew, pins=desk.records.pins)
        outcomes = execute(replace(plan, actions=goes), hands, report)
        for outcome in waits:
            report(outcome)
        after = (
            *(_store_warning(error, policy) for (policy, _), error in unrecorded.items()),
            *_repair(held.policies, inventory.account, desk),
            *_note_orphans(held.policies, inventory, plan.now, desk),
        )
        return Applying(
            plan=plan,
            outcomes=(*outcomes, *waits),
            warnings=(*plan.warnings, *warnings, *held.warnings, *after),
            unread=inventory.unread,
            busy=held.busy,
        )


def _claim(desk: Desk) -> tuple[Warn, ...]:
    """Claim the store. One that is out of reach stops no capture; expiry closes by itself, pins being unread.

    Not by a wrong clock: the claim's time is what tells later whether the store was lost (docs/decisions/0006).
    """
    cloud, installation = desk.hands.cloud, desk.hands.installation
    asked = cloud.account  # so that there is an answer with a `Date`
    try:
        if asked and not clock_fault(cloud):
            desk.records.claim(installation)
        else:
            desk.records.refuse_others(installation)
    except (CloudError, EnvironmentFailed) as error:
        return (_store_warning(error, None),)
    return ()


_Unrecorded = Mapping[tuple[str, str], DrError]
"""Why the store took no record, by policy and Region."""


def _remember(policies: Sequence[Policy], inventory: Inventory, plan: Plan, desk: Desk) -> _Unrecorded:
    """Record, Region by Region, what this apply uses of its policies' keeps, before anything goes.

    A run that dies between a deletion and its record would hand the same change another ration in the next run.
    """
    if any(unread.what == "applied" for unread in inventory.unread):
        return {}
    unrecorded: dict[tuple[str, str], DrError] = {}
    shards = [(policy, region) for policy in policies for region in policy.regions]
    for policy, region in shards:
        before = inventory.applied.get((policy.name, region))
        applied = next_applied(replace(policy, regions=(region,)), before, plan)
        if applied is None or applied == before:
            continue
        try:
            desk.records.record_applied(inventory.account, region, policy.name, applied)
        except (CloudError, EnvironmentFailed) as error:
            unrecorded[policy.name, region] = error
    return unrecorded


def _apart(plan: Plan, unrecorded: _Unrecorded) -> tuple[tuple[Outcome, ...], tuple[Action, ...]]:
    """What has to wait because its change of `keep` could not be recorded, and what goes."""
    waits, goes = [], []
    for action in plan.actions:
        error = unrecorded.get((action.lineage.policy, action.lineage.region))
        if (
            error
            and isinstance(action, Expire)
            and action.cause is Cause.POLICY_CHANGE
            and not action.blocked
        ):
            waits.append(_waits(action, error))
        else:
            goes.append(action)
    return tuple(waits), tuple(goes)


def _waits(action: Expire, error: DrError) -> Outcome:
    why = f"the change of `keep` could not be recorded: {error.message}"
    return Outcome(action=action, result=Result.LEFT, error=why, remedy=error.remedy)


def _note_orphans(
    policies: Sequence[Policy], inventory: Inventory, now: datetime, desk: Desk
) -> tuple[Warn, ...]:
    """Remember since when parts are without their image: their day of grace (DESIGN 5)."""
    try:
        for region, orphans in orphans_to_record(policies, inventory, now).items():
            desk.records.record_orphans(inventory.account, region, orphans)
    except (CloudError, EnvironmentFailed) as error:
        return (_store_warning(error, None),)
    return ()


def _repair(policies: Sequence[Policy], account: str, desk: Desk) -> tuple[Warn, ...]:
    """Copy what one store lacks from the other; what stays behind is told (DESIGN 8)."""
    store = desk.hands.store
    regions = {region for policy in policies if policy.protect is Protect.STACKS for region in policy.regions}
    try:
        copied = [key for region in sorted(regions) for key in store.repair(account, region)]
        lags = store.lag() if regions else ()
    except (CloudError, EnvironmentFailed) as error:
        return (_store_warning(error, None),)
    mended = [_mended(copied)] if copied else []
    return tuple(Warn(code=WarningCode.STORE_LAG, message=said) for said in (*mended, *lags))


def _mended(keys: Sequence[str]) -> str:
    """That copies were made: who did not know that one store had lost something should."""
    newest = max(keys, key=_name)
    return f"{count(len(keys), 'version')} of stored stacks that one store lacked came from the other, the newest {newest}"


def _name(key: str) -> str:
    return key.rpartition("/")[2]


def _store_warning(error: DrError, policy: str | None) -> Warn:
    return Warn(code=WarningCode.STORE_LAG, policy=policy, message=f"the store: {error.message}")
