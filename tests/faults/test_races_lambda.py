"""A laptop and a Lambda function at the same work at the same time (FAILURES I7, I20)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import boto3
import pytest
from faults import barrier
from faults.pages import ROOT
from shells.runtime_api import Function
from young_hour import young_hour

from dr.sandbox import process

REGIONS = ("eu-west-1", "eu-central-1")
_ENDED_WITHIN = 120


class Place:
    """One sandbox with its seeded fleet, a laptop and functions beside it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.races = folder, 0
        self.environ = {
            "DR_SANDBOX": "1",
            "DR_SANDBOX_DIR": str(folder / "sandbox"),
            "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "tests"))),
            "AWS_EC2_METADATA_DISABLED": "true",
            "HOME": str(folder),
            "PATH": os.defpath,
        }
        self.dr("sandbox", "start", "--pending", "0")
        self.running = process.status(folder / "sandbox")
        young_hour(folder / "sandbox")
        self.functions: list[Function] = []

    def close(self) -> None:
        for function in self.functions:
            function.close()
        process.stop(self.folder / "sandbox")

    def dr(self, *arguments: str) -> str:
        done = self._started("-m", "dr", arguments, {})
        out, err = done.communicate(timeout=_ENDED_WITHIN)
        assert done.returncode == 0, out + err
        return out

    def _started(self, how: str, module: str, arguments, environ) -> subprocess.Popen:
        return subprocess.Popen(
            [sys.executable, how, module, *arguments],
            env={**self.environ, **environ},
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def race(self, arguments, handler, event, meet, *, leased: bool):
        """Both at once, until both have ended: code and output of the laptop, the answer of the Lambda."""
        self.races += 1
        folder = self.folder / f"race{self.races}"
        folder.mkdir()
        of = lambda who: barrier.as_environment(folder, who, 2, *meet, leased=leased)  # noqa: E731 - for two
        function = self.function(handler, of("lambda"))
        laptop = self._started("-m", "faults.racer", arguments, of("laptop"))
        answers = []
        invoking = threading.Thread(target=lambda: answers.append(function.invoke(event)))
        invoking.start()
        out, err = laptop.communicate(timeout=_ENDED_WITHIN)
        invoking.join(_ENDED_WITHIN)
        assert "Traceback" not in err, err
        return Ended(laptop.returncode, json.loads(out), answers[0], barrier.met(folder), function)

    def function(self, handler: str, environ) -> Function:
        log = self.folder / f"function{len(self.functions)}.log"
        self.functions.append(Function(handler, {**self.environ, **environ}, log))
        self.functions[-1].invoke({"warm": True})
        return self.functions[-1]

    def client(self, service, region="eu-west-1"):
        keys = {"aws_access_key_id": "sandbox", "aws_secret_access_key": "sandbox"}
        return boto3.client(service, region_name=region, endpoint_url=self.running.url, **keys)

    def slots(self) -> Counter:
        """How many snapshots of the policy each volume has, by slot."""
        wanted = [
            {"Name": "tag:dr:policy", "Values": ["data-volumes"]},
            {"Name": "tag:dr:kind", "Values": ["snapshot"]},
        ]
        rows = [
            {tag["Key"]: tag["Value"] for tag in one["Tags"]}
            for region in REGIONS
            for one in self.client("ec2", region).describe_snapshots(OwnerIds=["self"], Filters=wanted)[
                "Snapshots"
            ]
        ]
        return Counter((row["dr:source"], row["dr:slot"]) for row in rows)

    def statuses(self, stack: str) -> list[str]:
        """Of every stack that ever had this name."""
        rows = self.client("cloudformation").list_stacks()["StackSummaries"]
        return [row["StackStatus"] for row in rows if row["StackName"] == stack]


class Ended:
    """How a race ended."""

    def __init__(self, code, document, answer, met, function) -> None:
        self.code, self.document, self.answer, self.met = code, document, answer, met
        self.function = function


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    made = Place(tmp_path_factory.mktemp("laptop"))
    made.dr("apply", "--wait")
    yield made
    made.close()


APPLY = ("apply", "--policy", "data-volumes", "--json")
TICK = {"policies": ["data-volumes"]}


def captured(document):
    return [
        row["source"] for row in document["outcomes"] if row["do"] == "capture" and row["result"] == "done"
    ]


def test_i7_i20_a_laptop_and_a_lambda_that_meet_at_a_create_and_one_run_are_one_run(place):
    process.advance(place.running, 3600)
    before = place.slots()
    ended = place.race(APPLY, "faults.racing_handlers.tick", TICK, ("CreateSnapshot",), leased=False)
    assert (ended.code, ended.answer.failed, ended.met > 1) == (0, False, True), ended.answer.payload
    twice = place.slots() - before
    assert captured(ended.document) == captured(ended.answer.payload) != []
    assert set(twice.values()) == {2}

    again = ended.function.invoke(TICK).payload
    assert captured(again) == []
    assert place.slots() - before == Counter(set(twice))
    assert ended.function.invoke(TICK).payload["summary"]["done"] == 0


def test_i7_a_laptop_and_a_lambda_that_start_at_once_make_one_point_of_each_volume(place):
    process.advance(place.running, 3600)
    before = place.slots()
    ended = place.race(APPLY, "faults.racing_handlers.tick", TICK, ("none",), leased=True)
    assert (ended.code in (0, 5), ended.answer.failed, ended.met) == (True, False, 1)
    made = captured(ended.document) if ended.code == 0 else []
    made += captured(ended.answer.payload)
    assert set((place.slots() - before).values()) == {1}
    assert len(made) == len(set(made)) == len(place.slots() - before)


@pytest.mark.parametrize("leased", [True, False])
def test_i7_of_a_laptop_and_a_lambda_that_restore_one_stack_one_makes_it(place, leased):
    name = f"raced-{leased}".lower()
    arguments = ("restore", "--stack", "wiki", "--as", name, "--yes", "--json")
    event = {"stack": "wiki", "as": name}
    meet = ("none",) if leased else ("CreateChangeSet",)
    ended = place.race(arguments, "faults.racing_handlers.restore", event, meet, leased=leased)

    assert ended.met == 1 if leased else ended.met > 1, "both stood before the same call"
    assert place.statuses(name) == ["CREATE_COMPLETE"]
    assert ended.code in ((0, 4, 5) if leased else (0, 1, 4)), ended.document
    if ended.answer.failed:
        assert ended.answer.payload["errorType"] in {"Busy", "Refused", "CloudError"}, ended.answer.payload
    assert [ended.code == 0, not ended.answer.failed].count(True) >= 1
