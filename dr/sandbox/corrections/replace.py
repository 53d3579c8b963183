"""How a correction takes the place of something in moto: only of what exists."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


def method(owner: Any, name: str, new: Any) -> Any:
    """Replace `owner.name` and return what stood there; raise RuntimeError when moto has no such name."""
    if not hasattr(owner, name):
        raise RuntimeError(
            f"moto has no {owner.__name__}.{name} any more: the sandbox's corrections do not fit"
        )
    old = getattr(owner, name)
    setattr(owner, name, new)
    return old


def action(owner: Any, new: Callable[..., Any]) -> None:
    """Add an API action that moto lacks; raise RuntimeError when it has it by now."""
    if hasattr(owner, new.__name__):
        raise RuntimeError(f"moto has {owner.__name__}.{new.__name__} by now: the sandbox need not add it")
    setattr(owner, new.__name__, new)
