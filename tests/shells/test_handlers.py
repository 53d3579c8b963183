"""The Lambda handlers under the real runtime client, each in a process of its own, on a sandbox: what EC2 shows after."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
import urllib.request
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import boto3
import pytest
from runtime_api import ROOT, Function
from young_hour import young_hour

from dr import layout
from dr.app import App, Settings
from dr.functions import stop_at
from dr.sandbox import process

ACCOUNT, HOME, AWAY = "123456789012", "eu-west-1", "eu-central-1"
CANARY = "hunter2-canary"
COUNTED = {"done": 0, "skipped": 0, "failed": 0, "left": 0}


class World:
    """One sandbox with its seeded fleet; EC2 and CloudFormation are asked with boto3 directly."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory / "sandbox"
        self.environ = {"DR_SANDBOX": "1", "DR_SANDBOX_DIR": str(self.directory)}
        subprocess.run(
            [sys.executable, "-m", "dr", "sandbox", "start", "--pending", "0"],
            env={**os.environ, **self.environ},
            cwd=ROOT,
            check=True,
            stdout=subprocess.DEVNULL,
            timeout=60,
        )
        self.running = process.status(self.directory)
        young_hour(self.directory)
        self._logs = directory
        self._functions: list[Function] = []

    def function(self, handler: str) -> Function:
        log = self._logs / f"{handler}-{len(self._functions)}.log"
        self._functions.append(Function(handler, self.environ, log))
        return self._functions[-1]

    def close(self) -> None:
        for function in self._functions:
            function.close()
        process.stop(self.directory)

    @contextmanager
    def slow_stacks(self):
        """Each resource of a stack takes five seconds: a stack takes longer than any start of a function."""
        before = self._settings()
        self._settings({**before, "step_seconds": 5})
        yield
        self._settings(before)

    def _settings(self, new=None):
        body = None if new is None else json.dumps(new).encode()
        with urllib.request.urlopen(f"{self.running.url}/_dr/settings", body) as answer:  # noqa: S310 - our own sandbox
            return json.load(answer)

    def client(self, service, region=HOME):
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=self.running.url,
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
        )

    def slots(self, policy, region=HOME):
        """Source and slot of each snapshot of a policy, as EC2 shows them."""
        filters = [
            {"Name": "tag:dr:policy", "Values": [policy]},
            {"Name": "tag:dr:kind", "Values": ["snapshot"]},
        ]
        found = self.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
        tags = [{tag["Key"]: tag["Value"] for tag in snapshot["Tags"]} for snapshot in found]
        return sorted((row["dr:source"], row["dr:slot"]) for row in tags)

    def volumes(self, region=HOME):
        """The ids of the volumes that `data-volumes` protects."""
        filters = [{"Name": "tag:Tier", "Values": ["db", "files"]}]
        found = self.client("ec2", region).describe_volumes(Filters=filters)["Volumes"]
        return sorted(volume["VolumeId"] for volume in found)

    def next_hour(self):
        """A new slot of every hourly policy."""
        process.advance(self.running, 3600)

    def stack(self, name, template):
        """A stack of a template, complete."""
        cloudformation = self.client("cloudformation")
        cloudformation.create_stack(StackName=name, TemplateBody=json.dumps(template))
        for _ in range(300):
            status = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["StackStatus"]
            if status == "CREATE_COMPLETE":
                return
            time.sleep(0.05)
        raise AssertionError(f"{name} is {status}")

    def stacks(self):
        """The names of the stacks that there are."""
        return {stack["StackName"] for stack in self.client("cloudformation").describe_stacks()["Stacks"]}

    def lost(self, stack):
        cloudformation = self.client("cloudformation")
        stack_id = cloudformation.describe_stacks(StackName=stack)["Stacks"][0]["StackId"]
        cloudformation.delete_stack(StackName=stack)
        for _ in range(300):
            if (
                cloudformation.describe_stacks(StackName=stack_id)["Stacks"][0]["StackStatus"]
                == "DELETE_COMPLETE"
            ):
                return
            time.sleep(0.05)
        raise AssertionError(f"{stack} is not gone")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    made = World(tmp_path_factory.mktemp("handlers"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def tick(world):
    return world.function("handlers.tick.handler")


@pytest.fixture(scope="module")
def restore(world):
    return world.function("handlers.restore.handler")


def captured(document):
    """What a document says was captured: source and slot as EC2's tags have it."""
    return sorted(
        (row["source"], row["slot"].replace("-", "").replace(":", ""))
        for row in document["outcomes"]
        if row["do"] == "capture" and row["result"] == "done"
    )


def refused(function, event):
    answer = function.invoke(event)
    assert answer.failed, answer.payload
    return answer.payload["errorType"], answer.payload["errorMessage"]


def test_a_tick_takes_the_points_that_the_policies_ask_for(world, tick):
    world.next_hour()
    document = tick.invoke({"policies": ["data-volumes"], "region": HOME}).payload
    made = captured(document)
    assert [source for source, _ in made] == world.volumes()
    assert set(made) <= set(world.slots("data-volumes"))


def test_the_answer_is_that_of_apply_json(world, tick):
    document = tick.invoke({"policies": ["stacks"]}).payload
    command = [sys.executable, "-m", "dr", "--json", "apply", "--policy", "stacks"]
    told = subprocess.run(
        command, env={**os.environ, **world.environ}, cwd=ROOT, capture_output=True, check=True, timeout=60
    )
    assert list(document) == list(json.loads(told.stdout))


def test_a_tick_in_one_region_leaves_the_others_alone(world, tick):
    world.next_hour()
    before = world.slots("data-volumes", HOME)
    made = captured(tick.invoke({"policies": ["data-volumes"], "region": AWAY}).payload)
    assert [source for source, _ in made] == world.volumes(AWAY)
    assert (set(made) <= set(world.slots("data-volumes", AWAY)), world.slots("data-volumes", HOME)) == (
        True,
        before,
    )


def test_i20_the_same_event_twice_makes_nothing_the_second_time(world, tick):
    world.next_hour()
    event = {"policies": ["data-volumes"], "scheduled": "2020-01-01T00:00:00Z"}
    first = tick.invoke(event).payload
    there = world.slots("data-volumes")
    second = tick.invoke(event).payload
    assert (first["summary"]["done"] > 0, second["summary"]) == (True, COUNTED)
    assert world.slots("data-volumes") == there


def test_i20_the_same_event_at_the_same_time_in_two_environments_is_one_event(world, tick):
    world.next_hour()
    other = world.function("handlers.tick.handler")
    other.invoke({"polices": []})  # warm
    answers = []
    threads = [
        threading.Thread(target=lambda one=one: answers.append(one.invoke({"policies": ["data-volumes"]})))
        for one in (tick, other)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [answer.failed for answer in answers] == [False, False]
    made = [row for answer in answers for row in captured(answer.payload)]
    assert len(made) == len(set(made)) == len(world.volumes(HOME)) + len(world.volumes(AWAY))
    assert len(world.slots("data-volumes")) == len(set(world.slots("data-volumes")))


def test_i21_with_twenty_seconds_left_it_stops_cleanly_and_the_next_call_finishes(world, tick):
    world.next_hour()
    before = world.slots("data-volumes")
    short = tick.invoke({"policies": ["data-volumes"], "region": HOME}, seconds=20)
    assert (short.failed, {row["result"] for row in short.payload["outcomes"]}) == (False, {"left"})
    assert {row["error"] for row in short.payload["outcomes"]} == {"no time left in this run"}
    assert world.slots("data-volumes") == before
    after = tick.invoke({"policies": ["data-volumes"], "region": HOME}).payload
    assert [source for source, _ in captured(after)] == world.volumes()
    assert (after["summary"]["left"], after["summary"]["failed"]) == (0, 0)


@pytest.mark.parametrize(("left", "begins_within"), [(900, 840), (61, 1), (60, 0), (20, -40)])
def test_i21_nothing_begins_in_the_last_minute(left, begins_within):
    now = datetime(2026, 3, 2, 12, tzinfo=UTC)

    assert stop_at(now, left) == now + timedelta(seconds=begins_within)


def test_a_lease_that_somebody_holds_is_a_success_with_a_note(world, tick):
    world.next_hour()
    before = world.slots("data-volumes", AWAY)
    leases = App(Settings(environ=world.environ)).desk.leases
    lease = leases.acquire(layout.lease_key(ACCOUNT, AWAY, "data-volumes"))
    answer = tick.invoke({"policies": ["data-volumes"], "region": AWAY})
    lease.release()
    assert (answer.failed, answer.payload["outcomes"], answer.payload["summary"]) == (False, [], COUNTED)
    assert [warning["code"] for warning in answer.payload["warnings"]] == ["busy"]
    assert answer.payload["fingerprint"] is None
    assert world.slots("data-volumes", AWAY) == before


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"polices": ["stacks"]}, "event: 'polices': unknown key, did you mean policies?"),
        ({"policies": "stacks"}, "event: policies: expected a list of names, found text"),
        ({"policies": ["stack"]}, "no policy is named 'stack' (what to do: did you mean stacks?"),
        ({"region": "us-east-1"}, "event: region: none of its policies works in us-east-1"),
        ({"policies": ["stacks"], "region": AWAY}, f"event: region: none of its policies works in {AWAY}"),
        ({"account": "210987654321"}, f"it is for 210987654321, and this function runs in {ACCOUNT}"),
    ],
)
def test_a_wrong_event_is_an_error_that_the_runtime_shows(tick, event, message):
    kind, told = refused(tick, event)
    assert (kind, message in told) == ("UsageError", True), told


def test_the_account_that_it_runs_in_is_accepted(tick):
    assert not tick.invoke({"account": ACCOUNT, "policies": ["stacks"]}).failed


def test_the_log_tells_what_was_done_in_json_with_the_request(world, tick):
    world.next_hour()
    seen = len(tick.logged("tick.finished"))
    document = tick.invoke({"policies": ["stacks"], "scheduled": "sometime"}).payload
    (finished,) = tick.logged("tick.finished")[seen:]
    assert (finished["captured"], finished["failed"], finished["left"]) == (document["summary"]["done"], 0, 0)
    points = [row for row in tick.logged("point.captured") if row["request"] == finished["request"]]
    assert [row["created"] for row in points] == [row["created"] for row in document["outcomes"]]
    assert tick.logged("tick.started")[-1]["scheduled"] == "sometime"


def test_a_tick_logs_a_line_that_cloudwatch_makes_metrics_of(world, tick):
    for _ in range(2):  # the tests before may have left hours without a point
        world.next_hour()
        document = tick.invoke({"policies": ["data-volumes"]}).payload
    line = tick.logged("tick.metrics")[-1]
    named = {
        metric["Name"]: line[metric["Name"]] for metric in line["_aws"]["CloudWatchMetrics"][0]["Metrics"]
    }
    captured = [row for row in document["outcomes"] if row["do"] == "capture"]
    assert (named["TickSucceeded"], named["CapturesFailed"], named["RpoBreaches"]) == (1, 0, 0)
    assert (named["Captured"], named["Captured"] > 0) == (len(captured), True)
    age = process.now(world.running).timestamp() - line["_aws"]["Timestamp"] / 1000
    assert abs(age) < 300


def test_without_a_sandbox_or_a_dr_yaml_the_invocation_says_what_to_do(world, tmp_path):
    function = Function("handlers.tick.handler", {"DR_CONFIG": str(tmp_path / "dr.yaml")}, tmp_path / "log")
    try:
        kind, message = refused(function, {})
    finally:
        function.close()
    assert kind == "UsageError"
    assert "dr.yaml: No such file or directory (what to do: DR_CONFIG names this file" in message


def stack_volumes(world, stack):
    resources = world.client("cloudformation").describe_stack_resources(StackName=stack)["StackResources"]
    return {
        r["LogicalResourceId"]: r["PhysicalResourceId"]
        for r in resources
        if r["ResourceType"] == "AWS::EC2::Volume"
    }


def born_from(world, stack):
    """The snapshot behind each separate volume of a stack, as EC2 shows it."""
    ids = stack_volumes(world, stack)
    volumes = world.client("ec2").describe_volumes(VolumeIds=list(ids.values()))["Volumes"]
    snapshots = {volume["VolumeId"]: volume["SnapshotId"] for volume in volumes}
    return {name: snapshots[volume] for name, volume in ids.items()}


def newest(world, volume):
    filters = [{"Name": "tag:dr:source", "Values": [volume]}, {"Name": "tag:dr:kind", "Values": ["snapshot"]}]
    found = world.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=filters)["Snapshots"]
    return max(found, key=lambda snapshot: snapshot["StartTime"])["SnapshotId"]


def test_a_lost_stack_comes_back_with_the_data_of_its_newest_points(world, tick, restore):
    world.next_hour()
    assert tick.invoke({}).payload["summary"]["failed"] == 0
    world.next_hour()
    expected = {name: newest(world, volume) for name, volume in stack_volumes(world, "prod").items()}
    world.lost("prod")
    answer = restore.invoke({"stack": "prod"})
    assert not answer.failed, answer.payload
    assert (answer.payload["result"], {row["verified"] for row in answer.payload["stacks"][0]["data"]}) == (
        "done",
        {True},
    )
    assert (bool(expected), born_from(world, "prod")) == (True, expected)
    (finished,) = restore.logged("restore.finished")
    assert (finished["stack"], finished["status"], finished["unverified"]) == ("prod", "CREATE_COMPLETE", 0)


def test_i21_a_restore_without_time_begins_nothing(world, tick, restore):
    tick.invoke({})
    answer = restore.invoke({"stack": "wiki", "as": "wiki-never"}, seconds=60)
    assert (answer.failed, answer.payload["errorType"]) == (True, "OutOfTime"), answer.payload
    assert "no time is left to begin with wiki-never" in answer.payload["errorMessage"]
    assert "wiki-never" not in world.stacks()
    assert "wiki-never" not in {row["stack"] for row in restore.logged("restore.begun")}


def test_i21_a_restore_that_is_longer_than_its_function_goes_on_when_it_is_invoked_again(
    world, tick, restore
):
    tick.invoke({})
    event = {"stack": "wiki", "as": "wiki-copy"}
    with world.slow_stacks():
        short = restore.invoke(event, seconds=70)
    assert (short.failed, short.payload["errorType"]) == (True, "OutOfTime"), short.payload
    assert "run the same restore again" in short.payload["errorMessage"]
    again = restore.invoke(event)
    assert (again.failed, again.payload["result"]) == (False, "done"), again.payload
    assert {"wiki", "wiki-copy"} <= world.stacks()
    begun = [row["restore"] for row in restore.logged("restore.begun") if row["stack"] == "wiki-copy"]
    assert begun == [again.payload["id"]] * 2


@pytest.mark.parametrize("plan_only", [False, True])
def test_a_stack_that_exists_is_refused_as_an_error(tick, restore, plan_only):
    tick.invoke({"policies": ["stacks"]})
    kind, message = refused(restore, {"stack": "wiki", "plan_only": plan_only})
    assert (kind, "stack wiki exists" in message) == ("Refused", True)


BUCKET = {
    "Resources": {"Files": {"Type": "AWS::S3::Bucket", "Properties": {"BucketName": "dr-test-files"}}},
    "Outputs": {"Files": {"Value": {"Ref": "Files"}, "Export": {"Name": "dr-test-files"}}},
}
EXPORT = {
    "Resources": {"Topic": {"Type": "AWS::SNS::Topic"}},
    "Outputs": {"Topic": {"Value": {"Ref": "Topic"}, "Export": {"Name": "dr-test-files"}}},
}


@pytest.fixture
def lost_bucket(world, tick):
    """A stack with a bucket and an export of fixed names, stored and lost; what it leaves is cleared away."""
    world.stack("files", BUCKET)
    world.next_hour()
    tick.invoke({"policies": ["stacks"]})
    world.lost("files")
    yield
    for name in ("files", "other"):
        world.client("cloudformation").delete_stack(StackName=name)


def test_what_stands_in_the_way_of_a_restore_is_refused_before_anything_is_made(world, restore, lost_bucket):
    world.stack("other", EXPORT)
    kind, message = refused(restore, {"stack": "files"})
    assert (kind, message.startswith("export dr-test-files is taken by ")) == ("Refused", True), message
    assert "remove the other export first" in message
    assert "files" not in world.stacks()


def test_a_stack_that_fails_is_an_error_with_the_reason_of_cloudformation(world, restore, lost_bucket):
    s3 = world.client("s3")
    s3.create_bucket(Bucket="dr-test-files", CreateBucketConfiguration={"LocationConstraint": HOME})
    kind, message = refused(restore, {"stack": "files"})
    s3.delete_bucket(Bucket="dr-test-files")
    assert (kind, message.startswith("stack files ended as CREATE_FAILED: ")) == ("CloudError", True), message
    assert restore.logged("restore.finished")[-1]["status"] == "CREATE_FAILED"


def test_plan_only_plans_and_changes_nothing(world, tick, restore):
    tick.invoke({"policies": ["stacks"]})
    answer = restore.invoke({"stack": "wiki", "as": "wiki-plan", "plan_only": True})
    assert (answer.failed, answer.payload["result"], answer.payload["rpo"]) == (False, "planned", None)
    assert "wiki-plan" not in world.stacks()


def test_i23_a_secret_parameter_reaches_neither_the_answer_nor_the_log(world, tick, restore):
    tick.invoke({"policies": ["stacks"]})
    event = {"stack": "prod", "as": "prod-plan", "plan_only": True, "parameters": {"DbPassword": CANARY}}
    answer = restore.invoke(event)
    assert not answer.failed, answer.payload
    wrong = restore.invoke({"stack": "prod", "parameters": {"DbPassword": CANARY}, "parameter": CANARY})
    assert wrong.failed
    assert CANARY not in str(answer.payload) + str(wrong.payload) + restore.log()


def test_an_unknown_stack_is_an_error_with_what_there_is(tick, restore):
    tick.invoke({"policies": ["stacks"]})
    kind, message = refused(restore, {"stack": "wikki"})
    assert (kind, "did you mean wiki?" in message) == ("UsageError", True)
