"""`dr demo`: it holds, and it fails when any of its steps does not."""

from __future__ import annotations

import shutil

import pytest

from dr.demo import STEPS, tell
from dr.errors import DrError
from dr.sandbox import process


def _ec2(stage, region="eu-west-1"):
    return stage.app.session.ec2(region)


def no_machine_is_selected(stage):
    for region in ("eu-west-1", "eu-central-1"):
        ec2 = _ec2(stage, region)
        rows = [row for page in ec2.describe_instances()["Reservations"] for row in page["Instances"]]
        ec2.delete_tags(Resources=[row["InstanceId"] for row in rows], Tags=[{"Key": "Backup"}])


def a_machine_is_gone(stage):
    tagged = [{"Name": "tag:Name", "Values": ["relay"]}]
    (found,) = _ec2(stage, "eu-central-1").describe_instances(Filters=tagged)["Reservations"]
    _ec2(stage, "eu-central-1").terminate_instances(InstanceIds=[found["Instances"][0]["InstanceId"]])


def a_snapshot_is_gone(stage):
    snapshot = next(
        row["SnapshotId"]
        for row in stage.snapshots()
        if {"Key": "dr:kind", "Value": "snapshot"} in row["Tags"]
    )
    _ec2(stage).delete_snapshot(SnapshotId=snapshot)


def everything_is_kept(stage):
    file = stage.directory / "policies" / "data-volumes.yaml"
    file.write_text(file.read_text().replace("last: 3, hourly: 6", "last: 99"))
    file = stage.directory / "policies" / "machines.yaml"
    file.write_text(file.read_text().replace("last: 2", "last: 99"))


def the_stack_is_lost_already(stage):
    stage.app.session.cloudformation("eu-west-1").delete_stack(StackName="prod")
    for _ in range(600):
        if stage.app.kit("eu-west-1").maker.live("prod") is None:
            return
        stage.app.clock.sleep(0.05)
    raise AssertionError("the stack is still there")


def the_password_is_gone(stage):
    stage.app.session.client("ssm", "eu-west-1").delete_parameter(Name="/prod/db-password")


def the_store_is_gone(stage):
    shutil.rmtree(stage.directory / "store")


def the_snapshots_are_gone(stage):
    for row in stage.snapshots():
        if {"Key": "dr:kind", "Value": "snapshot"} in row["Tags"]:
            _ec2(stage).delete_snapshot(SnapshotId=row["SnapshotId"])


BREAKS = [
    pytest.param("plan", no_machine_is_selected, marks=pytest.mark.long),
    ("apply", a_machine_is_gone),
    pytest.param("again", a_snapshot_is_gone, marks=pytest.mark.long),
    pytest.param("time", everything_is_kept, marks=pytest.mark.long),
    pytest.param("lose", the_stack_is_lost_already, marks=pytest.mark.long),
    pytest.param("restore", the_password_is_gone, marks=pytest.mark.long),
    pytest.param("restore", the_store_is_gone, marks=pytest.mark.long),
    pytest.param("restore", the_snapshots_are_gone, marks=pytest.mark.long),
]


def _name(step):
    return step.values[0] if hasattr(step, "values") else step[0]


def test_the_demo_holds_and_leaves_nothing_behind(dr, tmp_path):
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    done = dr("demo", environ={"TMPDIR": str(temporary)})
    assert (done.code, done.err) == (0, "")
    titles = [line for line in done.out.splitlines() if line.startswith("=== ")]
    assert titles == [f"=== {number}. {step.title}" for number, step in enumerate(STEPS, start=1)]
    assert done.out.splitlines()[-1] == "Every step held."
    assert list(temporary.iterdir()) == []


def test_each_step_has_a_test_that_breaks_it():
    assert {_name(each) for each in BREAKS} == {step.name for step in STEPS}


@pytest.mark.parametrize(("step", "harm"), BREAKS)
def test_the_demo_fails_at_the_step_that_does_not_hold(tmp_path, step, harm):
    begun = []

    def disturb(name, stage):
        begun.append(name)
        if name == step:
            harm(stage)

    with pytest.raises(DrError):
        tell(tmp_path, lambda _line: None, disturb)
    assert begun[-1] == step
    assert process.status(tmp_path) is None
