"""Deploy as a person would, through change sets, at an emulator: the template and its parameters are the caller's."""

from __future__ import annotations

import json
import uuid
from collections.abc import Mapping
from typing import Any

from botocore.exceptions import ClientError, WaiterError
from emulator import REGION, Emulator

PACKAGES = "packages"
_QUICKLY = {"Delay": 0.1, "MaxAttempts": 200}
CAPABILITIES = ["CAPABILITY_NAMED_IAM"]


def upload(aws: Emulator, key: str, body: bytes) -> str:
    """Put a file into the bucket of packages, and return its key."""
    s3 = aws.client("s3")
    if PACKAGES not in [bucket["Name"] for bucket in s3.list_buckets()["Buckets"]]:
        s3.create_bucket(Bucket=PACKAGES, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_object(Bucket=PACKAGES, Key=key, Body=body)
    return key


def deploy(aws: Emulator, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, str]:
    """Create the stack, or update it, and return its outputs."""
    cloudformation = aws.client("cloudformation")
    kind = "UPDATE" if exists(aws, name) else "CREATE"
    made = change(aws, name, template, parameters)["ChangeSetId"]
    cloudformation.execute_change_set(ChangeSetName=made)
    try:
        waiter = cloudformation.get_waiter(f"stack_{kind.lower()}_complete")
        waiter.wait(StackName=name, WaiterConfig=_QUICKLY)
    except WaiterError:
        raise AssertionError(failures(aws, name)) from None
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]
    return {each["OutputKey"]: each["OutputValue"] for each in stack.get("Outputs", ())}


def change(aws: Emulator, name: str, template: str, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Make a change set, and describe it."""
    cloudformation = aws.client("cloudformation")
    made = cloudformation.create_change_set(
        StackName=name,
        ChangeSetName=f"change-{uuid.uuid4()}",
        ChangeSetType="UPDATE" if exists(aws, name) else "CREATE",
        TemplateBody=template,
        Parameters=[{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()],
        Capabilities=CAPABILITIES,
    )
    return cloudformation.describe_change_set(ChangeSetName=made["Id"])


def changes(described: Mapping[str, Any]) -> set[tuple[str, str]]:
    """What a change set does to which resource."""
    rows = [each["ResourceChange"] for each in described["Changes"]]
    return {(row["Action"], row["LogicalResourceId"]) for row in rows}


def remove(aws: Emulator, name: str) -> None:
    cloudformation = aws.client("cloudformation")
    stack = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackId"]
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=stack, WaiterConfig=_QUICKLY)


def exists(aws: Emulator, name: str) -> bool:
    """Whether there is something to update: a stack under review is none yet."""
    try:
        found = aws.client("cloudformation").describe_stacks(StackName=name)["Stacks"][0]
    except ClientError as error:
        if "does not exist" in str(error):
            return False
        raise
    return found["StackStatus"] != "REVIEW_IN_PROGRESS"


def events(aws: Emulator, name: str) -> list[tuple[str, str]]:
    """Logical ids and statuses, the oldest first."""
    pages = aws.client("cloudformation").get_paginator("describe_stack_events").paginate(StackName=name)
    rows = [row for page in pages for row in page["StackEvents"]]
    return [(row["LogicalResourceId"], row["ResourceStatus"]) for row in reversed(rows)]


def failures(aws: Emulator, name: str) -> list[str]:
    """What the resources say that failed."""
    rows = aws.client("cloudformation").describe_stack_events(StackName=name)["StackEvents"]
    return [row["ResourceStatusReason"] for row in rows if row["ResourceStatus"].endswith("_FAILED")]


def logged(aws: Emulator, group: str, event: str) -> list[dict[str, Any]]:
    """The lines of one event of dr's own log, of every invocation so far that has ended."""
    if not aws.client("logs").describe_log_groups(logGroupNamePrefix=group)["logGroups"]:
        return []
    rows = aws.client("logs").filter_log_events(logGroupName=group)["events"]
    lines = [json.loads(row["message"]) for row in rows if row["message"].startswith("{")]
    return [line for line in lines if line.get("event") == event]


def received(aws: Emulator, queue: str) -> list[dict[str, Any]]:
    """The messages that lie in a queue, with their attributes; they are taken out."""
    sqs = aws.client("sqs")
    found = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10, MessageAttributeNames=["All"])
    for message in found.get("Messages", ()):
        sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
    return found.get("Messages", [])
