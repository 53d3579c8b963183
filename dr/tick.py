"""One look at the world, and what follows from it.

    read_inventory(policies, ports, now)   every listing once; one that fails is `Unread`, and closes expiry
    apply_now(...)                         leases -> inventory -> decide -> execute -> record -> repair the store
    apply_saved(...)                       the same with a saved plan in the place of decide

A tick is level-triggered: it asks what is there and does what is missing, so that a missed, doubled or killed tick is
repaired by the next. The lease comes before the look, so that two ticks seldom race; where they do, names and tags
that derive from the slot make doing it again harmless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dr import layout
from dr.actions import Outcome, Plan, Warn, WarningCode
from dr.errors import Busy, CloudError, DrError, EnvironmentFailed
from dr.executor.hands import Hands
from dr.executor.run import Report, execute
from dr.limits import next_applied
from dr.model import (
    Applied,
    Inventory,
    Part,
    Policy,
    Protect,
    RecoveryPoint,
    Source,
    TagPatterns,
    Unread,
)
from dr.ports import Lease, Leases, Records

_MAX_SKEW = 300.0
"""Seconds (DESIGN 7.3)."""
_RENEW_AFTER = timedelta(seconds=60)
"""A lease lasts 5 minutes; renewing well before that survives a slow call."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Everything a tick works with: the hands of the executor, and the shared records and leases."""

    hands: Hands
    records: Records
    leases: Leases


@dataclass(frozen=True, slots=True, kw_only=True)
class Applying:
    """What an apply did: the plan it carried out, an outcome for each action, and what to warn of besides."""

    plan: Plan
    outcomes: tuple[Outcome, ...]
    warnings: tuple[Warn, ...] = ()
    unread: tuple[Unread, ...] = ()
    busy: tuple[str, ...] = ()


Decide = Callable[[Sequence[Policy], Inventory, datetime], Plan]
"""How a plan is made: `dr.limits.decide`, or the revival of a saved one."""


def read_inventory(policies: Sequence[Policy], desk: Desk, *, whole: bool = False) -> Inventory:
    """Read what the policies need, or `whole`: every source of their Regions, whatever its tags.

    Raises `EnvironmentFailed` only when no listing at all succeeded.
    """
    reading = _Reading(desk)
    account = desk.hands.cloud.account
    for region in sorted({region for policy in policies for region in policy.regions}):
        here = [policy for policy in policies if region in policy.regions]
        reading.region(region, here, account, whole=whole)
    reading.shared(policies, account)
    reading.clock()
    return reading.inventory(account)


class _Reading:
    """Collects listings; a refused one becomes `Unread` and the others go on (FAILURES, I25)."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sources: dict[tuple[Protect, str, str], Source] = {}
        self._points: list[RecoveryPoint] = []
        self._parts: list[Part] = []
        self._unread: list[Unread] = []
        self._pins: frozenset[str] = frozenset()
        self._applied: dict[str, Applied] = {}
        self._unreachable: list[EnvironmentFailed] = []
        self._succeeded = 0

    @contextmanager
    def _listing(self, what: str, region: str, protect: Protect | None = None) -> Iterator[None]:
        try:
            yield
        except (CloudError, EnvironmentFailed) as error:
            if isinstance(error, EnvironmentFailed):
                self._unreachable.append(error)
            unread = Unread(what=what, region=region, protect=protect, message=error.message)
            self._unread.append(unread)
        else:
            self._succeeded += 1

    def region(self, region: str, policies: Sequence[Policy], account: str, *, whole: bool) -> None:
        """All listings of one Region."""
        hands = self._desk.hands
        kinds = {policy.protect for policy in policies}
        if kinds & {Protect.VOLUMES, Protect.INSTANCES}:
            with self._listing("points", region):
                holdings = hands.cloud.points(region)
                self._points.extend(holdings.points)
                self._parts.extend(holdings.parts)
        if Protect.STACKS in kinds:
            with self._listing("points", region, Protect.STACKS):
                self._points.extend(hands.store.points(account, region))
        for protect, tags in _questions(policies, whole=whole):
            with self._listing("sources", region, protect):
                self._add(self._ask(protect, region, tags))

    def _ask(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        hands = self._desk.hands
        if protect is Protect.STACKS:
            return hands.stacks.sources(region)
        return hands.cloud.sources(protect, region, tags)

    def _add(self, sources: tuple[Source, ...]) -> None:
        for source in sources:
            self._sources[source.protect, source.region, source.id] = source

    def shared(self, policies: Sequence[Policy], account: str) -> None:
        """What the store knows: pins, and the keep of each policy's last apply."""
        records = self._desk.records
        with self._listing("pins", ""):
            self._pins = records.pins()
        with self._listing("applied", ""):
            for policy in policies:
                applied = records.applied(account, policy.name)
                if applied is not None:
                    self._applied[policy.name] = applied

    def clock(self) -> None:
        """This machine's clock beside AWS's `Date` (FAILURES 2, row 48)."""
        skew = self._desk.hands.cloud.skew()
        if skew is not None and abs(skew) > _MAX_SKEW:
            message = f"this machine's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} AWS's"
            self._unread.append(Unread(what="clock", region="", message=message))

    def inventory(self, account: str) -> Inventory:
        """What was read; raises when nothing was."""
        if self._unreachable and not self._succeeded:
            raise self._unreachable[0]
        return Inventory(
            account=account,
            sources=tuple(self._sources.values()),
            points=tuple(self._points),
            parts=tuple(self._parts),
            pins=self._pins,
            applied=self._applied,
            unread=tuple(self._unread),
        )


def _questions(policies: Sequence[Policy], *, whole: bool) -> list[tuple[Protect, TagPatterns]]:
    """Which source listings are needed, each once."""
    if whole:
        return [(protect, {}) for protect in Protect]
    asked: list[tuple[Protect, TagPatterns]] = []
    for policy in policies:
        tags = {} if policy.protect is Protect.STACKS else policy.select.tags
        if (policy.protect, tags) not in asked:
            asked.append((policy.protect, tags))
    return asked


def apply_now(policies: Sequence[Policy], desk: Desk, decide: Decide, report: Report) -> Applying:
    """Do what the policies ask for now. `decide` sees the inventory that was read under the leases."""
    with _leased(policies, desk) as held:
        inventory = read_inventory(held.policies, desk)
        plan = decide(held.policies, inventory, desk.hands.clock.now())
        hands = replace(desk.hands, heartbeat=held.renew)
        outcomes = execute(plan, hands, report)
        after = _afterwards(held.policies, inventory, outcomes, desk)
        return Applying(
            plan=plan,
            outcomes=outcomes,
            warnings=(*plan.warnings, *held.warnings, *after),
            unread=inventory.unread,
            busy=held.busy,
        )


def _afterwards(
    policies: Sequence[Policy], inventory: Inventory, outcomes: Sequence[Outcome], desk: Desk
) -> tuple[Warn, ...]:
    """Remember each policy's keep, and say where the stores differ."""
    warnings = []
    if any(unread.what == "applied" for unread in inventory.unread):
        return ()
    for policy in policies:
        before = inventory.applied.get(policy.name)
        applied = next_applied(policy, before, outcomes)
        if applied is None or applied == before:
            continue
        try:
            desk.records.record_applied(inventory.account, policy.name, applied)
        except (CloudError, EnvironmentFailed) as error:
            warnings.append(_store_warning(error, policy.name))
    warnings.extend(Warn(code=WarningCode.STORE_LAG, message=lag) for lag in desk.hands.store.lag())
    return tuple(warnings)


def _store_warning(error: DrError, policy: str) -> Warn:
    return Warn(code=WarningCode.STORE_LAG, policy=policy, message=f"not recorded: {error.message}")


class _Held:
    """The leases of one apply, the policies that they cover, and what was busy."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._leases: list[Lease] = []
        self._renewed = desk.hands.clock.now()
        self.policies: tuple[Policy, ...] = ()
        self.warnings: tuple[Warn, ...] = ()
        self.busy: tuple[str, ...] = ()

    def acquire(self, policies: Sequence[Policy]) -> None:
        """Take the lease of each policy and Region; a policy goes on in the Regions that are free."""
        for policy in policies:
            regions = tuple(region for region in policy.regions if self._free(policy, region))
            if regions:
                self.policies = (*self.policies, replace(policy, regions=regions))

    def _free(self, policy: Policy, region: str) -> bool:
        key = layout.lease_key(self._desk.hands.cloud.account, region, policy.name)
        try:
            self._leases.append(self._desk.leases.acquire(key))
        except Busy as error:
            self.busy = (*self.busy, error.message)
            busy = Warn(code=WarningCode.BUSY, policy=policy.name, message=error.message)
            self.warnings = (*self.warnings, busy)
            return False
        except (CloudError, EnvironmentFailed) as error:
            self.warnings = (*self.warnings, _no_lease(error, policy.name))
        return True

    def renew(self) -> None:
        """Extend every lease once a minute; raises `Busy` when one was taken over."""
        now = self._desk.hands.clock.now()
        if now - self._renewed < _RENEW_AFTER:
            return
        self._renewed = now
        for lease in self._leases:
            lease.renew()

    def release(self) -> None:
        """Give all of them back."""
        for lease in self._leases:
            lease.release()


def _no_lease(error: DrError, policy: str) -> Warn:
    """A store that is out of reach stops no capture: correctness never rests on the lease (FAILURES 2c)."""
    return Warn(
        code=WarningCode.STORE_LAG, policy=policy, message=f"working without a lease: {error.message}"
    )


@contextmanager
def _leased(policies: Sequence[Policy], desk: Desk) -> Iterator[_Held]:
    held = _Held(desk)
    try:
        held.acquire(policies)
        if policies and not held.policies:
            raise Busy("; ".join(held.busy), "try again when it has ended, or wait for the lease to run out")
        yield held
    finally:
        held.release()
