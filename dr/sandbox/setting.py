"""What `dr sandbox start` leaves in its directory: a dr.yaml, policies and a store, for `--sandbox` to use."""

from __future__ import annotations

import shutil
from pathlib import Path

from dr.errors import UsageError

HOME = "eu-west-1"
AWAY = "eu-central-1"
STAGING = "dr-sandbox-staging"
SECRET = "/prod/db-password"  # noqa: S105 - the name of a parameter, not its value
_CONFIG = f"""\
# The sandbox's installation: used by every command with --sandbox.
name: sandbox
policies: policies/
regions: [{HOME}, {AWAY}]
store:
  primary: {{url: store/}}
staging_bucket: {{{HOME}: {STAGING}}}
restore:
  parameters:
    DbPassword: {{ssm: {SECRET}}}
"""

_POLICIES = {
    "data-volumes.yaml": """\
# Every data volume, once an hour.
policy: data-volumes
protect: volumes
select:
  tags: {Tier: [db, files]}
schedule: "0 * * * *"
timezone: Europe/Vienna
keep: {last: 3, hourly: 6, daily: 7, within: 3h}
objectives: {rpo: 2h, rto: 1h}
""",
    "machines.yaml": """\
# Machines that say so, once a night.
policy: machines
protect: instances
select:
  tags: {Backup: nightly}
schedule: "0 3 * * *"
timezone: Europe/Vienna
keep: {last: 2, daily: 7, weekly: 4}
objectives: {rpo: 26h}
""",
    "stacks.yaml": """\
# How every stack is built, every hour.
policy: stacks
protect: stacks
regions: [eu-west-1]
select:
  names: ["*"]
schedule: "0 * * * *"
keep: {last: 24, daily: 30}
""",
}

_MARK = ".dr-sandbox"


def claim(directory: Path) -> None:
    """Make a folder the sandbox's: from now on what it holds may be forgotten.

    Raises `UsageError` for one that holds anything else, such as an installation: its store is no sandbox's to empty.
    """
    there = sorted(path.name for path in directory.iterdir()) if directory.is_dir() else []
    mark = directory / _MARK
    if there and not mark.exists() and not _made_by_a_sandbox(directory / "dr.yaml"):
        shown = ", ".join(there[:3]) + (", ..." if len(there) > 3 else "")
        why = f"{directory} is no sandbox's folder: it holds {shown}"
        raise UsageError(why, "set DR_SANDBOX_DIR to an empty folder, or to none")
    directory.mkdir(parents=True, exist_ok=True)
    mark.touch()


def _made_by_a_sandbox(config: Path) -> bool:
    """Whether a sandbox has written this dr.yaml, before there was a mark."""
    first = _CONFIG.partition("\n")[0]
    return config.is_file() and config.read_text(encoding="utf-8", errors="replace").startswith(first)


def write(directory: Path) -> None:
    """Write what is not there yet: what the user has edited stays."""
    (directory / "policies").mkdir(parents=True, exist_ok=True)
    texts = {"dr.yaml": _CONFIG, **{f"policies/{name}": text for name, text in _POLICIES.items()}}
    for name, text in texts.items():
        if not (directory / name).exists():
            (directory / name).write_text(text, encoding="utf-8")


def clear_store(directory: Path) -> None:
    """Forget what was stored of a world that is no more."""
    shutil.rmtree(directory / "store", ignore_errors=True)
