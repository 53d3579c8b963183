"""CreateStack, UpdateStack, DeleteStack, and the calls that change a stack's settings.

Source: CloudFormation API reference, one page per call.
"""

from __future__ import annotations

import functools
from typing import Any

from moto.core.responses import ActionResult, EmptyResult

from dr.sandbox.corrections.cloudformation import asking, events, lifecycle, state, template, updates
from dr.sandbox.corrections.cloudformation.faults import AlreadyExists, Fault
from dr.sandbox.corrections.cloudformation.state import Request, Stack

_UPDATABLE = {
    "CREATE_COMPLETE",
    "UPDATE_COMPLETE",
    "UPDATE_ROLLBACK_COMPLETE",
    "IMPORT_COMPLETE",
    "IMPORT_ROLLBACK_COMPLETE",
}


def create_stack(api: Any) -> ActionResult:
    """Begin to create a stack; the same token again gives the same stack. Source: CreateStack, ClientRequestToken."""
    region, name, token = (
        state.of(api.current_account, api.region),
        api._get_param("StackName"),
        api._get_param("ClientRequestToken"),
    )
    existing = state.living(region, name)
    if existing and token and existing.tokens.get(token) == "CreateStack":
        return ActionResult({"StackId": existing.id})
    if existing:
        raise AlreadyExists(f"Stack [{name}] already exists")
    stack = new_stack(api, name, asking.read(api), _on_failure(api))
    stack.policy = _policy(api)
    stack.protected = bool(api._get_param("EnableTerminationProtection"))
    stack.timeout = api._get_param("TimeoutInMinutes")
    region.stacks[stack.id] = stack
    begin(stack, "CreateStack", token)
    events.of_stack(stack, "CREATE_IN_PROGRESS", "User Initiated")
    lifecycle.background(lifecycle.create, stack)
    return ActionResult({"StackId": stack.id})


def update_stack(api: Any) -> ActionResult:
    """Begin to update a stack; refuse an update that changes nothing. Source: UpdateStack."""
    region, name, token = (
        state.of(api.current_account, api.region),
        api._get_param("StackName"),
        api._get_param("ClientRequestToken"),
    )
    stack = state.living(region, name)
    if stack is None:
        raise Fault(f"Stack [{name}] does not exist")
    if token and stack.tokens.get(token) == "UpdateStack":
        return ActionResult({"StackId": stack.id})
    refuse_not_updatable(stack)
    asked = asking.read(api, previous=stack)
    if asking.same(asked, stack.asked):
        raise Fault("No updates are to be performed.")
    stack.policy = _policy(api) or stack.policy
    for change_set in region.change_sets.values():
        if change_set.stack_id == stack.id and change_set.execution == "AVAILABLE":
            change_set.execution = "OBSOLETE"
    begin(stack, "UpdateStack", token)
    start_update(stack, asked)
    return ActionResult({"StackId": stack.id})


def delete_stack(api: Any) -> EmptyResult:
    """Begin to delete a stack; one that does not exist is no error, a protected one is. Source: DeleteStack."""
    region, token = state.of(api.current_account, api.region), api._get_param("ClientRequestToken")
    stack = state.living(region, api._get_param("StackName"))
    if stack is None or stack.status == "DELETE_IN_PROGRESS":
        return EmptyResult()
    if stack.protected:
        raise Fault(f"Stack [{stack.name}] cannot be deleted while TerminationProtection is enabled")
    if stack.status.endswith("_IN_PROGRESS") and stack.status != "REVIEW_IN_PROGRESS":
        raise Fault(
            f"Stack [{stack.name}] cannot be deleted while in status {stack.status}: wait until its operation has ended"
        )
    for logical in _retained(api, stack):
        stack.records[logical].definition = {**stack.records[logical].definition, "DeletionPolicy": "Retain"}
    for change_set in [one for one in region.change_sets.values() if one.stack_id == stack.id]:
        del region.change_sets[change_set.id]
    begin(stack, "DeleteStack", token)
    events.of_stack(stack, "DELETE_IN_PROGRESS", "User Initiated")
    lifecycle.background(lifecycle.delete, stack)
    return EmptyResult()


def update_termination_protection(api: Any) -> ActionResult:
    """Source: UpdateTerminationProtection: a nested stack has its root's."""
    stack = state.find(state.of(api.current_account, api.region), api._get_param("StackName"))
    if stack.root_id:
        raise Fault(
            f"Termination protection cannot be updated on nested stack {stack.name}: update its root stack"
        )
    stack.protected = bool(api._get_param("EnableTerminationProtection"))
    return ActionResult({"StackId": stack.id})


def get_stack_policy(api: Any) -> ActionResult:
    """Source: GetStackPolicy: none is returned where none is set."""
    return ActionResult(
        {
            "StackPolicyBody": state.find(
                state.of(api.current_account, api.region), api._get_param("StackName")
            ).policy
        }
    )


def set_stack_policy(api: Any) -> EmptyResult:
    """Source: SetStackPolicy: body or URL, not both."""
    stack = state.find(state.of(api.current_account, api.region), api._get_param("StackName"))
    stack.policy = _policy(api)
    return EmptyResult()


def new_stack(api: Any, name: str, asked: Request, on_failure: str = "ROLLBACK") -> Stack:
    """A stack of the caller's account and Region, in no state yet."""
    account, region = api.current_account, api.region
    return Stack(
        id=state.arn(account, region, "stack", name),
        name=name,
        account=account,
        region=region,
        asked=asked,
        on_failure=on_failure,
    )


def begin(stack: Stack, operation: str, token: str | None) -> None:
    """The token that the operation's events bear. Source: DescribeStackEvents, ClientRequestToken."""
    stack.token = token
    if token:
        stack.tokens[token] = operation


def start_update(stack: Stack, asked: Request) -> None:
    """Begin the update in the background."""
    events.of_stack(stack, "UPDATE_IN_PROGRESS", "User Initiated")
    lifecycle.background(functools.partial(updates.update, asked=asked), stack)


def refuse_not_updatable(stack: Stack) -> None:
    """Raise Fault for a stack in a state that allows no update."""
    if stack.status not in _UPDATABLE:
        raise Fault(f"Stack:{stack.id} is in {stack.status} state and can not be updated.")


def _on_failure(api: Any) -> str:
    """Source: CreateStack: OnFailure or DisableRollback, not both; the default is ROLLBACK."""
    disable, chosen = api._get_param("DisableRollback"), api._get_param("OnFailure")
    if disable is not None and chosen:
        raise Fault("You can specify either DisableRollback or OnFailure, but not both.")
    return "DO_NOTHING" if disable else chosen or "ROLLBACK"


def _policy(api: Any) -> str | None:
    body, url = api._get_param("StackPolicyBody"), api._get_param("StackPolicyURL")
    if body and url:
        raise Fault("You cannot specify both StackPolicyURL and StackPolicyBody")
    return template.fetch(api.current_account, api.region, url) if url else body


def _retained(api: Any, stack: Stack) -> list[str]:
    """Source: DeleteStack, RetainResources: only for stacks in DELETE_FAILED."""
    asked = api._get_param("RetainResources") or []
    if asked and stack.status != "DELETE_FAILED":
        raise Fault(
            "Invalid operation on stack. RetainResources can only be used on stacks in DELETE_FAILED state."
        )
    return [logical for logical in asked if logical in stack.records]
