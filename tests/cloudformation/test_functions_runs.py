"""The state machine of functions.yaml: every state is reached, rounds end, and one shard that fails stops no other."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from cloudformation.deployments import EVERYTHING
from cloudformation.reading import Deployment, read

DEPLOYED = Deployment(template=read("functions.yaml"), given=EVERYTHING)
TEXT = DEPLOYED.properties("StateMachine")["DefinitionString"]
MACHINE = json.loads(TEXT)
STATES = MACHINE["States"]
CHILD = STATES["Shards"]["ItemProcessor"]
SERVICE = ["Lambda.ServiceException", "Lambda.AWSLambdaException", "Lambda.SdkClientException"]


def nexts(state) -> set[str]:
    """Where a state may lead."""
    ways = [state, *state.get("Choices", ()), *state.get("Catch", ())]
    return {way[key] for way in ways for key in ("Next", "Default") if key in way}


def reached(machine) -> set[str]:
    found, ahead = set(), {machine["StartAt"]}
    while ahead:
        found |= ahead
        ahead = {name for each in ahead for name in nexts(machine["States"][each])} - found
    return found


@pytest.mark.parametrize("machine", [MACHINE, CHILD], ids=["run", "child"])
def test_every_state_is_reached_and_every_way_ends(machine):
    states = machine["States"]

    assert reached(machine) == set(states)
    ends = {name for name, state in states.items() if state.get("End") or state["Type"] == "Fail"}
    assert ends == ({"Refused", "Summary"} if machine is MACHINE else {"Done"})
    for name in states:
        assert ends & reached({"StartAt": name, "States": states}), name


def test_a_run_asks_for_shards_looks_at_each_and_sums_up():
    order, name = [], MACHINE["StartAt"]
    while name:
        order.append(name)
        name = STATES[name].get("Next")

    assert order == ["Asked", "ListShards", "Shards", "Summary"]


def tasks():
    """Those that call a function."""
    states = [*STATES.values(), *CHILD["States"].values()]
    return [state for state in states if state["Type"] == "Task" and state is not STATES["Keep"]]


def test_an_event_that_is_refused_is_not_tried_again_and_lies_in_the_queue_of_dead_letters():
    never, _always = STATES["ListShards"]["Retry"]
    (caught,) = STATES["ListShards"]["Catch"]
    keep = STATES["Keep"]

    assert never == {"ErrorEquals": ["UsageError"], "MaxAttempts": 0}
    assert caught == {"ErrorEquals": ["UsageError"], "ResultPath": "$.error", "Next": "Keep"}
    assert (keep["Resource"], keep["Next"]) == ("arn:aws:states:::sqs:sendMessage", "Refused")
    assert keep["Parameters"] == {"QueueUrl": "DeadLetters", "MessageBody.$": "$"}, "what Ref gives: its URL"
    assert STATES["Refused"] == {"Type": "Fail", "CausePath": "$.error.Cause"}


def test_a_task_calls_one_of_three_functions_and_waits_longer_than_it_may_run():
    called = [task["Parameters"]["FunctionName"].split(":")[-1] for task in tasks()]

    assert called == ["dr-acme-shards", "dr-acme-summary", "dr-acme-tick"]
    longest = DEPLOYED.properties("TickFunction")["Timeout"]
    for task in tasks():
        assert task["Resource"] == "arn:aws:states:::lambda:invoke"
        assert task["TimeoutSeconds"] > longest == 900


def test_the_role_of_the_machine_may_call_these_and_no_other():
    rows = [row for policy in DEPLOYED.policies("StateMachineRole") for row in policy["Statement"]]
    (row,) = [row for row in rows if row["Action"] == "lambda:InvokeFunction"]

    assert set(row["Resource"]) == {task["Parameters"]["FunctionName"] for task in tasks()}


def test_the_role_of_the_machine_may_keep_what_is_refused():
    rows = [row for policy in DEPLOYED.policies("StateMachineRole") for row in policy["Statement"]]
    (row,) = [row for row in rows if row["Action"] == "sqs:SendMessage"]

    assert row["Resource"].endswith(":dr-acme-dead-letters")


def test_the_map_starts_standard_runs_of_its_own_and_tolerates_all_that_fail():
    shards = STATES["Shards"]

    assert CHILD["ProcessorConfig"] == {"Mode": "DISTRIBUTED", "ExecutionType": "STANDARD"}
    assert '"ToleratedFailurePercentage": 100.0' in TEXT
    assert shards["MaxConcurrency"] == 20
    assert shards["Catch"] == [{"ErrorEquals": ["States.ALL"], "ResultPath": None, "Next": "Summary"}]


def test_a_child_is_told_its_account_and_region_the_run_and_what_the_run_was_asked():
    selected = STATES["Shards"]["ItemSelector"]

    wanted = "States.JsonMerge(States.JsonMerge($.asked, $.run, false), $$.Map.Item.Value, false)"
    assert selected == {"event.$": wanted, "round": 1}
    asked = {"asked.$": "$$.Execution.Input", "run": {"run.$": "$$.Execution.Name"}}
    assert STATES["Asked"]["Parameters"] == asked
    assert STATES["ListShards"]["Parameters"]["Payload.$"] == "$.asked"
    assert STATES["Summary"]["Parameters"]["Payload"] == {
        "run.$": "$$.Execution.Name",
        "shards.$": "$.listed.shards",
        "unheard.$": "$.listed.unheard",
    }


def test_only_summaries_are_kept_in_the_state():
    """256 KiB hold a run's input, its shards, and the answers of all its children."""
    assert CHILD["States"]["Tick"]["ResultSelector"] == {"summary.$": "$.Payload.summary"}
    assert CHILD["States"]["Done"]["Result"] == {}
    assert STATES["Shards"]["ResultPath"] is None
    assert all("Payload" not in task["ResultSelector"] for task in tasks())


def test_a_tick_is_tried_again_at_other_times_than_its_neighbours():
    service, every = CHILD["States"]["Tick"]["Retry"]

    assert service["ErrorEquals"] == [*SERVICE, "Lambda.TooManyRequestsException"]
    assert (every["ErrorEquals"], every["MaxAttempts"]) == (["States.ALL"], 2)
    for retry in (row for task in tasks() for row in task["Retry"] if row.get("MaxAttempts") != 0):
        assert (retry["JitterStrategy"], retry["BackoffRate"]) == ("FULL", 2)


def test_a_summary_that_names_what_failed_is_not_asked_again():
    assert all("States.ALL" not in retry["ErrorEquals"] for retry in STATES["Summary"]["Retry"])
    assert "Catch" not in STATES["Summary"]


def at(path: str, data):
    for key in path.removeprefix("$.").split("."):
        data = data[key]
    return data


def compared(rule, data) -> bool:
    if "And" in rule:
        return all(compared(each, data) for each in rule["And"])
    value = at(rule["Variable"], data)
    if "NumericGreaterThan" in rule:
        return value > rule["NumericGreaterThan"]
    return value < rule["NumericLessThan"]


def rounds(left) -> int:
    """How often a child calls the tick, when `left(n)` says how much the n-th call leaves."""
    states, name, calls = CHILD["States"], CHILD["StartAt"], 0
    data = {"event": {}, "round": STATES["Shards"]["ItemSelector"]["round"]}
    while True:
        state = states[name]
        match state["Type"]:
            case "Task":
                calls += 1
                data["answer"] = {"summary": {"left": left(calls)}}
            case "Choice":
                name = next((c["Next"] for c in state["Choices"] if compared(c, data)), state["Default"])
                continue
            case "Pass" if "Parameters" in state:
                assert state["Parameters"]["round.$"] == "States.MathAdd($.round, 1)"
                data = {"event": at(state["Parameters"]["event.$"], data), "round": data["round"] + 1}
        if state.get("End"):
            return calls
        name = state["Next"]


@pytest.mark.parametrize(("leaving", "calls"), [(0, 1), (1, 2), (5, 6), (7, 8), (8, 8), (1000, 8)])
def test_what_is_left_is_done_in_further_rounds_and_after_eight_the_sweep_does_the_rest(leaving, calls):
    assert rounds(lambda call: max(0, leaving + 1 - call)) == calls


def linted(definition: str, folder: Path) -> str:
    """What cfn-lint says of the definition: it reads one only that stands there as a plain text."""
    machine = {
        "Type": "AWS::StepFunctions::StateMachine",
        "Properties": {
            "DefinitionString": definition,
            "RoleArn": "arn:aws:iam::123456789012:role/dr-acme-runs",
        },
    }
    file = folder / "machine.yaml"
    file.write_text(yaml.safe_dump({"Resources": {"StateMachine": machine}}))
    command = [Path(sys.executable).with_name("cfn-lint"), file]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False).stdout


def test_the_definition_is_of_the_language(tmp_path):
    assert linted(TEXT, tmp_path) == ""


def test_a_definition_that_is_not_would_be_found(tmp_path):
    assert "E3601" in linted(TEXT.replace('"Type": "Wait"', '"Type": "Wake"'), tmp_path)
