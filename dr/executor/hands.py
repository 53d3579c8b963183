"""What the executor works with: the ports, and how it waits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol, TypeVar

from dr.interrupts import Patience
from dr.model import Freeze
from dr.ports import Clock, Cloud, Stacks, StackStore
from dr.threads import as_long_as_it_takes

T = TypeVar("T")


class Together(Protocol):
    """Does several jobs at once, or one after the other."""

    def __call__(
        self, jobs: Iterable[Callable[[], T]], /, *, left: Callable[[], float | None] = ...
    ) -> Iterator[T]:
        """What the jobs return, in the order in which they end.

        The next job is asked for, in the caller's own thread, when there is a place for it. Raises what a job raises.
        `left`: the seconds that the next result may take, None for as long as it takes; then what is under way is left to
        itself.
        """


def _nothing() -> None:
    """No lease to renew."""


def _no_pins() -> frozenset[str]:
    """No restore needs anything."""
    return frozenset()


def _nothing_frozen() -> tuple[Freeze, ...]:
    """Nobody has frozen anything."""
    return ()


def in_turn(
    jobs: Iterable[Callable[[], T]], /, *, left: Callable[[], float | None] = as_long_as_it_takes
) -> Iterator[T]:
    """One job after the other: nothing else is under way that could be waited for."""
    del left
    return (job() for job in jobs)


def _uninterrupted() -> AbstractContextManager[Patience]:
    """Nobody interrupts."""
    return nullcontext(Patience())


def _goes_on() -> bool:
    """Nobody has ended the run."""
    return False


def _no_jitter() -> float:
    """The full backoff."""
    return 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """The ports, bound to one account and installation.

    `pins` are the ids that restores need, and `freezes` what people have frozen, read anew before deletions. `heartbeat` is called before each action and
    renews the leases; `stop_at` is when no further action may begin
    (a Lambda's deadline less a minute); `jitter` yields factors in (0, 1] for backoff; `together` does what may be under
    way at once, and `ended` tells those that are that the run is over. `interrupts` heeds them while it is open.
    """

    installation: str
    cloud: Cloud
    stacks: Stacks
    store: StackStore
    clock: Clock
    pins: Callable[[], frozenset[str]] = field(default=_no_pins)
    freezes: Callable[[], tuple[Freeze, ...]] = field(default=_nothing_frozen)
    heartbeat: Callable[[], None] = field(default=_nothing)
    stop_at: datetime | None = None
    jitter: Callable[[], float] = field(default=_no_jitter)
    together: Together = field(default=in_turn)
    ended: Callable[[], bool] = field(default=_goes_on)
    interrupts: Callable[[], AbstractContextManager[Patience]] = field(default=_uninterrupted)

    @property
    def out_of_time(self) -> bool:
        """Whether no further action may begin, nor another try of one."""
        return self.ended() or (self.stop_at is not None and self.clock.now() >= self.stop_at)
