"""What `dr init` writes is sound as it stands."""

from datetime import UTC, datetime

import pytest

from dr.config import StoreLocation, parse_config
from dr.errors import UsageError
from dr.policy import parse_policies
from dr.starter import starter_files

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize("name", ["acme", "no", "012", "1e3", "-", "x" * 40])
def test_the_configuration_is_sound_whatever_the_name(name):
    config = parse_config(starter_files(name, "eu-west-1")["dr.yaml"], "/srv/dr.yaml")
    assert (config.name, config.regions) == (name, ("eu-west-1",))
    assert (config.policies_dir, config.primary) == ("/srv/policies", StoreLocation(url="/srv/store"))


def test_the_policies_are_sound_and_lie_where_the_configuration_looks():
    files = starter_files("acme", "us-east-1")
    texts = [(path, text.encode()) for path, text in files.items() if path.startswith("policies/")]
    assert len(texts) == len(files) - 1
    policies = parse_policies(texts, ("us-east-1",), NOW)
    assert [policy.name for policy in policies] == ["daily-volumes", "stacks"]


def test_what_is_commented_out_is_sound_too():
    """A line that is commented out and looks like YAML is meant to be uncommented."""
    text = starter_files("acme", "eu-west-1")["dr.yaml"]
    offered = "# restore:\n#   parameters:\n#     DbPassword: {ssm: /prod/db/password}"
    assert offered in text
    start = text.index("# restore:")
    opened = text[:start] + "\n".join(line.removeprefix("# ") for line in text[start:].splitlines())
    opened = opened.replace("# staging_bucket", "staging_bucket")
    config = parse_config(opened, "dr.yaml")
    assert config.image_for == {"WebLaunchTemplate": "newest"}
    assert config.staging_bucket == {"eu-west-1": "my-bucket"}


@pytest.mark.parametrize(
    ("name", "region"), [("a b", "eu-west-1"), ('"', "eu-west-1"), ("acme", "mars-1"), ("acme", "]")]
)
def test_a_name_or_region_that_is_none_is_refused(name, region):
    with pytest.raises(UsageError):
        starter_files(name, region)
