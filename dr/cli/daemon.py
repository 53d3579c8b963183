"""`dr daemon`: the schedules, run here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial

import click

from dr import logs
from dr.actions import Warn
from dr.cli.frame import Once, Shared, shared_options
from dr.cli.plans import applied_text
from dr.daemon.health import PORT, served
from dr.daemon.loop import serve
from dr.daemon.work import DaemonWork
from dr.errors import EXIT_BUSY, EXIT_DONE, EnvironmentFailed, UsageError
from dr.interrupts import listening
from dr.settings import Settings
from dr.telling import tell_daemon, tell_trouble
from dr.wire import apply_document


@click.command(cls=Once)
@click.option("--once", is_flag=True, help="Run one tick, and end.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    metavar="PORT",
    help=f"Where 127.0.0.1 answers /healthz and /metrics; 0 is a free one. The default is {PORT}.",
)
@shared_options
def daemon(shared: Shared, port: int | None, *, once: bool) -> int:
    """Run the schedules here, until it is ended.

    It wakes at each slot of the policies and every 15 minutes, and does what `dr apply` does. dr.yaml and the policies are read anew
    when they change. Of several daemons of one installation one works, and the others stand by. SIGTERM or Ctrl-C
    ends it with what it has in hand; SIGHUP lets it look at once.
    """
    if once and port is not None:
        raise UsageError("--port: one tick answers nobody", "leave --once or --port out")
    logs.configure(os.environ.get("DR_LOG") or "info")
    work = DaemonWork(Settings(config=shared.config, sandbox=shared.sandbox))
    if once:
        return _once(shared, work)
    with listening() as words, _heard(work, port):
        try:
            serve(work, words)
        finally:
            work.manager.ends()
            work.leave()
    led = "what was in hand is done, and the lease is given back" if work.has_led else "it stood by"
    shared.emit(lambda: {"result": "ended"}, lambda: f"Ended: {led}.")
    return EXIT_DONE


@contextmanager
def _heard(work: DaemonWork, port: int | None) -> Iterator[None]:
    """Answer for its health. A port that was asked for has to be free; without the usual one the work goes on."""
    with ExitStack() as open_:
        try:
            found = open_.enter_context(served(PORT if port is None else port, work.health))
        except EnvironmentFailed as error:
            if port is not None:
                raise
            tell_trouble("health.unavailable", error)
        else:
            tell_daemon("health.answers", port=found)
        yield


def _once(shared: Shared, work: DaemonWork) -> int:
    done = work.once()
    if isinstance(done, Warn):
        shared.emit(partial(apply_document, None, (), (done,)), lambda: done.message)
        return EXIT_BUSY
    shared.emit(
        partial(apply_document, done.plan.fingerprint, done.outcomes, done.warnings),
        lambda: applied_text(done),
    )
    return done.exit_code
