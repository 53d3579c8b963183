"""Python runs this as it starts: the calls of a `dr` process that a test has started are recorded too."""

from __future__ import annotations

import os
from pathlib import Path

if directory := os.environ.get("DR_TEST_CALLS"):
    from permissions import recorder

    recorder.install(Path(directory))
