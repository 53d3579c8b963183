"""The world of the restore tests: the session's sandbox, emptied, and an installation of its own."""

from __future__ import annotations

import pytest
from restore_world import RestoreWorld


@pytest.fixture
def world(sandbox, tmp_path):
    return RestoreWorld(sandbox, tmp_path)
