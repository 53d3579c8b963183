"""Run programs one after the other in rounds, and say what each cost beside another: CPU and memory, never seconds."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

ROOT = Path(__file__).parent.parent
_METER = Path(__file__).parent / "meter.py"


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What one process took: seconds of the processor, and its largest memory in MB."""

    cpu: float
    memory: float


def cost(command: Sequence[str], environ: Mapping[str, str], folder: Path) -> Cost:
    """Run it to its end. Raises `AssertionError` when it fails."""
    with (folder / "out").open("wb") as out:
        meter = subprocess.run(
            [sys.executable, "-S", str(_METER), *command],
            cwd=folder,
            env=dict(environ),
            stdout=subprocess.PIPE,
            stderr=out,
            check=False,
        )
    told = json.loads(meter.stdout or '{"code": "not started"}')
    assert told["code"] == 0, (folder / "out").read_text()[-2000:]
    return Cost(cpu=told["cpu"], memory=told["peak"] / 2**20)


@contextmanager
def endpoint(**fleet: float) -> Iterator[str]:
    """A local EC2 with this fleet; its URL."""
    arguments = [word for name, number in fleet.items() for word in (f"--{name}", f"{number}")]
    process = subprocess.Popen(
        [sys.executable, "-m", "benchmarks.endpoint", *arguments],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield process.stdout.readline().strip()
    finally:
        process.stdin.close()
        process.wait(10)
        process.stdout.close()


def spread(values: Sequence[float]) -> str:
    """Median, and the least and the largest."""
    return f"{median(values):.3g} ({min(values):.3g} to {max(values):.3g})"
