"""Fuzz every target with atheris, one process after the other: `python atheris_sweep.py [--seconds N] [--found FOLDER]`."""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

from fuzz_targets import TARGETS  # noqa: E402 - after the path

_BEYOND = 120
"""Seconds to start, and to read the seeds."""


@dataclass(frozen=True, kw_only=True)
class Fuzzed:
    """How one target was fuzzed. `inputs` are those that show a fault."""

    target: str
    runs: int
    reached: int
    log: str
    inputs: tuple[Path, ...]
    code: int

    @property
    def ok(self) -> bool:
        return self.code == 0 and not self.inputs

    def __str__(self) -> str:
        verdict = "no fault" if self.ok else f"FAULT: {', '.join(map(str, self.inputs)) or self.log[-2000:]}"
        return f"{self.target:<10} {self.runs:>10} inputs  {self.reached:>5} edges  {verdict}"


def fuzzed(target: str, found: Path, *, seconds: int, seed: int = 0) -> Fuzzed:
    """Fuzz one target for so long, in a process of its own."""
    found.mkdir(parents=True, exist_ok=True)
    asked = [target, "--seconds", str(seconds), "--seed", str(seed), "--found", str(found)]
    ran = subprocess.run(
        [sys.executable, str(HERE / "atheris_run.py"), *asked],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
        timeout=seconds + _BEYOND,
    )
    log = ran.stdout + ran.stderr
    return Fuzzed(
        target=target,
        runs=_last(r"Done (\d+) runs", log) or _last(r"#(\d+)", log),
        reached=_last(r"cov: (\d+)", log),
        log=log,
        inputs=tuple(sorted(path for path in found.iterdir() if path.is_file())),
        code=ran.returncode,
    )


def _last(pattern: str, log: str) -> int:
    numbers = re.findall(pattern, log)
    return int(numbers[-1]) if numbers else 0


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=int, default=60, help="for each target")
    parser.add_argument(
        "--found", type=Path, default=Path("build/fuzz"), help="where inputs that show a fault go"
    )
    asked = parser.parse_args()
    ok = True
    for target in TARGETS:
        done = fuzzed(target.name, asked.found / target.name, seconds=asked.seconds)
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()
        ok = ok and done.ok
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
