"""What the executor works with: the ports, and how it waits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from dr.ports import Clock, Cloud, Stacks, StackStore


def _nothing() -> None:
    """No lease to renew."""


def _no_pins() -> frozenset[str]:
    """No restore needs anything."""
    return frozenset()


def _no_jitter() -> float:
    """The full backoff."""
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The ports, bound to one account and installation.

    `pins` are the ids that restores need, read anew before deletions. `heartbeat` is called before each action and
    renews the leases; `stop_at` is when no further action may begin
    (a Lambda's deadline less a minute); `jitter` yields factors in (0, 1] for backoff.
    """

    installation: str
    cloud: Cloud
    stacks: Stacks
    store: StackStore
    clock: Clock
    pins: Callable[[], frozenset[str]] = field(default=_no_pins)
    heartbeat: Callable[[], None] = field(default=_nothing)
    stop_at: datetime | None = None
    jitter: Callable[[], float] = field(default=_no_jitter)

    @property
    def out_of_time(self) -> bool:
        """Whether no further action may begin."""
        return self.stop_at is not None and self.clock.now() >= self.stop_at
