"""Guards and idempotency rules, each with the hook that takes it out of one process.

python -m pytest --switch-off NAME ...      run tests without one guard: those that hold it must fail
faults.proof                                does that for every row, and says which test failed
"""

from __future__ import annotations

from faults import guards_again, guards_expiry, guards_runs

GUARDS = {guard.name: guard for guard in (*guards_again.GUARDS, *guards_expiry.GUARDS, *guards_runs.GUARDS)}


def switch_off(name: str) -> None:
    """Take one guard out of this process."""
    GUARDS[name].off()
