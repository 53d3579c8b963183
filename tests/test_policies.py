"""Every example in policies/ is ready to use."""

from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from dr.model import Protect, RetentionRule
from dr.policy import check_policies, parse_policies

FOLDER = Path(__file__).parent.parent / "policies"
FILES = sorted(FOLDER.glob("*.y*ml"))
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def read(path):
    return (f"policies/{path.name}", path.read_bytes())


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_is_sound_by_itself(path):
    assert check_policies([read(path)], ("eu-west-1",), NOW).problems == ()


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_an_example_begins_with_what_it_is_for(path):
    assert path.read_text().startswith("# ")


def test_the_examples_can_stand_in_one_folder():
    names = [policy.name for policy in parse_policies(map(read, FILES), ("eu-west-1",), NOW)]
    assert names == [path.stem for path in FILES]


def test_the_examples_show_everything_that_can_be_protected_and_every_retention_rule():
    policies = parse_policies(map(read, FILES), ("eu-west-1",), NOW)
    assert {policy.protect for policy in policies} == set(Protect)
    hourly = next(policy for policy in policies if policy.name == "hourly-volumes")
    assert [f.name for f in fields(RetentionRule) if getattr(hourly.keep, f.name) is None] == []
