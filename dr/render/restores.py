"""The plan of a restore and how it ended, as text and as the JSON of the contract (DESIGN 9)."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from dr.ports import StackEvent
from dr.recovery.carrying_out import Restored, Verified
from dr.stacks.rebirth import Change, Finding
from dr.stacks.restore import DataRow, RestorePlan
from dr.wire import point_document
from dr.words import clean, count, duration, instant


def restore_text(plan: RestorePlan) -> str:
    """What will be made, from which points, what comes up empty, and what to know before saying yes."""
    target = plan.name if plan.name == plan.stack else f"{plan.name} (from {plan.stack})"
    lines = [
        f"Restore stack {clean(target)} in {plan.region} of account {plan.stored.lineage.account}",
        f"  stored {instant(plan.stored.time)}, slot {instant(plan.stored.slot)}; data at or before {instant(plan.at)}",
        "",
        *_section("parameters", [_parameter(p.name, p.shown, p.origin) for p in plan.parameters]),
        *_section("data", [line for row in plan.data for line in _data(row, plan)]),
        *_section("comes up empty", [f"{clean(row.logical_id)}  {row.type}" for row in plan.empty]),
        *_section("changes to the template", [_change(change, plan) for change in plan.changes]),
        *_section("to know", [line for finding in plan.findings for line in _finding(finding)]),
    ]
    return "\n".join(
        [*lines, f"{count(len(plan.data), 'data resource')} from recovery points, {len(plan.empty)} empty."]
    )


def _section(title: str, rows: Sequence[str]) -> list[str]:
    return [title, *(f"  {row}" for row in rows), ""] if rows else []


def _parameter(name: str, shown: str | None, origin: str) -> str:
    return f"{clean(name)} = {'(secret)' if shown is None else clean(shown)}  [{clean(origin)}]"


def _data(row: DataRow, plan: RestorePlan) -> list[str]:
    age = duration(int((plan.at - row.point.time).total_seconds()))
    ids = ", ".join(row.expected)
    return [
        f"{clean(row.logical_id)}  {row.type}",
        f"    <- {ids}  {age} old ({instant(row.point.time)})",
        f"       {clean(row.reason)}",
    ]


def _change(change: Change, plan: RestorePlan) -> str:
    new = "(left out)" if change.new is None else clean(plan.without_secrets(_compact(change.new)))
    return f"{clean(change.logical_id)}.{clean(change.property)}: {new}  ({clean(change.why)})"


def _compact(value: Any) -> str:
    """A text as it is, all else as JSON on one line."""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _finding(finding: Finding) -> list[str]:
    return [f"{finding.level}: {clean(finding.message)}", f"    what to do: {clean(finding.remedy)}"]


def event_line(event: StackEvent) -> str:
    """One event as it happens."""
    why = f"  {clean(event.reason)}" if event.reason else ""
    return f"{event.time:%H:%M:%S}  {event.status:<20} {clean(event.logical_id)}  {clean(event.type)}{why}"


def restored_text(restored: Restored) -> str:
    """What became of it: each data resource as EC2 shows it, then RPO and RTO."""
    lines = ["", *(_verified(row) for row in restored.data)]
    if restored.status != "CREATE_COMPLETE":
        return "\n".join(
            [*lines, f"The stack ended as {restored.status}: {clean(restored.reason)}", *_remedy(restored)]
        )
    rpo = "no data" if restored.rpo is None else duration(restored.rpo)
    verdict = "verified" if restored.holds else "NOT VERIFIED"
    summary = f"Stack {clean(restored.plan.name)} is back, {verdict}."
    return "\n".join([*lines, summary, *_remedy(restored), f"RPO {rpo}, RTO {duration(restored.rto or 0)}"])


def _remedy(restored: Restored) -> list[str]:
    """What went wrong where nothing else says it, and what to do about a restore that did not end well."""
    added = findings(restored.plan, restored)[len(restored.plan.findings) :]
    known = [f"  what to do: {clean(f.remedy)}" for f in added if f not in restored.findings]
    return [*known, *(f"  {line}" for finding in restored.findings for line in _finding(finding))]


def _verified(row: Verified) -> str:
    mark = "ok  " if row.verified else "BAD "
    found = row.found or "nothing"
    return f"{mark} {clean(row.row.logical_id)} {row.physical_id or '(missing)'} was born from {found}"


def restore_document(plan: RestorePlan, restored: Restored | None) -> dict[str, Any]:
    """The JSON of `restore`; `restored` is None for --plan-only."""
    verified = {row.row.logical_id: row for row in restored.data} if restored else {}
    stack = {
        "stack": plan.stack,
        "as": plan.name,
        "region": plan.region,
        "stored": point_document(plan.stored),
        "stack_id": restored.stack_id if restored else None,
        "parameters": [{"name": p.name, "value": p.shown, "from": p.origin} for p in plan.parameters],
        "data": [_data_document(row, plan, verified) for row in plan.data],
        "empty": [{"logical_id": row.logical_id, "type": row.type} for row in plan.empty],
    }
    return {
        "id": plan.id,
        "result": _result(restored),
        "stacks": [stack],
        "findings": [
            {"level": f.level, "message": f.message, "remedy": f.remedy} for f in findings(plan, restored)
        ],
        "rpo": restored.rpo if restored else None,
        "rto": restored.rto if restored else None,
    }


def _result(restored: Restored | None) -> str:
    if restored is None:
        return "planned"
    return "done" if restored.ok else "failed"


def _data_document(row: DataRow, plan: RestorePlan, verified: Mapping[str, Verified]) -> dict[str, Any]:
    seen = verified.get(row.logical_id)
    return {
        "logical_id": row.logical_id,
        "type": row.type,
        "point": point_document(row.point),
        "age": int((plan.at - row.point.time).total_seconds()),
        "reason": row.reason,
        "physical_id": seen.physical_id if seen else None,
        "verified": seen.verified if seen else None,
    }


def findings(plan: RestorePlan, restored: Restored | None) -> tuple[Finding, ...]:
    """The plan's findings, and what a restore that did not end well adds to them."""
    if restored is None or restored.ok:
        return plan.findings
    if restored.status != "CREATE_COMPLETE":
        message = f"stack {plan.name} ended as {restored.status}: {restored.reason}"
        remedy = f"look at its events, mend the cause, delete the stack {plan.name} that this restore began, restore again"
        return (*plan.findings, Finding(level="error", message=message, remedy=remedy))
    return (*plan.findings, *_bad_data(restored), *restored.findings)


def _bad_data(restored: Restored) -> tuple[Finding, ...]:
    bad = ", ".join(row.row.logical_id for row in restored.data if not row.verified)
    if not bad:
        return ()
    message = f"EC2 does not show the chosen points behind {bad}"
    return (Finding(level="error", message=message, remedy="compare `dr points` with the resources"),)
