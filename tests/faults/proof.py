"""Every guard, switched off in turn, makes a test fail: `python -m faults.proof [--write FILE]`.

A test that passes with its guard switched off guards nothing. The list stands in docs/reliability.md.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from faults.hooks import Guard
from faults.pages import ROOT, put_between
from faults.switched_off import GUARDS

_FAILED = 1
"""pytest's exit code when tests ran and some failed."""
_MISFITS = (" - TypeError", " - AttributeError", " - NameError", " - ImportError")
"""What a hook ends with that does not fit what it replaces: it proves nothing."""


def verdict(guard: Guard) -> str:
    """Run the guard's test without the guard; empty when it fails as it must, else what it did."""
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "no:xdist"]
    ran = subprocess.run(
        [*command, "--switch-off", guard.name, guard.test],
        cwd=ROOT,
        env=os.environ | {"PYTEST_ADDOPTS": ""},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    told = [line for line in ran.stdout.splitlines() if line.startswith("FAILED ")]
    failed = (
        ran.returncode == _FAILED and told and not any(wrong in line for line in told for wrong in _MISFITS)
    )
    return "" if failed else f"{guard.name}: {guard.test} ended with {ran.returncode}: {ran.stdout[-500:]}"


def table() -> str:
    """guard | where it is written | the test that fails without it, in Markdown."""
    rows = ["| guard or rule | source | fails when it is switched off |", "|---|---|---|"]
    rows += [f"| {g.name} | {g.source} | `{g.test.removeprefix('tests/')}` |" for g in GUARDS.values()]
    return "\n".join(rows)


def main() -> int:
    """Try every guard; 1 when the suite passes without one."""
    parser = argparse.ArgumentParser(prog="python -m faults.proof", description=__doc__)
    parser.add_argument("--write", type=Path, help="put the table into this page")
    options = parser.parse_args()
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        idle = [said for said in pool.map(_told, GUARDS.values()) if said]
    sys.stdout.write(f"{len(GUARDS)} guards switched off in turn, {len(GUARDS) - len(idle)} noticed\n")
    if options.write:
        put_between(options.write, "guards", table())
    return 1 if idle else 0


def _told(guard: Guard) -> str:
    said = verdict(guard)
    sys.stdout.write(f"{said or f'{guard.name}: noticed'}\n")
    sys.stdout.flush()
    return said


if __name__ == "__main__":
    sys.exit(main())
