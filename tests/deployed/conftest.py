"""One AWS for all tests of this worker, and beside it one as ministack is by itself."""

from __future__ import annotations

import pytest
from emulator import emulate


@pytest.fixture(scope="session")
def aws(tmp_path_factory):
    with emulate(tmp_path_factory.mktemp("aws")) as made:
        yield made


@pytest.fixture(scope="session")
def plain(tmp_path_factory):
    with emulate(tmp_path_factory.mktemp("plain"), corrected=False) as made:
        yield made
