"""The linters of security over every template of cloudformation/, and that each would find what it is for (FAILURES 4.5)."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from cloudformation.deployments import EVERYTHING, documents
from cloudformation.guarding import LINTERS
from cloudformation.reading import FOLDER, parsed

ROOT = FOLDER.parent
NAMES = sorted(path.name for path in FOLDER.glob("*.yaml"))


def run(*command: str | Path, given: str | None = None):
    return subprocess.run(
        command, input=given, cwd=ROOT, capture_output=True, text=True, timeout=240, check=False
    )


def with_everything(text: str) -> str:
    """A template whose defaults switch everything on: checkov looks at what the defaults make, and at nothing else."""
    for name, value in EVERYTHING.items():
        text = re.sub(
            rf"(^  {name}:\n(?:    .*\n)*?    Default: ).*$",
            lambda found, value=value: f'{found[1]}"{value}"',
            text,
            flags=re.MULTILINE,
        )
    return text


def checked(folder: Path):
    done = run(
        *(LINTERS / "checkov", "-d", folder, "--framework", "cloudformation"),
        *("--config-file", "tools/checkov.yaml", "--output", "json", "--quiet", "--skip-download"),
    )
    return done.returncode, json.loads(done.stdout)


def skips() -> list[dict[str, str]]:
    """What the templates say that checkov shall not ask of them."""
    rows = [row for name in NAMES for row in parsed((FOLDER / name).read_text())["Resources"].values()]
    return [skip for row in rows for skip in row.get("Metadata", {}).get("checkov", {}).get("skip", ())]


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    folder = tmp_path_factory.mktemp("templates")
    for name in NAMES:
        (folder / name).write_text(with_everything((FOLDER / name).read_text()))
    return checked(folder)


@pytest.mark.long  # `make check` asks checkov the same
def test_checkov_finds_nothing_but_what_a_template_says_why(findings):
    status, found = findings

    assert (status, found["results"]["failed_checks"]) == (0, [])
    assert found["summary"]["skipped"] == len(skips())
    assert all(len(skip["comment"]) > 10 for skip in skips())


@pytest.mark.long  # `make check` asks checkov the same
def test_checkov_looks_at_everything_that_the_templates_may_make(findings):
    wanted = sum(len(parsed((FOLDER / name).read_text())["Resources"]) for name in NAMES)

    assert findings[1]["summary"]["resource_count"] == wanted


@pytest.mark.long  # `make check` asks checkov the same
def test_checkov_would_find_what_is_not_encrypted(tmp_path):
    text = (FOLDER / "functions.yaml").read_text()
    (tmp_path / "functions.yaml").write_text(text.replace("      KmsMasterKeyId: !Ref Key\n", ""))
    status, found = checked(tmp_path)

    assert (status, [row["check_id"] for row in found["results"]["failed_checks"]]) == (1, ["CKV_AWS_26"])


def policies(rows):
    return run(LINTERS / "python", "tools/policies.py", given=json.dumps(rows))


def test_parliament_and_cloudsplaining_find_nothing_but_what_has_a_reason():
    done = policies(documents())

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        ("ec2:DeleteSnapshot", "ec2:DleteSnapshot", "UNKNOWN_ACTION"),
        (
            '"Action": "sqs:SendMessage", "Resource": "arn:aws:sqs:eu-west-1:123456789012:dr-acme-dead-letters"',
            '"Action": "iam:CreateAccessKey", "Resource": "*"',
            "PrivilegeEscalation",
        ),
        ('"Action": "events:PutEvents"', '"Action": "s3:*"', "ServiceWildcard"),
    ],
)
def test_they_would_find_a_mistake(before, after, found):
    text = json.dumps(documents())
    changed = text.replace(before, after)
    assert changed != text
    done = policies(json.loads(changed))

    assert (done.returncode, found in done.stderr) == (1, True)


def test_what_is_expected_and_found_no_more_is_an_error():
    done = policies({"nothing": {"Version": "2012-10-17", "Statement": []}})

    assert (done.returncode, "is found no more" in done.stderr) == (1, True)


@pytest.mark.long  # as of checkov
@pytest.mark.parametrize("name", NAMES)
def test_cfn_lint_finds_nothing(name):
    done = run(Path(sys.executable).with_name("cfn-lint"), FOLDER / name)

    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
