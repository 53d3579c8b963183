"""How a guard is taken out of one process: the hooks of the suite, never of the product.

A hook replaces a function or a constant of the product in every module that holds it, before any test is collected.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from importlib import import_module
from typing import Any

from dr.executor import hands


@dataclass(frozen=True, slots=True, kw_only=True)
class Guard:
    """A rule, where it is written down, how it is switched off, and the test that fails without it."""

    name: str
    source: str
    off: Callable[[], None]
    test: str


def in_turn() -> None:
    """Have this process do one thing after the other, so that a call has the same number in every run."""
    put("dr.threads:together", hands.in_turn)


def put(path: str, new: Any) -> None:
    """Replace `module:name` or `module:Class.name`, also where other modules have imported it by name."""
    module, _, rest = path.partition(":")
    *holders, name = rest.split(".")
    owner = import_module(module)
    for holder in holders:
        owner = getattr(owner, holder)
    old = getattr(owner, name)
    setattr(owner, name, new)
    if not holders and not isinstance(old, int | float | timedelta):
        for other in [m for n, m in sys.modules.items() if n.startswith("dr.") and m is not owner]:
            if vars(other).get(name) is old:
                setattr(other, name, new)


def value(path: str, new: Any) -> Callable[[], None]:
    return lambda: put(path, new)


def here(path: str, new: Any) -> Callable[[], None]:
    """Replace what this one module has imported; the others keep it."""
    module, _, name = path.partition(":")
    return lambda: setattr(import_module(module), name, new)


def answers(path: str, answer: Any) -> Callable[[], None]:
    """Whatever it is asked, this is the answer."""
    return lambda: put(path, lambda *_, **__: answer)


def around(path: str, change: Callable[[Any], Any]) -> Callable[[], None]:
    """Replace it by something that is made of it."""

    def off() -> None:
        module, _, rest = path.partition(":")
        found: Any = import_module(module)
        for part in rest.split("."):
            found = getattr(found, part)
        put(path, change(found))

    return off


class Never(Exception):  # noqa: N818 - it stands in the place of an error that is to be missed
    """Raised by nobody: in the place of an error that is to be missed."""
