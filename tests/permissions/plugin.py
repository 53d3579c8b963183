"""The recorder in a session of pytest: begun by whoever starts it, judged when the whole suite has run."""

from __future__ import annotations

import os
import shutil
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from permissions import recorder


def pytest_configure(config):
    """The first process makes the directory; workers of xdist are given it by the environment.

    Without one of its guards dr calls what it should not: nothing of that is recorded.
    """
    if config.getoption("--switch-off", default=None):
        os.environ.pop(recorder.VARIABLE, None)
        return
    if recorder.VARIABLE not in os.environ:
        directory = Path(tempfile.mkdtemp(prefix="dr-calls-"))
        os.environ[recorder.VARIABLE] = str(directory)
        config.add_cleanup(lambda: _end(directory))
    recorder.install(Path(os.environ[recorder.VARIABLE]))


def _end(directory: Path) -> None:
    os.environ.pop(recorder.VARIABLE, None)
    shutil.rmtree(directory, ignore_errors=True)


def _is_whole(config) -> bool:
    """Whether everything was run: no file, no -k, no worker of xdist, nothing left out but the long ones."""
    option = config.option
    return (
        not hasattr(config, "workerinput")
        and config.args_source is pytest.Config.ArgsSource.TESTPATHS
        and not option.keyword
        and not option.collectonly
        and option.markexpr in ("", "not long")
        and not getattr(option, "lf", False)
    )


def pytest_sessionfinish(session, exitstatus):
    """Fail the session when the calls and the table disagree; after other failures there is nothing to learn."""
    if exitstatus != pytest.ExitCode.OK or not _is_whole(session.config):
        return
    from permissions.judging import judge, recorded  # noqa: PLC0415 - a worker needs none of it

    verdict = judge(recorded(Path(os.environ[recorder.VARIABLE])), whole=True)
    if session.config.getoption("--sample", default=False):
        verdict = replace(verdict, unused=())  # somebody who was left out may need it
    session.config.stash[_VERDICT] = verdict
    if verdict.refused or verdict.unused:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


_VERDICT = pytest.StashKey()


def pytest_terminal_summary(terminalreporter, config):
    verdict = config.stash.get(_VERDICT, None)
    if verdict is not None:
        terminalreporter.section("dr iam against the recorded calls")
        terminalreporter.write_line(f"{verdict.calls} kinds of calls")
        for line in (*verdict.refused, *verdict.unused):
            terminalreporter.write_line(line, red=True)
