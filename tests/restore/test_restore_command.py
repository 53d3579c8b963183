"""`dr restore`: text, JSON, exit codes, and the question on a terminal (DESIGN 9)."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys

import pytest
from permissions import recorder

from dr import layout
from dr.cli import run

SMALL = """\
Parameters:
  Password: {Type: String, NoEcho: true}
  Label: {Type: String, Default: plain}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
  Logs: {Type: "AWS::S3::Bucket"}
"""
CANARY = "canary-secret-7"
GIVEN = ("--parameter", f"Password={CANARY}")
KEYS = {"id", "result", "stacks", "findings", "rpo", "rto"}
STACK = {"stack", "as", "region", "stored", "stack_id", "parameters", "data", "empty"}
DATA = {"logical_id", "type", "point", "age", "reason", "physical_id", "verified"}


@pytest.fixture
def prod(world, monkeypatch):
    world.create("prod", SMALL, {"Password": CANARY})
    world.protect("prod")
    for name, value in world.environ.items():
        monkeypatch.setenv(name, value)
    return world


@pytest.fixture
def ask(capsys):
    """Exit code, standard output and standard error of `dr restore`."""

    def asked(*arguments):
        code = run(["restore", *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return asked


def test_a_plan_has_exactly_the_keys_of_the_contract_and_no_secret(prod, ask):
    code, out, _ = ask("--stack", "prod", "--as", "copy", "--plan-only", "--json", *GIVEN)
    found = json.loads(out)
    assert (code, found["result"], found["rpo"], found["rto"]) == (0, "planned", None, None)
    assert set(found) == KEYS
    (stack,) = found["stacks"]
    assert set(stack) == STACK
    assert (stack["stack"], stack["as"], stack["stack_id"]) == ("prod", "copy", None)
    assert stack["parameters"] == [
        {"name": "Password", "value": None, "from": "--parameter"},
        {"name": "Label", "value": "plain", "from": "stored"},
    ]
    assert [(set(row), row["verified"]) for row in stack["data"]] == [(DATA, None)]
    assert stack["empty"] == [{"logical_id": "Logs", "type": "AWS::S3::Bucket"}]
    assert prod.names() == {"prod"}
    assert CANARY not in out


def test_a_restore_answers_with_what_was_verified_and_with_rpo_and_rto(prod, ask):
    code, out, err = ask("--stack", "prod", "--as", "copy", "--yes", "--json", *GIVEN)
    found = json.loads(out)
    assert (code, found["result"]) == (0, "done")
    assert (type(found["rpo"]), type(found["rto"])) == (int, int)
    (row,) = found["stacks"][0]["data"]
    assert row["verified"] is True
    assert row["physical_id"] == prod.tree("copy")["Data"][1]
    assert CANARY not in out + err


def test_the_text_shows_plan_events_verdict_rpo_and_rto(prod, ask):
    code, out, err = ask("--stack", "prod", "--as", "copy", "--yes", *GIVEN)
    assert code == 0
    for shown in ("Restore stack copy (from prod)", "Password = (secret)", "Data  AWS::EC2::Volume", "Logs"):
        assert shown in out
    for shown in ("CREATE_COMPLETE", "ok   Data", "Stack copy is back, verified.", "RPO ", "RTO "):
        assert shown in out
    assert CANARY not in out + err


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (("--stack", "prd", *GIVEN), 2, "did you mean prod?"),
        (("--stack", "prod", "--as", "copy"), 2, "no value for Password"),
        (("--stack", "prod", "--as", "copy", *GIVEN), 2, "no terminal to ask on"),
        (("--stack", "prod", "--as", "1", *GIVEN), 2, "cannot be a stack's name"),
        (("--stack", "prod", "--as", "copy", *GIVEN, "--parameter", "Lable=x"), 2, "did you mean Label?"),
        (("--stack", "prod", "--as", "copy", "--parameter", "Password"), 2, "expected NAME=VALUE"),
        (("--stack", "prod", "--at", "yesterday"), 2, "is not a time"),
        (("--stack", "prod", "--at", "2001-01-01T00:00:00Z", *GIVEN), 4, "was stored at or before"),
        (("--stack", "prod", *GIVEN, "--yes"), 4, "never touches a stack that exists"),
    ],
)
def test_what_stops_a_restore_has_its_exit_code_and_its_remedy(prod, ask, arguments, code, said):
    found, out, err = ask(*arguments)
    assert (code, True) == (found, said in err)
    assert "what to do:" in err
    assert CANARY not in out + err
    assert prod.names() == {"prod"}


def test_an_error_finding_of_the_plan_is_refused_and_nothing_is_created(prod, ask):
    (prod.folder / "dr.yaml").write_text(
        (prod.folder / "dr.yaml")
        .read_text()
        .replace("restore: {}", "restore: {image_for: {Data: ami-12345678}}")
    )
    code, out, _ = ask("--stack", "prod", "--as", "copy", "--yes", *GIVEN)
    assert code == 4
    assert "error: image_for.Data" in out
    assert prod.names() == {"prod"}


def test_a_plan_of_a_stack_that_exists_is_shown_and_says_that_it_would_be_refused(prod, ask):
    code, out, err = ask("--stack", "prod", "--plan-only", "--json", *GIVEN)
    found = json.loads(out)
    said = [row["message"] for row in found["findings"] if row["level"] == "error"]
    assert (code, found["result"], len(found["stacks"][0]["data"])) == (4, "planned", 1)
    assert [message.split(" in ")[0] for message in said] == ["stack prod exists"]
    assert "Restore stack prod in" not in out + err


def test_a_lease_that_somebody_holds_is_busy(prod, ask):
    app = prod.app()
    lease = app.desk.leases.acquire(layout.restore_lease_key(app.cloud.account, "eu-west-1", "copy"))
    code, out, _ = ask("--stack", "prod", "--as", "copy", "--yes", "--json", *GIVEN)
    lease.release()
    assert (code, json.loads(out)["error"]["exit"]) == (5, 5)


def on_terminal(world, answer):
    """Ask on a pseudo-terminal, answer; the exit code."""
    outer, inner = pty.openpty()
    command = [sys.executable, "-m", "dr", "restore", "--stack", "prod", "--as", "copy", *GIVEN]
    with subprocess.Popen(
        command,
        stdin=inner,
        stdout=subprocess.PIPE,
        stderr=inner,
        env={**os.environ, **recorder.environ(), **world.environ},
        start_new_session=True,
    ) as process:
        os.close(inner)
        seen = b""
        while b"type the name of the stack" not in seen:
            seen += os.read(outer, 1024)
        os.write(outer, answer)
        process.communicate(timeout=60)
    os.close(outer)
    return process.returncode


def test_another_answer_than_the_stacks_name_is_no_confirmation(prod):
    assert on_terminal(prod, b"prod\n") == 4
    assert prod.names() == {"prod"}


def test_the_stacks_name_is_the_confirmation(prod):
    assert on_terminal(prod, b"copy\n") == 0
    assert prod.names() == {"prod", "copy"}


def test_the_end_of_the_input_at_the_question_interrupts(prod):
    assert on_terminal(prod, b"\x04") == 130
    assert prod.names() == {"prod"}


def test_a_name_without_its_option_is_answered_with_the_command(ask):
    code, _, err = ask("prod")
    assert (code, "what to do: `dr restore --stack prod`" in err) == (2, True)
    code, _, err = ask()
    assert (code, "Missing option '--stack'" in err, "`dr restore --stack NAME`" in err) == (2, True, True)


def test_an_interrupted_restore_says_that_cloudformation_goes_on_and_the_same_command_follows(prod, ask):
    prod.sandbox.control("settings", {"step_seconds": 1.0})
    command = [sys.executable, "-m", "dr", "restore", "--stack", "prod", "--as", "copy", "--yes", *GIVEN]
    try:
        with subprocess.Popen(
            command,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, **recorder.environ(), **prod.environ, "PYTHONUNBUFFERED": "1"},
        ) as process:
            assert any("_IN_PROGRESS" in line for line in process.stdout)
            process.send_signal(signal.SIGINT)
            _, err = process.communicate(timeout=60)
    finally:
        prod.sandbox.control("settings", {"step_seconds": 0})
    assert (process.returncode, "stack copy is in CloudFormation's hands" in err) == (130, True)
    assert "run the same command again: it follows it to its end" in err
    code, out, _ = ask("--stack", "prod", "--as", "copy", "--yes", *GIVEN)
    assert (code, "Stack copy is back, verified." in out) == (0, True)
