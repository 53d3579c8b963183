"""How a correction takes the place of something in ministack: only of what exists, or is missing. Runs in ministack's own Python."""

from __future__ import annotations

from typing import Any


class MisfitError(RuntimeError):
    """Another ministack than the corrections were made for."""


def name(owner: Any, attribute: str, new: Any) -> Any:
    """Replace `owner.attribute`, and return what stood there."""
    if not hasattr(owner, attribute):
        raise MisfitError(f"{owner.__name__} has no {attribute} any more")
    old = getattr(owner, attribute)
    setattr(owner, attribute, new)
    return old


def entry(table: dict[str, Any], key: str, **new: Any) -> dict[str, Any]:
    """Replace entries of a row of a table, and return the row as it was."""
    if key not in table or not new.keys() <= table[key].keys():
        raise MisfitError(f"there is no {key} with {sorted(new)} any more")
    old = dict(table[key])
    table[key] = {**old, **new}
    return old


def text(inside: str, old: str, new: str) -> str:
    """Replace what stands there once."""
    if inside.count(old) != 1:
        raise MisfitError(f"{old!r} stands there {inside.count(old)} times")
    return inside.replace(old, new)


def new_entry(table: dict[str, Any], key: str, new: Any) -> None:
    """Add a row that ministack lacks."""
    if key in table:
        raise MisfitError(f"there is {key} by now")
    table[key] = new
