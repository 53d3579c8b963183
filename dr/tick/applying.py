"""Plan and carry out: what `dr apply`, the daemon and the scheduled function do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dr.actions import Expire, Outcome, Plan, Result, Warn, WarningCode
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
from dr.tick.inventory import read_inventory
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
        outcomes = execute(plan, replace(desk.hands, heartbeat=held.renew, pins=desk.records.pins), report)
        after = (
            *_afterwards(held.policies, inventory, plan, desk),
            *_note_orphans(held.policies, inventory, plan.now, desk),
        )
        return Applying(
            plan=plan,
            outcomes=outcomes,
            warnings=(*plan.warnings, *warnings, *held.warnings, *after),
            unread=inventory.unread,
            busy=held.busy,
        )


def _claim(desk: Desk) -> tuple[Warn, ...]:
    """Claim the store. One that is out of reach stops no capture; expiry closes by itself, pins being unread."""
    try:
        desk.records.claim(desk.hands.installation)
    except (CloudError, EnvironmentFailed) as error:
        return (_store_warning(error, None),)
    return ()


def _afterwards(policies: Sequence[Policy], inventory: Inventory, plan: Plan, desk: Desk) -> tuple[Warn, ...]:
    """Remember each policy's keep, Region by Region, and bring the second store up to the first."""
    if any(unread.what == "applied" for unread in inventory.unread):
        return _repair(policies, inventory.account, desk)
    shards = [(policy, region) for policy in policies for region in policy.regions]
    warnings = [
        warn for policy, region in shards for warn in _remember(policy, region, inventory, plan, desk)
    ]
    return (*warnings, *_repair(policies, inventory.account, desk))


def _remember(policy: Policy, region: str, inventory: Inventory, plan: Plan, desk: Desk) -> tuple[Warn, ...]:
    """Record what this apply used as the policy's keep in one Region: what another Region did says nothing of it."""
    before = inventory.applied.get((policy.name, region))
    applied = next_applied(replace(policy, regions=(region,)), before, plan)
    if applied is None or applied == before:
        return ()
    try:
        desk.records.record_applied(inventory.account, region, policy.name, applied)
    except (CloudError, EnvironmentFailed) as error:
        return (_store_warning(error, policy.name),)
    return ()


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
