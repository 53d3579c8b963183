"""When a schedule fires, and which one there may be, as EventBridge Scheduler has it.

- ministack counts every expression in UTC. On AWS cron(...) and at(...) are in the schedule's own zone.
  Source: EventBridge Scheduler user guide, Schedule types, Time zones.
- ministack takes any expression, and one that it cannot walk stops all schedules. On AWS it is refused when it is made.
  Source: EventBridge Scheduler API reference, CreateSchedule, ValidationException.
- ministack remembers by its name that an at(...) has fired: made anew, or changed, it never fires again. On AWS it is
  another schedule, or another time. Source: EventBridge Scheduler API reference, UpdateSchedule.
- ministack's CloudFormation drops the zone, the start and the end of a schedule, and hides that it could not be made.
  Source: CloudFormation template reference, AWS::Scheduler::Schedule.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

import ministack_replace as replace
from ministack.core.responses import new_uuid, set_request_account_id, set_request_region
from ministack.services import eventbridge, scheduler
from ministack.services.cloudformation import provisioners

_LATER = datetime(2000, 1, 1, tzinfo=UTC)


def install() -> None:
    replace.name(scheduler, "_tick_schedules", sweep)
    for name in ("_create_schedule", "_update_schedule"):
        replace.name(scheduler, name, _checking(getattr(scheduler, name)))
    replace.entry(provisioners._RESOURCE_HANDLERS, "AWS::Scheduler::Schedule", create=_create, update=_update)


# --- when -------------------------------------------------------------------------------------------------------------


def sweep() -> None:
    """Fire what is due."""
    now = time.time()
    for key, schedule in list(scheduler._schedules._data.items()):
        due = _due(key, schedule, now)
        if due is not None:
            scheduler._schedule_last_fired[key] = now
            _fire(key, schedule, due)


def _due(key: tuple[str, str, str], schedule: dict[str, Any], now: float) -> float | None:
    """The instant for which it has to fire now; None for none."""
    start, end = (scheduler._to_epoch(schedule.get(name)) for name in ("StartDate", "EndDate"))
    begun = max(start or 0, schedule["CreationDate"])
    if schedule["State"] != "ENABLED" or now < begun or (end is not None and now > end):
        return None
    fired = scheduler._schedule_last_fired.get(key, 0)
    expression, zone = schedule["ScheduleExpression"], ZoneInfo(schedule["ScheduleExpressionTimezone"])
    if expression.startswith("at("):
        due = datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone).timestamp()
        return due if fired < due <= now else None
    if expression.startswith("rate("):
        due = max(fired, begun) + eventbridge._parse_rate_seconds(expression)
        due = start if start and fired < start else due
        return due if due <= now else None
    due = _next(expression, max(fired, begun), zone)
    return due if due is not None and due <= now else None


def _next(expression: str, after: float, zone: ZoneInfo) -> float | None:
    """The first time of a cron(...) after an instant. ministack walks clocks without a zone, which it calls UTC."""
    local = datetime.fromtimestamp(after, zone).replace(tzinfo=UTC)
    found = eventbridge._cron_next_fire(eventbridge._parse_cron_fields(expression), local)
    return None if found is None else found.replace(tzinfo=zone).timestamp()


def _fire(key: tuple[str, str, str], schedule: dict[str, Any], due: float) -> None:
    account, region, _name = key
    set_request_account_id(account)
    set_request_region(region)
    event = {
        "EventId": new_uuid(),
        "Source": "aws.scheduler",
        "DetailType": "Scheduled Event",
        "Detail": "{}",
        "Time": due,
        "Resources": [schedule["Arn"]],
        "Account": account,
        "Region": region,
    }
    eventbridge._invoke_target(schedule["Target"], event, schedule)
    if schedule["ScheduleExpression"].startswith("at(") and schedule.get("ActionAfterCompletion") == "DELETE":
        scheduler._schedules._data.pop(key, None)


# --- which ------------------------------------------------------------------------------------------------------------


def _checking(make: Any) -> Any:
    def checked(name: str, body: dict[str, Any]) -> Any:
        if problem := _problem(body):
            return scheduler._error(400, "ValidationException", problem)
        return make(name, body)

    return checked


def _problem(body: dict[str, Any]) -> str | None:
    """What is wrong with a schedule's time."""
    expression = str(body.get("ScheduleExpression"))
    try:
        zone = ZoneInfo(body.get("ScheduleExpressionTimezone") or "UTC")
    except (KeyError, ValueError):
        return f"Invalid Schedule Expression Timezone {body['ScheduleExpressionTimezone']}."
    try:
        if expression.startswith("at("):
            datetime.fromisoformat(expression[3:-1]).replace(tzinfo=zone)
        elif expression.startswith("rate("):
            if eventbridge._parse_rate_seconds(expression) is None:
                raise ValueError(expression)
        else:
            _next(expression, _LATER.timestamp(), zone)
    except (TypeError, ValueError):
        return f"Invalid Schedule Expression {expression}."
    return None


# --- of stacks --------------------------------------------------------------------------------------------------------


def _create(logical_id: str, properties: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    name = properties.get("Name") or provisioners._physical_name(stack, logical_id, max_len=64)
    return name, _through(scheduler._create_schedule, name, properties)


def _update(name: str, old: dict[str, Any], new: dict[str, Any], stack: str) -> tuple[str, dict[str, str]]:
    """A name that was not given stays; what the template says no more has its default again."""
    if new.get("Name", name) != name or new.get("GroupName") != old.get("GroupName"):
        made = _create(name, new, stack)
        if made[0] == name:  # in another group: nobody else removes the old one
            provisioners._scheduler_schedule_delete(name, old)
        return made
    return name, _through(scheduler._update_schedule, name, new)


def _through(call: Any, name: str, properties: dict[str, Any]) -> dict[str, str]:
    """As the API would be called, and with what it says."""
    status, _headers, body = call(name, {key: value for key, value in properties.items() if key != "Name"})
    answer = json.loads(body)
    if status >= 400:
        raise ValueError(f"{answer['Message']} (Service: Scheduler, Status Code: {status})")
    return {"Arn": answer["ScheduleArn"]}
