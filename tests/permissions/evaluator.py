"""IAM's decision for one request, for the elements that dr's documents use; whatever it does not know raises.

Source: IAM user guide, Policy evaluation logic; IAM JSON policy elements, Condition.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

Context = Mapping[str, "str | tuple[str, ...]"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """What AWS asks IAM: may this action be done to this resource? A key that is absent in the context has no value."""

    action: str
    resource: str
    context: Context = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision:
    """`by` are the statements that allow it, `against` those that deny it."""

    by: tuple[str, ...]
    against: tuple[str, ...]

    @property
    def allowed(self) -> bool:
        return bool(self.by) and not self.against


def decide(documents: Iterable[Mapping[str, Any]], request: Request) -> Decision:
    """All policies of one principal together."""
    rows = [row for document in documents for row in document["Statement"] if applies(row, request)]
    by = tuple(row["Sid"] for row in rows if row["Effect"] == "Allow")
    return Decision(by=by, against=tuple(row["Sid"] for row in rows if row["Effect"] == "Deny"))


def applies(statement: Mapping[str, Any], request: Request) -> bool:
    known = {"Sid", "Effect", "Action", "Resource", "Condition"}
    assert set(statement) <= known, statement
    return (
        any(like(pattern.lower(), request.action.lower()) for pattern in listed(statement["Action"]))
        and any(like(pattern, request.resource) for pattern in listed(statement["Resource"]))
        and all(
            holds(operator, key, listed(wanted), request.context)
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        )
    )


def holds(operator: str, key: str, wanted: list[str], context: Context) -> bool:
    """One line of a condition; keys are told apart without regard to case."""
    found = next((value for name, value in context.items() if name.lower() == key.lower()), None)
    values = () if found is None else (found,) if isinstance(found, str) else tuple(found)
    if operator == "Null":
        return (not values) == (wanted == ["true"])
    quantifier, _, plain = operator.rpartition(":")
    absent_is_fine = plain.endswith("IfExists")
    test = _TESTS[plain.removesuffix("IfExists")]
    negated = plain.removesuffix("IfExists") in _NEGATED
    match quantifier:
        case "ForAllValues":
            return all(test(value, wanted) for value in values)
        case "ForAnyValue":
            return any(test(value, wanted) for value in values)
        case "":
            assert len(values) < 2, f"{key} has several values: a quantifier is missing"
            return test(values[0], wanted) if values else (negated or absent_is_fine)
    raise AssertionError(f"{operator} is not known here")


def like(pattern: str, text: str) -> bool:
    """IAM's wildcards, `*` and `?`; `${*}` is a star."""
    pieces = re.findall(r"\$\{\*\}|.", pattern, re.DOTALL)
    parts = (
        _WILD.get(piece) or re.escape(piece.strip("${}") if len(piece) > 1 else piece) for piece in pieces
    )
    return re.fullmatch("".join(parts), text, re.DOTALL) is not None


_WILD = {"?": ".", "*": ".*"}


def listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else list(value)


def _equal(value: str, wanted: list[str]) -> bool:
    return value in wanted


def _alike(value: str, wanted: list[str]) -> bool:
    return any(like(pattern, value) for pattern in wanted)


_TESTS = {
    "StringEquals": _equal,
    "StringNotEquals": lambda value, wanted: not _equal(value, wanted),
    "StringLike": _alike,
    "StringNotLike": lambda value, wanted: not _alike(value, wanted),
    "ArnLike": _alike,
    "ArnNotEquals": lambda value, wanted: not _alike(value, wanted),
}
_NEGATED = {"StringNotEquals", "StringNotLike", "ArnNotEquals"}
