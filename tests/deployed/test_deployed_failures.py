"""What the deployed function refuses: it says why, is asked a bounded number of times, and the event is kept for people."""

from __future__ import annotations

import io
import json
import time
import zipfile

import deploying
import pytest
import ticking
from emulator import until

from dr.deploy.package import package

ATTEMPTS = 2
"""The first, and the one repetition that the template allows."""


@pytest.fixture
def made(tmp_path):
    return ticking.installed(tmp_path / "here")


def test_a_malformed_event_ends_in_the_queue_after_its_attempts_and_says_what_is_wrong(aws, sandbox, made):
    ticking.furnish(sandbox)
    parameters = ticking.parameters(aws, "refusing", made)
    queue = deploying.deploy(aws, "dr-refusing", ticking.TEMPLATE, parameters)["DeadLetters"]
    event = {"polices": ["volumes"], "region": 7}

    aws.client("lambda").invoke(
        FunctionName="refusing-tick", InvocationType="Event", Payload=json.dumps(event).encode()
    )

    messages = until(lambda: deploying.received(aws, queue), 30, "the dead letter")
    record = json.loads(messages[0]["Body"])
    said = record["responsePayload"]["errorMessage"]
    assert record["requestPayload"] == event
    assert record["requestContext"]["condition"] == "RetriesExhausted"
    assert all(each in said for each in ("polices", "did you mean policies?", "region")), said
    time.sleep(2)  # ten times what is between two attempts
    refused = deploying.logged(aws, "/aws/lambda/refusing-tick", "invocation.failed")
    assert [row["type"] for row in refused] == ["UsageError"] * ATTEMPTS
    assert deploying.received(aws, queue) == []
    assert ticking.snapshots(sandbox) == []
    deploying.remove(aws, "dr-refusing")


def test_a_dependency_that_is_missing_in_the_package_is_noticed(aws, made):
    with zipfile.ZipFile(io.BytesIO(made.data)) as archive:
        files = {name: archive.read(name) for name in archive.namelist() if not name.startswith("yaml/")}
    parameters = ticking.parameters(aws, "lacking", package(files))
    deploying.deploy(aws, "dr-lacking", ticking.TEMPLATE, parameters)

    answer = aws.client("lambda").invoke(FunctionName="lacking-tick", Payload=b"{}")

    assert "FunctionError" in answer
    assert "No module named 'yaml'" in answer["Payload"].read().decode()
    deploying.remove(aws, "dr-lacking")
