"""The state machine over shards: woken by its schedule, it asks each shard, bears those that fail, and says which."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import deploying
import pytest
import shard_functions
from emulator import until

from dr.deploy.package import package

HERE = Path(__file__).parent
TEMPLATE = (HERE / "fan_out.yaml").read_text()
ATTEMPTS = 3
"""Of a shard that fails: the first, and the two that the state machine's Retry allows."""


@pytest.fixture(scope="module")
def run(aws, tmp_path_factory):
    """One execution, ended, with what the functions were given."""
    notes = tmp_path_factory.mktemp("notes")
    code = package({"shard_functions.py": (HERE / "shard_functions.py").read_bytes()})
    at = datetime.now(UTC) + timedelta(seconds=2)
    parameters = {
        "Name": "fan",
        "Bucket": deploying.PACKAGES,
        "Key": deploying.upload(aws, f"{code.sha256}.zip", code.data),
        "Notes": str(notes),
        "Expression": f"at({at:%Y-%m-%dT%H:%M:%S})",
        "MaxConcurrency": "8",
    }
    machine = deploying.deploy(aws, "dr-fan", TEMPLATE, parameters)["Shards"]
    states = aws.client("stepfunctions")

    def ended():
        found = states.list_executions(stateMachineArn=machine)["executions"]
        return [row["executionArn"] for row in found if row["status"] != "RUNNING"]

    execution = until(ended, 50, "the end of the state machine")[0]
    yield states.describe_execution(executionArn=execution), _read(notes), f"{at:%Y-%m-%dT%H:%M:%SZ}"
    deploying.remove(aws, "dr-fan")


def _read(notes):
    """Function or account -> the events that came."""
    return {
        file.name: [json.loads(line) for line in file.read_text().splitlines()] for file in notes.iterdir()
    }


def test_every_shard_is_asked_with_the_run_and_the_time_that_woke_it(run):
    execution, notes, scheduled = run
    ticked = {account: events[0] for account, events in notes.items() if account.isdigit()}

    assert notes["shards"] == [{"scheduled": scheduled}]
    assert ticked == {
        shard["account"]: {**shard, "run": execution["name"], "scheduled": scheduled}
        for shard in shard_functions.SHARDS
    }


def test_what_fails_is_tried_again_and_what_is_left_is_asked_for_until_nothing_is(run):
    _execution, notes, _scheduled = run

    asked = {account: len(events) for account, events in notes.items() if account.isdigit()}
    once = {shard["account"]: 1 for shard in shard_functions.SHARDS}
    assert asked == once | dict.fromkeys(shard_functions.FAILING, ATTEMPTS) | {shard_functions.UNFINISHED: 3}


def test_the_map_bears_the_shards_that_fail_and_shows_each_as_an_execution(aws, run):
    execution, _notes, _scheduled = run
    states = aws.client("stepfunctions")

    mapped = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"][0]["mapRunArn"]
    described = states.describe_map_run(mapRunArn=mapped)
    pages = states.get_paginator("list_executions").paginate(mapRunArn=mapped)
    children = [row for page in pages for row in page["executions"]]

    counts = {key: described["itemCounts"][key] for key in ("total", "succeeded", "failed")}
    assert (described["status"], described["maxConcurrency"]) == ("SUCCEEDED", 8)
    assert counts == {"total": 60, "succeeded": 57, "failed": 3}
    assert Counter(row["status"] for row in children) == {"SUCCEEDED": 57, "FAILED": 3}
    failed = [row["executionArn"] for row in children if row["status"] == "FAILED"]
    causes = sorted(states.describe_execution(executionArn=arn)["cause"] for arn in failed)
    assert [account in cause for account, cause in zip(shard_functions.FAILING, causes, strict=True)] == [
        True
    ] * 3


def test_only_the_summary_of_a_shard_is_kept(aws, run):
    execution, _notes, _scheduled = run
    states = aws.client("stepfunctions")

    mapped = states.list_map_runs(executionArn=execution["executionArn"])["mapRuns"][0]["mapRunArn"]
    rows = states.list_executions(mapRunArn=mapped, statusFilter="SUCCEEDED")["executions"]
    output = json.loads(states.describe_execution(executionArn=rows[0]["executionArn"])["output"])
    assert output == {"done": 1, "skipped": 0, "failed": 0, "left": 0}


def test_the_run_ends_with_the_names_of_the_shards_that_failed(aws, run):
    execution, notes, _scheduled = run

    summarised = {"run": execution["name"], "shards": shard_functions.SHARDS, "unheard": ""}
    assert notes["summary"] == [summarised]
    assert execution["status"] == "FAILED"
    assert f"3 shards failed: {', '.join(shard_functions.FAILING)}" in execution["cause"]
    history = aws.client("stepfunctions").get_execution_history(executionArn=execution["executionArn"])
    entered = [
        event["stateEnteredEventDetails"]["name"]
        for event in history["events"]
        if "stateEnteredEventDetails" in event
    ]
    assert entered == ["ListShards", "EachShard", "Summary"]
