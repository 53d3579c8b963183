"""Texts of policies for tests, and what checking them says."""

from datetime import UTC, datetime

from dr.policy import check_policies

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
REGIONS = ("eu-west-1",)

SOUND = {
    "policy": "db",
    "protect": "volumes",
    "select": '{tags: {Backup: "yes"}}',
    "schedule": '"0 * * * *"',
    "keep": "{daily: 7}",
}


def text(**changed):
    """A sound policy, one key a line, with some keys changed, added, or (None) left out."""
    lines = {key: value for key, value in (SOUND | changed).items() if value is not None}
    return "".join(f"{key}: {value}\n" for key, value in lines.items())


def check(*texts, regions=REGIONS, now=NOW):
    """What the files a.yaml, b.yaml ... come to."""
    files = [(f"{letter}.yaml", one.encode()) for letter, one in zip("abcdef", texts, strict=False)]
    return check_policies(files, regions, now)


def policy(**changed):
    """The one policy of a sound text."""
    checked = check(text(**changed))
    assert checked.problems == ()
    return checked.policies[0]


def faults(**changed):
    """The messages for one unsound policy, without their places."""
    return [problem.message for problem in check(text(**changed)).problems]
