"""Each account and Region by itself: one that fails or hangs delays no other, and is reported by name (FAILURES, I25).

    shards --each--> work(shard, desk) in a bounded number of threads --> Ran: what each came to, or why it did not

A single shard is worked on in the caller's own thread, as if there were no such thing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Generic, NamedTuple, TypeVar

from dr.errors import Busy, DrError, EnvironmentFailed, Interrupted, Refused, UsageError, weightiest
from dr.interrupts import Patience, heeded
from dr.model import Inventory, Policy
from dr.threads import apart
from dr.tick.desk import Desk

T = TypeVar("T")

_AT_ONCE = 16
"""Shards; each has up to eight calls under way."""
_SILENT = 60.0
"""Seconds without any answer of a Region that was asked: none of the calls that dr makes takes nearly as long."""
_ERRORS: Mapping[int, type[DrError]] = {
    kind.exit_code: kind for kind in (Busy, Refused, UsageError, EnvironmentFailed)
}


class Calls(NamedTuple):
    """How many calls were begun in a Region, and how many of them have ended."""

    begun: int
    ended: int


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Shard:
    """A Region of an account, with the policies that work there. `desk` is made when the work begins, and may raise `DrError`.

    `calls` counts what AWS is asked there.
    """

    account: str
    region: str
    policies: tuple[Policy, ...]
    desk: Callable[[], Desk]
    calls: Callable[[], Calls]

    @property
    def name(self) -> str:
        """`222222222222/eu-west-1`."""
        return f"{self.account}/{self.region}"

    @property
    def working(self) -> tuple[Policy, ...]:
        """The policies that work there; the others are known, so that their points are not taken for nobody's."""
        return tuple(policy for policy in self.policies if policy.regions)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran(Generic[T]):
    """What each shard came to, in their order: a result, or an error. `interrupted`: a person ended it."""

    results: Mapping[Shard, T]
    errors: Mapping[Shard, DrError] = field(default_factory=dict)
    interrupted: bool = False

    def heed(self) -> None:
        """Raise `Interrupted` where a person ended it: what some shards came to is no answer to who wanted none."""
        if self.interrupted:
            raise Interrupted

    def some(self) -> None:
        """Raise where no shard has a result: one error for all of them. Raises as `heed`."""
        self.heed()
        if self.results or not self.errors:
            return
        told = {error.message: error for error in self.errors.values()}
        if len(told) == 1:
            raise next(iter(told.values()))
        kind = _ERRORS[weightiest(error.exit_code for error in told.values())]
        raise kind(
            "; ".join(f"{shard.name}: {error.message}" for shard, error in self.errors.items()),
            "; ".join(dict.fromkeys(error.remedy for error in told.values() if error.remedy)),
        )


def each(shards: Sequence[Shard], work: Callable[[Shard, Desk], T], monotonic: Callable[[], float]) -> Ran[T]:
    """Work on all of them. What is no `DrError` is raised, once the others have ended.

    The first interrupt lets every shard end what it has under way, for some seconds; after the second none is waited for.
    """
    if len(shards) == 1:
        return _alone(shards[0], work)
    with heeded() as patience:
        jobs = {shard: partial(_at_its_desk, shard, work, patience) for shard in shards}
        watch = _Watch(monotonic)
        ended: dict[Shard, T | DrError] = {}
        bugs: list[Exception] = []
        try:
            for shard, done in apart(jobs, at_once=_AT_ONCE, lost=watch.hears_nothing, left=patience.left):
                try:
                    ended[shard] = done.result() if done else _given_up(shard, patience)
                except DrError as error:
                    ended[shard] = error
                except Exception as error:  # noqa: BLE001 - raised below
                    bugs.append(error)
        except KeyboardInterrupt:
            patience.begin()
        if bugs:
            raise bugs[0]
        if patience.over:
            ended |= {shard: Interrupted() for shard in shards if shard not in ended}
        return _ran(shards, ended, interrupted=patience.over)


def _alone(shard: Shard, work: Callable[[Shard, Desk], T]) -> Ran[T]:
    try:
        return Ran(results={shard: work(shard, shard.desk())})
    except DrError as error:
        return Ran(results={}, errors={shard: error})


def _at_its_desk(shard: Shard, work: Callable[[Shard, Desk], T], patience: Patience) -> T:
    """The work of one shard, which heeds the interrupts of all: also that of a desk is not begun after one."""
    if patience.over:
        raise Interrupted
    desk = shard.desk()
    hands = replace(desk.hands, interrupts=lambda: nullcontext(patience))
    if patience.over:
        raise Interrupted
    return work(shard, replace(desk, hands=hands))


def _given_up(shard: Shard, patience: Patience) -> DrError:
    if patience.over:
        return Interrupted()
    return EnvironmentFailed(
        f"AWS was asked and has not answered for {_SILENT:.0f} seconds",
        f"see what AWS says of {shard.region}, then run it again: it goes on from what is there",
    )


def _ran(shards: Sequence[Shard], ended: Mapping[Shard, T | DrError], *, interrupted: bool) -> Ran[T]:
    results: dict[Shard, T] = {}
    errors: dict[Shard, DrError] = {}
    for shard in shards:
        match ended.get(shard):
            case DrError() as error:
                errors[shard] = error
            case None:
                pass
            case result:
                results[shard] = result
    return Ran(results=results, errors=errors, interrupted=interrupted)


class _Watch:
    """Since when shards that have asked hear nothing."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._heard: dict[Shard, tuple[int, float]] = {}

    def hears_nothing(self, shard: Shard) -> bool:
        """Whether it waits for an answer too long."""
        calls, now = shard.calls(), self._monotonic()
        ended, since = self._heard.get(shard, (-1, now))
        if calls.begun == calls.ended or calls.ended != ended:
            self._heard[shard] = (calls.ended, now)
            return False
        return now - since > _SILENT


def only_here(policies: Sequence[Policy], region: str) -> tuple[Policy, ...]:
    """The policies as they work in one Region; those that do not, without any."""
    return tuple(
        replace(policy, regions=(region,) if region in policy.regions else ()) for policy in policies
    )


def merged(inventories: Sequence[Inventory]) -> Inventory:
    """What several shards saw, for who counts it; `account` is that of the first."""
    first = next(iter(inventories), Inventory(account=""))
    return replace(
        first,
        sources=tuple(one for each in inventories for one in each.sources),
        points=tuple(one for each in inventories for one in each.points),
        parts=tuple(one for each in inventories for one in each.parts),
        freezes=tuple({one.policy: one for each in inventories for one in each.freezes}.values()),
        unread=tuple(dict.fromkeys(one for each in inventories for one in each.unread)),
    )
