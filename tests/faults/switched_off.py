"""Guards and idempotency rules, each with the hook that switches it off: of the suite, never of the product."""

from __future__ import annotations


def switch_off(name: str) -> None:
    """Take one guard out of this process."""
    raise KeyError(name)
