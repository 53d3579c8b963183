"""`dr verify`: do the stores hold together, and would what they hold come back? Reads only; no lease, no changing call.

    stores --store.checking--> faults of stores and versions ----+
                                                                  +--> Verified: verdicts, faults, the exit code
    versions --trying: the plan of a restore, not carried out ----+

By default the newest version of each stack is planned, the one that `dr restore` would take; `--deep` plans every one.
The plan is made by the very code that `dr restore --plan-only` runs: what would stop it or come up empty is found by
it, never by rules of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from dr import layout
from dr.errors import (
    EXIT_ACTIONS,
    EXIT_DONE,
    EXIT_REFUSED,
    CloudError,
    DrError,
    EnvironmentFailed,
    Fault,
    Refused,
    fault_of,
    weightiest,
)
from dr.model import Claim, Holdings, RecoveryPoint
from dr.store.checking import StoresFound, VersionFound
from dr.store.looking import StoreFound
from dr.verify.trying import Make, Trial, Verdict, as_of_an_older_version, try_version
from dr.verify.unstored import Unstored, unstored

__all__ = [
    "Planner",
    "StackVerified",
    "Verified",
    "VersionVerified",
    "faults_of_store",
    "remembered",
    "unstored",
    "verified",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionVerified:
    """One version: what is wrong with it as it lies there, and, where it was `planned`, with its restore."""

    point: RecoveryPoint
    planned: bool
    faults: tuple[Fault, ...]

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong with it."""
        return not self.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVerified:
    """One stack. `verdict` is of its newest version, None where nobody could tell; `reasons` are why."""

    name: str
    account: str
    region: str
    verdict: Verdict | None
    reasons: tuple[Fault, ...]
    versions: tuple[VersionVerified, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """The whole answer. `faults` are of the installation as such; `names` are of all that is stored or should be."""

    deep: bool
    faults: tuple[Fault, ...]
    stores: tuple[StoreFound, ...]
    stacks: tuple[StackVerified, ...]
    names: frozenset[str]

    @property
    def exit_code(self) -> int:
        """4: altered, or a newest version would not restore; 1: could not be asked; 3: less than it should be."""
        return weightiest([EXIT_DONE, *(fault.exit for fault in self._all())])

    def misses(self, stack: str) -> bool:
        """Whether there are stacks, none of them of this name, and every store was asked."""
        return bool(self.names) and stack not in self.names and all(one.reachable for one in self.stores)

    def _all(self) -> Iterator[Fault]:
        yield from self.faults
        for store in self.stores:
            yield from store.faults
        for stack in self.stacks:
            yield from stack.reasons
            for version in stack.versions:
                yield from version.faults


@dataclass(frozen=True, slots=True, kw_only=True)
class Planner:
    """How versions are planned. `accounts` are those whose stacks can be; it raises where AWS does not tell."""

    accounts: Callable[[], Collection[str]]
    plan: Make


def remembered(ask: Callable[[str], Holdings]) -> Callable[[str], Holdings]:
    """Ask once for each Region, however many versions are planned; a refusal is remembered too."""
    answers: dict[str, Holdings | DrError] = {}

    def answer(region: str) -> Holdings:
        if region not in answers:
            try:
                answers[region] = ask(region)
            except DrError as error:
                answers[region] = error
        found = answers[region]
        if isinstance(found, DrError):
            raise found
        return found

    return answer


def faults_of_store(
    found: StoresFound,
    nothing: Callable[[], EnvironmentFailed | None],
    holder: Callable[[], Claim | None],
    installation: str,
    records: Sequence[Callable[[], object]] = (),
) -> tuple[Fault, ...]:
    """Tell a store that holds nothing at all, whose claim is not ours, and of whose `records` one cannot be read."""
    if not found.stores[0].reachable:
        return ()
    if not found.stacks:
        error = nothing()
        return (fault_of(error),) if error else ()
    return (*_claim_faults(found.stores[0].name, holder, installation), *_unreadable(records))


def _unreadable(records: Sequence[Callable[[], object]]) -> Iterator[Fault]:
    """What a tick or a restore reads besides, and cannot: it closes expiry, or stops a restore."""
    for read in records:
        try:
            read()
        except (CloudError, EnvironmentFailed, Refused) as error:
            yield fault_of(error)


def _claim_faults(name: str, holder: Callable[[], Claim | None], installation: str) -> Iterator[Fault]:
    try:
        claim = holder()
    except (CloudError, EnvironmentFailed, Refused) as error:
        yield fault_of(error)
    else:
        if claim is None:
            yield _unclaimed(name)
        elif claim.installation != installation:
            yield _claimed(name, claim.installation, installation)


def _unclaimed(name: str) -> Fault:
    return Fault(
        message=f"{name} is claimed by no installation ({layout.CLAIM} is missing), though stacks are stored",
        remedy="was it removed, or is this a copy of a store? The next `dr apply` claims it, and nothing older than "
        "the claim expires for a week",
        exit=EXIT_ACTIONS,
    )


def _claimed(name: str, other: str, installation: str) -> Fault:
    return Fault(
        message=f"{name} belongs to the installation {other!r}; this one is {installation!r}",
        remedy="give this installation a store of its own, or correct `name` in dr.yaml",
        exit=EXIT_REFUSED,
    )


def verified(
    found: StoresFound,
    planner: Planner,
    whole: Sequence[Fault],
    missing: Sequence[Unstored] = (),
    *,
    deep: bool,
) -> Verified:
    """Plan what is to be planned, and put everything together."""
    accounts = _accounts(planner, found)
    rows = groupby(sorted(found.versions, key=lambda one: (_stack_of(one), one.point.slot)), _stack_of)
    stacks = [
        _stack(sorted(versions, key=_newest_first, reverse=True), planner, accounts, deep=deep)
        for _, versions in rows
    ]
    return Verified(
        deep=deep,
        faults=(*whole, *(one.fault for one in missing)),
        stores=found.stores,
        stacks=tuple(stacks),
        names=frozenset(name for *_, name in found.stacks) | {one.name for one in missing},
    )


def _accounts(planner: Planner, found: StoresFound) -> Collection[str] | DrError:
    """Whose stacks can be planned, or why nobody knows."""
    if not found.versions:
        return ()
    try:
        return planner.accounts()
    except (CloudError, EnvironmentFailed) as error:
        return error


def _stack_of(version: VersionFound) -> tuple[str, str, str]:
    lineage = version.point.lineage
    return lineage.source, lineage.account, lineage.region


def _newest_first(version: VersionFound) -> tuple[datetime, str]:
    """As a restore chooses."""
    return version.point.slot, version.point.lineage.policy


def _stack(
    versions: Sequence[VersionFound], planner: Planner, accounts: Collection[str] | DrError, *, deep: bool
) -> StackVerified:
    name, owner, region = _stack_of(versions[0])
    trials = list(_trials(versions, planner, accounts, deep=deep))
    newest = trials[0]
    return StackVerified(
        name=name,
        account=owner,
        region=region,
        verdict=newest.verdict if newest else None,
        reasons=newest.faults if newest else (),
        versions=tuple(
            VersionVerified(
                point=version.point,
                planned=trial is not None and trial.made,
                faults=(*version.faults, *(() if number == 0 or trial is None else trial.faults)),
            )
            for number, (version, trial) in enumerate(zip(versions, trials, strict=True))
        ),
    )


def _trials(
    versions: Sequence[VersionFound], planner: Planner, accounts: Collection[str] | DrError, *, deep: bool
) -> Iterator[Trial | None]:
    """One for each version, newest first; None for what is not planned: another account's, or an older one."""
    if isinstance(accounts, DrError):
        yield Trial(verdict=None, faults=(fault_of(accounts),))
        yield from (None for _ in versions[1:])
        return
    at: datetime | None = None
    for number, version in enumerate(versions):
        if version.point.lineage.account not in accounts or (number and not deep):
            yield None
            continue
        trial = try_version(version.point, at, planner.plan)
        yield trial if number == 0 else as_of_an_older_version(trial)
        at = _last_moment(trial.captured or version.point.time)


def _last_moment(next_captured: datetime) -> datetime:
    """The last whole second at which a restore would still take the version before: the newest data that goes with it."""
    return next_captured.replace(microsecond=0) - timedelta(seconds=1)
