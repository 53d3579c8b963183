"""`dr sandbox`: a local AWS to learn and test on."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from dr.cli.frame import InOrder, Shared, shared_options
from dr.cli.progress import working
from dr.durations import parse_duration
from dr.errors import EXIT_DONE, EXIT_FAILED, EnvironmentFailed, UsageError
from dr.installation import Installation
from dr.sandbox import process, setting
from dr.settings import Settings, sandbox_directory
from dr.words import instant

_PENDING = 1.0
"""Seconds; long enough to be seen, short enough to wait for."""
_LONGEST_PENDING = 86_400.0
"""Seconds; beyond a day a point is reported as pending for too long (DESIGN 7), which one advances the clock for."""
_FARTHEST = 36_500 * 86_400
"""Seconds that the clock moves at once; nothing that dr keeps lives longer."""


@click.group(cls=InOrder)
@shared_options
def sandbox(_shared: Shared) -> int:
    """Run a local AWS to learn and test on.

    It listens on 127.0.0.1, and holds stacks, volumes and instances to protect and to lose.
    """
    return EXIT_DONE


def _directory() -> Path:
    return sandbox_directory(os.environ)


def _running() -> process.Running:
    return Installation(Settings()).require_sandbox()


def _number(_context: click.Context, _parameter: click.Parameter, value: float | None) -> float | None:
    """Refuse what click's range lets through: nan is neither below nor above anything."""
    if value is not None and math.isnan(value):
        raise click.BadParameter("nan is no number of seconds")
    return value


@sandbox.command()
@click.option("--port", type=click.IntRange(1, 65535), help="The default is a free one.")
@click.option(
    "--pending",
    type=click.FloatRange(0, _LONGEST_PENDING),
    callback=_number,
    metavar="SECONDS",
    help=f"How long a snapshot stays pending.  [default: {_PENDING:.0f}]",
)
@shared_options
def start(shared: Shared, port: int | None, pending: float | None) -> int:
    """Start it, with a fleet, a dr.yaml, policies and a store."""
    directory = _directory()
    was_there = process.status(directory) is not None
    if was_there and pending is not None:
        raise EnvironmentFailed(
            "a sandbox runs already: --pending is for a new one", "stop it first with `dr sandbox stop`"
        )
    with working("starting the sandbox"), _writing(directory):
        if not was_there:
            setting.claim(directory)
        running = process.start(directory, port, _PENDING if pending is None else pending)
        if not was_there:
            _fill(directory, running)
        setting.write(directory)
    shared.emit(
        lambda: {"url": running.url, "port": running.port, "pid": running.pid, "directory": str(directory)},
        lambda: "\n".join(
            [
                f"{'a sandbox runs already' if was_there else 'sandbox started'} at {running.url}",
                f"its dr.yaml and policies are in {directory}",
                "next: dr plan --sandbox, dr apply --sandbox, dr status --sandbox",
                'the AWS CLI sees it after: eval "$(dr sandbox env)"',
            ]
        ),
    )
    return EXIT_DONE


@contextmanager
def _writing(directory: Path) -> Iterator[None]:
    """Tell a directory that cannot be used as what it is."""
    try:
        yield
    except OSError as error:
        raise EnvironmentFailed(
            f"{error.filename or directory}: {error.strerror}",
            "set DR_SANDBOX_DIR to a folder that can be written",
        ) from error


def _fill(directory: Path, running: process.Running) -> None:
    """Seed a new world; one that was not seeded to its end, by Ctrl-C too, is not left running."""
    from dr.sandbox import fleet  # noqa: PLC0415 - it loads the SDK, which `status`, `env` and `clock` do without

    setting.clear_store(directory)
    try:
        fleet.seed(running.url)
    except BaseException as error:
        process.stop(directory)
        if isinstance(error, RuntimeError):
            raise EnvironmentFailed(
                f"the sandbox could not be filled: {error}", f"see {directory / process.LOG}"
            ) from error
        raise


@sandbox.command()
@shared_options
def stop(shared: Shared) -> int:
    """End it; what was in it is gone."""
    stopped = process.stop(_directory())
    shared.emit(
        lambda: {"stopped": stopped}, lambda: "sandbox stopped" if stopped else "no sandbox was running"
    )
    return EXIT_DONE


@sandbox.command()
@shared_options
def status(shared: Shared) -> int:
    """Say whether it runs, where, and what time it has.

    Exit 1 when it does not run.
    """
    found = process.status(_directory())
    now = instant(process.now(found)) if found else None
    shared.emit(
        lambda: {
            "running": found is not None,
            "url": found.url if found else None,
            "port": found.port if found else None,
            "pid": found.pid if found else None,
            "now": now,
            "directory": str(_directory()),
        },
        lambda: (
            f"running at {found.url} (process {found.pid}), its time is {now}" if found else "not running"
        ),
    )
    return EXIT_DONE if found else EXIT_FAILED


@sandbox.command()
@shared_options
def reset(shared: Shared) -> int:
    """Empty it and seed the fleet anew; its clock goes on."""
    running = _running()
    with working("seeding"):
        process.reset(running)
        _fill(_directory(), running)
    shared.emit(lambda: {"reset": True}, lambda: "the sandbox is as new")
    return EXIT_DONE


@sandbox.command()
@click.argument("stack")
@shared_options
def lose(shared: Shared, stack: str) -> int:
    """Delete STACK of the sandbox, as an accident would.

    So that there is something to restore.
    """
    from dr.sandbox import fleet  # noqa: PLC0415 - as above

    running = _running()
    with working(f"deleting {stack}"):
        gone = bool(stack) and fleet.lose(running.url, stack)  # no name at all is that of every stack
    if not gone:
        raise UsageError(
            f"the sandbox has no stack {stack!r} that can be deleted", "it begins with: prod, wiki"
        )
    shared.emit(
        lambda: {"lost": stack}, lambda: f"stack {stack} is gone; next: dr restore --stack {stack} --sandbox"
    )
    return EXIT_DONE


@sandbox.command()
@shared_options
def env(shared: Shared) -> int:
    """Print exports for the AWS CLI and other tools.

    Use it as: eval "$(dr sandbox env)"
    """
    variables = {
        "AWS_ENDPOINT_URL": _running().url,
        "AWS_ACCESS_KEY_ID": "sandbox",
        "AWS_SECRET_ACCESS_KEY": "sandbox",
        "AWS_REGION": setting.HOME,
        "AWS_DEFAULT_REGION": setting.HOME,
    }
    shared.emit(lambda: variables, lambda: "\n".join(f"export {k}={v}" for k, v in variables.items()))
    return EXIT_DONE


@sandbox.command()
@click.option("--advance", metavar="DURATION", help="Move it forward, such as 90min, 26h or 3d.")
@shared_options
def clock(shared: Shared, advance: str | None) -> int:
    """Show the sandbox's time, or move it forward."""
    running = _running()
    now = process.now(running)
    if advance is not None:
        now = process.advance(running, _seconds(advance))
    shared.emit(lambda: {"now": instant(now)}, lambda: instant(now))
    return EXIT_DONE


def _seconds(text: str) -> int:
    """Seconds of a duration without months: how long a month is depends on where it begins."""
    try:
        duration = parse_duration(text)
    except UsageError as error:
        raise UsageError(f"--advance: {error.message}", error.remedy) from error
    if duration.months:
        raise UsageError(
            f"--advance {text}: months and years are not of one length", "write days, such as 30d"
        )
    if duration.seconds > _FARTHEST:
        raise UsageError(f"--advance {text}: more than a hundred years", "write at most 36500d at a time")
    return duration.seconds
