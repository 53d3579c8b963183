"""Stacks and change sets as CloudFormation has them.

- ministack asks for no capability. On AWS a change set whose template makes roles or policies is refused without.
  Source: CloudFormation API reference, CreateChangeSet, Capabilities, InsufficientCapabilities.
- ministack takes a change set of either type for a stack that is only under review, or whose creation was rolled back. On AWS
  UPDATE is for stacks that exist, and CREATE for those that do not yet, as one under review; what was rolled back can only
  be deleted. Source: CloudFormation API reference, CreateChangeSet, ChangeSetType; user guide, Stack status codes.
- ministack lists resources whose condition is not met among the changes of a change set, and not those whose condition is
  met by now. On AWS there are only resources that will be made. Source: CloudFormation user guide, Conditions.
- ministack reads a TemplateURL as if the bucket were always in its path. On AWS it may be in the host's name.
  Source: S3 user guide, Virtual hosting of general purpose buckets.
- ministack makes a function without code when its ZIP file is not there. On AWS the resource fails.
  Source: Lambda API reference, CreateFunction, InvalidParameterValueException.
- ministack refuses alarms of metric math. Here such an alarm is made as one of its first metric: it is there, with its actions
  and thresholds, and what its expression comes to nothing here shows.
  Source: CloudFormation template reference, AWS::CloudWatch::Alarm, Metrics.
- ministack has no AWS::Events::EventBusPolicy. Source: CloudFormation template reference, AWS::Events::EventBusPolicy.
- ministack does not know of many types which property replaces the resource, and lists "Conditional". On AWS it is those that
  can only be given at the creation. Source: CloudFormation registry, createOnlyProperties of each type's schema.
- ministack says of every resource at every update that it is updated. On AWS a new one is created, and nothing is said of
  one that stays as it is.
  Source: CloudFormation user guide, Update behaviors of stack resources; API reference, StackEvent, ResourceStatus.
"""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import unquote, urlsplit

import ministack_replace as replace
from ministack.services import eventbridge, lambda_svc
from ministack.services.cloudformation import (
    _stack_events,
    changesets,
    engine,
    handlers,
    helpers,
    provisioners,
    stacks,
)

_IN_HOST = re.compile(r"(?P<bucket>.+)\.s3[.-][a-z0-9.-]*amazonaws\.com(\.cn)?")
_NOT_YET = ("DELETE_COMPLETE", "REVIEW_IN_PROGRESS")
_NO_MORE = ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")
_MADE = re.compile("(CREATE|UPDATE|ROLLBACK)_COMPLETE|UPDATE_IN_PROGRESS|UPDATE_FAILED|DELETE_FAILED")
"""What a resource that exists has said last."""
_GIVEN_ONCE = {
    "AWS::CloudWatch::Alarm": ("AlarmName",),
    "AWS::Events::EventBus": ("Name",),
    "AWS::Events::EventBusPolicy": ("EventBusName", "StatementId"),
    "AWS::Events::Rule": ("Name",),
    "AWS::Lambda::EventInvokeConfig": ("FunctionName", "Qualifier"),
    "AWS::Lambda::Permission": ("Action", "FunctionName", "Principal", "SourceAccount", "SourceArn"),
    "AWS::Logs::LogGroup": ("LogGroupName",),
    "AWS::Scheduler::Schedule": ("Name",),
}


def install() -> None:
    replace.name(handlers, "_capabilities_enforced", lambda: True)
    _correct_change_sets()
    _correct_template_urls()
    _correct_functions()
    _correct_alarms()
    _correct_events()
    table = provisioners._RESOURCE_HANDLERS
    for kind, properties in _GIVEN_ONCE.items():
        replace.new_entry(provisioners._REPLACING_PROPERTIES, kind, properties)
    replace.new_entry(table, "AWS::Events::EventBusPolicy", {"create": _allow, "delete": _forbid})


def _correct_change_sets() -> None:
    create = handlers._ACTION_HANDLERS["CreateChangeSet"]

    def created(params: dict[str, Any]) -> Any:
        name, kind = (helpers._p(params, key) for key in ("StackName", "ChangeSetType"))
        stack = handlers._resolve_stack(name)
        exists = stack is not None and stack["StackStatus"] not in _NOT_YET
        if kind == "CREATE" and exists:
            return helpers._error("AlreadyExistsException", f"Stack [{name}] already exists")
        if kind in ("", "UPDATE") and not exists:
            return helpers._error("ValidationError", f"Stack [{name}] does not exist")
        if exists and stack["StackStatus"] in _NO_MORE:
            why = f"Stack:{stack['StackId']} is in {stack['StackStatus']} state and can not be updated."
            return helpers._error("ValidationError", why)
        return create(params)

    handlers._ACTION_HANDLERS["CreateChangeSet"] = created
    resolve = changesets._resolve_props_for_diff

    def resolved(template: dict[str, Any], params: dict[str, Any], *names: str) -> dict[str, Any]:
        found, met = resolve(template, params, *names), engine._evaluate_conditions(template or {}, params)
        rows = found.get("Resources", {}).items()
        return {"Resources": {key: row for key, row in rows if met.get(row.get("Condition"), True)}}

    replace.name(changesets, "_resolve_props_for_diff", resolved)


def _correct_template_urls() -> None:
    resolve = helpers._resolve_document

    def resolved(params: dict[str, Any], body_key: str, url_key: str, label: str) -> Any:
        url = urlsplit(helpers._p(params, url_key))
        if found := _IN_HOST.fullmatch(url.netloc):
            path = f"{url.scheme}://s3.amazonaws.com/{found['bucket']}{unquote(url.path)}"
            params = {**params, url_key: [path]}
        return resolve(params, body_key, url_key, label)

    replace.name(helpers, "_resolve_document", resolved)


def _correct_functions() -> None:
    make = provisioners._RESOURCE_HANDLERS["AWS::Lambda::Function"]["create"]

    def made(logical_id: str, properties: dict[str, Any], stack: str) -> Any:
        code = properties.get("Code", {})
        bucket, key = code.get("S3Bucket"), code.get("S3Key")
        if bucket and lambda_svc._fetch_code_from_s3(bucket, key, code.get("S3ObjectVersion")) is None:
            raise ValueError(
                f"Error occurred while GetObject. S3 Error Code: NoSuchKey. {bucket}/{key} "
                "(Service: Lambda, Status Code: 400)"
            )
        return make(logical_id, properties, stack)

    replace.entry(provisioners._RESOURCE_HANDLERS, "AWS::Lambda::Function", create=made)


def _correct_alarms() -> None:
    record = provisioners._cw_metric_alarm_record

    def recorded(name: str, properties: dict[str, Any]) -> dict[str, Any]:
        measured = [each["MetricStat"] for each in properties.get("Metrics") or () if "MetricStat" in each]
        if measured:
            first = measured[0]
            simple = {**first["Metric"], "Statistic": first["Stat"], "Period": first["Period"]}
            properties = {**properties, "Metrics": None, **simple}
        return record(name, properties)

    replace.name(provisioners, "_cw_metric_alarm_record", recorded)


def _correct_events() -> None:
    add, update = stacks._add_event, stacks._update_keeping_seed
    alike: set[tuple[str, str]] = set()

    def updated(
        kind: str, physical_id: str, old: Any, new: Any, stack: str, logical_id: str, *more: Any
    ) -> Any:
        if old == new:
            alike.add((stack, logical_id))
        return update(kind, physical_id, old, new, stack, logical_id, *more)

    def added(
        stack: str,
        name: str,
        logical_id: str,
        kind: str,
        status: str,
        reason: str = "",
        *more: Any,
        **named: Any,
    ) -> None:
        if status == "UPDATE_COMPLETE" and (name, logical_id) in alike:
            alike.discard((name, logical_id))
            _stack_events[stack].pop()  # that it began
            return
        before = [each for each in _stack_events.get(stack, ()) if each["LogicalResourceId"] == logical_id]
        if logical_id != name and not (before and _MADE.fullmatch(before[-1]["ResourceStatus"])):
            status = status.replace("UPDATE_", "CREATE_")
        add(stack, name, logical_id, kind, status, reason, *more, **named)

    replace.name(stacks, "_add_event", added)
    replace.name(stacks, "_update_keeping_seed", updated)


def _allow(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """Either a whole statement, or its parts."""
    statement = properties.get("Statement") or properties
    wanted = {key: statement[key] for key in ("Principal", "Action", "Condition") if key in statement}
    bus, name = properties.get("EventBusName", "default"), properties["StatementId"]
    if bus != "default" and bus not in eventbridge._event_buses:
        raise ValueError(f"Event bus {bus} does not exist. (Service: EventBridge, Status Code: 400)")
    eventbridge._put_permission({"EventBusName": bus, "StatementId": name, **wanted})
    return f"{bus}|{name}", {}


def _forbid(physical_id: str, properties: dict[str, Any]) -> None:
    bus, name = physical_id.split("|")
    eventbridge._remove_permission({"EventBusName": bus, "StatementId": name})
