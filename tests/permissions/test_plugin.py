"""The judgement at the end of a session: it fails a whole run, and keeps out of a part of one."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from permissions.recorder import ROOT

NOTHING_RECORDED = "capturer: ec2:CreateSnapshot is allowed, and no recorded call needs it"


@pytest.fixture
def session(tmp_path):
    """A session of pytest with one test and the plugin; its exit code, and what it printed."""
    tests = tmp_path / "tests"
    tests.mkdir()
    (tmp_path / "pytest.ini").write_text("[pytest]\ntestpaths = tests\n")
    (tests / "conftest.py").write_text('pytest_plugins = ("permissions.plugin",)\n')
    (tests / "test_one.py").write_text("def test_one():\n    assert True\n")
    environ = {
        "PATH": os.defpath,
        "HOME": str(tmp_path),
        "PYTHONPATH": f"{ROOT / 'tests'}{os.pathsep}{ROOT}",
    }

    def run(*arguments: str, test: str | None = None) -> tuple[int, str]:
        if test is not None:
            (tests / "test_one.py").write_text(test)
        done = subprocess.run(
            [sys.executable, "-m", "pytest", "-q", *arguments],
            cwd=tmp_path,
            env=environ,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout + done.stderr

    return run


@pytest.mark.parametrize("arguments", [(), ("-n", "2"), ("-m", "not long", "-W", "ignore")])
def test_a_whole_run_in_which_nothing_needs_what_is_allowed_fails(session, arguments):
    code, said = session(*arguments)

    assert (code, NOTHING_RECORDED in said) == (1, True)


@pytest.mark.parametrize("arguments", [("tests/test_one.py",), ("-k", "one"), ("--collect-only",)])
def test_a_part_of_the_suite_is_not_judged(session, arguments):
    code, said = session(*arguments)

    assert (code, "is allowed, and no recorded call" in said) == (0, False)


def test_a_call_that_the_table_lacks_is_told(session):
    code, said = session(
        test="""\
import os, pathlib
from permissions.calls import Call

def test_one():
    call = Call(service="ec2", operation="ImportSnapshot", region="eu-west-1")
    (pathlib.Path(os.environ["DR_TEST_CALLS"]) / "a.json").write_text(call.text())
"""
    )

    assert (code, "ec2:ImportSnapshot is not in the table" in said) == (1, True)


def test_after_a_failure_there_is_nothing_to_judge(session):
    code, said = session(test="def test_one():\n    assert False\n")

    assert (code, "is allowed, and no recorded call" in said) == (1, False)
