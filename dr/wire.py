"""The JSON of the contract for points, actions, warnings and outcomes (DESIGN 9). Keys are always there; unknown is null."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dr.actions import Action, Capture, Expire, Outcome, Result, Warn
from dr.model import Freeze, RecoveryPoint, StackVersion
from dr.words import instant as time_text
from dr.words import one_line

__all__ = [
    "action_document",
    "actions_summary",
    "apply_document",
    "freeze_document",
    "outcome_document",
    "outcomes_summary",
    "point_document",
    "stack_document",
    "stacks_document",
    "time_text",
    "warn_document",
]

Document = dict[str, Any]


def point_document(point: RecoveryPoint) -> Document:
    """POINT."""
    return {
        "id": point.id,
        "kind": point.kind.value,
        "policy": point.lineage.policy,
        "source": point.lineage.source,
        "account": point.lineage.account,
        "region": point.lineage.region,
        "slot": time_text(point.slot),
        "time": time_text(point.time),
        "state": point.state.value,
        "copy_of": point.copy_of,
        "set": point.set,
        "hold": point.hold,
    }


def action_document(action: Action) -> Document:
    """ACTION, with the kind of its point, an expiry's cause and a capture's attempt besides."""
    expiry = action if isinstance(action, Expire) else None
    return {
        "do": "expire" if expiry else "capture",
        "policy": action.lineage.policy,
        "source": action.lineage.source,
        "account": action.lineage.account,
        "region": action.lineage.region,
        "slot": time_text(action.slot),
        "point": expiry.point_id if expiry else None,
        "blocked": bool(expiry and expiry.blocked),
        "reason": one_line(action.reason),
        "kind": action.kind.value,
        "cause": expiry.cause.value if expiry else None,
        "attempt": action.attempt if isinstance(action, Capture) else None,
    }


def actions_summary(actions: Sequence[Action]) -> dict[str, int]:
    """The summary of a plan; `expire` counts what would be done now, `blocked` what waits for a person's word."""
    captures = sum(isinstance(action, Capture) for action in actions)
    blocked = sum(isinstance(action, Expire) and action.blocked for action in actions)
    return {
        "capture": captures,
        "copy": 0,
        "expire": len(actions) - captures - blocked,
        "blocked": blocked,
    }


def warn_document(warn: Warn) -> Document:
    """WARNING."""
    message = one_line(warn.message)
    return {"code": warn.code.value, "policy": warn.policy, "source": warn.source, "message": message}


def freeze_document(freeze: Freeze) -> Document:
    """A freeze; the policy of that of all is null."""
    return {
        "policy": freeze.policy or None,
        "since": time_text(freeze.since),
        "by": one_line(freeze.by),
        "why": one_line(freeze.why),
    }


def outcome_document(outcome: Outcome) -> Document:
    """ACTION and what became of it."""
    ended = {"result": outcome.result.value, "created": list(outcome.created), "error": outcome.error}
    return action_document(outcome.action) | ended | {"remedy": outcome.remedy or None}


def outcomes_summary(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many outcomes ended in which way."""
    return {result.value: sum(outcome.result is result for outcome in outcomes) for result in Result}


def apply_document(
    fingerprint: str | None, outcomes: Sequence[Outcome], warnings: Sequence[Warn]
) -> Document:
    """The JSON of `dr apply`, and what the scheduled function returns; no fingerprint where nothing was planned."""
    return {
        "fingerprint": fingerprint,
        "outcomes": [outcome_document(outcome) for outcome in outcomes],
        "warnings": [warn_document(warn) for warn in warnings],
        "summary": outcomes_summary(outcomes),
    }


def stacks_document(stored: Sequence[RecoveryPoint]) -> Document:
    """The JSON of `dr stacks`: one row for each stored stack, by name."""
    rows: dict[tuple[str, str, str], list[RecoveryPoint]] = {}
    for point in stored:
        key = (point.lineage.source, point.lineage.account, point.lineage.region)
        rows.setdefault(key, []).append(point)
    return {
        "stacks": [
            {
                "name": name,
                "account": account,
                "region": region,
                "versions": len(points),
                "newest": time_text(max(point.slot for point in points)),
            }
            for (name, account, region), points in sorted(rows.items())
        ]
    }


def stack_document(name: str, versions: Sequence[StackVersion]) -> Document:
    """The JSON of `dr stacks NAME`; a version that cannot be read has no digest, and its error says why."""
    return {
        "name": name,
        "versions": [
            {
                "id": version.point.id,
                "slot": time_text(version.point.slot),
                "time": time_text(version.point.time),
                "template_sha256": version.template_sha256,
                "error": version.fault and one_line(version.fault.message),
                "policy": version.point.lineage.policy,
                "region": version.point.lineage.region,
            }
            for version in versions
        ],
    }
