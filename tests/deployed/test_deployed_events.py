"""The deployed function of changed stacks, woken by its rule: the stack and the store are the sandbox's."""

from __future__ import annotations

import json
import time

import deploying
import pytest
import ticking
from emulator import until

from dr import layout

LOG = "/aws/lambda/told-changed"
STACK = "Resources: {Topic: {Type: 'AWS::SNS::Topic'}}"


@pytest.fixture
def queue(aws, sandbox, tmp_path):
    """The queue of dead letters of a deployment whose rule is for the stacks `told-*`."""
    ticking.furnish(sandbox)
    parameters = ticking.parameters(aws, "told", ticking.installed(tmp_path / "here"))
    yield deploying.deploy(aws, "dr-told", ticking.TEMPLATE, parameters)["DeadLetters"]
    deploying.remove(aws, "dr-told")


def send(aws, stack, detail):
    """As CloudFormation sends it. Source: CloudFormation user guide, Stack Status Change event detail."""
    kind = {"Source": "aws.cloudformation", "DetailType": "CloudFormation Stack Status Change"}
    entry = {**kind, "Resources": [stack], "Detail": json.dumps(detail)}
    assert aws.client("events").put_events(Entries=[entry])["FailedEntryCount"] == 0


def made(sandbox, name):
    """A stack of the sandbox, and what CloudFormation says of it when it is there."""
    cloudformation = sandbox.client("cloudformation")
    stack = cloudformation.create_stack(StackName=name, TemplateBody=STACK)["StackId"]
    waiter = cloudformation.get_waiter("stack_create_complete")
    waiter.wait(StackName=stack, WaiterConfig={"Delay": 0.2, "MaxAttempts": 100})
    return stack, {"stack-id": stack, "status-details": {"status": "CREATE_COMPLETE", "status-reason": ""}}


def stored(sandbox):
    """The stacks of the manifests in the store."""
    rows = sandbox.client("s3").list_objects_v2(Bucket="acme-store")["Contents"]
    found = [layout.parse_manifest_key(row["Key"]) for row in rows]
    return [lineage.source for lineage, _slot in filter(None, found)]


def test_a_stack_that_was_made_is_stored_because_its_event_came(aws, sandbox, queue):
    foreign = made(sandbox, "foreign-web")
    ours = made(sandbox, "told-web")

    send(aws, *foreign)
    send(aws, *ours)

    captured = until(lambda: deploying.logged(aws, LOG, "point.captured"), 30, "the stored stack")
    assert [row["source"] for row in captured] == ["told-web"]
    assert stored(sandbox) == ["told-web"]
    assert [row["stack"] for row in deploying.logged(aws, LOG, "stack.changed")] == ["told-web"]
    assert deploying.received(aws, queue) == []


def test_an_event_that_says_nothing_is_refused_and_kept(aws, sandbox, queue):
    send(aws, "arn:aws:cloudformation:eu-west-1:123456789012:stack/told-web/1", {"status-details": {}})

    record = json.loads(until(lambda: deploying.received(aws, queue), 30, "the dead letter")[0]["Body"])
    assert "detail.stack-id" in record["responsePayload"]["errorMessage"]
    time.sleep(1)
    refused = deploying.logged(aws, LOG, "invocation.failed")
    assert [row["type"] for row in refused] == ["UsageError"] * 2
