"""One sandbox for every suite that talks to AWS: a process of its own, on a free port of 127.0.0.1."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import datetime
from http.client import HTTPConnection
from typing import Any

import boto3
import pytest
from botocore.config import Config
from hypothesis import settings

# The same examples on every machine, so that nobody's change fails by another's luck; the long suites look further
# (make test-long: --hypothesis-profile=searching) and print how to see an example again that failed.
# No deadline by the clock on the wall: machines that run tests are busy.
settings.register_profile("steady", derandomize=True, database=None, deadline=None, print_blob=True)
settings.register_profile("searching", derandomize=False, deadline=None, print_blob=True)
settings.load_profile("steady")

pytest_plugins = ("permissions.plugin",)


def pytest_addoption(parser):
    parser.addoption(
        "--update", action="store_true", help="write the golden texts anew, to be read in the diff"
    )
    parser.addoption(
        "--switch-off", metavar="GUARD", help="take a guard away: see tests/faults/switched_off.py"
    )


def pytest_configure(config):
    if guard := config.getoption("--switch-off"):
        from faults.switched_off import switch_off  # noqa: PLC0415 - of the suite, and only when it is asked for

        switch_off(guard)


def pytest_collection_modifyitems(items):
    """Files with long tests begin first: no worker waits at the end for another's longest."""
    long = {item.path for item in items if item.get_closest_marker("long")}
    items.sort(key=lambda item: item.path not in long)


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


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """The server of this session; each test that uses it begins with a `reset` of its own."""
    state = tmp_path_factory.mktemp("sandbox") / "state.json"
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
