"""What a rule does with an event, as EventBridge does it; and events of stacks, which here only a test can send.

- ministack invokes a rule's function once and forgets what it raised. On AWS the function is invoked asynchronously: Lambda
  repeats it, and tells the function's own destination.
  Source: Lambda developer guide, Invoking Lambda with events from other AWS services, Amazon EventBridge.
- The stacks are the sandbox's, which sends no events: a test puts them in its place, and PutEvents takes `aws.cloudformation`
  for a source. On AWS only CloudFormation has it. Source: EventBridge API reference, PutEvents.
"""

from __future__ import annotations

import json
from typing import Any

import ministack_replace as replace
from ministack.services import eventbridge, lambda_svc

_SENT_BY_TESTS = "aws.cloudformation"


def install() -> None:
    replace.name(eventbridge, "_dispatch_to_lambda", _invoke)
    put = eventbridge._put_events

    def putting(data: dict[str, Any], *, allow_aws_source: bool = False) -> Any:
        ours = all(entry.get("Source") == _SENT_BY_TESTS for entry in data.get("Entries", ()))
        return put(data, allow_aws_source or ours)

    replace.name(eventbridge, "_put_events", putting)


def _invoke(arn: str, text: str) -> None:
    function, config, _name = lambda_svc._get_func_record_for_ref(arn)
    if function and config:
        record = lambda_svc._execution_record_for_config(function, config)
        lambda_svc.invoke_async_with_retry(record, json.loads(text))
