"""`dr` as a person runs it: a process of its own, in an environment without anybody's AWS."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from permissions import recorder
from sandbox_server import sandbox_server
from young_hour import young_hour

from dr.cli import run

POLICY = """\
policy: files
protect: volumes
regions: [eu-west-1]
select: {tags: {Name: ledger}}
schedule: "0 * * * *"
keep: {last: 9}
objectives: {rpo: 2h}
"""


@dataclass(frozen=True, kw_only=True)
class Ended:
    """How a run of `dr` ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document that stdout holds."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """The contract's error, whose exit code is the process's."""
        error = self.document["error"]
        assert error["exit"] == self.code
        assert error["message"]
        return error


@dataclass(frozen=True, kw_only=True)
class Shell:
    """A person at a prompt: a home, a folder, an environment."""

    home: Path
    folder: Path
    environ: Mapping[str, str]

    def __call__(
        self,
        *arguments: str | Path,
        cwd: Path | None = None,
        stdin: str | None = None,
        environ: Mapping[str, str] | None = None,
    ) -> Ended:
        """Run `dr` to its end. Whatever it is asked for, it shows no traceback."""
        done = subprocess.run(
            self.command(*arguments),
            input=stdin,
            stdin=subprocess.DEVNULL if stdin is None else None,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
            cwd=cwd or self.folder,
            env={**self.environ, **(environ or {})},
        )
        assert "Traceback" not in done.stderr + done.stdout
        assert "fault of its own" not in done.stderr + done.stdout
        return Ended(code=done.returncode, out=done.stdout, err=done.stderr)

    def command(self, *arguments: str | Path) -> list[str]:
        """The command line of this run."""
        return [sys.executable, "-m", "dr", *map(str, arguments)]

    def client(self, service: str, region: str = "eu-west-1") -> Any:
        """Plain boto3 at this shell's sandbox: what AWS itself says."""
        state = json.loads((Path(self.environ["DR_SANDBOX_DIR"]) / "sandbox.json").read_text())
        return boto3.client(
            service,
            region_name=region,
            endpoint_url=state["url"],
            aws_access_key_id="sandbox",
            aws_secret_access_key="sandbox",
            config=Config(s3={"addressing_style": "path"}),
        )

    def begin(self) -> None:
        """Start a sandbox, early in an hour."""
        assert self("sandbox", "start", "--pending", "0").code == 0
        self.early()

    def early(self) -> None:
        """Let the hour be young: no slot goes by while a test runs."""
        young_hour(Path(self.environ["DR_SANDBOX_DIR"]))

    def advance(self, duration: str) -> None:
        """Let time pass in the sandbox."""
        done = inside(["sandbox", "clock", "--advance", duration], self.environ, self.folder)
        assert done.code == 0, done


@dataclass(frozen=True, kw_only=True)
class Installation:
    """A dr.yaml of one's own beside the sandbox's: its points and its store are nobody else's."""

    name: str
    folder: Path
    shell: Shell

    def __call__(self, *arguments: str | Path) -> Ended:
        """Run `dr` for this installation, inside this process."""
        return inside(self._given(arguments), self.shell.environ, self.shell.folder)

    def outside(self, *arguments: str | Path, **how: Any) -> Ended:
        """The same in a process of its own."""
        return self.shell(*self._given(arguments), **how)

    def _given(self, arguments: Sequence[str | Path]) -> list[str | Path]:
        return ["--sandbox", "--config", self.folder / "dr.yaml", *arguments]

    def write(self, file: str, text: str) -> Path:
        path = self.folder / file
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        return path

    def applied(self) -> Any:
        """Apply, wait for the captures, and give the answer."""
        done = self("apply", "--wait", "--json")
        assert done.code == 0, done
        return done.document

    def snapshots(self) -> list[str]:
        """The snapshots of this installation, asked of EC2."""
        mine = [{"Name": "tag:dr:managed", "Values": [self.name]}]
        rows = self.shell.client("ec2").describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]
        return sorted(row["SnapshotId"] for row in rows)


def a_shell(folder: Path, **environ: str) -> Shell:
    home = folder / "home"
    work = folder / "work"
    for each in (home, work):
        each.mkdir(exist_ok=True)
    fixed = {
        "PATH": os.defpath,
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "AWS_EC2_METADATA_DISABLED": "true",
        "DR_SANDBOX_DIR": str(folder / "sandbox"),
        **recorder.environ(),
    }
    return Shell(home=home, folder=work, environ={**fixed, **environ})


def inside(arguments: Sequence[str | Path], environ: Mapping[str, str], folder: Path) -> Ended:
    """Run `dr` in this process: the same code without a second of starting it, for tests that run it often."""
    return called(lambda: run([str(argument) for argument in arguments]), environ, folder)


def called(function: Callable[[], int], environ: Mapping[str, str], folder: Path) -> Ended:
    """Call it in this process as if in one of its own: its environment, its folder, what it writes."""
    before, was = dict(os.environ), Path.cwd()
    out, err = io.StringIO(), io.StringIO()
    _become(environ)
    os.chdir(folder)
    try:
        with redirect_stdout(out), redirect_stderr(err):
            code = function()
    finally:
        os.chdir(was)
        _become(before)
    assert "fault of its own" not in out.getvalue() + err.getvalue()
    return Ended(code=code, out=out.getvalue(), err=err.getvalue())


def _become(environ: Mapping[str, str]) -> None:
    os.environ.clear()
    os.environ.update(environ)


@pytest.fixture
def here(tmp_path):
    """`dr` inside this process, without AWS and without a sandbox."""
    shell = a_shell(tmp_path)

    def ran(*arguments: str) -> Ended:
        return inside(arguments, shell.environ, shell.folder)

    ran.folder = shell.folder
    return ran


@pytest.fixture
def dr(tmp_path):
    """A prompt without AWS and without a sandbox."""
    return a_shell(tmp_path)


@pytest.fixture(scope="session")
def seeded(tmp_path_factory):
    """A prompt beside a sandbox with its fleet, one for all tests of this worker: nothing of the fleet may be lost."""
    shell = a_shell(tmp_path_factory.mktemp("seeded"))
    shell.begin()
    yield shell
    assert shell("sandbox", "stop").code == 0


@pytest.fixture
def own_sandbox(tmp_path):
    """A prompt beside a sandbox of one's own, with the installation that `dr sandbox start` wrote."""
    shell = a_shell(tmp_path, DR_SANDBOX="1")
    shell.begin()
    yield shell
    assert shell("sandbox", "stop").code == 0


@pytest.fixture
def installation(seeded, tmp_path):
    """An installation of one's own, with one policy for one volume of the fleet, early in an hour."""
    seeded.early()
    made = Installation(name=f"i-{abs(hash(tmp_path)) % 10**9}", folder=tmp_path / "here", shell=seeded)
    made.folder.mkdir()
    made.write("dr.yaml", f"name: {made.name}\nregions: [eu-west-1]\nstore: {{primary: {{url: store/}}}}\n")
    made.write("policies/files.yaml", POLICY)
    yield made
    shutil.rmtree(made.folder, ignore_errors=True)


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A server of this file's own: functions and `dr` have this machine's clock, and others let theirs run ahead."""
    with sandbox_server(tmp_path_factory.mktemp("sandbox")) as server:
        yield server
