"""Shards on fakes: an account and a Region each, with the desk of a world of its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import count

from tick_world import World

from dr.model import Policy
from dr.tick.desk import Desk
from dr.tick.everywhere import Scope
from dr.tick.shards import Calls, Shard, only_here

OWN, OTHER = "111111111111", "222222222222"
HOME, AWAY = "eu-west-1", "eu-central-1"


def quiet() -> Calls:
    """Nothing is asked."""
    return Calls(begun=0, ended=0)


def asking() -> Calls:
    """One call was begun, and none has ended."""
    return Calls(begun=1, ended=0)


def a_shard(
    account: str = OWN,
    region: str = HOME,
    *policies: Policy,
    desk: Callable[[], Desk] | None = None,
    calls: Callable[[], Calls] = quiet,
) -> Shard:
    return Shard(
        account=account,
        region=region,
        policies=only_here(policies, region),
        desk=desk or (lambda: World().desk),
        calls=calls,
    )


@dataclass(slots=True)
class Ticking:
    """A clock that is never set: each look at it is so many seconds later."""

    step: float = 0.0
    looks: count = field(default_factory=count)

    def __call__(self) -> float:
        return next(self.looks) * self.step


def a_scope(shards, policies=(), monotonic=None, clock=None) -> Scope:
    return Scope(
        policies=tuple(policies),
        shards=tuple(shards),
        clock=clock or World().clock,
        monotonic=monotonic or Ticking(),
    )
