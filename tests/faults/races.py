"""The one table of the races, and how one is run; a later command joins with a line (FAILURES I7)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from faults.servers import Server, server


@dataclass(frozen=True, slots=True, kw_only=True)
class Race:
    """Several of one operation that stop before each such call, until all are there. `codes` are what each may end with.

    `leased` False takes the leases out: correctness may not rest on them. `path` narrows the calls, by its pattern.
    """

    name: str
    operation: str
    action: str
    path: str = ""
    leased: bool = False
    codes: tuple[int, ...] = (0,)


RACES = {
    race.name: race
    for race in (
        Race(name="snapshots made", operation="apply volumes", action="CreateSnapshot"),
        Race(name="images made", operation="apply images", action="CreateImage"),
        Race(name="stacks stored", operation="apply stacks", action="PutObject", path="/stacks/"),
        Race(name="snapshots deleted", operation="expire", action="DeleteSnapshot"),
        Race(name="images deregistered", operation="expire", action="DeregisterImage"),
        Race(name="stored stacks removed", operation="expire", action="DeleteObject", path="/stacks/"),
        Race(
            name="leases taken",
            operation="apply volumes",
            action="PutObject",
            path="/leases/",
            leased=True,
            codes=(0, 5),
        ),
        Race(
            name="restores of one stack",
            operation="restore",
            action="PutObject",
            path="/leases/",
            leased=True,
            codes=(0, 4, 5),
        ),
        Race(
            name="restores of one stack without leases",
            operation="restore",
            action="CreateChangeSet",
            codes=(0, 1, 4),
        ),
    )
}


class Arena:
    """The process in whose copies an operation's races are run."""

    def __init__(self, asked: Server) -> None:
        self._server = asked
        self._alone: dict[str, Any] | None = None

    @property
    def alone(self) -> dict[str, Any]:
        """The same with one runner, whom nobody disturbs."""
        if self._alone is None:
            self._alone = self._server.ask({"running": 1, "action": None, "path": "", "leased": True})
        return self._alone

    def race(self, race: Race, running: int) -> dict[str, Any]:
        """So many at once, and one clean run: each racer's end, the state after the race and after the run."""
        return self._server.ask({**asdict(race), "running": running})


@contextmanager
def arena(operation: str) -> Iterator[Arena]:
    """The world of an operation, ready to be raced in."""
    with server("faults.race_server", operation, environ={}) as ready:
        yield Arena(ready)
