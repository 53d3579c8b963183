"""What is wrong with an installation, as one tick saw it.

A tick that could not see something says nothing of it: what was known to be wrong there stays so.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import NamedTuple

from dr.actions import Action, Capture, Expire, Outcome, Result, Warn, WarningCode
from dr.errors import DrError
from dr.model import Lineage, Policy, RecoveryPoint, State, Unread
from dr.planner.shelf import unread_of
from dr.status import Protected
from dr.words import count, duration


class Trouble(StrEnum):
    """What a target may ask to be told of, beside recoveries and digests."""

    FAILURE = "failure"
    RPO = "rpo"
    BLOCKED = "blocked"


class Key(NamedTuple):
    """What tells one condition from another, in words that do not change from tick to tick. Empty where it is of none, or of all."""

    trouble: Trouble
    what: str
    policy: str = ""
    account: str = ""
    region: str = ""
    source: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """Something that is wrong, and what to do about it."""

    key: Key
    message: str
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a tick saw: `shards` are the accounts and Regions that it was to see, `failed` those that it could not.

    `looked` are the policies that it worked on, each with its account and Region. `sources` tell how well each was protected
    when the tick began: what it has captured itself is not among the good points yet.
    """

    policies: tuple[Policy, ...]
    outcomes: tuple[Outcome, ...] = ()
    sources: tuple[Protected, ...] = ()
    points: tuple[RecoveryPoint, ...] = ()
    warnings: tuple[Warn, ...] = ()
    unread: tuple[Unread, ...] = ()
    shards: frozenset[tuple[str, str]] = frozenset()
    looked: frozenset[tuple[str, str, str]] = frozenset()
    failed: Mapping[tuple[str, str], DrError] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is wrong, by key; and of which keys the tick could not tell."""

    conditions: Mapping[Key, Condition]
    blind: Callable[[Key], bool]


_FAILURES = {
    WarningCode.SELECTS_NOTHING,
    WarningCode.LISTING_INCOMPLETE,
    WarningCode.CLOCK_SKEW,
    WarningCode.PENDING_LONG,
}
"""Warnings of what is no matter of a single action, and stays until somebody mends it."""
TICK, SHARD, FILES, STANDS_BY = "tick", "shard", "files", "stands-by"
_OWN = {TICK, FILES, STANDS_BY}
"""What a shell says of itself: nothing that a tick sees tells of it."""


def observe(seen: Seen) -> Observed:
    """What is wrong in what was seen."""
    first = _Firsts(seen)
    found = (*_failures(seen), *_late(seen, first), *_blocked(seen.outcomes))
    conditions: dict[Key, Condition] = {}
    for one in found:
        conditions.setdefault(one.key, one)
    sight = _Sight(seen, first)
    return Observed(conditions=conditions, blind=sight.is_blind)


def in_vain(what: str, error: DrError) -> Observed:
    """A look that came to nothing: of everything else nobody can tell, the shell's own files apart."""
    key = Key(Trouble.FAILURE, what)
    condition = Condition(key=key, message=error.message, remedy=error.remedy)
    return Observed(conditions={key: condition}, blind=lambda known: known.what != FILES)


def beside(observed: Observed, what: str, error: DrError | None) -> Observed:
    """With what a shell says of itself beside it."""
    own = in_vain(what, error).conditions if error else {}
    return replace(observed, conditions={**own, **observed.conditions})


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _failures(seen: Seen) -> Iterator[Condition]:
    for outcome in seen.outcomes:
        if outcome.result is Result.FAILED:
            what = "capture" if isinstance(outcome.action, Capture) else "expiry"
            yield Condition(
                key=_of(outcome.action.lineage, what),
                message=f"{what} failed: {outcome.error}",
                remedy=outcome.remedy,
            )
    for row in seen.sources:
        if row.failed is not None:
            yield Condition(
                key=_of(row.failed.lineage, "capture"), message=f"{row.failed.id} was begun and failed"
            )
    for warn in seen.warnings:
        if warn.code in _FAILURES or (warn.code is WarningCode.EXPIRY_CLOSED and warn.source is None):
            key = Key(Trouble.FAILURE, warn.code.value, warn.policy or "", source=warn.source or "")
            yield Condition(key=key, message=warn.message)
    for (account, region), error in seen.failed.items():
        key = Key(Trouble.FAILURE, SHARD, account=account, region=region)
        yield Condition(key=key, message=error.message, remedy=error.remedy)


def _late(seen: Seen, first: _Firsts) -> Iterator[Condition]:
    for row in seen.sources:
        if row.within_rpo is False and not first.is_coming(row):
            age = "no good point" if row.age is None else f"the newest good point is {duration(row.age)} old"
            yield Condition(key=_rpo(row), message=f"{age}; its objective is {duration(row.rpo or 0)}")


def _blocked(outcomes: Iterable[Outcome]) -> Iterator[Condition]:
    places = Counter(_place(o.action) for o in outcomes if isinstance(o.action, Expire) and o.action.blocked)
    for (policy, account, region), number in places.items():
        yield Condition(
            key=Key(Trouble.BLOCKED, "expiry", policy, account, region),
            message=f"{count(number, 'expiry waits', 'expiries wait')} for a person's word, after a change of the policy",
            remedy=f"look at `dr plan --policy {policy}`; let them go with `dr apply --policy {policy} --allow-expire N`",
        )


class _Firsts:
    """The first points of sources, on their way: who has just come is late only when nothing comes of it."""

    def __init__(self, seen: Seen) -> None:
        self._coming = {point.lineage for point in seen.points if point.state is State.PENDING} | {
            outcome.action.lineage
            for outcome in seen.outcomes
            if outcome.result is Result.DONE and isinstance(outcome.action, Capture)
        }

    def is_coming(self, row: Protected) -> bool:
        return row.newest is None and _lineage(row) in self._coming


# --- what could not be seen ---------------------------------------------------------------------------------------------


class _Sight:
    """Which known conditions this tick can say nothing of."""

    def __init__(self, seen: Seen, first: _Firsts) -> None:
        self._seen = seen
        self._policies = {policy.name: policy for policy in seen.policies}
        self._unended = {
            _of(o.action.lineage, "capture" if isinstance(o.action, Capture) else "expiry")
            for o in seen.outcomes
            if o.result in {Result.LEFT, Result.SKIPPED}
        }
        self._coming = {_rpo(row) for row in seen.sources if first.is_coming(row)}
        self._unknown = {_rpo(row) for row in seen.sources if row.rpo is not None and row.within_rpo is None}

    def is_blind(self, key: Key) -> bool:
        place = key.account, key.region
        if key.what in _OWN or (key.region and place not in self._seen.shards):
            return False
        if key.what == SHARD:
            return place not in {(account, region) for _, account, region in self._seen.looked}
        if key.policy and key.policy not in self._policies:
            return False
        if key in self._unended or key in self._coming or key in self._unknown:
            return True
        return not self._there(key) if key.region else not self._everywhere(key.policy)

    def _there(self, key: Key) -> bool:
        """Whether its policy was looked at in its place, and everything listed; where it works no more nothing is wrong."""
        policy = self._policies[key.policy]
        if key.region not in policy.regions:
            return True
        looked = (key.policy, key.account, key.region) in self._seen.looked
        return looked and not unread_of(policy, key.region, self._seen.unread)

    def _everywhere(self, policy: str) -> bool:
        """Whether a policy, or all where none is named, was looked at in all of its places: a warning may be of any of them."""
        wanted = {
            (one.name, account, region)
            for one in self._seen.policies
            if policy in {"", one.name}
            for account, region in self._seen.shards
            if region in one.regions
        }
        return wanted <= self._seen.looked


def _of(lineage: Lineage, what: str) -> Key:
    return Key(Trouble.FAILURE, what, lineage.policy, lineage.account, lineage.region, lineage.source)


def _rpo(row: Protected) -> Key:
    return Key(Trouble.RPO, "age", row.policy, row.source.account, row.source.region, row.source.id)


def _lineage(row: Protected) -> Lineage:
    return Lineage(row.policy, row.source.account, row.source.region, row.source.id)


def _place(action: Action) -> tuple[str, str, str]:
    return action.lineage.policy, action.lineage.account, action.lineage.region
