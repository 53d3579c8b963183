"""What the shards came to, as one answer: one plan, one list of warnings that says each thing once. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import chain

from dr.actions import Outcome, Plan, Warn, WarningCode
from dr.errors import Busy, DrError, Interrupted, NotEnabled
from dr.model import Freeze, Lineage, Policy
from dr.planner.warnings import selects_nothing
from dr.status import Status, is_ok, points_newest_first
from dr.tick.applying import Applying
from dr.tick.shards import Ran, Shard, merged
from dr.words import names


def merge_plans(
    plans: Mapping[Shard, Plan], policies: Sequence[Policy], shards: Sequence[Shard], now: datetime
) -> Plan:
    """One plan, without a fingerprint; its actions stand shard by shard. `policies` are those asked for, with all their Regions."""
    several = list(plans.values())
    if len(shards) == 1 and several:
        return several[0]
    return Plan(
        now=now,
        actions=tuple(action for plan in several for action in plan.actions),
        warnings=merge_warnings({shard: plan.warnings for shard, plan in plans.items()}, policies, shards),
        lineages=_Joined({(shard.account, shard.region): plan.lineages for shard, plan in plans.items()}),
    )


class _Joined(Mapping[Lineage, str]):
    """The digests of several plans; none is made that nobody asks for."""

    def __init__(self, of: Mapping[tuple[str, str], Mapping[Lineage, str]]) -> None:
        self._of = of

    def __getitem__(self, lineage: Lineage) -> str:
        return self._of[lineage.account, lineage.region][lineage]

    def __iter__(self) -> Iterator[Lineage]:
        return chain.from_iterable(self._of.values())

    def __len__(self) -> int:
        return sum(map(len, self._of.values()))


def merge_applied(
    ran: Ran[Applying], told: Sequence[Outcome], policies: Sequence[Policy], now: datetime
) -> Applying:
    """One answer of an apply. `told` are all outcomes as they came, those too of shards that were given up.

    Raises the errors of the shards where nothing was done in any.
    """
    if not told:
        ran.some()
    shards = [*ran.results, *ran.errors]
    parts = ran.results
    if len(shards) == 1 and parts:
        return next(iter(parts.values()))
    own = {shard: part.warnings for shard, part in parts.items()}
    absent = [shard for shard, error in ran.errors.items() if isinstance(error, NotEnabled)]
    failed = {
        (shard.account, shard.region): error
        for shard, error in ran.errors.items()
        if not isinstance(error, NotEnabled | Busy)
    }
    held = [error.message for error in ran.errors.values() if isinstance(error, Busy)]
    ended = {id(outcome.action) for part in parts.values() for outcome in part.outcomes}
    return Applying(
        inventory=merged([part.inventory for part in parts.values()]),
        plan=merge_plans({shard: part.plan for shard, part in parts.items()}, policies, shards, now),
        outcomes=(
            *(outcome for part in parts.values() for outcome in part.outcomes),
            *(outcome for outcome in told if id(outcome.action) not in ended),
        ),
        warnings=(*merge_warnings(own, policies, shards, absent), *failure_warnings(ran.errors)),
        busy=tuple(dict.fromkeys([*(busy for part in parts.values() for busy in part.busy), *held])),
        not_good=tuple(point for part in parts.values() for point in part.not_good),
        failed=failed,
        absent=frozenset((shard.account, shard.region) for shard in absent),
        looked=frozenset(looked for part in parts.values() for looked in part.looked),
        missed=tuple(missed for part in parts.values() for missed in part.missed),
        interrupted=Interrupted() if ran.interrupted else None,
    )


def merge_statuses(
    of: Mapping[Shard, Status], errors: Mapping[Shard, DrError], policies: Sequence[Policy], now: datetime
) -> Status:
    """One status. It is ok where each shard's is, a policy that selects nothing in one of many apart.

    What is told of no policy, such as a Region that none names, makes no shard's status less than ok, nor this one.
    """
    shards = [*of, *errors]
    if len(shards) == 1:
        return next(iter(of.values()))
    warnings = merge_warnings({shard: one.warnings for shard, one in of.items()}, policies, shards)
    parts = list(of.values())
    failed = any(not isinstance(error, NotEnabled) for error in errors.values())
    of_policies = [warn for warn in warnings if warn.policy is not None]
    return Status(
        now=now,
        ok=not failed and is_ok([row for one in parts for row in one.sources], of_policies),
        sources=tuple(sorted((row for one in parts for row in one.sources), key=lambda row: row.policy)),
        unprotected=tuple(row for one in parts for row in one.unprotected),
        stacks=tuple(sorted({name for one in parts for name in one.stacks})),
        orphans=points_newest_first(point for one in parts for point in one.orphans),
        frozen=_frozen(parts),
        warnings=(*warnings, *failure_warnings(errors)),
    )


def _frozen(parts: Sequence[Status]) -> tuple[Freeze, ...] | None:
    """Every shard reads the same mark: one that could tell is enough. The last word on each policy counts."""
    told = [one.frozen for one in parts if one.frozen is not None]
    return tuple({one.policy: one for frozen in told for one in frozen}.values()) if told else None


def failure_warnings(errors: Mapping[Shard, DrError]) -> tuple[Warn, ...]:
    """A warning for each shard that came to nothing, by its name."""
    return tuple(
        Warn(
            code=_code(error),
            message=f"{shard.name}: {error.message}" + (f" ({error.remedy})" if error.remedy else ""),
        )
        for shard, error in errors.items()
    )


def _code(error: DrError) -> WarningCode:
    """What was left to somebody else, or cannot be there, has not failed."""
    match error:
        case NotEnabled():
            return WarningCode.REGION_NOT_ENABLED
        case Busy():
            return WarningCode.BUSY
        case _:
            return WarningCode.SHARD_FAILED


def merge_warnings(
    of: Mapping[Shard, Sequence[Warn]],
    policies: Sequence[Policy],
    shards: Sequence[Shard],
    absent: Sequence[Shard] = (),
) -> tuple[Warn, ...]:
    """Each warning once; one that not every shard has says whose it is.

    A policy selects nothing where no shard in which it works selects anything: in most accounts of many it may have nothing.
    In an `absent` Region there is nothing that it could select.
    """
    if len(shards) == 1:
        return tuple(next(iter(of.values()), ()))
    where: dict[Warn, list[Shard]] = {}
    for shard, warnings in of.items():
        for warn in dict.fromkeys(warnings):
            where.setdefault(warn, []).append(shard)
    told = [
        warn if len(there) == len(of) else replace(warn, message=f"{_label(there, shards)}: {warn.message}")
        for warn, there in where.items()
        if warn.code is not WarningCode.SELECTS_NOTHING
    ]
    empty = {(warn.policy, shard) for warn, there in where.items() for shard in there if _empty(warn)}
    return (*_nothing(empty, policies, [shard for shard in shards if shard not in absent]), *told)


def _empty(warn: Warn) -> bool:
    return warn.code is WarningCode.SELECTS_NOTHING


def _nothing(
    empty: set[tuple[str | None, Shard]], policies: Sequence[Policy], shards: Sequence[Shard]
) -> list[Warn]:
    """Not where a shard could not be seen: then nobody knows."""
    return [
        selects_nothing(policy)
        for policy in policies
        if (there := [shard for shard in shards if shard.region in policy.regions])
        and all((policy.name, shard) in empty for shard in there)
    ]


def _label(there: Sequence[Shard], shards: Sequence[Shard]) -> str:
    """Their names, as short as they can be told apart."""
    if len({shard.account for shard in shards}) == 1:
        return names([shard.region for shard in there])
    if len({shard.region for shard in shards}) == 1:
        return names([shard.account for shard in there])
    return names([shard.name for shard in there])
