"""Two commands at once, and commands that are killed: real processes against one sandbox (FAILURES, I5 and I7)."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import pytest
from conftest import Installation, a_shell
from faults import barrier
from faults.pages import ROOT
from permissions import recorder
from permissions.judging import recorded

FLEET = 40
POLICY = """\
policy: fleet
protect: volumes
regions: [eu-west-1]
select: {tags: {Race: fleet}}
schedule: "0 * * * *"
keep: {last: 9}
"""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A sandbox of one's own, whose two stacks and forty more volumes are protected."""
    shell = a_shell(tmp_path_factory.mktemp("races"), DR_SANDBOX="1")
    shell.begin()
    assert shell("apply", "--wait").code == 0
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Race", "Value": "fleet"}]}]
    for _ in range(FLEET):
        shell.client("ec2").create_volume(Size=1, AvailabilityZone="eu-west-1a", TagSpecifications=tags)
    yield shell
    assert shell("sandbox", "stop").code == 0


@pytest.fixture
def fleet(shell, tmp_path):
    """An installation of one's own, which protects the forty volumes."""
    shell.early()
    made = Installation(name=f"i-{abs(hash(tmp_path)) % 10**9}", folder=tmp_path, shell=shell)
    made.write("dr.yaml", f"name: {made.name}\nregions: [eu-west-1]\nstore: {{primary: {{url: store/}}}}\n")
    made.write("policies/fleet.yaml", POLICY)
    return made


def started(shell, *arguments):
    return subprocess.Popen(
        shell.command(*arguments),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=shell.folder,
        env=shell.environ,
    )


HEARING = """
import runpy, signal
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGTERM, signal.SIG_DFL)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
runpy.run_module("faults.racer", run_name="__main__")
"""
"""Whatever runs the tests may ignore a signal, as `nohup` does, and so would its children."""


def standing(installation, folder, action, nth, *arguments):
    """`dr` in a process of its own, which stands right before its n-th call of an action."""
    folder.mkdir()
    for place in ("start", *range(1, nth)):
        (folder / f"at-{place}-test").touch()
    shell = installation.shell
    process = subprocess.Popen(
        [
            sys.executable,
            "-c",
            HEARING,
            "--sandbox",
            "--config",
            installation.folder / "dr.yaml",
            *arguments,
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=shell.folder,
        env={
            **shell.environ,
            "PYTHONPATH": os.pathsep.join(
                (shell.environ.get("PYTHONPATH", ""), str(ROOT), str(ROOT / "tests"))
            ),
            **barrier.as_environment(folder, "dr", 2, action, leased=True),
        },
    )
    until((folder / f"at-{nth}-dr").exists)
    return process


def until(condition):
    """Wait, for a minute at most."""
    for _ in range(6000):
        if found := condition():
            return found
        time.sleep(0.01)
    raise AssertionError("it did not come to that within a minute")


def sources(installation):
    """The source of each snapshot of this installation."""
    mine = [{"Name": "tag:dr:managed", "Values": [installation.name]}]
    rows = installation.shell.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]
    return sorted(row["VolumeId"] for row in rows)


def stacks(shell, name):
    """The status of every stack that ever had this name."""
    rows = shell.client("cloudformation").list_stacks()["StackSummaries"]
    return [row["StackStatus"] for row in rows if row["StackName"] == name]


@pytest.mark.parametrize("running", [2, 5])
def test_i7_applies_at_once_and_one_after_make_one_snapshot_of_each_volume(fleet, running):
    arguments = ("--sandbox", "--config", fleet.folder / "dr.yaml", "apply", "--json")
    racing = [started(fleet.shell, *arguments) for _ in range(running)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in racing]

    assert {code for _, code in ended} <= {0, 5}
    assert [code for _, code in ended].count(0) >= 1
    assert all("Traceback" not in err for (_, err), _ in ended)
    assert fleet.outside("apply", "--json").document["summary"]["done"] == 0
    assert len(sources(fleet)) == FLEET == len(set(sources(fleet)))


def test_the_calls_of_captures_that_run_at_once_are_noted_as_those_of_their_command(fleet, tmp_path):
    notes = tmp_path / "notes"
    notes.mkdir()
    fleet.shell.environ[recorder.VARIABLE], before = str(notes), fleet.shell.environ[recorder.VARIABLE]
    assert fleet.outside("apply").code == 0
    fleet.shell.environ[recorder.VARIABLE] = before

    assert {call.command for call in recorded(notes) if call.operation == "CreateSnapshot"} == {"apply"}


def test_i5_an_apply_that_was_killed_is_typed_again_at_once_and_ends_as_if_it_had_not_been(fleet):
    stand = fleet.folder / "stand"
    process = standing(fleet, stand, "CreateSnapshot", 6, "apply")
    process.kill()
    process.communicate(timeout=30)
    assert len(sources(fleet)) == 5
    assert list((fleet.folder / "store" / "leases").rglob("fleet"))

    assert fleet.outside("apply").code == 0
    assert len(sources(fleet)) == FLEET == len(set(sources(fleet)))


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_apply_that_was_interrupted_ends_what_is_under_way_and_tells_of_every_action(fleet, sent):
    stand = fleet.folder / "stand"
    process = standing(fleet, stand, "CreateSnapshot", 6, "apply", "--json")
    process.send_signal(sent)
    for place in range(6, FLEET + 1):
        (stand / f"at-{place}-test").touch()
    told = ended_by_hand(process)["summary"]

    assert (told["done"], told["failed"], told["left"]) == (6, 0, FLEET - 6)
    assert fleet.outside("apply").code == 0
    assert len(sources(fleet)) == FLEET == len(set(sources(fleet)))


def test_an_apply_that_was_interrupted_twice_tells_what_has_no_answer(fleet):
    process = standing(fleet, fleet.folder / "stand", "CreateSnapshot", 6, "apply", "--json")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    document = ended_by_hand(process)

    told = document["summary"]
    assert (told["done"], told["failed"], told["left"]) == (5, 1, FLEET - 6)
    assert len(document["outcomes"]) == FLEET
    (unanswered,) = [row for row in document["outcomes"] if row["result"] == "failed"]
    assert "may be done all the same" in unanswered["error"]
    assert fleet.outside("apply").code == 0
    assert len(sources(fleet)) == FLEET == len(set(sources(fleet)))


def test_an_apply_that_was_interrupted_while_it_waits_tells_of_every_action(fleet):
    """The second listing of snapshots is the first look at those that were begun."""
    process = standing(fleet, fleet.folder / "stand", "DescribeSnapshots", 2, "apply", "--wait", "--json")
    process.send_signal(signal.SIGINT)

    assert ended_by_hand(process)["summary"]["done"] == FLEET == len(sources(fleet))


def test_an_apply_that_was_interrupted_twice_names_what_has_no_answer_to_a_person_too(fleet):
    process = standing(fleet, fleet.folder / "stand", "CreateSnapshot", 6, "apply")
    process.send_signal(signal.SIGINT)
    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=30)

    (unanswered,) = [line for line in out.decode().splitlines() if line.startswith("FAILED")]
    assert "may be done all the same" in unanswered
    assert fleet.outside("apply").code == 0


def piped(installation, line, *arguments):
    """The exit code of `dr` in this line of a shell, where it is `"$@"`."""
    shell, code = installation.shell, installation.folder / "code"
    given = ["--sandbox", "--config", installation.folder / "dr.yaml", *arguments]
    subprocess.run(
        [
            "/bin/sh",
            "-c",
            line.replace('"$@"', f'{{ "$@"; echo $? >{code}; }}'),
            "sh",
            *shell.command(*given),
        ],
        cwd=shell.folder,
        env={**shell.environ, "DR_LOG": "info"},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=120,
        check=False,
    )
    return int(code.read_text())


@pytest.mark.parametrize(
    "line", ['"$@" | head -1', '"$@" 2>&1 >/dev/null | head -1', '"$@" 2>&1 | true', '"$@" 2>/dev/full']
)
def test_who_reads_along_and_goes_away_ends_no_capture(fleet, line):
    assert piped(fleet, line, "apply") == 0
    assert len(sources(fleet)) == FLEET


def test_who_reads_along_and_goes_away_ends_no_restore(shell, tmp_path):
    plain = Installation(name="sandbox", folder=tmp_path, shell=shell)
    (tmp_path / "dr.yaml").symlink_to(shell.home.parent / "sandbox" / "dr.yaml")

    assert (
        piped(plain, '"$@" 2>/dev/null | head -1', "restore", "--stack", "wiki", "--as", "unread", "--yes")
        == 0
    )
    assert stacks(shell, "unread") == ["CREATE_COMPLETE"]


def ended_by_hand(process):
    """What an interrupted process has told."""
    out, err = process.communicate(timeout=30)
    assert (process.returncode, b"Traceback" in err) == (130, False), err
    return json.loads(out)


def test_i7_of_two_restores_of_one_stack_one_makes_it(shell):
    arguments = ("restore", "--stack", "wiki", "--as", "raced", "--yes", "--json")
    racing = [started(shell, *arguments) for _ in range(2)]
    ended = [(process.communicate(timeout=120), process.returncode) for process in racing]

    first, second = sorted(code for _, code in ended)
    assert (first, second in (4, 5)) == (0, True), ended
    assert stacks(shell, "raced") == ["CREATE_COMPLETE"]


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT])
def test_i5_a_restore_that_was_ended_is_typed_again_at_once_and_goes_on(shell, how):
    name = f"ended-by-{how.name.lower()}"
    arguments = ("restore", "--stack", "wiki", "--as", name, "--yes", "--json")
    process = started(shell, *arguments)
    until(lambda: [status for status in stacks(shell, name) if status.startswith("CREATE_")])
    process.send_signal(how)
    out, err = process.communicate(timeout=30)
    assert process.returncode == {signal.SIGKILL: -9, signal.SIGINT: 130}[how]
    assert "Traceback" not in err
    assert (how is signal.SIGKILL) == (out == "")

    done = shell(*arguments)
    assert (done.code, done.document["result"]) == (0, "done")
    assert stacks(shell, name) == ["CREATE_COMPLETE"]
    rows = done.document["stacks"][0]["data"]
    assert [row["verified"] for row in rows] == [True] * len(rows) != []


def test_a_restore_that_meets_another_is_told_who_and_what_and_until_when(shell):
    arguments = ("restore", "--stack", "wiki", "--as", "busy", "--yes", "--json")
    process = started(shell, *arguments)
    until(lambda: stacks(shell, "busy"))
    process.send_signal(signal.SIGSTOP)
    try:
        done = shell(*arguments)
        assert done.code == 5
        assert (
            f"(process {process.pid}) is restoring stack busy in eu-west-1: its lease ends at"
            in (done.error["message"])
        )
    finally:
        process.send_signal(signal.SIGCONT)
        out, _ = process.communicate(timeout=120)
    assert json.loads(out)["result"] == "done"
