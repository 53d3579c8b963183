"""`make check` runs the linters of security, each of which fails on what it is for; every exception has its reason."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
LINTERS = ROOT / ".venv-lint" / "bin"


def checked(folder: Path, *command: str | Path):
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def repository(tmp_path):
    """A repository with the check of secrets and nothing in it."""
    (tmp_path / "tools").mkdir()
    shutil.copy(ROOT / "tools" / "secrets.py", tmp_path / "tools")
    (tmp_path / "tools" / "secrets.reviewed").write_text("# none\n")
    checked(tmp_path, "git", "init", "-q")
    return tmp_path


def secrets(repository: Path):
    checked(repository, "git", "add", "-A")
    return checked(repository, LINTERS / "python", "tools/secrets.py")


def test_a_secret_is_found_until_somebody_has_looked_at_it(repository):
    (repository / "settings.py").write_text('PASSWORD = "hunter2-but-longer"\n')
    found = secrets(repository)

    assert (found.returncode, "settings.py:1: is it a secret?" in found.stderr) == (1, True)
    (row,) = re.findall(r"settings\.py [0-9a-f]{40}", found.stderr)
    (repository / "tools" / "secrets.reviewed").write_text(f"{row} a made-up word\n")
    assert secrets(repository).returncode == 0


def test_a_reviewed_line_that_nothing_answers_to_is_an_error(repository):
    (repository / "tools" / "secrets.reviewed").write_text(f"gone.py {'0' * 40} it was a test's\n")
    found = secrets(repository)

    assert (found.returncode, "is found no more" in found.stderr) == (1, True)


def test_every_reviewed_line_says_why():
    rows = [
        r for r in (ROOT / "tools" / "secrets.reviewed").read_text().splitlines() if not r.startswith("#")
    ]

    assert rows
    assert all(len(row.split(maxsplit=2)[2]) > 10 for row in rows)


def test_bandit_fails_on_a_shell(tmp_path):
    (tmp_path / "bad.py").write_text("import subprocess\nsubprocess.run(input(), shell=True)\n")

    assert checked(tmp_path, LINTERS / "bandit", "-q", "-r", ".", "-ll").returncode == 1


def test_every_exception_to_bandit_has_its_reason_on_the_line():
    lines = [
        line
        for folder in ("dr", "handlers")
        for path in (ROOT / folder).rglob("*.py")
        for line in path.read_text().splitlines()
        if "nosec" in line
    ]

    assert lines
    assert all(re.search(r"# noqa: [A-Z0-9, ]+ - \S.+  # nosec B\d+$", line) for line in lines)


def test_what_is_never_written_is_written_nowhere():
    """FAILURES 4.6, row 4."""
    for folder in ("dr", "handlers", "tools"):
        for path in (ROOT / folder).rglob("*.py"):
            text = path.read_text()
            assert "shell=True" not in text, path
            assert "extractall(" not in text, path
            assert all("_Loader" in call for call in re.findall(r"yaml\.load\(.*", text)), path


def test_the_check_runs_them():
    rule = re.search(r"^check: .*\n((?:\t.*\n)+)", (ROOT / "Makefile").read_text(), flags=re.MULTILINE)

    assert "bandit -q -r dr handlers -ll" in rule[1]
    assert "tools/secrets.py" in rule[1]
    assert "cfn-lint cloudformation/*.yaml" in rule[1]
    assert "checkov -d cloudformation" in rule[1]
    assert "tools/policies.py" in rule[1]
