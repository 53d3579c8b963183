"""A plan as JSON, and back. What is read back is only what was asked for: a `SavedPlan` is not yet a `Plan`."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr.actions import Capture, Expire, Plan, Warn, WarningCode
from dr.errors import Refused
from dr.model import Kind, Lineage
from dr.planfile.checks import (
    canonical,
    choice,
    fail,
    flag,
    load,
    maybe_text,
    members,
    number,
    rows,
    text,
    time,
)
from dr.wire import action_document, actions_summary, time_text, warn_document

FORMAT = 1
_SAVED = ("format", "now", "fingerprint", "actions", "warnings", "summary")
_GROUND = ("installation", "account", "policies", "config", "asked")
_ACTION = ("do", "policy", "source", "account", "region", "slot", "point", "blocked", "reason")
_ACTION_MORE = ("kind", "cause", "attempt", "lineage")
_NOT_IDENTITY = ("reason",)
"""Words change with time, what is done does not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """What a plan rests on beside the world: the installation, and SHA-256 digests of its files.

    `policies` are the digests of all policies by name, `asked` the names that the plan is for, `config` is dr.yaml's.
    """

    installation: str
    account: str
    policies: Mapping[str, str]
    config: str
    asked: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedAction:
    """One line of a plan file. `point` is set on an expiry only; `digest` is its lineage's state at planning."""

    lineage: Lineage
    kind: Kind
    slot: datetime
    digest: str
    point: str | None = None
    blocked: bool = False
    attempt: int = 1
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class SavedPlan:
    """A plan file as it was read: whole and unedited, but nothing says that it still fits the world."""

    now: datetime
    context: Context
    fingerprint: str
    actions: tuple[SavedAction, ...]
    warnings: tuple[Warn, ...] = field(default=())


def stamp(plan: Plan, context: Context) -> Plan:
    """The plan with its fingerprint."""
    ground = _ground(context)
    return replace(plan, fingerprint=_fingerprint(ground, _actions(plan)))


def to_document(plan: Plan, context: Context) -> dict[str, Any]:
    """The JSON of `dr plan`, which is also the plan file."""
    ground, actions = _ground(context), _actions(plan)
    document = {
        "format": FORMAT,
        "now": time_text(plan.now),
        "fingerprint": _fingerprint(ground, actions),
        "actions": actions,
        "warnings": [warn_document(warn) for warn in plan.warnings],
        "summary": actions_summary(plan.actions),
        **ground,
    }
    return {**document, "digest": _sha256(document)}


def _ground(context: Context) -> dict[str, Any]:
    return {
        "installation": context.installation,
        "account": context.account,
        "policies": dict(sorted(context.policies.items())),
        "config": context.config,
        "asked": sorted(context.asked),
    }


def _actions(plan: Plan) -> list[dict[str, Any]]:
    return [action_document(action) | {"lineage": _digest(plan, action)} for action in plan.actions]


def _digest(plan: Plan, action: Capture | Expire) -> str:
    return plan.lineages[action.lineage]


def _fingerprint(ground: Mapping[str, Any], actions: list[Any]) -> str:
    rest = [{key: row[key] for key in row if key not in _NOT_IDENTITY} for row in actions]
    return _sha256([ground, rest])


def _sha256(document: Any) -> str:
    return hashlib.sha256(canonical(document).encode()).hexdigest()


def parse(content: str) -> SavedPlan:
    """Read a plan file. Raises `UsageError` for what is no plan, `Refused` for one that was edited."""
    return from_document(load(content))


def from_document(data: Any) -> SavedPlan:
    """Check a parsed plan file, types first. Raises `UsageError` for what is no plan, `Refused` for an edited one."""
    document = members(data, "the file", _SAVED[:1])
    if type(document["format"]) is not int or document["format"] != FORMAT:
        fail("format", f"this dr reads format {FORMAT}")
    document = members(data, "the file", (*_SAVED, *_GROUND, "digest"))
    context = _context(document)
    saved = SavedPlan(
        now=time(document["now"], "now"),
        context=context,
        fingerprint=text(document["fingerprint"], "fingerprint"),
        actions=tuple(
            _action(row, f"actions[{n}]") for n, row in enumerate(rows(document["actions"], "actions"))
        ),
        warnings=tuple(
            _warn(row, f"warnings[{n}]") for n, row in enumerate(rows(document["warnings"], "warnings"))
        ),
    )
    members(document["summary"], "summary", ("capture", "copy", "expire", "blocked"))
    _unedited(document)
    return saved


def _context(document: Mapping[str, Any]) -> Context:
    policies = members(document["policies"], "policies", ())
    return Context(
        installation=text(document["installation"], "installation"),
        account=text(document["account"], "account"),
        policies={text(name, "policies"): text(value, "policies") for name, value in policies.items()},
        config=text(document["config"], "config"),
        asked=tuple(text(name, "asked") for name in rows(document["asked"], "asked")),
    )


def _action(data: Any, where: str) -> SavedAction:
    row = members(data, where, (*_ACTION, *_ACTION_MORE))
    do = text(row["do"], f"{where}.do")
    if do not in {"capture", "expire"}:
        fail(f"{where}.do", "neither capture nor expire")
    expiry = do == "expire"
    policy, account, region, source = (text(row[key], f"{where}.{key}") for key in _LINEAGE)
    point = maybe_text(row["point"], f"{where}.point")
    if (point is not None) != expiry:
        fail(f"{where}.point", "an expiry names one, a capture does not")
    return SavedAction(
        lineage=Lineage(policy=policy, account=account, region=region, source=source),
        kind=choice(row["kind"], f"{where}.kind", Kind),
        slot=time(row["slot"], f"{where}.slot"),
        digest=text(row["lineage"], f"{where}.lineage"),
        point=point,
        blocked=flag(row["blocked"], f"{where}.blocked"),
        attempt=1 if expiry else number(row["attempt"], f"{where}.attempt"),
        reason=text(row["reason"], f"{where}.reason"),
    )


_LINEAGE = ("policy", "account", "region", "source")


def _warn(data: Any, where: str) -> Warn:
    row = members(data, where, ("code", "policy", "source", "message"))
    return Warn(
        code=choice(row["code"], f"{where}.code", WarningCode),
        policy=maybe_text(row["policy"], f"{where}.policy"),
        source=maybe_text(row["source"], f"{where}.source"),
        message=text(row["message"], f"{where}.message"),
    )


def _unedited(document: Mapping[str, Any]) -> None:
    rest = {key: value for key, value in document.items() if key != "digest"}
    ground = {key: document[key] for key in _GROUND}
    whole = document["digest"] == _sha256(rest)
    if not whole or document["fingerprint"] != _fingerprint(ground, document["actions"]):
        raise Refused("the plan file was edited after it was made", "make a new one with `dr plan -o FILE`")
