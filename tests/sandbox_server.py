"""A sandbox for tests, as a process of its own on a free port of 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

SANDBOX_KEYS = ("AKIASANDBOX", "sandbox")


@dataclass(frozen=True, kw_only=True)
class SandboxServer:
    """The server: plain boto3 clients for what a test arranges, and control over its clock."""

    url: str

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.url,
            aws_access_key_id=SANDBOX_KEYS[0],
            aws_secret_access_key=SANDBOX_KEYS[1],
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        connection = HTTPConnection(self.url.removeprefix("http://"), timeout=10)
        try:
            connection.request(
                "GET" if body is None else "POST", f"/_dr/{path}", None if body is None else json.dumps(body)
            )
            return json.loads(connection.getresponse().read())
        finally:
            connection.close()

    def now(self) -> datetime:
        return datetime.fromisoformat(self.control("clock")["now"])

    def advance(self, seconds: float) -> None:
        self.control("clock", {"advance": seconds})

    def pending(self, seconds: float) -> None:
        self.control("settings", {"pending_seconds": seconds})

    def reset(self) -> None:
        self.control("reset", {})


@contextmanager
def sandbox_server(folder: Path) -> Iterator[SandboxServer]:
    """One that runs until the block ends, at the time of this machine."""
    state = folder / "state.json"
    command = [
        *(sys.executable, "-m", "dr.sandbox.server", "--state", str(state)),
        *("--parent", str(os.getpid()), "--pending", "60", "--step", "0"),
    ]
    log = state.with_name("log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield SandboxServer(url=_url(process, state, log))
    finally:
        process.terminate()
        process.wait(10)


def _url(process, state, log) -> str:
    for _ in range(400):
        if state.exists():
            return json.loads(state.read_text())["url"]
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError("the sandbox did not start: " + log.read_text())
