"""The log of a stack: one event for every change of a resource's state, and of the stack's own.

Source: CloudFormation user guide, "Stack event status codes"; DescribeStackEvents (newest first).
"""

from __future__ import annotations

import json
import uuid
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from dr.sandbox.clock import clock
from dr.sandbox.corrections.cloudformation import inside
from dr.sandbox.corrections.cloudformation.state import STACK_TYPE, Record, Stack
from dr.sandbox.world import lock


def of_stack(stack: Stack, status: str, reason: str | None = None) -> None:
    """Set the stack's status and say so."""
    with lock:
        stack.status, stack.reason = status, reason
        _append(stack, (stack.name, stack.id, STACK_TYPE), status, reason)


def of_resource(
    stack: Stack, record: Record, status: str, reason: str | None = None, shown: Any = None
) -> None:
    """Set a resource's status and say so; `shown` are its properties without secrets."""
    with lock:
        record.status, record.reason, record.at = status, reason, clock.naive()
        _append(stack, (record.logical_id, record.physical_id, record.type), status, reason)
        if shown is not None:
            stack.events[-1]["ResourceProperties"] = json.dumps(shown, default=str)


def _append(stack: Stack, what: tuple[str, str, str], status: str, reason: str | None) -> None:
    logical, physical, kind = what
    event = {
        "StackId": stack.id,
        "StackName": stack.name,
        "EventId": str(uuid.uuid4()) if kind == STACK_TYPE else f"{logical}-{status}-{uuid.uuid4()}",
        "LogicalResourceId": logical,
        "PhysicalResourceId": physical,
        "ResourceType": kind,
        "Timestamp": clock.naive(),
        "ResourceStatus": status,
        "ResourceStatusReason": reason,
        "ClientRequestToken": stack.token,
    }
    stack.events.append({key: value for key, value in event.items() if value is not None})
    for topic in stack.asked.notification_arns:
        _notify(stack, topic, event)


def _notify(stack: Stack, topic: str, event: dict[str, Any]) -> None:
    """Source: CreateStack, NotificationARNs: topics that get the stack's events. A topic that is gone stops no stack."""
    text = "".join(f"{key}='{value or ''}'\n" for key, value in event.items())
    try:
        inside.call(
            stack.account,
            stack.region,
            "sns",
            "publish",
            TopicArn=topic,
            Message=text,
            Subject="AWS CloudFormation Notification",
        )
    except (ClientError, BotoCoreError):
        return
