"""ministack, an emulator of AWS that runs functions, schedules and state machines, as a process of its own.

    emulate(folder) --an environment of its own, a free port of 127.0.0.1--> ministack_launcher.py --> Emulator

It is started as the leader of a process group, which its functions' workers join, and the group is what is ended. Should
these tests be killed, it sees that its parent is gone and ends the group itself.
"""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any

import boto3
import lambda_runtime
from botocore.config import Config

HOST = "127.0.0.1"
REGION = "eu-west-1"
ACCOUNT = "123456789012"
"""ministack takes an access key of twelve digits for the account; the sandbox has this one for any key."""
SANDBOXED = ("EC2", "CLOUDFORMATION", "STS", "S3", "KMS", "SSM", "ORGANIZATIONS", "AUTO_SCALING")
"""What dr itself works on, and keeps its store in. Source: AWS SDKs and tools reference, Service-specific endpoints."""
PYTHON = Path(__file__).parents[2] / ".venv-ministack" / "bin" / "python"
LAUNCHER = Path(__file__).with_name("ministack_launcher.py")
_READY_WITHIN = 30  # seconds; two are usual
_ENDED_WITHIN = 5  # seconds
_PORTS = 3


@dataclass(frozen=True, kw_only=True)
class Emulator:
    """One that answers, with its folder: its log is there, and what its functions write."""

    url: str
    folder: Path
    corrected: bool

    def client(self, service: str) -> Any:
        """Plain boto3 at the emulator."""
        return boto3.client(
            service,
            region_name=REGION,
            endpoint_url=self.url,
            aws_access_key_id=ACCOUNT,
            aws_secret_access_key=ACCOUNT,  # any will do
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def log(self) -> str:
        """Everything that it has said."""
        return (self.folder / "log").read_text(errors="replace")


@contextlib.contextmanager
def emulate(folder: Path, *, sandbox: str = "", corrected: bool = True) -> Iterator[Emulator]:
    """Run one until the block ends. Its functions have the services of the sandbox at this URL, and all others here.

    `corrected` False shows what ministack does by itself.
    """
    there = {f"AWS_ENDPOINT_URL_{service}": sandbox for service in SANDBOXED if sandbox}
    environ = _environment(folder) | there
    for _ in range(_PORTS):
        port = _free_port()
        process = _started(folder, {**environ, "GATEWAY_PORT": str(port)}, corrected)
        made = Emulator(url=f"http://{HOST}:{port}", folder=folder, corrected=corrected)
        try:
            if _is_ready(process, port):
                yield made
                return
            assert "is already in use" in made.log(), f"the emulator did not start: {made.log()}"
        finally:
            _end(process)
    raise AssertionError(f"{_PORTS} free ports were taken by others meanwhile")


def until(find: Callable[[], Any], seconds: float, what: str) -> Any:
    """What `find` finds, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end, f"not within {seconds} seconds: {what}"
        time.sleep(0.1)
    return found


def _environment(folder: Path) -> dict[str, str]:
    """All of it: functions see what their server sees, and none of this machine's AWS is among it."""
    scratch = folder / "tmp"
    scratch.mkdir(parents=True)
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "TMPDIR": str(scratch),
        "LANG": "C.UTF-8",
        "BIND_HOST": HOST,
        "MINISTACK_REGION": REGION,
        "MINISTACK_ACCOUNT_ID": ACCOUNT,
        "SFTP_ENABLED": "0",
        "IOT_MTLS_ENABLED": "0",
        "LAMBDA_ASYNC_RETRY_BASE_SECONDS": "0.2",  # a minute on AWS
        "SFN_WAIT_SCALE": "0.1",  # of what a state machine would wait
        "EMULATOR_PARENT": str(os.getpid()),
        "EMULATOR_FUNCTIONS_PYTHON": str(_functions_python(folder)),
    }


def _functions_python(folder: Path) -> Path:
    """A Python that has what Lambda's runtime has: dr is in it only as far as a package brings it."""
    runtime = lambda_runtime.make(_made(folder / "runtime"))
    command = folder / "python"
    command.write_text(
        f'#!/bin/sh\nPYTHONPATH={shlex.quote(str(runtime))} exec {shlex.quote(sys.executable)} -S -B "$@"\n'
    )
    command.chmod(0o700)
    return command


def _made(folder: Path) -> Path:
    folder.mkdir()
    return folder


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return probe.getsockname()[1]


def _started(folder: Path, environ: dict[str, str], corrected: bool) -> subprocess.Popen[bytes]:
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            [str(PYTHON), "-E", "-s", "-B", str(LAUNCHER), *([] if corrected else ["--plain"])],
            env=environ,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _is_ready(process: subprocess.Popen[bytes], port: int) -> bool:
    """Wait until it answers; False when it has ended instead, and whoever answers is somebody else."""
    end = time.monotonic() + _READY_WITHIN
    while process.poll() is None:
        if _answers(port):
            return process.poll() is None
        assert time.monotonic() < end, f"the emulator does not answer within {_READY_WITHIN} seconds"
        time.sleep(0.05)
    return False


def _answers(port: int) -> bool:
    connection = HTTPConnection(HOST, port, timeout=5)
    try:
        connection.request("GET", "/_ministack/health")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the group: ministack, and the workers that would outlive it for seconds. Nothing of it is to be kept."""
    for sent in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, sent)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(_ENDED_WITHIN)
    process.wait()
