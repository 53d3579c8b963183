r"""A stack becomes what it is asked to be: new resources, changed ones, then the removal of what is gone.

    UPDATE_IN_PROGRESS -> UPDATE_COMPLETE_CLEANUP_IN_PROGRESS -> UPDATE_COMPLETE
                      \-> UPDATE_ROLLBACK_IN_PROGRESS -> ..._CLEANUP_IN_PROGRESS -> UPDATE_ROLLBACK_COMPLETE

A change that the sandbox cannot make in place fails its resource, with the reason; nothing is pretended.
Source: CloudFormation user guide, "Stack status codes", "Update behaviors of stack resources".
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dr.sandbox.clock import clock
from dr.sandbox.corrections.cloudformation import events, graph, lifecycle, values
from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.state import Record, Request, Stack
from dr.sandbox.world import lock

_ALIVE = {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_FAILED", "DELETE_FAILED"}

Undo = list[tuple[Record, dict[str, Any], dict[str, Any], set[str]]]


def update(stack: Stack, asked: Request) -> None:
    """Carry the update out; on a failure go back to what the stack was."""
    before, stack.asked, stack.updated = stack.asked, asked, clock.naive()
    scope, made, changed = values.Scope(stack=stack), [], Undo()
    try:
        for logical in graph.order(asked.body):
            if not lifecycle.wanted(stack, logical, scope):
                continue
            if alive(stack, logical):
                _change(stack, stack.records[logical], scope, changed, retagged=before.tags != asked.tags)
            else:
                made.append(logical)
                lifecycle.make(stack, logical, scope)
        lifecycle.publish(stack, scope)
    except Stuck as failure:
        _back(stack, before, str(failure), made, changed)
        return
    events.of_stack(stack, "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS")
    _remove(stack, [record for logical, record in stack.records.items() if not _stays(stack, logical, scope)])
    events.of_stack(stack, "UPDATE_COMPLETE")


def alive(stack: Stack, logical: str) -> bool:
    """Whether the stack has that resource now."""
    return logical in stack.records and stack.records[logical].status in _ALIVE


def changes(stack: Stack, asked: Request) -> list[dict[str, Any]]:
    """What executing would do, as DescribeChangeSet's Changes. Source: API reference, ResourceChange."""
    after = replace(stack, asked=asked)
    scope = values.Scope(stack=after)
    resources = asked.body["Resources"]
    wanted = [logical for logical in resources if lifecycle.wanted(after, logical, scope)]
    added = [
        _change_of("Add", logical, resources[logical]["Type"])
        for logical in wanted
        if not alive(stack, logical)
    ]
    differing = _differing(stack, asked)
    modified = [
        {
            **_change_of("Modify", logical, resources[logical]["Type"], stack.records[logical].physical_id),
            "Replacement": "False",
            "Scope": ["Properties"],
        }
        for logical in wanted
        if alive(stack, logical) and _differs(stack, asked, logical, differing)
    ]
    gone = [
        _change_of("Remove", record.logical_id, record.type, record.physical_id)
        for record in stack.records.values()
        if record.logical_id not in wanted and alive(stack, record.logical_id)
    ]
    return [{"Type": "Resource", "ResourceChange": one} for one in [*added, *modified, *gone]]


def _change(stack: Stack, record: Record, scope: values.Scope, done: Undo, *, retagged: bool) -> None:
    definition = stack.asked.body["Resources"][record.logical_id]
    old, old_definition = record.properties, record.definition
    try:
        new = lifecycle.properties(stack, definition, scope)
        record.definition = definition
        changed = {key for key in new.keys() | old.keys() if new.get(key) != old.get(key)}
        if retagged and lifecycle.handler(stack, record).retags:
            changed.add("Tags")
        if not changed:
            return
        events.of_resource(stack, record, "UPDATE_IN_PROGRESS")
        lifecycle.pause(stack)
        done.append((record, old, old_definition, changed))
        _apply(stack, record, new, changed)
    except (Stuck, ClientError, BotoCoreError) as error:
        events.of_resource(stack, record, "UPDATE_FAILED", lifecycle.said(error))
        raise Stuck(record.logical_id) from error
    events.of_resource(stack, record, "UPDATE_COMPLETE")


def _apply(stack: Stack, record: Record, new: dict[str, Any], changed: set[str]) -> None:
    kind = lifecycle.handler(stack, record)
    if kind.change is None:
        raise Stuck(f"the sandbox cannot update {', '.join(sorted(changed))} of {record.type}")
    record.properties = new
    settled = kind.change(lifecycle.job(stack, record), lifecycle.made_of(record), changed)
    lifecycle.settle(record, settled)


def _back(stack: Stack, before: Request, failed: str, made: list[str], changed: Undo) -> None:
    reason = (
        f"The following resource(s) failed to update: [{failed}]. " if failed in stack.records else failed
    )
    stack.asked = before
    events.of_stack(stack, "UPDATE_ROLLBACK_IN_PROGRESS", reason)
    try:
        for record, old, definition, keys in reversed(changed):
            record.definition = definition
            if record.status == "UPDATE_COMPLETE":
                _apply(stack, record, old, keys)
            record.properties = old
            events.of_resource(stack, record, "UPDATE_COMPLETE")
    except (Stuck, ClientError, BotoCoreError) as error:
        events.of_stack(stack, "UPDATE_ROLLBACK_FAILED", lifecycle.said(error))
        return
    events.of_stack(stack, "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS")
    _remove(stack, [stack.records[logical] for logical in made])
    events.of_stack(stack, "UPDATE_ROLLBACK_COMPLETE")


def _remove(stack: Stack, records: list[Record]) -> None:
    """Source: user guide, "Troubleshooting": a resource that cannot be cleaned up after an update is left, and said."""
    for record in reversed(records):
        try:
            lifecycle.remove(stack, record, keep=True)
        except Stuck:
            continue
        with lock:
            stack.records.pop(record.logical_id, None)


def _stays(stack: Stack, logical: str, scope: values.Scope) -> bool:
    return logical in stack.asked.body["Resources"] and lifecycle.wanted(stack, logical, scope)


def _differing(stack: Stack, asked: Request) -> set[str]:
    """Parameters whose value changes."""
    old, new = stack.asked.parameters, asked.parameters
    return {
        key
        for key in old.keys() | new.keys()
        if key not in old or key not in new or old[key].value != new[key].value
    }


def _differs(stack: Stack, asked: Request, logical: str, parameters: set[str]) -> bool:
    new = asked.body["Resources"][logical]
    return bool(new != stack.records[logical].definition or graph.needs(new) & parameters)


def _change_of(action: str, logical: str, kind: str, physical: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {
        "Action": action,
        "LogicalResourceId": logical,
        "ResourceType": kind,
        "Scope": [],
        "Details": [],
    }
    return {**found, "PhysicalResourceId": physical} if physical else found
