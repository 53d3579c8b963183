"""What can be asked of stacks: DescribeStacks, resources, events, exports and lists. Looking changes nothing.

Source: CloudFormation API reference, one page per call.
"""

from __future__ import annotations

from typing import Any

from moto.core.responses import ActionResult

from dr.sandbox.corrections.cloudformation import exports, state
from dr.sandbox.corrections.cloudformation.faults import Fault
from dr.sandbox.corrections.cloudformation.paging import page
from dr.sandbox.corrections.cloudformation.state import Record, Region, Stack


def describe_stacks(api: Any) -> ActionResult:
    """One stack, deleted ones by id; or all that live. Source: DescribeStacks."""
    name = api._get_param("StackName")
    if name:
        return ActionResult({"Stacks": [_stack(state.find(_region(api), name))]})
    stacks = [stack for stack in _newest_first(_region(api)) if stack.deleted is None]
    found, token = page(stacks, api._get_param("NextToken"))
    return ActionResult(_bare({"Stacks": [_stack(stack) for stack in found], "NextToken": token}))


def list_stacks(api: Any) -> ActionResult:
    """Living and deleted ones. Source: ListStacks, StackStatusFilter."""
    wanted = api._get_param("StackStatusFilter", [])
    stacks = [stack for stack in _newest_first(_region(api)) if not wanted or stack.status in wanted]
    found, token = page(stacks, api._get_param("NextToken"))
    return ActionResult(_bare({"StackSummaries": [_summary(stack) for stack in found], "NextToken": token}))


def describe_stack_events(api: Any) -> ActionResult:
    """Newest first, in pages. Source: DescribeStackEvents."""
    name = api._get_param("StackName")
    try:
        stack = state.find(_region(api), name)
    except Fault as error:
        raise Fault(f"Stack [{name}] does not exist") from error
    found, token = page(stack.events[::-1], api._get_param("NextToken"))
    return ActionResult(_bare({"StackEvents": found, "NextToken": token}))


def describe_stack_resource(api: Any) -> ActionResult:
    """One resource. Source: DescribeStackResource."""
    stack, logical = (
        state.find(_region(api), api._get_param("StackName")),
        api._get_param("LogicalResourceId"),
    )
    if logical not in stack.records:
        raise Fault(f"Resource {logical} does not exist for stack {stack.name}")
    detail = {
        **_names(stack),
        **_resource(stack.records[logical]),
        "LastUpdatedTimestamp": stack.records[logical].at,
        "Metadata": None,
    }
    return ActionResult({"StackResourceDetail": _bare(detail)})


def describe_stack_resources(api: Any) -> ActionResult:
    """At most a hundred, by stack or by physical id. Source: DescribeStackResources."""
    stack, logical = _stack_of_request(api), api._get_param("LogicalResourceId")
    records = [record for record in list(stack.records.values()) if logical in (None, record.logical_id)]
    found = [_bare({**_names(stack), **_resource(record), "Timestamp": record.at}) for record in records]
    return ActionResult({"StackResources": found[:100]})


def list_stack_resources(api: Any) -> ActionResult:
    """A hundred a page. Source: ListStackResources."""
    stack = state.find(_region(api), api._get_param("StackName"))
    found, token = page(list(stack.records.values()), api._get_param("NextToken"))
    summaries = [_bare({**_resource(record), "LastUpdatedTimestamp": record.at}) for record in found]
    return ActionResult(_bare({"StackResourceSummaries": summaries, "NextToken": token}))


def list_exports(api: Any) -> ActionResult:
    """Source: ListExports."""
    found, token = page(exports.listed(_region(api)), api._get_param("NextToken"))
    return ActionResult(_bare({"Exports": found, "NextToken": token}))


def list_imports(api: Any) -> ActionResult:
    """Source: ListImports."""
    found, token = page(
        exports.importers(_region(api), api._get_param("ExportName")), api._get_param("NextToken")
    )
    return ActionResult(_bare({"Imports": found, "NextToken": token}))


def _stack(stack: Stack) -> dict[str, Any]:
    described = {
        **_names(stack),
        "ChangeSetId": stack.change_set_id,
        "Description": stack.asked.body.get("Description"),
        "Parameters": [parameter.shown() for parameter in stack.asked.parameters.values()],
        "CreationTime": stack.created,
        "LastUpdatedTime": stack.updated,
        "DeletionTime": stack.deleted,
        "StackStatus": stack.status,
        "StackStatusReason": stack.reason,
        "DisableRollback": stack.on_failure == "DO_NOTHING",
        "RollbackConfiguration": {},
        "NotificationARNs": stack.asked.notification_arns,
        "TimeoutInMinutes": stack.timeout,
        "Capabilities": stack.asked.capabilities,
        "Outputs": stack.outputs,
        "RoleARN": stack.asked.role_arn,
        "Tags": [{"Key": key, "Value": value} for key, value in stack.asked.tags.items()],
        "EnableTerminationProtection": stack.protected,
        "ParentId": stack.parent_id,
        "RootId": stack.root_id,
        "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
    }
    if stack.status == "REVIEW_IN_PROGRESS":  # nothing is decided yet
        described |= {"Parameters": None, "Tags": [], "Capabilities": []}
    return _bare(described)


def _summary(stack: Stack) -> dict[str, Any]:
    return _bare(
        {
            **_names(stack),
            "TemplateDescription": stack.asked.body.get("Description"),
            "CreationTime": stack.created,
            "LastUpdatedTime": stack.updated,
            "DeletionTime": stack.deleted,
            "StackStatus": stack.status,
            "StackStatusReason": stack.reason,
            "ParentId": stack.parent_id,
            "RootId": stack.root_id,
            "DriftInformation": {"StackDriftStatus": "NOT_CHECKED"},
        }
    )


def _names(stack: Stack) -> dict[str, Any]:
    return {"StackId": stack.id, "StackName": stack.name}


def _resource(record: Record) -> dict[str, Any]:
    return {
        "LogicalResourceId": record.logical_id,
        "PhysicalResourceId": record.physical_id or None,
        "ResourceType": record.type,
        "ResourceStatus": record.status,
        "ResourceStatusReason": record.reason,
        "DriftInformation": {"StackResourceDriftStatus": "NOT_CHECKED"},
    }


def _stack_of_request(api: Any) -> Stack:
    region, name, physical = _region(api), api._get_param("StackName"), api._get_param("PhysicalResourceId")
    if name:
        return state.find(region, name)
    for stack in region.stacks.values():
        if (
            physical
            and stack.deleted is None
            and any(record.physical_id == physical for record in stack.records.values())
        ):
            return stack
    raise Fault(f"Stack for {physical} does not exist")


def _newest_first(region: Region) -> list[Stack]:
    return list(region.stacks.values())[::-1]


def _bare(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if value is not None}


def _region(api: Any) -> Region:
    return state.of(api.current_account, api.region)
