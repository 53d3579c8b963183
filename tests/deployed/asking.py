"""How a probe asks an emulator: things of its own, under names that nobody else has."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import deploying
from botocore.exceptions import ClientError
from emulator import ACCOUNT, REGION, Emulator

from dr.deploy.package import package

_ROLE = f"arn:aws:iam::{ACCOUNT}:role/any"
_LONG, _SHORT = 30.0, 4.0
"""Seconds that something is given to happen: two are usual, a busy machine takes longer, and plain it never does."""


def fresh() -> str:
    return f"probe-{uuid.uuid4().hex[:12]}"


def soon(zone: Any) -> datetime:
    return datetime.now(zone).replace(microsecond=0) + timedelta(seconds=2)


def waited(aws: Emulator, find: Callable[[], Any]) -> Any:
    """What is found; or what is not, when the time is over."""
    end = time.monotonic() + (_LONG if aws.corrected else _SHORT)
    while not (found := find()) and time.monotonic() < end:
        time.sleep(0.1)
    return found


def queue(aws: Emulator) -> str:
    return aws.client("sqs").create_queue(QueueName=fresh())["QueueUrl"]


def queue_arn(aws: Emulator, url: str) -> str:
    found = aws.client("sqs").get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])
    return found["Attributes"]["QueueArn"]


def messages(aws: Emulator, url: str) -> list[str]:
    return [message["Body"] for message in waited(aws, lambda: deploying.received(aws, url))]


def schedule(
    aws: Emulator, expression: str, arn: str, *, name: str = "", zone: str = "UTC", **target: Any
) -> str:
    """Make a schedule, or with a name change it."""
    call = aws.client("scheduler").update_schedule if name else aws.client("scheduler").create_schedule
    made = name or fresh()
    call(
        Name=made,
        ScheduleExpression=expression,
        ScheduleExpressionTimezone=zone,
        FlexibleTimeWindow={"Mode": "OFF"},
        Target={"Arn": arn, "RoleArn": _ROLE, "Input": "{}", **target},
    )
    return made


def unwalkable(aws: Emulator) -> str:
    """Make a schedule for an hour that there is not; its name, or the code with which it is refused."""
    try:
        return schedule(aws, "cron(0 25 * * ? *)", queue_arn(aws, queue(aws)))
    except ClientError as error:
        return error.response["Error"]["Code"]


def forget(aws: Emulator, name: str) -> None:
    """Of a schedule that may never have been made."""
    if not name.endswith("Exception"):
        aws.client("scheduler").delete_schedule(Name=name)


def scheduled(aws: Emulator, at: datetime, arn: str = "", *, zone: str = "UTC", **target: Any) -> str:
    """A queue of its own, which a schedule fills at a time unless it has another target."""
    filled = queue(aws)
    schedule(aws, f"at({at:%Y-%m-%dT%H:%M:%S})", arn or queue_arn(aws, filled), zone=zone, **target)
    return filled


def code(aws: Emulator, text: str) -> str:
    made = package({"index.py": text.encode()})
    return deploying.upload(aws, f"{made.sha256}.zip", made.data)


def function(aws: Emulator, text: str) -> str:
    name = fresh()
    aws.client("lambda").create_function(
        FunctionName=name,
        Runtime="python3.13",
        Handler="index.handler",
        Role=_ROLE,
        Code={"S3Bucket": deploying.PACKAGES, "S3Key": code(aws, text)},
        Environment={"Variables": {"FILE": "/var/task/index.py"}},
    )
    return name


def function_arn(name: str) -> str:
    return f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:{name}"


def failing(aws: Emulator) -> tuple[str, str]:
    """A function that always fails, to be tried twice, and the queue that is then told."""
    name, dead = function(aws, "def handler(event, context): raise ValueError(event)"), queue(aws)
    aws.client("lambda").put_function_event_invoke_config(
        FunctionName=name,
        MaximumRetryAttempts=1,
        DestinationConfig={"OnFailure": {"Destination": queue_arn(aws, dead)}},
    )
    return name, dead


def answer(aws: Emulator, function: str) -> str:
    return aws.client("lambda").invoke(FunctionName=function, Payload=b"{}")["Payload"].read().decode()
