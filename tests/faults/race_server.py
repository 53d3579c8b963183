"""A process that holds one operation's world and races in copies of it: `python -m faults.race_server NAME DIR`.

As `faults.world_server`, but with several dr at once: each is a forked process of its own, and all of them meet at a
barrier before the calls that the race is about. A race is a line of JSON on stdin, its result a line on stdout.
"""

from __future__ import annotations

import os
import sys
import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from faults import barrier, world_server
from faults.operations import Operation
from faults.world import World, later, set_clock


def main(name: str, directory: str) -> None:
    """Answer races until stdin ends."""
    world_server.serve(name, Path(directory), _race)


def _race(race: dict[str, Any], operation: Operation, front: Any, folder: Path) -> dict[str, Any]:
    """Let the racers run; what each did, what was left, and what one clean run ten minutes later left."""
    begin = later(*operation.begins)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        _, world = world_server.served(front, folder)
        set_clock(begin)
        racers = _run_together(race, operation, world, Path(scratch))
        found = {"racers": racers, "met": barrier.met(Path(scratch)), "state": world.end_state()}
        set_clock(begin + timedelta(minutes=10))
        after = world_server.run(operation.arguments, [], world, Path(scratch))
        return found | {"after": after | {"state": world.end_state()}}


def _run_together(
    race: dict[str, Any], operation: Operation, world: World, scratch: Path
) -> list[dict[str, Any]]:
    """Start all racers, wait for all; who ends is waited for no more."""
    files = [world_server.files_of(scratch, str(number)) for number in range(race["running"])]
    children = {}
    for number, row in enumerate(files):
        children[_started(race, number, operation, world, scratch, row)] = number
    codes: dict[int, int] = {}
    while len(codes) < len(children):
        child, status = os.wait()
        if child in children:
            codes[children[child]] = os.waitstatus_to_exitcode(status)
            barrier.ended(scratch, str(children[child]))
    return [world_server.told(codes[number], *row) for number, row in enumerate(files)]


def _started(
    race: dict[str, Any],
    number: int,
    operation: Operation,
    world: World,
    scratch: Path,
    files: tuple[Path, ...],
) -> int:
    child = os.fork()
    if child == 0:
        if not race["leased"]:
            barrier.give_leases_to_all()
        if race["action"]:
            barrier.register(
                barrier.Barrier(
                    folder=scratch,
                    who=str(number),
                    parties=race["running"],
                    action=race["action"],
                    path=race["path"],
                )
            )
        world_server.become_dr(operation.arguments, [], world, files)
    return child


if __name__ == "__main__":
    main(*sys.argv[1:])
