"""What people read, word for word: tests/golden holds each text, `pytest --update` writes them anew."""

from __future__ import annotations

import re
from itertools import groupby
from pathlib import Path

import pytest
from conftest import a_shell, inside

GOLDEN = Path(__file__).parents[1] / "golden"
MASKS = (
    (r"\b(vol|i|snap|ami)-[0-9a-f]{17}\b", r"\1-..."),
    (r"\b20\d\d-\d\d-\d\dT\d\d:\d\d:\d\dZ", "TIME"),
    (r"\b20\d{6}T\d{6}Z", "SLOT"),
    (r"\b\d\d:\d\d:\d\d\b", "CLOCK"),
    (r"\b\d+(d|h|min|s)( \d+(h|min|s))?\b(?= old| LATE|  |$|,)", "AGE"),
    (r"http://127\.0\.0\.1:\d+", "URL"),
    (r"-{3,}", "---"),
    (r"(?<=\S) {3,}", "  "),
)
"""What differs from run to run, and the widths that follow from it."""


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    """A sandbox of one's own, at the beginning of an hour: no slot goes by while these tests run."""
    shell = a_shell(tmp_path_factory.mktemp("golden"), DR_SANDBOX="1")
    shell.begin()
    yield shell
    assert shell("sandbox", "stop").code == 0


@pytest.fixture
def golden(request, shell):
    """Compare a text with the one that is kept."""

    def compare(name, *arguments, code=0):
        done = inside(arguments, shell.environ, shell.folder)
        assert done.code == code, done
        text = masked(done.out.replace(str(shell.folder.parent), "HOME"))
        kept = GOLDEN / f"{name}.txt"
        if request.config.getoption("--update"):
            kept.write_text(text)
        assert text == kept.read_text()

    return compare


def masked(text):
    """Without what differs; neighbours that then begin alike are sorted, as their order came from their ids."""
    for pattern, instead in MASKS:
        text = re.sub(pattern, instead, text, flags=re.MULTILINE)
    lines = (line.rstrip() for line in text.splitlines())
    groups = groupby(lines, key=lambda line: line.split()[:1])
    return "".join(f"{line}\n" for _, group in groups for line in _in_order(list(group)))


def _in_order(group):
    return sorted(group) if group[0].lstrip().startswith(("vol-", "i-", "TIME", "+", "done")) else group


def test_an_installation_from_its_first_plan_to_a_restored_stack(golden, shell):
    golden("plan", "plan")
    golden("apply", "apply", "--wait")
    golden("plan-without-changes", "plan")
    golden("status", "status")
    golden("points", "points", "--stack", "prod")
    golden("stacks", "stacks")
    golden("stack-versions", "stacks", "prod")
    golden("restore-plan", "restore", "--stack", "prod", "--as", "copy", "--plan-only")
    golden("restore", "restore", "--stack", "wiki", "--as", "copy", "--yes")
    shell.advance("3h")
    golden("status-late", "status", code=3)


def test_every_golden_text_belongs_to_a_test():
    named = re.findall(r'golden\("([a-z-]+)"', Path(__file__).read_text())
    assert sorted(path.stem for path in GOLDEN.iterdir()) == sorted(named)
