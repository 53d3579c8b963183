"""What stands beside the package: the container's lock and recipe."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parent.parent


def pins(lock):
    return dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^ ]+) \\$", (ROOT / lock).read_text(), re.MULTILINE))


def test_the_container_has_what_is_tested_and_nothing_that_only_tests_need():
    whole, daemon = pins("requirements.lock"), pins("tools/daemon.lock")

    assert daemon.items() <= whole.items()
    assert {"apprise", "boto3", "cryptography", "prometheus-client"} <= daemon.keys()
    assert not {"moto", "pytest", "mypy", "cfn-lint"} & daemon.keys()


def test_the_container_installs_nothing_that_no_hash_is_known_of():
    """FAILURES 4.4: also what builds dr itself, which a build of its own would fetch."""
    installs = re.findall(r"pip install ([^\n&]+)", (ROOT / "Dockerfile").read_text())

    assert len(installs) == 2
    assert all("--require-hashes" in one or "--no-build-isolation" in one for one in installs)
    assert "setuptools" in pins("tools/daemon.lock")


def test_the_container_copies_only_what_its_context_holds_and_runs_as_nobody():
    recipe = (ROOT / "Dockerfile").read_text()
    copied = [
        word
        for line in re.findall(r"^COPY (?!--from)(.+) \S+$", recipe, re.MULTILINE)
        for word in line.split()
    ]
    context = re.findall(r"^!(.+)$", (ROOT / ".dockerignore").read_text(), re.MULTILINE)

    assert sorted(copied) == sorted(context)
    assert all((ROOT / name).exists() for name in copied)
    assert "\nUSER 10001:10001\n" in recipe.split("FROM")[-1]
