"""`dr` on a terminal, in a pipe, and interrupted."""

from __future__ import annotations

import os
import pty
import signal
import socket
import subprocess
import sys

import pytest
from conftest import POLICY


def on_terminal(shell, *arguments, typed=""):
    """Run `dr` on a pseudo-terminal of its own; its exit code and all that was shown."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        shell.command(*arguments),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=shell.folder,
        env={**shell.environ, "TERM": "xterm-256color"},
    )
    os.close(theirs)
    os.write(ours, typed.encode())
    shown = b""
    while True:
        try:
            more = os.read(ours, 65536)
        except OSError:  # the other side is closed
            break
        if not more:
            break
        shown += more
    os.close(ours)
    text = shown.decode()
    assert "Traceback" not in text
    return process.wait(60), text


def test_on_a_terminal_the_answer_is_whole_and_progress_is_cleared(installation):
    given = ("--sandbox", "--config", installation.folder / "dr.yaml")
    code, shown = on_terminal(installation.shell, *given, "apply")
    assert code == 0
    assert "1 done, 0 skipped, 0 failed, 0 left." in shown
    assert shown.rstrip().endswith("0 left.") or "\x1b[?25h" in shown


def test_on_a_terminal_a_restore_asks_for_the_name_and_refuses_another(installation):
    installation.write(
        "policies/stacks.yaml",
        "policy: stacks\nprotect: stacks\nselect: {names: [wiki]}\nschedule: '0 * * * *'\nkeep: {last: 5}\n",
    )
    installation.applied()
    given = ("--sandbox", "--config", installation.folder / "dr.yaml")
    copy = ("restore", "--stack", "wiki", "--as", "wiki-copy")
    code, shown = on_terminal(installation.shell, *given, *copy, typed="no\n")
    assert (code, "not confirmed: nothing was changed" in shown) == (4, True)
    assert installation(*copy).code == 2  # no terminal, and no --yes


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_command_is_130_and_one_line(dr, sent):
    (dr.folder / "policies").mkdir()
    (dr.folder / "policies" / "files.yaml").write_text(POLICY)
    (dr.folder / "dr.yaml").write_text("name: x\nregions: [eu-west-1]\nstore: {primary: {url: store/}}\n")
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        keys = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "b", "AWS_ENDPOINT_URL": url}
        process = subprocess.Popen(
            dr.command("plan"), cwd=dr.folder, env={**dr.environ, **keys}, stderr=subprocess.PIPE, text=True
        )
        silent.settimeout(60)
        with silent.accept()[0]:  # it asks, and gets no answer
            process.send_signal(sent)
            _, told = process.communicate(timeout=60)
    lines = [
        line for line in told.splitlines() if line
    ]  # the first ends the line on which a terminal shows ^C
    assert (process.returncode, lines[0], len(lines)) == (130, "error: interrupted", 2)


@pytest.mark.parametrize(
    "command",
    ["exec('raise KeyboardInterrupt')", "import os; os.kill(os.getpid(), 2); time.sleep(9)"],
)
def test_an_interrupt_ends_dr_by_its_exit_code_and_never_by_a_signal(command):
    """Python ends itself by SIGINT when one came inside of an `exec`, as those of dataclasses while a command is loaded."""
    code = f"""
import atexit, os, signal, sys, time
import dr.cli
def command():
    try:
        {command}
    except KeyboardInterrupt:
        sys.exit(130)
dr.cli.main = command
atexit.register(os.kill, os.getpid(), signal.SIGINT)
from dr.__main__ import main
main()
"""
    done = subprocess.run(
        [sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (130, "")


def test_a_reader_that_goes_away_is_no_fault(dr):
    process = subprocess.Popen(
        dr.command("schedule", "next", "* * * * *", "--count", "20000"),
        cwd=dr.folder,
        env=dr.environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait(60) in (0, 1)


@pytest.mark.parametrize(("arguments", "code"), [("validate", 2), ("--help", 0), ("verify --bogus", 2)])
@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_stream_that_the_caller_has_closed_changes_no_exit_code(dr, arguments, code, closed):
    command = dr.command(*arguments.split())
    line = f'"$@" {closed}'
    done = subprocess.run(
        ["/bin/sh", "-c", line, "sh", *command],
        cwd=dr.folder,
        env=dr.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stdout + done.stderr) == (code, False)
