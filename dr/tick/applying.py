"""Plan and carry out: what `dr apply`, the daemon and the scheduled function do."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from dr.actions import Expire, Outcome, Plan, Result, Warn, WarningCode
from dr.errors import (
    EXIT_BUSY,
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_REFUSED,
    CloudError,
    DrError,
    EnvironmentFailed,
    Interrupted,
    weightiest,
)
from dr.executor.at_once import Report
from dr.executor.run import Unrecorded, execute
from dr.limits import next_applied
from dr.model import Freeze, Inventory, Policy, Protect, Unread
from dr.planner import orphans_to_record
from dr.tick.claiming import claim, refuse_others, store_warning
from dr.tick.desk import Desk
from dr.tick.inventory import read_inventory
from dr.tick.leasing import leased
from dr.words import count


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What an apply did: what it found, the plan it carried out, an outcome for each action, and what to warn of besides.

    `not_good` are points of other runs that somebody waited for in vain; `failed` is why shards came to nothing, by account and
    Region; `absent` are Regions that accounts have not enabled. `looked` are the policies that were worked on, each with the
    account and Region: not those that others hold. `missed` is what could not be read, with the account.
    """

    inventory: Inventory
    plan: Plan
    outcomes: tuple[Outcome, ...]
    warnings: tuple[Warn, ...] = ()
    busy: tuple[str, ...] = ()
    not_good: tuple[str, ...] = ()
    failed: Mapping[tuple[str, str], DrError] = field(default_factory=dict)
    absent: frozenset[tuple[str, str]] = frozenset()
    looked: frozenset[tuple[str, str, str]] = frozenset()
    missed: tuple[tuple[str, Unread], ...] = ()
    interrupted: Interrupted | None = None

    @property
    def unread(self) -> tuple[Unread, ...]:
        """What could not be read."""
        return self.inventory.unread

    @property
    def exit_code(self) -> int:
        """The contract's exit code (DESIGN 9)."""
        return weightiest(self._codes())

    def _codes(self) -> list[int]:
        codes = [EXIT_DONE if self.interrupted is None else self.interrupted.exit_code]
        if self.busy:
            codes.append(EXIT_BUSY)
        if any(_blocked(outcome) for outcome in self.outcomes):
            codes.append(EXIT_REFUSED)
        codes += [error.exit_code for error in self.failed.values()]
        failed = any(o.result is Result.FAILED or _interrupted(o) for o in self.outcomes)
        nothing = any(warn.code is WarningCode.SELECTS_NOTHING for warn in self.warnings)
        if failed or nothing or self.unread or self.not_good:
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
    as a saved plan needs it, when one is. An interrupt (KeyboardInterrupt) is raised only before anything was begun.
    """
    refuse_others(desk)
    done: Applying | None = None
    try:
        with leased(policies, desk, every=every) as held:
            inventory, claimed = claim(read_inventory(held.policies, desk), desk)
            plan = decide(held.policies, inventory, desk.hands.clock.now())
            hands = replace(
                desk.hands, heartbeat=held.renew, pins=desk.records.pins, freezes=partial(_frozen_now, desk)
            )
            unrecorded: dict[tuple[str, str], DrError] = {}
            record = partial(
                _remember, held.policies, inventory, plan, replace(desk, hands=hands), unrecorded
            )
            executed = execute(plan, hands, report, record)
            lost = [store_warning(error, policy) for (policy, _), error in unrecorded.items()]
            done = Applying(
                inventory=inventory,
                plan=plan,
                outcomes=executed.outcomes,
                warnings=(*plan.warnings, *claimed, *held.warnings, *lost),
                busy=held.busy,
                looked=frozenset(
                    (p.name, inventory.account, region) for p in held.policies for region in p.regions
                ),
                missed=tuple((inventory.account, miss) for miss in inventory.unread),
                interrupted=executed.stopped if isinstance(executed.stopped, Interrupted) else None,
            )
            if not done.interrupted:
                repaired = _repair(held.policies, inventory.account, desk)
                orphans = _note_orphans(held.policies, inventory, plan.now, desk)
                done = replace(done, warnings=(*done.warnings, *repaired, *orphans))
    except KeyboardInterrupt:
        if done is None:
            raise
        return replace(done, interrupted=Interrupted())
    return done


def _frozen_now(desk: Desk) -> tuple[Freeze, ...]:
    """What is frozen, before a deletion. Raises `CloudError` for a store that went away meanwhile: it would say that nothing is."""
    freezes = desk.records.freezes()
    if desk.records.holder() is None:
        raise CloudError(
            f"{desk.records.name} is not the store any more that it was: whether anything is frozen is not known",
            "is it mounted? The next tick goes on when it is there",
        )
    return freezes


def _remember(
    policies: Sequence[Policy],
    inventory: Inventory,
    plan: Plan,
    desk: Desk,
    unrecorded: dict[tuple[str, str], DrError],
) -> Unrecorded:
    """Record, Region by Region, what this apply uses of its policies' keeps, before anything goes.

    A run that dies between a deletion and its record would hand the same change another ration in the next run. Fills
    `unrecorded` and gives it back. A store that was out of reach once is asked no more.
    """
    if any(unread.what == "applied" for unread in inventory.unread):
        return unrecorded
    away: EnvironmentFailed | None = None
    shards = [(policy, region) for policy in policies for region in policy.regions]
    for policy, region in shards:
        before = inventory.applied.get((policy.name, region))
        applied = next_applied(replace(policy, regions=(region,)), before, plan)
        if applied is None or applied == before:
            continue
        if away is not None:
            unrecorded[policy.name, region] = away
            continue
        desk.hands.heartbeat()
        try:
            desk.records.record_applied(inventory.account, region, policy.name, applied)
        except CloudError as error:
            unrecorded[policy.name, region] = error
        except EnvironmentFailed as error:
            unrecorded[policy.name, region] = away = error
    return unrecorded


def _note_orphans(
    policies: Sequence[Policy], inventory: Inventory, now: datetime, desk: Desk
) -> tuple[Warn, ...]:
    """Remember since when parts are without their image: their day of grace (DESIGN 5)."""
    try:
        for region, orphans in orphans_to_record(policies, inventory, now).items():
            desk.records.record_orphans(inventory.account, region, orphans)
    except (CloudError, EnvironmentFailed) as error:
        return (store_warning(error, None),)
    return ()


def _repair(policies: Sequence[Policy], account: str, desk: Desk) -> tuple[Warn, ...]:
    """Copy what one store lacks from the other; what stays behind is told (DESIGN 8)."""
    store = desk.hands.store
    regions = {region for policy in policies if policy.protect is Protect.STACKS for region in policy.regions}
    try:
        copied = [key for region in sorted(regions) for key in store.repair(account, region)]
        lags = store.lag() if regions else ()
    except (CloudError, EnvironmentFailed) as error:
        return (store_warning(error, None),)
    mended = [_mended(copied)] if copied else []
    return tuple(Warn(code=WarningCode.STORE_LAG, message=said) for said in (*mended, *lags))


def _mended(keys: Sequence[str]) -> str:
    """That copies were made: who did not know that one store had lost something should."""
    newest = max(keys, key=_name)
    return f"{count(len(keys), 'version')} of stored stacks that one store lacked came from the other, the newest {newest}"


def _name(key: str) -> str:
    return key.rpartition("/")[2]
