"""The one table of what the sweeps try: a later command joins with a line.

Each operation begins in a world of its own, which is built once and copied for every case.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from faults import deployments
from faults.deployments import DEPLOY, UNDEPLOY
from faults.world import World, later, set_clock

APPLY = ("apply", "--json")
RESTORE = ("restore", "--stack", "app", "--yes", "--json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """A command, and the world in which it is run.

    `begins` is (hours, minutes) after the world's beginning. `refused` are exit codes that a run may end with when
    the one before it had done all that there was to do. `mended` are the minutes of further clean runs where one may
    leave what only time mends: a part whose image is gone, and a signature whose manifest is, have a day of grace.
    One that `deploys` looks by a change set, which it takes back.
    """

    name: str
    arguments: tuple[str, ...]
    prepare: Callable[[World], None]
    begins: tuple[int, int]
    refused: tuple[int, ...] = ()
    mended: tuple[int, ...] = ()
    deploys: bool = False


def _one_tick(*what: str) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.protect(*what)
        world.dr(*APPLY)

    return prepare


def _signed(*what: str) -> Callable[[World], None]:
    def prepare(world: World) -> None:
        world.sign()
        _one_tick(*what)(world)

    return prepare


def _full_shelf(world: World) -> None:
    """Three slots of everything: with the third one good, `last: 2` lets the first go."""
    world.protect("volumes", "instances", "stacks")
    for hour in range(3):
        set_clock(later(hour))
        world.dr(*APPLY)


def _lost_stack(world: World) -> None:
    """Two slots of everything, then the stack is lost."""
    world.protect("volumes", "instances", "stacks")
    for hour in range(2):
        set_clock(later(hour))
        world.dr(*APPLY)
    world.delete("app")


def _deploying(name: str, arguments: tuple[str, ...], prepare: Callable[[World], None]) -> Operation:
    """Who may not is refused before anything is made."""
    return Operation(
        name=name, arguments=arguments, prepare=prepare, begins=(1, 0), refused=(4,), deploys=True
    )


OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation(name="apply volumes", arguments=APPLY, prepare=_one_tick("volumes"), begins=(1, 0)),
        Operation(
            name="a daemon's tick",
            arguments=("daemon", "--once", "--json"),
            prepare=_one_tick("volumes"),
            begins=(1, 0),
        ),
        Operation(name="apply images", arguments=APPLY, prepare=_one_tick("instances"), begins=(1, 0)),
        Operation(name="apply stacks", arguments=APPLY, prepare=_one_tick("stacks"), begins=(1, 0)),
        Operation(
            name="expire", arguments=APPLY, prepare=_full_shelf, begins=(2, 30), mended=(10, 1560, 1570)
        ),
        Operation(
            name="apply signed stacks",
            arguments=APPLY,
            prepare=_signed("stacks"),
            begins=(1, 0),
            mended=(10, 1510, 1520),
        ),
        Operation(
            name="verify", arguments=("verify", "--deep", "--json"), prepare=_lost_stack, begins=(2, 30)
        ),
        Operation(name="restore", arguments=RESTORE, prepare=_lost_stack, begins=(2, 30), refused=(4,)),
        _deploying("deploy", DEPLOY, deployments.ready),
        _deploying("deploy a change", DEPLOY, deployments.grows),
        _deploying("undeploy", UNDEPLOY, deployments.stands),
    )
}
