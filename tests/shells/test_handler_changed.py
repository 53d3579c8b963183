"""The function of changed stacks under the real runtime client: what lies in the store after an event of CloudFormation."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time

import boto3
import pytest
from faults.calls import Fault, Kind
from faults.fault_proxy import fault_proxy
from runtime_api import ROOT, Function

from dr import layout
from dr.app import App, Settings
from dr.sandbox import process

ACCOUNT, HOME, AWAY = "123456789012", "eu-west-1", "eu-central-1"


class Home:
    """A sandbox with its seeded fleet, and the function."""

    def __init__(self, folder) -> None:
        self.environ = {"DR_SANDBOX": "1", "DR_SANDBOX_DIR": str(folder / "sandbox")}
        command = [sys.executable, "-m", "dr", "sandbox", "start", "--pending", "0"]
        subprocess.run(
            command,
            env={**os.environ, **self.environ},
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        self.directory = folder / "sandbox"
        self.running = process.status(self.directory)
        self.function = Function("handlers.changed.handler", self.environ, folder / "log")
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        self.cloudformation = boto3.client(
            "cloudformation", region_name=HOME, endpoint_url=self.running.url, **keys
        )

    def close(self) -> None:
        self.function.close()
        process.stop(self.directory)

    def updated(self, stack, minutes=0):
        """Change the stack; the event that CloudFormation sends when that is done."""
        process.advance(self.running, 60 * minutes)
        body = self.cloudformation.get_template(StackName=stack)["TemplateBody"]
        text = body if isinstance(body, str) else json.dumps(body)
        given = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0].get("Parameters", [])
        self.cloudformation.update_stack(
            StackName=stack,
            TemplateBody=text.replace("Description:", "Description: again,", 1),
            Capabilities=["CAPABILITY_NAMED_IAM"],
            Parameters=[{"ParameterKey": one["ParameterKey"], "UsePreviousValue": True} for one in given],
        )
        for _ in range(300):
            found = self.cloudformation.describe_stacks(StackName=stack)["Stacks"][0]
            if found["StackStatus"] == "UPDATE_COMPLETE":
                return event(found["StackId"], process.now(self.running))
            time.sleep(0.05)
        raise AssertionError(found["StackStatus"])

    def stored(self, stack):
        """The slots of its stored versions."""
        app = App(Settings(environ=self.environ))
        return [point.slot for point in app.stored_points() if point.lineage.source == stack]


def event(stack_id, at, status="UPDATE_COMPLETE", **facts):
    """As EventBridge sends it. Source: CloudFormation user guide, Stack Status Change event detail."""
    return {
        "version": "0",
        "id": "1-2-3",
        "source": "aws.cloudformation",
        "detail-type": "CloudFormation Stack Status Change",
        "account": ACCOUNT,
        "region": HOME,
        "time": f"{at:%Y-%m-%dT%H:%M:%SZ}",
        "resources": [stack_id],
        "detail": {"stack-id": stack_id, "status-details": {"status": status, "status-reason": ""}, "client-request-token": "t"},
        **facts,
    }  # fmt: skip


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    made = Home(tmp_path_factory.mktemp("changed"))
    yield made
    made.close()


def done(home, sent):
    answer = home.function.invoke(sent)
    assert not answer.failed, answer.payload
    return answer.payload["summary"]["done"]


def test_a_changed_stack_is_stored_at_once_and_an_event_that_comes_again_changes_nothing(home):
    sent = home.updated("wiki")

    assert done(home, sent) == 1
    assert [f"{slot:%Y-%m-%dT%H:%M:%SZ}" for slot in home.stored("wiki")][-1] == sent["time"]
    before = home.stored("wiki")
    assert [done(home, sent), done(home, sent)] == [0, 0]
    assert home.stored("wiki") == before


def test_a_stack_is_stored_for_its_changes_at_most_once_an_hour(home):
    first = home.updated("prod", minutes=120)

    assert [
        done(home, first),
        done(home, home.updated("prod", minutes=20)),
        done(home, home.updated("prod", minutes=41)),
    ] == [1, 0, 1]


@pytest.mark.parametrize(
    "status", ["UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE", "DELETE_COMPLETE", "CREATE_FAILED"]
)
def test_a_change_that_is_not_over_or_did_not_succeed_asks_for_nothing(home, status):
    sent = home.updated("wiki", minutes=120)
    sent["detail"]["status-details"]["status"] = status

    assert done(home, sent) == 0


def test_a_stack_or_a_region_that_no_policy_protects_asks_for_nothing(home):
    now = process.now(home.running)
    unknown = f"arn:aws:cloudformation:{HOME}:{ACCOUNT}:stack/nobody/1"

    assert done(home, event(unknown, now)) == 0
    assert done(home, event(unknown.replace(HOME, AWAY), now, region=AWAY)) == 0


def test_an_account_that_dr_yaml_does_not_choose_asks_for_nothing(home):
    """Members send what a StackSet put there: an error would lie in the queue, and hide what is lost."""
    sent = home.updated("wiki", minutes=120)

    assert done(home, sent | {"account": "210987654321"}) == 0
    assert done(home, sent) == 1


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"detail": {"stack-id": "prod"}}, "detail.stack-id: expected the ARN of a stack"),
        ({"source": "aws.ec2"}, "source: expected one of aws.cloudformation"),
        ({"time": "2199-01-01T00:00:00Z"}, "is yet to come"),
        ({"time": None}, "time: is required"),
    ],
)
def test_a_wrong_event_is_an_error_that_the_runtime_shows(home, wrong, why):
    stack_id = f"arn:aws:cloudformation:{HOME}:{ACCOUNT}:stack/prod/1"

    answer = home.function.invoke(event(stack_id, process.now(home.running)) | wrong)

    assert (answer.failed, answer.payload["errorType"]) == (True, "UsageError")
    assert why in answer.payload["errorMessage"]


def test_while_a_tick_works_the_event_is_to_come_again(home):
    sent = home.updated("wiki", minutes=120)
    lease = App(Settings(environ=home.environ)).desk.leases.acquire(layout.lease_key(ACCOUNT, HOME, "stacks"))

    answer = home.function.invoke(sent)
    lease.release()

    assert (answer.failed, answer.payload["errorType"]) == (True, "Busy")
    assert done(home, sent) == 1


def test_what_was_not_captured_is_an_error_so_that_the_event_comes_again(home, tmp_path):
    """A success would be the end of the event."""
    sent = home.updated("wiki", minutes=120)
    folder = tmp_path / "sandbox"
    folder.mkdir()
    shutil.copytree(home.directory, folder, dirs_exist_ok=True)
    state = json.loads((folder / "sandbox.json").read_text())
    with fault_proxy(state["url"]) as proxy:
        proxy.set(Fault(action="DescribeStacks", kind=Kind.DENIED, times=None))
        (folder / "sandbox.json").write_text(json.dumps({**state, "url": proxy.url, "port": proxy.port}))
        environ = {**home.environ, "DR_SANDBOX_DIR": str(folder)}
        function = Function("handlers.changed.handler", environ, tmp_path / "log")
        answer = function.invoke(sent)
        function.close()

    assert (answer.failed, answer.payload["errorType"]) == (True, "CloudError"), answer.payload
    assert "wiki was not captured: cloudformation:DescribeStacks" in answer.payload["errorMessage"]
    assert done(home, sent) == 1


def dr(home, *arguments):
    """The document of a command of its own."""
    ended = subprocess.run(
        [sys.executable, "-m", "dr", *arguments, "--json"],
        env={**os.environ, **home.environ},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(ended.stdout)


def test_a_tick_leaves_the_slot_that_a_change_has_served_takes_the_next_and_the_chain_holds(home):
    sent = home.updated("wiki", minutes=120)
    assert done(home, sent) == 1

    taken = []
    for _ in range(2):
        rows = dr(home, "apply", "--policy", "stacks")["outcomes"]
        taken.append("wiki" in [row["source"] for row in rows if row["do"] == "capture"])
        process.advance(home.running, 3600)
    (found,) = [row for row in dr(home, "verify", "--deep")["stacks"] if row["name"] == "wiki"]
    told = {problem["message"] for one in found["versions"] for problem in one["problems"]}

    assert taken == [False, True]
    assert sent["time"] in {one["slot"] for one in found["versions"]}
    assert [message for message in told if "comes up empty" not in message] == []
