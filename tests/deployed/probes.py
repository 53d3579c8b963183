"""One question a correction: whether an emulator does here as AWS does, with schedules, events and functions."""

from __future__ import annotations

import json
from datetime import UTC
from zoneinfo import ZoneInfo

import asking
import deploying
from emulator import Emulator

# --- schedules --------------------------------------------------------------------------------------------------------


def fills_the_placeholders_of_an_input(aws: Emulator) -> bool:
    at = asking.soon(UTC)
    queue = asking.scheduled(aws, at, Input='{"at": "<aws.scheduler.scheduled-time>"}')
    return [json.loads(each) for each in asking.messages(aws, queue)] == [{"at": f"{at:%Y-%m-%dT%H:%M:%SZ}"}]


def fires_in_the_zone_of_the_schedule(aws: Emulator) -> bool:
    """Nine hours from the same time in UTC."""
    tokyo = ZoneInfo("Asia/Tokyo")
    return len(asking.messages(aws, asking.scheduled(aws, asking.soon(tokyo), zone=tokyo.key))) == 1


def buries_what_the_target_refused(aws: Emulator) -> bool:
    dead = asking.queue(aws)
    missing = asking.function_arn("missing")
    policy = {"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60}
    target = {
        "Input": '{"a": 1}',
        "RetryPolicy": policy,
        "DeadLetterConfig": {"Arn": asking.queue_arn(aws, dead)},
    }
    asking.scheduled(aws, asking.soon(UTC), missing, **target)
    return [
        (message["Body"], message["MessageAttributes"]["RETRY_ATTEMPTS"]["StringValue"])
        for message in asking.waited(aws, lambda: deploying.received(aws, dead))
    ] == [('{"a": 1}', "1")]


def repeats_a_function_that_failed_and_tells_its_destination(aws: Emulator) -> bool:
    name, dead = asking.failing(aws)
    asking.scheduled(aws, asking.soon(UTC), asking.function_arn(name))
    return [json.loads(each)["requestPayload"] for each in asking.messages(aws, dead)] == [{}]


def repeats_a_function_that_a_rule_invoked_and_tells_its_destination(aws: Emulator) -> bool:
    name, dead = asking.failing(aws)
    events = aws.client("events")
    events.put_rule(Name=name, EventPattern=json.dumps({"source": [name]}))
    events.put_targets(Rule=name, Targets=[{"Id": "any", "Arn": asking.function_arn(name)}])
    events.put_events(Entries=[{"Source": name, "DetailType": "any", "Detail": "{}"}])
    return [json.loads(each)["requestPayload"]["source"] for each in asking.messages(aws, dead)] == [name]


def refuses_an_expression_that_has_no_time(aws: Emulator) -> bool:
    refused = asking.unwalkable(aws)
    asking.forget(aws, refused)
    return refused == "ValidationException"


def fires_whatever_else_was_asked_for(aws: Emulator) -> bool:
    made = asking.unwalkable(aws)
    fired = asking.messages(aws, asking.scheduled(aws, asking.soon(UTC)))
    asking.forget(aws, made)
    return len(fired) == 1


def fires_again_when_the_time_was_changed(aws: Emulator) -> bool:
    queue = asking.queue(aws)
    name = asking.schedule(aws, f"at({asking.soon(UTC):%Y-%m-%dT%H:%M:%S})", asking.queue_arn(aws, queue))
    first = asking.messages(aws, queue)
    asking.schedule(aws, f"at({asking.soon(UTC):%Y-%m-%dT%H:%M:%S})", asking.queue_arn(aws, queue), name=name)
    return (len(first), len(asking.messages(aws, queue))) == (1, 1)


# --- functions --------------------------------------------------------------------------------------------------------


def runs_functions_with_the_packages_of_lambda_only(aws: Emulator) -> bool:
    """PyYAML is one of ministack's own."""
    answer = asking.answer(
        aws, asking.function(aws, "import boto3\n\ndef handler(event, context):\n    import yaml\n")
    )
    return "No module named 'yaml'" in answer


def names_the_error_of_a_function_by_its_class(aws: Emulator) -> bool:
    answer = asking.answer(aws, asking.function(aws, "def handler(event, context): raise ValueError('no')"))
    return '"errorType": "ValueError"' in answer and '"errorMessage": "no"' in answer


def runs_functions_in_var_task(aws: Emulator) -> bool:
    text = "import os\n\ndef handler(event, context): return os.path.isfile(os.environ['FILE'])\n"
    return asking.answer(aws, asking.function(aws, text)) == "true"
