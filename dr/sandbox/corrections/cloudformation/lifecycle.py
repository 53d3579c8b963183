"""The life of a stack: made, rolled back, deleted, one resource after the other.

    start --> create --every resource--> CREATE_COMPLETE
                 |
                 +-- one fails --> ROLLBACK_IN_PROGRESS --reverse order--> ROLLBACK_COMPLETE

CreateStack and change sets come through here alike. It runs in a thread of its own; between two resources it holds no
lock, so that what is half done can be looked at. Source: CloudFormation user guide, "Stack status codes".
"""

from __future__ import annotations

import datetime as dt
import threading
import time
from collections.abc import Callable
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dr.sandbox.clock import clock
from dr.sandbox.corrections.cloudformation import events, exports, graph, nested, references, state, values
from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.resources import Job, Kind, Made, compute, kind_of
from dr.sandbox.corrections.cloudformation.state import STACK_TYPE, Record, Stack
from dr.sandbox.world import lock, settings

_TICK = 0.02  # seconds between two looks at the clock
_GONE = {"DELETE_COMPLETE", "DELETE_SKIPPED"}


class Forgotten(Exception):
    """The sandbox was reset while the stack was worked on."""


def background(work: Callable[[Stack], None], stack: Stack) -> None:
    """Run in a thread; it ends quietly when the sandbox is reset meanwhile. Its first step counts from now.

    A fault of the sandbox itself is printed by the thread, and the stack does not stay in progress for ever.
    """

    def run() -> None:
        try:
            work(stack)
        except Forgotten:
            return
        finally:
            _not_in_progress(stack)

    stack.called = clock.now()
    threading.Thread(target=run, name=f"stack {stack.name}", daemon=True).start()


def _not_in_progress(stack: Stack) -> None:
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        status = stack.status.removesuffix("_IN_PROGRESS").removesuffix("_COMPLETE_CLEANUP") + "_FAILED"
        events.of_stack(stack, status, "the sandbox itself failed; its log has the reason")


def create(stack: Stack) -> None:
    """Make every resource, then the outputs; roll back when one fails."""
    scope = values.Scope(stack=stack)
    try:
        for logical in graph.order(stack.asked.body):
            if wanted(stack, logical, scope):
                make(stack, logical, scope)
        publish(stack, scope)
    except Stuck as failure:
        _give_up(stack, str(failure))
        return
    events.of_stack(stack, "CREATE_COMPLETE")


def delete(stack: Stack) -> None:
    """Remove every resource in reverse order; refuse while another stack imports from this one."""
    with lock:
        reason = exports.in_use(stack)
    if reason:
        events.of_stack(stack, "DELETE_FAILED", reason)
        return
    try:
        for record in reversed(list(stack.records.values())):
            remove(stack, record, keep=True)
    except Stuck as failure:
        events.of_stack(stack, "DELETE_FAILED", f"The following resource(s) failed to delete: [{failure}]. ")
        return
    with lock:
        stack.deleted, stack.outputs, stack.imports = clock.naive(), [], set()
        events.of_stack(stack, "DELETE_COMPLETE")


def wanted(stack: Stack, logical: str, scope: values.Scope) -> bool:
    """Whether the resource's condition holds."""
    condition = stack.asked.body["Resources"][logical].get("Condition")
    return condition is None or values.holds(condition, scope)


def make(stack: Stack, logical: str, scope: values.Scope) -> None:
    """Make one resource; raise Stuck with its logical id when it fails."""
    definition = stack.asked.body["Resources"][logical]
    record = Record(logical_id=logical, type=definition["Type"], definition=definition)
    with lock:
        stack.records.pop(logical, None)  # one that an earlier version of the template had, deleted since
        stack.records[logical] = record
    events.of_resource(stack, record, "CREATE_IN_PROGRESS")
    pause(stack)
    try:
        shown = _properties(definition, values.Scope(stack=stack, masked=True, conditions=scope.conditions))
        record.properties = properties(stack, definition, scope)
        settle(record, handler(stack, record).create(job(stack, record)))
        events.of_resource(stack, record, "CREATE_IN_PROGRESS", "Resource creation Initiated", shown)
    except (Stuck, ClientError, BotoCoreError) as error:
        events.of_resource(stack, record, "CREATE_FAILED", said(error))
        raise Stuck(logical) from error
    events.of_resource(stack, record, "CREATE_COMPLETE", shown=shown)


def remove(stack: Stack, record: Record, *, keep: bool) -> None:
    """Delete one resource, if it is there; `keep` says whether DeletionPolicy is honoured in full.

    Source: user guide, "DeletionPolicy attribute": Retain keeps it always, RetainExceptOnCreate but for a rolled back creation.
    """
    if record.status in _GONE:
        return
    policy = record.definition.get("DeletionPolicy", "Delete")
    if record.physical_id and (policy == "Retain" or (policy == "RetainExceptOnCreate" and keep)):
        events.of_resource(stack, record, "DELETE_SKIPPED")
        return
    events.of_resource(stack, record, "DELETE_IN_PROGRESS")
    pause(stack)
    try:
        _remove(stack, record, snapshot=policy == "Snapshot" and keep)
    except (Stuck, ClientError, BotoCoreError) as error:
        events.of_resource(stack, record, "DELETE_FAILED", said(error))
        raise Stuck(record.logical_id) from error
    events.of_resource(stack, record, "DELETE_COMPLETE")


def publish(stack: Stack, scope: values.Scope) -> None:
    """Work the outputs out; raise Stuck for one that cannot be, or for an export's name that is taken or in use."""
    with lock:
        outputs = [
            _output(key, one, scope)
            for key, one in (stack.asked.body.get("Outputs") or {}).items()
            if _shown(one, scope)
        ]
        exports.refuse_taken(stack, outputs)
        if reason := exports.in_use(stack, outputs):
            raise Stuck(reason)
        stack.outputs = outputs


def properties(stack: Stack, definition: dict[str, Any], scope: values.Scope) -> dict[str, Any]:
    """A resource's properties with every function and dynamic reference resolved."""
    return dict(references.resolve(_properties(definition, scope), stack.account, stack.region))


def handler(stack: Stack, record: Record) -> Kind:
    """The handler of a resource's type; raise Stuck for a type that the sandbox does not know."""
    if record.type == STACK_TYPE:
        return nested.kind(stack, create=create, delete=delete)
    if kind := kind_of(record.type):
        return kind
    raise Stuck(f"the sandbox does not know the resource type {record.type}")


def job(stack: Stack, record: Record) -> Job:
    """What a handler gets."""
    return Job(
        account=stack.account,
        region=stack.region,
        stack_id=stack.id,
        stack_name=stack.name,
        stack_tags=stack.tags,
        logical_id=record.logical_id,
        type=record.type,
        properties=record.properties,
    )


def settle(record: Record, made: Made) -> None:
    """Write down what a handler made."""
    record.physical_id, record.attributes, record.model = made.id, made.attributes, made.model


def made_of(record: Record) -> Made:
    """What a handler made."""
    return Made(id=record.physical_id, attributes=record.attributes, model=record.model)


def pause(stack: Stack) -> None:
    """Let the time of one step pass on the sandbox's clock; raise Forgotten after a reset."""
    begun, stack.called = stack.called or clock.now(), None
    until = begun + dt.timedelta(seconds=settings.step_seconds)
    while (left := (until - clock.now()).total_seconds()) > 0:
        time.sleep(min(left, _TICK))
    if state.of(stack.account, stack.region).stacks.get(stack.id) is not stack:
        raise Forgotten


def said(error: Exception) -> str:
    """A resource's status reason. Source: user guide, "Troubleshooting CloudFormation"."""
    if isinstance(error, ClientError):
        code, text = error.response["Error"].get("Code", ""), error.response["Error"].get("Message", "")
        return f'Resource handler returned message: "{text} (Service: {error.operation_name}, Status Code: 400, Error Code: {code})" (HandlerErrorCode: InvalidRequest)'
    return str(error)


def _give_up(stack: Stack, failed: str) -> None:
    known = failed in stack.records
    reason = f"The following resource(s) failed to create: [{failed}]. " if known else failed
    if stack.on_failure == "DO_NOTHING":
        events.of_stack(stack, "CREATE_FAILED", reason)
        return
    if stack.on_failure == "DELETE":
        with lock:  # nobody sees it between the two
            events.of_stack(stack, "CREATE_FAILED", reason)
            events.of_stack(stack, "DELETE_IN_PROGRESS", f"{reason}Delete requested by user.")
        delete(stack)
        return
    events.of_stack(
        stack, "ROLLBACK_IN_PROGRESS", f"{reason}{' ' if not known else ''}Rollback requested by user."
    )
    try:
        for record in reversed(list(stack.records.values())):
            remove(stack, record, keep=False)
    except Stuck as failure:
        events.of_stack(
            stack, "ROLLBACK_FAILED", f"The following resource(s) failed to delete: [{failure}]. "
        )
        return
    with lock:
        stack.imports = set()
        events.of_stack(stack, "ROLLBACK_COMPLETE")


def _remove(stack: Stack, record: Record, *, snapshot: bool) -> None:
    if not record.physical_id:
        return
    if snapshot and record.type == "AWS::EC2::Volume":
        compute.snapshot_volume(job(stack, record), made_of(record))
    handler(stack, record).delete(job(stack, record), made_of(record))


def _properties(definition: dict[str, Any], scope: values.Scope) -> Any:
    return values.evaluate(definition.get("Properties") or {}, scope)


def _shown(output: dict[str, Any], scope: values.Scope) -> bool:
    return "Condition" not in output or values.holds(output["Condition"], scope)


def _output(key: str, output: dict[str, Any], scope: values.Scope) -> dict[str, Any]:
    found = {"OutputKey": key, "OutputValue": _text(values.evaluate(output.get("Value"), scope))}
    if "Description" in output:
        found["Description"] = output["Description"]
    if "Export" in output:
        found["ExportName"] = _text(values.evaluate(output["Export"]["Name"], scope))
    return found


def _text(value: Any) -> str:
    if isinstance(value, list):
        raise Stuck("Template format error: Output value must be a string")
    return str(value).lower() if isinstance(value, bool) else str(value)
