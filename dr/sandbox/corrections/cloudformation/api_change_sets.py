r"""Change sets: CreateChangeSet, DescribeChangeSet, ListChangeSets, DeleteChangeSet, ExecuteChangeSet.

    CREATE_PENDING -> CREATE_IN_PROGRESS -> CREATE_COMPLETE (AVAILABLE) -> EXECUTE_IN_PROGRESS -> EXECUTE_COMPLETE
                                        \-> FAILED (UNAVAILABLE)       \-> OBSOLETE, when something else was executed

Executing takes the way of CreateStack and UpdateStack. Source: CloudFormation API reference, one page per call.
"""

from __future__ import annotations

import re
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from dr.sandbox.corrections.cloudformation import asking, events, lifecycle, state, updates
from dr.sandbox.corrections.cloudformation.api_stacks import begin, new_stack, refuse_not_updatable
from dr.sandbox.corrections.cloudformation.faults import (
    AlreadyExists,
    ChangeSetNotFound,
    Fault,
    InvalidChangeSetStatus,
    Stuck,
)
from dr.sandbox.corrections.cloudformation.paging import page
from dr.sandbox.corrections.cloudformation.state import ChangeSet, Region, Stack
from dr.sandbox.world import lock

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
_UNCHANGED = (
    "The submitted information didn't contain changes. Submit different information to create a change set."
)


def create_change_set(api: Any) -> ActionResult:
    """Begin to make a change set; of type CREATE it makes a stack in REVIEW_IN_PROGRESS, where there is none."""
    region, name, kind = (
        _region(api),
        api._get_param("ChangeSetName"),
        api._get_param("ChangeSetType", "UPDATE"),
    )
    if not _NAME.fullmatch(name):
        raise Fault(
            f"1 validation error detected: Value '{name}' at 'changeSetName' failed to satisfy constraint: [a-zA-Z][-a-zA-Z0-9]*"
        )
    stack = _stack(region, api._get_param("StackName"), name, kind)
    if stack and (same := _of_name(region, stack.id, name)):
        if same.token and same.token == api._get_param("ClientToken"):
            return ActionResult({"Id": same.id, "StackId": same.stack_id})
        raise AlreadyExists(f"ChangeSet [{name}] already exists")
    asked = asking.read(api, previous=stack if kind == "UPDATE" else None, expands=False)
    if stack is None:
        stack = new_stack(api, api._get_param("StackName"), asked)
        region.stacks[stack.id] = stack
        events.of_stack(stack, "REVIEW_IN_PROGRESS", "User Initiated")
    change_set = _new(api, stack, kind, asked)
    region.change_sets[change_set.id] = change_set
    lifecycle.background(lambda stack: _prepare(stack, change_set), stack)
    return ActionResult({"Id": change_set.id, "StackId": stack.id})


def describe_change_set(api: Any) -> ActionResult:
    """Source: DescribeChangeSet; NoEcho values are masked."""
    one = _find(api)
    changes, token = page(one.changes, api._get_param("NextToken"))
    described = {
        **_summary(one),
        "Parameters": [parameter.shown() for parameter in one.asked.parameters.values()],
        "NotificationARNs": one.asked.notification_arns,
        "Capabilities": one.asked.capabilities,
        "Tags": [{"Key": key, "Value": value} for key, value in one.asked.tags.items()],
        "OnStackFailure": one.on_failure,
        "RollbackConfiguration": {},
        "Changes": changes,
        "NextToken": token,
    }
    return ActionResult({key: value for key, value in described.items() if value is not None})


def list_change_sets(api: Any) -> ActionResult:
    """Source: ListChangeSets: of one stack, the executed ones are no longer among them."""
    region = _region(api)
    stack = state.find(region, api._get_param("StackName"))
    active = [
        _summary(one)
        for one in region.change_sets.values()
        if one.stack_id == stack.id and not one.execution.startswith("EXECUTE_")
    ]
    summaries, token = page(active, api._get_param("NextToken"))
    return ActionResult({"Summaries": summaries, "NextToken": token})


def delete_change_set(api: Any) -> ActionResult:
    """Source: DeleteChangeSet: one that is being executed is refused; one that is not there is no error."""
    try:
        one = _find(api)
    except ChangeSetNotFound:
        return ActionResult({})
    if one.execution == "EXECUTE_IN_PROGRESS":
        raise InvalidChangeSetStatus(
            f"ChangeSet [{one.id}] cannot be deleted in its current execution status of [{one.execution}]"
        )
    del _region(api).change_sets[one.id]
    return ActionResult({})


def execute_change_set(api: Any) -> EmptyResult:
    """Begin to execute a change set; the same token again is no error. Source: ExecuteChangeSet."""
    region, one, token = _region(api), _find(api), api._get_param("ClientRequestToken")
    stack = region.stacks[one.stack_id]
    if token and stack.tokens.get(token) == one.id:
        return EmptyResult()
    if one.status != "CREATE_COMPLETE" or one.execution != "AVAILABLE":
        current = one.status if one.execution in ("AVAILABLE", "UNAVAILABLE") else one.execution
        raise InvalidChangeSetStatus(
            f"ChangeSet [{one.id}] cannot be executed in its current status of [{current}]"
        )
    disable = api._get_param("DisableRollback")
    if disable is not None and one.on_failure != "ROLLBACK":
        raise Fault("You can specify either DisableRollback or OnStackFailure, but not both.")
    if one.type != "CREATE":
        refuse_not_updatable(stack)
    stack.on_failure = "DO_NOTHING" if disable else one.on_failure
    _begin_execution(region, stack, one, token)
    return EmptyResult()


def _begin_execution(region: Region, stack: Stack, one: ChangeSet, token: str | None) -> None:
    for other in region.change_sets.values():
        if other.stack_id == stack.id and other.id != one.id and other.execution == "AVAILABLE":
            other.execution = "OBSOLETE"
    one.execution = "EXECUTE_IN_PROGRESS"
    stack.change_set_id = one.id
    begin(stack, one.id, token)
    if one.type == "CREATE":
        stack.asked = one.asked
        events.of_stack(stack, "CREATE_IN_PROGRESS", "User Initiated")
        lifecycle.background(lambda stack: _settle(one, stack, "CREATE_COMPLETE", lifecycle.create), stack)
    else:
        events.of_stack(stack, "UPDATE_IN_PROGRESS", "User Initiated")
        lifecycle.background(
            lambda stack: _settle(
                one, stack, "UPDATE_COMPLETE", lambda stack: updates.update(stack, one.asked)
            ),
            stack,
        )


def _settle(one: ChangeSet, stack: Stack, good: str, work: Any) -> None:
    """Source: DescribeChangeSet, ExecutionStatus: EXECUTE_FAILED when the stack did not come through."""
    work(stack)
    with lock:
        one.execution = "EXECUTE_COMPLETE" if stack.status == good else "EXECUTE_FAILED"


def _prepare(stack: Stack, one: ChangeSet) -> None:
    """Work the changes out, in a step's time."""
    with lock:
        one.status = "CREATE_IN_PROGRESS"
    lifecycle.pause(stack)
    with lock:
        try:
            one.changes = updates.changes(stack, one.asked)
        except Stuck as error:
            one.status, one.reason = "FAILED", str(error)
            return
        if one.type == "UPDATE" and asking.same(one.asked, stack.asked):
            one.status, one.reason = "FAILED", _UNCHANGED
        else:
            one.status, one.execution = "CREATE_COMPLETE", "AVAILABLE"


def _stack(region: Region, name: str, change_set: str, kind: str) -> Stack | None:
    """The stack that the change set is for. Source: CreateChangeSet, ChangeSetType."""
    stack = state.living(region, name)
    if kind == "CREATE":
        if stack and stack.status != "REVIEW_IN_PROGRESS":
            raise Fault(
                f"Stack [{name}] already exists and cannot be created again with the changeSet [{change_set}]."
            )
        return stack
    if kind != "UPDATE":
        raise Fault(f"the sandbox makes change sets of type CREATE and UPDATE only, not {kind}")
    if stack is None:
        raise Fault(f"Stack [{name}] does not exist")
    refuse_not_updatable(stack)
    return stack


def _new(api: Any, stack: Stack, kind: str, asked: Any) -> ChangeSet:
    on_failure = api._get_param("OnStackFailure", "ROLLBACK")
    if kind != "CREATE" and on_failure == "DELETE":
        raise Fault("OnStackFailure DELETE can be used with change sets of type CREATE only.")
    name = api._get_param("ChangeSetName")
    return ChangeSet(
        id=state.arn(stack.account, stack.region, "changeSet", name),
        name=name,
        stack_id=stack.id,
        stack_name=stack.name,
        type=kind,
        asked=asked,
        description=api._get_param("Description"),
        token=api._get_param("ClientToken"),
        on_failure=on_failure,
        nested=bool(api._get_param("IncludeNestedStacks")),
    )


def _find(api: Any) -> ChangeSet:
    region, name = _region(api), api._get_param("ChangeSetName")
    if name.startswith("arn:"):
        found = region.change_sets.get(name)
    elif stack_name := api._get_param("StackName"):
        found = _of_name(region, state.find(region, stack_name).id, name)
    else:
        raise Fault("StackName must be specified if ChangeSetName is not specified as an ARN.")
    if found is None:
        raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")
    return found


def _of_name(region: Region, stack_id: str, name: str) -> ChangeSet | None:
    return next(
        (one for one in region.change_sets.values() if one.stack_id == stack_id and one.name == name), None
    )


def _summary(one: ChangeSet) -> dict[str, Any]:
    found = {
        "ChangeSetId": one.id,
        "ChangeSetName": one.name,
        "StackId": one.stack_id,
        "StackName": one.stack_name,
        "Description": one.description,
        "Status": one.status,
        "StatusReason": one.reason,
        "ExecutionStatus": one.execution,
        "CreationTime": one.created,
        "IncludeNestedStacks": one.nested,
    }
    return {key: value for key, value in found.items() if value is not None}


def _region(api: Any) -> Region:
    return state.of(api.current_account, api.region)
