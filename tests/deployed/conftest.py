"""One AWS for all tests of this worker, whose EC2 is the sandbox; and beside it one as ministack is by itself."""

from __future__ import annotations

import pytest
from emulator import emulate


@pytest.fixture(scope="session")
def aws(tmp_path_factory, sandbox):
    with emulate(tmp_path_factory.mktemp("aws"), sandbox=sandbox.url) as made:
        yield made


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    with emulate(tmp_path_factory.mktemp("plain"), corrected=False) as made:
        yield made
