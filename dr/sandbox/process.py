"""The sandbox as a background process: start, find, stop, and talk to it.

A directory holds `sandbox.json` (pid, port, url, started) and `sandbox.log`. The process has a session of its own, so that it
outlives the terminal that started it. A state file whose process is gone, or is something else by now, is stale: it is
recognised by asking the server for its process id, and removed.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import fcntl
import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr.errors import EnvironmentFailed

HOST = "127.0.0.1"
STATE = "sandbox.json"
LOG = "sandbox.log"
READY_WITHIN = 30.0  # seconds; one is usual, a busy machine takes longer
ENDED_WITHIN = 5.0  # seconds, then it is killed
ANSWERED_WITHIN = 10.0  # seconds
START_IT = "start it with `dr sandbox start`"

_children: dict[int, subprocess.Popen[bytes]] = {}  # started by this process: they have to be reaped by it


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A sandbox that answers."""

    pid: int
    port: int
    url: str
    started: dt.datetime  # UTC


def start(directory: Path, port: int | None, pending: float) -> Running:
    """Start a sandbox, or return the one that runs already; ready when this returns.

    `port` None takes a free one; `pending` is how many seconds snapshots stay pending. Raise EnvironmentFailed when the
    port is taken, another port was asked for than the one in use, or the server does not come up.
    """
    directory.mkdir(parents=True, exist_ok=True)
    with _alone(directory):
        running = status(directory)
        if running is None:
            return _started(directory, port, pending)
        if port not in (None, 0, running.port):
            raise EnvironmentFailed(
                f"a sandbox runs at {running.url} already", "stop it first with `dr sandbox stop`"
            )
        return running


def status(directory: Path) -> Running | None:
    """The sandbox of this directory, or None; a stale state file is removed."""
    running = _recorded(directory / STATE)
    if running is not None and _answers(running):
        return running
    with contextlib.suppress(OSError):  # gone already, or not ours to remove: nothing runs there either way
        (directory / STATE).unlink()
    return None


def stop(directory: Path) -> bool:
    """End the sandbox of this directory by its process id; False when none runs."""
    running = status(directory)
    if running is None:
        return False
    _end(running.pid)
    (directory / STATE).unlink(missing_ok=True)
    return True


def reset(running: Running) -> None:
    """Empty every account; clock and settings stay. Raise EnvironmentFailed when it does not answer."""
    _ask(running, "POST", "reset", {})


def now(running: Running) -> dt.datetime:
    """The sandbox's time, UTC. Raise EnvironmentFailed when it does not answer."""
    return dt.datetime.fromisoformat(_ask(running, "GET", "clock")["now"])


def advance(running: Running, seconds: float) -> dt.datetime:
    """Move the sandbox's clock forward and return its time, UTC. Raise EnvironmentFailed when it refuses or does not answer."""
    return dt.datetime.fromisoformat(_ask(running, "POST", "clock", {"advance": seconds})["now"])


@contextlib.contextmanager
def _alone(directory: Path) -> Iterator[None]:
    """Two starts at once end with one server: the second waits and finds the first's."""
    with (directory / "lock").open("w", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _started(directory: Path, port: int | None, pending: float) -> Running:
    if port:
        _refuse_taken(port)
    command = [sys.executable, "-m", "dr.sandbox.server", "--port", str(port or 0), "--pending", str(pending)]
    command += ["--state", str(directory.resolve() / STATE)]
    with (directory / LOG).open("wb") as log:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env=_environment(),
            cwd=directory,
            start_new_session=True,
        )
    _children[child.pid] = child
    return _ready(directory, child)


def _refuse_taken(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except (OSError, OverflowError) as error:
            remedy = "choose another with `dr sandbox start --port N`, or leave --port away for a free one"
            raise EnvironmentFailed(f"port {port} on {HOST} cannot be used: {error}", remedy) from error


def _environment() -> dict[str, str]:
    """Ours without what would make moto or boto3 behave otherwise, and with this very dr importable."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "MOTO_"))}
    here = str(Path(__file__).resolve().parents[2])
    paths = [here, *kept.get("PYTHONPATH", "").split(os.pathsep)]
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in paths if path)}


def _ready(directory: Path, child: subprocess.Popen[bytes]) -> Running:
    end = time.monotonic() + READY_WITHIN
    while time.monotonic() < end and child.poll() is None:
        running = _recorded(directory / STATE)
        if running is not None and _answers(running):
            return running
        time.sleep(0.05)
    _end(child.pid)
    said = (directory / LOG).read_text(encoding="utf-8", errors="replace").strip().splitlines()
    why = said[-1] if said else f"no answer within {READY_WITHIN:.0f} seconds"
    raise EnvironmentFailed(f"the sandbox did not start: {why}", f"see {directory / LOG}")


def _recorded(file: Path) -> Running | None:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
        started = dt.datetime.fromisoformat(known["started"])
        return Running(pid=int(known["pid"]), port=int(known["port"]), url=str(known["url"]), started=started)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _answers(running: Running) -> bool:
    try:
        return _ask(running, "GET", "health").get("pid") == running.pid
    except EnvironmentFailed:
        return False


def _ask(running: Running, verb: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    connection = http.client.HTTPConnection(HOST, running.port, timeout=ANSWERED_WITHIN)
    try:
        connection.request(verb, f"/_dr/{path}", None if body is None else json.dumps(body))
        answer = connection.getresponse()
        document = json.loads(answer.read())
    except (OSError, http.client.HTTPException, ValueError) as error:
        raise EnvironmentFailed(f"the sandbox at {running.url} does not answer: {error}", START_IT) from error
    finally:
        connection.close()
    if answer.status != http.client.OK or not isinstance(document, dict):
        raise EnvironmentFailed(
            f"the sandbox at {running.url} refused: {document}", "see `dr sandbox --help`"
        )
    return document


def _end(pid: int) -> None:
    for sent in (signal.SIGTERM, signal.SIGKILL):
        try:
            os.kill(pid, sent)
        except ProcessLookupError:
            pass
        except PermissionError as error:
            why = f"the sandbox, process {pid}, is somebody else's: {error.strerror}"
            raise EnvironmentFailed(why, "set DR_SANDBOX_DIR to a folder of your own") from error
        end = time.monotonic() + ENDED_WITHIN
        while time.monotonic() < end:
            if _gone(pid):
                _children.pop(pid, None)
                return
            time.sleep(0.02)


def _gone(pid: int) -> bool:
    child = _children.get(pid)
    if child is not None:
        return child.poll() is not None
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False
