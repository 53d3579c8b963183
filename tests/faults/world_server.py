"""A process that holds one operation's world and copies it for every case: `python -m faults.world_server NAME DIR`.

    world, built once -- fork --> a copy that serves on a port of its own -- fork --> dr, with its faults
                                                                          -- fork --> dr again, undisturbed
                                  asks AWS for the end state, and ends

A case is a line of JSON on stdin, its result a line on stdout. Forking copies the whole account in milliseconds, and
dr's own process can be killed for good: its world lives elsewhere.
"""

from __future__ import annotations

import gc
import json
import logging
import os
import sys
import tempfile
import threading
import traceback
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from faults import switched_off
from faults.calls import Fault, Kind, Storm
from faults.fault_layer import install, share_models
from faults.operations import OPERATIONS, Operation
from faults.world import World, later, set_clock
from werkzeug.serving import make_server

import dr.app
import dr.cli
from dr.sandbox import application
from dr.sandbox.world import settings

Faults = list[Any] | int
"""(kind, action, number of the call) each, or the seed of a storm."""
PAGE = 5
"""Items on a page of a listing, the fewest that EC2 takes: a full shelf has two pages."""


def main(name: str, directory: str, off: str | None = None) -> None:
    """Answer cases until stdin ends; `off` names a guard that is switched off in them."""
    serve(name, Path(directory), _case, off)


Answer = Callable[[dict[str, Any], Operation, Any, Path], dict[str, Any]]
"""What one question gives in a copy of an operation's world: the account's front, and the installation's folder."""


def serve(name: str, folder: Path, answer: Answer, off: str | None = None) -> None:
    """Build the world of an operation, tell that it is ready, and answer each question in a copy, until stdin ends."""
    operation, answers = OPERATIONS[name], os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    share_models()
    settings.pending_seconds, settings.step_seconds = 0.0, 0.0
    front = application.build()
    world = _prepared(operation, front, folder)
    if off:
        switched_off.switch_off(off)
    gc.collect()
    gc.freeze()  # a copy then shares its pages with this process: a third less to do for each case
    answers.write('"ready"\n')
    answers.flush()
    for line in sys.stdin:
        result = _in_copy(partial(answer, json.loads(line), operation, front, folder))
        answers.write(json.dumps(result) + "\n")
        answers.flush()
    del world


def _prepared(operation: Operation, front: Any, folder: Path) -> World:
    """The world as the operation finds it. Nothing serves it afterwards: a copy has only its own threads."""
    server, world = served(front, folder, deploys=operation.deploys)
    world.build()
    operation.prepare(world)
    server.shutdown()
    server.server_close()
    return world


def served(front: Any, folder: Path, *, deploys: bool = False) -> tuple[Any, World]:
    server = make_server("127.0.0.1", 0, front, threaded=True, request_handler=application.Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    world = World(url=f"http://127.0.0.1:{server.server_port}", folder=folder, deploys=deploys)
    world.announce()
    return server, world


def _in_copy(work: Callable[[], Any]) -> Any:
    """What `work` gives in a forked process of its own."""
    reads, writes = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reads)
        try:
            answer = json.dumps(work())
        except BaseException:  # noqa: BLE001 - the suite is told of its own faults
            answer = json.dumps({"fault": traceback.format_exc()})
        with os.fdopen(writes, "w") as pipe:
            pipe.write(answer)
        os._exit(0)
    os.close(writes)
    with os.fdopen(reads) as pipe:
        said = pipe.read()
    os.waitpid(child, 0)
    return json.loads(said)


def _case(case: dict[str, Any], operation: Operation, front: Any, folder: Path) -> dict[str, Any]:
    """Run dr with these faults, then without, so many minutes later each time; what was left after each."""
    begin = later(*operation.begins)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        _, world = served(front, folder, deploys=operation.deploys)
        runs = []
        for minutes, faults in ((0, case["faults"]), *((minutes, []) for minutes in case["again"])):
            set_clock(begin + timedelta(minutes=minutes))
            world.settle()
            done = run(operation.arguments, faults, world, Path(scratch))
            runs.append(done | {"state": world.end_state()})
    return {"runs": runs}


def run(arguments: tuple[str, ...], faults: Faults, world: World, scratch: Path) -> dict[str, Any]:
    """One process of dr: how it ended (minus the signal for a kill), what it said, what it called."""
    files = files_of(scratch)
    child = os.fork()
    if child == 0:
        become_dr(arguments, faults, world, files)
    _, status = os.waitpid(child, 0)
    return told(os.waitstatus_to_exitcode(status), *files)


def files_of(scratch: Path, who: str = "") -> tuple[Path, ...]:
    """Empty files for what one process of dr says and calls: stdout, stderr and the log."""
    files = tuple(scratch / f"{what}{who}" for what in ("out", "err", "log"))
    for file in files:
        file.write_bytes(b"")
    return files


def told(code: int, out: Path, err: Path, log: Path) -> dict[str, Any]:
    """How a process ended, what it said and what it called."""
    calls = [json.loads(line) for line in log.read_text().splitlines()]
    return {"code": code, "out": out.read_text(), "err": err.read_text()[-4000:], "calls": calls}


def become_dr(arguments: tuple[str, ...], faults: Faults, world: World, files: tuple[Path, ...]) -> None:
    """Run dr in this forked process, never to come back."""
    out, err, log = (os.open(file, os.O_WRONLY | os.O_APPEND) for file in files)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(out, 1)
    os.dup2(err, 2)
    sys.stdout, sys.stderr = os.fdopen(1, "w", closefd=False), os.fdopen(2, "w", closefd=False)
    os.environ.clear()
    os.environ.update(world.environ)
    code = 70
    try:
        install(_faults(faults), log, _turner(world.url), PAGE)
        code = dr.cli.run(["--config", str(world.folder / "dr.yaml"), *arguments])
    except BaseException:  # noqa: BLE001 - whatever comes out of dr is a finding
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _faults(faults: Faults) -> tuple[Fault, ...] | Storm:
    """A number is the seed of a storm."""
    if isinstance(faults, int):
        return Storm(seed=faults)
    return tuple(Fault(kind=Kind[kind], action=action, nth=nth) for kind, action, nth in faults)


def _turner(url: str) -> Callable[[str, Kind], None]:
    """Turn a snapshot to `error` and an image to `failed`, or either to `pending`."""

    def turned(one: str, kind: Kind) -> None:
        connection = HTTPConnection(url.removeprefix("http://"), timeout=10)
        broken = "failed" if one.startswith("ami-") else "error"
        state = "pending" if kind is Kind.HANGING else broken
        connection.request("POST", "/_dr/state", json.dumps({"id": one, "state": state}))
        answer = connection.getresponse()
        assert answer.status == 200, (one, state, answer.read())
        connection.close()

    return turned


if __name__ == "__main__":
    main(*sys.argv[1:])
