"""The AWS CLI, an independent client, at the sandbox: it sees what dr made, and loses what dr brings back."""

from __future__ import annotations

import json
import shlex
import subprocess
from pathlib import Path

import pytest

AWS = Path(__file__).parents[2] / ".venv-awscli" / "bin" / "aws"
OURS = "Name=tag:dr:managed,Values=sandbox"


@pytest.fixture
def aws(own_sandbox):
    """`aws` after `eval "$(dr sandbox env)"`."""
    exports = own_sandbox("sandbox", "env").out.splitlines()
    variables = dict(shlex.split(line)[1].split("=", 1) for line in exports)
    environ = {"PATH": own_sandbox.environ["PATH"], "HOME": str(own_sandbox.home), **variables}

    def run(*arguments):
        command = [str(AWS), *arguments, "--output", "json"]
        done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False, env=environ)
        assert (done.returncode, done.stderr) == (0, "")
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def _tags(row):
    return {tag["Key"]: tag["Value"] for tag in row["Tags"]}


def _born_from(aws):
    """Logical id -> snapshot, of the data volumes of prod."""
    mine = "Name=tag:aws:cloudformation:stack-name,Values=prod"
    rows = aws("ec2", "describe-volumes", "--filters", mine)["Volumes"]
    return {_tags(r)["aws:cloudformation:logical-id"]: r["SnapshotId"] for r in rows if "Tier" in _tags(r)}


def _until_gone(cloudformation):
    """As `aws cloudformation wait stack-delete-complete`, which looks every 30 seconds only."""
    waiter = cloudformation.get_waiter("stack_delete_complete")
    waiter.wait(StackName="prod", WaiterConfig={"Delay": 0.2, "MaxAttempts": 300})


def test_the_aws_cli_sees_the_points_and_dr_restores_the_stack_that_it_deleted(own_sandbox, aws):
    assert own_sandbox("apply", "--wait").code == 0
    points = own_sandbox("points", "--json").document["points"]
    here = {p["id"]: p for p in points if p["region"] == "eu-west-1"}
    snapshots = aws("ec2", "describe-snapshots", "--owner-ids", "self", "--filters", OURS)["Snapshots"]
    seen = {row["SnapshotId"]: _tags(row) for row in snapshots if _tags(row)["dr:kind"] == "snapshot"}
    assert set(seen) == {name for name in here if name.startswith("snap-")}
    assert all(seen[name]["dr:source"] == here[name]["source"] for name in seen)
    images = aws("ec2", "describe-images", "--owners", "self", "--filters", OURS)["Images"]
    assert {row["ImageId"] for row in images} == {name for name in here if name.startswith("ami-")}
    assert {_tags(row)["dr:policy"] for row in images} == {"machines"}

    aws("cloudformation", "delete-stack", "--stack-name", "prod")
    _until_gone(own_sandbox.client("cloudformation"))
    assert _born_from(aws) == {}
    done = own_sandbox("restore", "--stack", "prod", "--yes", "--json")
    assert (done.code, done.document["result"]) == (0, "done")
    by_logical_id = {
        tags["dr:logical-id"]: name for name, tags in seen.items() if tags.get("dr:stack") == "prod"
    }
    assert _born_from(aws) == by_logical_id
    (stack,) = aws("cloudformation", "describe-stacks", "--stack-name", "prod")["Stacks"]
    assert stack["StackStatus"] == "CREATE_COMPLETE"
