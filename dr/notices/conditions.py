"""What is wrong with an installation, as one tick saw it.

A tick that could not see something says nothing of it: what was known to be wrong there stays so. What is protected no more
has not recovered.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from dr.actions import Action, Capture, Expire, Outcome, Result, Warn, WarningCode
from dr.errors import DrError
from dr.model import ACCOUNTS, Freeze, Lineage, Policy, RecoveryPoint, State, Unread
from dr.planner.freezing import frozen_text, thaw_command
from dr.planner.shelf import unread_of
from dr.planner.warnings import PENDING_AT_MOST
from dr.status import Protected, freezes_unknown
from dr.words import count, duration


class Trouble(StrEnum):
    """What a target may ask to be told of, beside recoveries and digests."""

    FAILURE = "failure"
    RPO = "rpo"
    BLOCKED = "blocked"
    FROZEN = "frozen"


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

    `looked` are the policies that it worked on, each with its account and Region; `missed` what could not be read, with the
    account. `sources` tell how well each was protected when the tick began: what it has captured itself is not among the
    good points yet.
    """

    now: datetime
    policies: tuple[Policy, ...]
    outcomes: tuple[Outcome, ...] = ()
    sources: tuple[Protected, ...] = ()
    points: tuple[RecoveryPoint, ...] = ()
    warnings: tuple[Warn, ...] = ()
    missed: tuple[tuple[str, Unread], ...] = ()
    shards: frozenset[tuple[str, str]] = frozenset()
    looked: frozenset[tuple[str, str, str]] = frozenset()
    failed: Mapping[tuple[str, str], DrError] = field(default_factory=dict)
    freezes: tuple[Freeze, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Observed:
    """What is wrong, by key; of which keys nobody can tell now, and which are of something that is protected no more."""

    conditions: Mapping[Key, Condition]
    blind: Callable[[Key], bool]
    gone: Callable[[Key], bool] = lambda _: False


CAPTURE, EXPIRY, PENDING, AGE, NOTHING = (
    "capture",
    "expiry",
    "pending",
    "age",
    WarningCode.SELECTS_NOTHING.value,
)
TICK, SHARD, FILES, STANDS_BY = "tick", "shard", "files", "stands-by"
FROZEN_AT_MOST = timedelta(days=1)
"""After which people are told."""
_OWN = {TICK, FILES, STANDS_BY}
"""What a shell says of itself: nothing that a tick sees tells of it."""
_LISTINGS = {"sources", "points"}
_UNREAD = "unread {}"
_WAITS = {
    WarningCode.SOURCE_NOT_READY: CAPTURE,
    WarningCode.EXPIRY_CLOSED: EXPIRY,
    WarningCode.FROZEN: EXPIRY,
}
"""Warnings of a source of which something was not tried in this tick."""


def observe(seen: Seen) -> Observed:
    """What is wrong in what was seen."""
    sight = _Sight(seen)
    conditions: dict[Key, Condition] = {}
    for one in (
        *_failures(seen),
        *_unread(seen),
        *_late(seen, sight),
        *_blocked(seen.outcomes),
        *_frozen(seen),
    ):
        conditions.setdefault(one.key, one)
    return Observed(conditions=conditions, blind=sight.is_blind, gone=sight.is_gone)


def in_vain(what: str, error: DrError) -> Observed:
    """A look that came to nothing: of everything else nobody can tell, the shell's own files apart."""
    key = Key(Trouble.FAILURE, what)
    condition = Condition(key=key, message=error.message, remedy=error.remedy)
    return Observed(conditions={key: condition}, blind=lambda known: known.what != FILES)


def stands_by() -> Observed:
    """Another works: that there was nobody who could is over, and of the rest it tells."""
    return Observed(conditions={}, blind=lambda known: known.what != STANDS_BY)


def beside(observed: Observed, what: str, error: DrError | None) -> Observed:
    """With what a shell says of itself beside it."""
    own = in_vain(what, error).conditions if error else {}
    return replace(observed, conditions={**own, **observed.conditions})


# --- what is wrong ----------------------------------------------------------------------------------------------------


def _failures(seen: Seen) -> Iterator[Condition]:
    for outcome in seen.outcomes:
        if outcome.result is Result.FAILED:
            key = _of(outcome.action)
            yield Condition(key=key, message=f"{key.what} failed: {outcome.error}", remedy=outcome.remedy)
    for row in seen.sources:
        if row.failed is not None:
            key = _at(row.failed.lineage, CAPTURE)
            yield Condition(key=key, message=f"{row.failed.id} was begun and failed")
    for point in seen.points:
        if point.state is State.PENDING and seen.now - point.time > PENDING_AT_MOST:
            message = f"{point.id} is pending for more than {duration(int(PENDING_AT_MOST.total_seconds()))}"
            yield Condition(key=_at(point.lineage, PENDING), message=message)
    for warn in seen.warnings:
        if warn.code is WarningCode.SELECTS_NOTHING:
            yield Condition(key=Key(Trouble.FAILURE, NOTHING, warn.policy or ""), message=warn.message)
    for (account, region), error in seen.failed.items():
        key = Key(Trouble.FAILURE, SHARD, account=account, region=region)
        yield Condition(key=key, message=error.message, remedy=error.remedy)


def _unread(seen: Seen) -> Iterator[Condition]:
    """What could not be read, and so hides something: nothing expires there."""
    for account, miss in seen.missed:
        protect = miss.protect.value if miss.protect else ""
        whose = "" if miss.what == ACCOUNTS else account  # of all accounts at once
        key = Key(
            Trouble.FAILURE, _UNREAD.format(miss.what), account=whose, region=miss.region, source=protect
        )
        yield Condition(key=key, message=f"{miss.what} could not be read: {miss.message}", remedy=miss.remedy)


def _late(seen: Seen, sight: _Sight) -> Iterator[Condition]:
    for row in seen.sources:
        if row.within_rpo is False and not sight.is_coming(row):
            age = "no good point" if row.age is None else f"the newest good point is {duration(row.age)} old"
            yield Condition(key=_rpo(row), message=f"{age}; its objective is {duration(row.rpo or 0)}")


def _blocked(outcomes: Iterable[Outcome]) -> Iterator[Condition]:
    places = Counter(_place(o.action) for o in outcomes if isinstance(o.action, Expire) and o.action.blocked)
    for (policy, account, region), number in places.items():
        yield Condition(
            key=Key(Trouble.BLOCKED, EXPIRY, policy, account, region),
            message=f"{count(number, 'expiry waits', 'expiries wait')} for a person's word, after a change of the policy",
            remedy=f"look at `dr plan --policy {policy}`; let them go with `dr apply --policy {policy} --allow-expire N`",
        )


def _frozen(seen: Seen) -> Iterator[Condition]:
    """What somebody may have forgotten to thaw: it fills up and is paid for."""
    for freeze in seen.freezes:
        if abs(seen.now - freeze.since) > FROZEN_AT_MOST:  # whoever froze it may have had a wrong clock
            yield Condition(
                key=Key(Trouble.FROZEN, EXPIRY, freeze.policy),
                message=f"nothing expires: {frozen_text(freeze)}",
                remedy=f"if that is over: `{thaw_command(freeze)}`",
            )


# --- what could not be seen, and what is there no more ------------------------------------------------------------------


class _Sight:
    """Of which known conditions this tick can say something."""

    def __init__(self, seen: Seen) -> None:
        self._seen = seen
        self._policies = {policy.name: policy for policy in seen.policies}
        self._sources = {
            (row.policy, row.source.account, row.source.region, row.source.id) for row in seen.sources
        }
        self._coming = {point.lineage for point in seen.points if point.state is State.PENDING} | {
            outcome.action.lineage
            for outcome in seen.outcomes
            if outcome.result is Result.DONE and isinstance(outcome.action, Capture)
        }
        self._open = {_of(o.action) for o in seen.outcomes if o.result in {Result.LEFT, Result.SKIPPED}}
        self._open |= {
            _rpo(row)
            for row in seen.sources
            if self.is_coming(row) or (row.rpo is not None and row.within_rpo is None)
        }
        self._waiting = {
            (_WAITS[warn.code], warn.policy, warn.source) for warn in seen.warnings if warn.code in _WAITS
        }

    def is_coming(self, row: Protected) -> bool:
        """Whether its first point is on its way: who has just come is late only when nothing comes of it."""
        return row.newest is None and _lineage(row) in self._coming

    def is_gone(self, key: Key) -> bool:
        """Whether nothing is protected there any more; asked of what can be seen."""
        if key.what in _OWN or key.trouble is Trouble.FROZEN:
            return False
        if not key.policy:
            return not self._lookers(key)
        policy = self._policies.get(key.policy)
        if policy is None:
            return True
        if not key.region:
            return False
        if (key.account, key.region) not in self._seen.shards or key.region not in policy.regions:
            return True
        return bool(key.source) and key[2:] not in self._sources

    def is_blind(self, key: Key) -> bool:
        """Whether this tick could not see whether it is so."""
        place = key.account, key.region
        if key.what in _OWN:
            return False
        if key.trouble is Trouble.FROZEN:
            return not self._seen.looked or freezes_unknown(miss for _, miss in self._seen.missed)
        if key.account and self._is_unlisted(key.account):
            return True
        if key.what == _UNREAD.format(ACCOUNTS):  # any account that was looked at would tell of it
            return not self._seen.looked
        if not key.policy:
            return not self._lookers(key) <= self._seen.looked
        policy = self._policies.get(key.policy)
        if policy is None or (
            key.region and (key.region not in policy.regions or place not in self._seen.shards)
        ):
            return False
        if key in self._open or self._waits(key):
            return True
        return not self._there(key, policy) if key.region else not self._everywhere(policy)

    def _is_unlisted(self, account: str) -> bool:
        """Whether it may be there, and was not told of."""
        return self._listed_in_part and all(account != other for other, _ in self._seen.shards)

    @property
    def _listed_in_part(self) -> bool:
        return any(miss.what == ACCOUNTS for _, miss in self._seen.missed)

    def _lookers(self, key: Key) -> set[tuple[str, str, str]]:
        """Which policies, each in its place, read what a trouble of no policy is about: a shard, or a listing or a record."""
        return {
            (policy.name, account, region)
            for policy in self._seen.policies
            if key.source in {"", policy.protect.value}
            for account, region in self._seen.shards
            if key.account in {"", account} and key.region in {"", region} and region in policy.regions
        }

    def _waits(self, key: Key) -> bool:
        """Whether it was not tried, because the source or its capture is not ready or somebody has frozen it."""
        whole = {None, key.source} if key.trouble is not Trouble.BLOCKED else None
        return any(
            what == key.what and policy in {None, key.policy} and (whole is None or source in whole)
            for what, policy, source in self._waiting
        )

    def _there(self, key: Key, policy: Policy) -> bool:
        """Whether its policy was looked at in its place, and what would have shown it was read."""
        if (key.policy, key.account, key.region) not in self._seen.looked:
            return False
        closes = key.what == EXPIRY
        return not any(
            closes or miss.what in _LISTINGS for miss in self._missed(key.account, policy, key.region)
        )

    def _missed(self, account: str, policy: Policy, region: str) -> Iterable[Unread]:
        return unread_of(policy, region, [miss for whose, miss in self._seen.missed if whose == account])

    def _everywhere(self, policy: Policy) -> bool:
        """Whether a policy was looked at in all of its places, and its sources were listed there."""
        places = {(account, region) for account, region in self._seen.shards if region in policy.regions}
        return (
            not self._listed_in_part
            and bool(places)
            and all(
                (policy.name, account, region) in self._seen.looked
                and not any(miss.what == "sources" for miss in self._missed(account, policy, region))
                for account, region in places
            )
        )


def _of(action: Action) -> Key:
    return _at(action.lineage, CAPTURE if isinstance(action, Capture) else EXPIRY)


def _at(lineage: Lineage, what: str) -> Key:
    return Key(Trouble.FAILURE, what, lineage.policy, lineage.account, lineage.region, lineage.source)


def _rpo(row: Protected) -> Key:
    return Key(Trouble.RPO, AGE, row.policy, row.source.account, row.source.region, row.source.id)


def _lineage(row: Protected) -> Lineage:
    return Lineage(row.policy, row.source.account, row.source.region, row.source.id)


def _place(action: Action) -> tuple[str, str, str]:
    return action.lineage.policy, action.lineage.account, action.lineage.region
