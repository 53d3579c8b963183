"""One sandbox a test session, over HTTP and plain boto3: these tests import nothing of dr."""

from __future__ import annotations

import http.client
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config

KEYS = {"aws_access_key_id": "AKIASANDBOX", "aws_secret_access_key": "sandbox"}


@dataclass(frozen=True, kw_only=True)
class Sandbox:
    port: int
    url: str
    pid: int

    def client(self, service: str, region: str = "eu-west-1", **options: Any) -> Any:
        config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}).merge(
            options.pop("config", Config())
        )
        return boto3.client(
            service, region_name=region, endpoint_url=self.url, config=config, **{**KEYS, **options}
        )

    def control(self, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        status, document = self.ask("GET" if body is None else "POST", path, json.dumps(body or {}))
        assert status == 200, document
        return document

    def ask(self, verb: str, path: str, body: str = "") -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(verb, f"/_dr/{path}", body)
        answer = connection.getresponse()
        document = json.loads(answer.read())
        connection.close()
        return answer.status, document

    def now(self) -> datetime:
        return datetime.fromisoformat(self.control("clock")["now"])

    def advance(self, seconds: float) -> datetime:
        return datetime.fromisoformat(self.control("clock", {"advance": seconds})["now"])

    def reset(self) -> None:
        self.control("reset", {})

    def pending(self, seconds: float) -> None:
        self.control("settings", {"pending_seconds": seconds})

    def step(self, seconds: float) -> None:
        self.control("settings", {"step_seconds": seconds})


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    state = tmp_path_factory.mktemp("sandbox") / "state.json"
    command = [
        sys.executable,
        "-m",
        "dr.sandbox.server",
        "--state",
        str(state),
        "--parent",
        str(os.getpid()),
        "--pending",
        "1",
    ]
    log = state.with_name("log")
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        yield _ready(process, state, log)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def _ready(process, state: Path, log: Path) -> Sandbox:
    for _ in range(400):
        if state.exists():
            known = json.loads(state.read_text())
            return Sandbox(port=known["port"], url=known["url"], pid=known["pid"])
        assert process.poll() is None, log.read_text()
        time.sleep(0.05)
    raise AssertionError("the sandbox did not start: " + log.read_text())


@pytest.fixture
def slow(sandbox):
    """The sandbox with snapshots that stay pending until the clock is advanced by a minute."""
    sandbox.pending(60)
    yield sandbox
    sandbox.pending(1)


@pytest.fixture
def ec2(slow):
    return slow.client("ec2")


@pytest.fixture
def cfn(sandbox):
    sandbox.reset()
    sandbox.step(0.01)
    return sandbox.client("cloudformation")


@pytest.fixture
def ssm(sandbox):
    return sandbox.client("ssm")


@pytest.fixture
def at_once(sandbox, cfn):
    """Snapshots and images are complete as soon as they are made."""
    sandbox.pending(0)
    yield
    sandbox.pending(1)
