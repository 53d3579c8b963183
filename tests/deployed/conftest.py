"""One AWS for all tests of this worker, whose EC2 is the sandbox; and beside it one as ministack is by itself."""

from __future__ import annotations

import pytest
from emulator import emulate
from sandbox_server import sandbox_server


@pytest.fixture(scope="session")
def sandbox(tmp_path_factory):
    """A server of these tests' own: functions and `dr` have this machine's clock, and others let theirs run ahead."""
    with sandbox_server(tmp_path_factory.mktemp("sandbox")) as server:
        yield server


@pytest.fixture(scope="session")
def aws(tmp_path_factory, sandbox):
    with emulate(tmp_path_factory.mktemp("aws"), sandbox=sandbox.url) as made:
        yield made


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    with emulate(tmp_path_factory.mktemp("plain"), corrected=False) as made:
        yield made
