"""What `dr sandbox start` leaves in its directory: a dr.yaml, policies and a store, for `--sandbox` to use."""

from __future__ import annotations

import shutil
from pathlib import Path

from dr.sandbox.fleet import AWAY, HOME, SECRET, STAGING

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
