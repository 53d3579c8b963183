"""`dr` at a prompt: a process of its own, which sees no AWS but the one that it is given."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from permissions import recorder


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How it ended."""

    code: int
    out: str
    err: str


def person(arguments: Sequence[str], environ: Mapping[str, str], folder: Path) -> Ended:
    """Run `dr` to its end. Whatever it is asked for, it shows no traceback."""
    done = subprocess.run(
        [sys.executable, "-m", "dr", *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        cwd=folder,
        env={"PATH": os.defpath, "LANG": "C.UTF-8", **recorder.environ(), **environ},
    )
    assert "Traceback" not in done.stderr + done.stdout, done.stderr
    assert "fault of its own" not in done.stderr + done.stdout
    return Ended(code=done.returncode, out=done.stdout, err=done.stderr)
