"""What a schedule does when it fires, as EventBridge Scheduler does it.

ministack hands the Input to the target as it stands, once, and forgets what fails. On AWS

- `<aws.scheduler.scheduled-time>` and its like are replaced in the Input.
  Source: EventBridge Scheduler user guide, Adding context attributes.
- a call that the target refuses is made again, as often and as long as the retry policy says, and then lies in the schedule's
  dead-letter queue: the Input as body, what went wrong as attributes.
  Source: EventBridge Scheduler user guide, Managing a schedule; Configuring a schedule's dead-letter queue.
- a function is invoked asynchronously: a call that Lambda took is a success of the schedule's, and what the function
  raises is Lambda's to retry and to send to the function's own destination.
  Source: EventBridge Scheduler user guide, Using templated targets; Lambda developer guide, How Lambda handles errors and
  retries with asynchronous invocation.
"""

from __future__ import annotations

import contextvars
import json
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import ministack_replace as replace
from ministack.core.arn import parse_arn
from ministack.services import eventbridge, lambda_svc, sqs, stepfunctions

_WAIT = 0.2
"""Seconds before the first repetition; each waits twice as long as the one before."""
_MOST, _OLDEST = 185, 86_400
"""Repetitions, and seconds: what stands in for what a retry policy does not say. Source: API reference, RetryPolicy."""


class _RefusalError(Exception):
    """What the target answers instead of taking the call."""


def install() -> None:
    plain = eventbridge._invoke_target

    def invoke(target: dict[str, Any], event: dict[str, Any], rule: dict[str, Any], view: Any = None) -> None:
        if event.get("Source") != "aws.scheduler":
            plain(target, event, rule, view)
            return
        work = contextvars.copy_context().run
        threading.Thread(target=work, args=(_deliver, target, event, rule), daemon=True).start()

    replace.name(eventbridge, "_invoke_target", invoke)


def _deliver(target: dict[str, Any], event: dict[str, Any], schedule: dict[str, Any]) -> None:
    policy = target.get("RetryPolicy") or {}
    most = int(policy.get("MaximumRetryAttempts", _MOST))
    end = time.monotonic() + float(policy.get("MaximumEventAgeInSeconds", _OLDEST))
    for repetition in range(most + 1):
        text = _filled(target.get("Input") or "{}", event, schedule, repetition + 1)
        try:
            _call(target["Arn"], text)
            return
        except _RefusalError as error:
            refused = error
        wait = _WAIT * 2**repetition
        if repetition == most or time.monotonic() + wait > end:
            break
        time.sleep(wait)
    if queue := (target.get("DeadLetterConfig") or {}).get("Arn"):
        _bury(queue, text, target, schedule, (str(refused), repetition))


def _filled(text: str, event: dict[str, Any], schedule: dict[str, Any], attempt: int) -> str:
    values = {
        "schedule-arn": schedule["Arn"],
        "scheduled-time": datetime.fromtimestamp(event["Time"], UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "execution-id": f"{event['EventId']}-{attempt}",
        "attempt-number": str(attempt),
    }
    for name, value in values.items():
        text = text.replace(f"<aws.scheduler.{name}>", value)
    return text


def _call(arn: str, text: str) -> None:
    _TARGETS[parse_arn(arn).service](arn, text)


def _invoke(arn: str, text: str) -> None:
    function, config, _name = lambda_svc._get_func_record_for_ref(arn)
    if not function or not config:
        raise _RefusalError(f"Function not found: {arn}")
    lambda_svc.invoke_async_with_retry(
        lambda_svc._execution_record_for_config(function, config), json.loads(text)
    )


def _start(arn: str, text: str) -> None:
    status, _headers, body = stepfunctions._start_execution({"stateMachineArn": arn, "input": text})
    if status >= 400:
        raise _RefusalError(json.loads(body).get("message") or body)


def _send(arn: str, text: str) -> None:
    if sqs._queue_by_arn(arn) is None:
        raise _RefusalError("The specified queue does not exist.")
    eventbridge._dispatch_to_sqs(parse_arn(arn), text)


_TARGETS: dict[str, Callable[[str, str], None]] = {"lambda": _invoke, "states": _start, "sqs": _send}


def _bury(
    queue: str, text: str, target: dict[str, Any], schedule: dict[str, Any], why: tuple[str, int]
) -> None:
    values = {
        "ERROR_MESSAGE": why[0],
        "RETRY_ATTEMPTS": str(why[1]),
        "SCHEDULE_ARN": schedule["Arn"],
        "TARGET_ARN": target["Arn"],
    }
    attributes = {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}
    url = sqs._queue_by_arn(queue)["url"]
    sqs._act_send_message({"QueueUrl": url, "MessageBody": text, "MessageAttributes": attributes}, url)
