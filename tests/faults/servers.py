"""A process of the suite that is asked in lines of JSON: one on its stdin, the answer on its stdout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from faults.pages import ROOT


class Server:
    """One that has said that it is ready."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, question: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer; a fault of the suite's own fails the test that asked."""
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        answer = json.loads(self._process.stdout.readline())
        assert "fault" not in answer, answer["fault"]
        return answer


@contextmanager
def server(module: str, operation: str, *more: str, environ: Mapping[str, str]) -> Iterator[Server]:
    """Run `python -m module operation FOLDER ...` in a folder of its own until the block ends."""
    with tempfile.TemporaryDirectory(prefix="dr-faults-") as folder:
        process = subprocess.Popen(
            [sys.executable, "-m", module, operation, folder, *more],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=folder,
            env={
                "PATH": os.defpath,
                "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
                "LANG": "C.UTF-8",
                **environ,
            },
        )
        try:
            assert process.stdout.readline() == '"ready"\n', f"the world of {operation} was not built"
            yield Server(process)
        finally:
            process.stdin.close()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            process.stdout.close()
