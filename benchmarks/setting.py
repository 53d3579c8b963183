"""What the programs find: an installation of ten policies, Custodian's policies for the same work, and an environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.fleet import GROUPS, INSTALLATION
from benchmarks.measure import ROOT
from benchmarks.tasks import REGION
from dr.model import Applied, RetentionRule
from dr.store.directory import DirectoryStore
from dr.store.records import StoreRecords

CUSTODIAN = ROOT / ".venv-custodian" / "bin" / "custodian"
_POLICY = """\
policy: group-%(number)d
protect: volumes
regions: [%(region)s]
select: {tags: {Group: g%(number)d}}
schedule: "0 * * * *"
keep: {last: 24, daily: 7, weekly: 4}
"""
_KEEP = RetentionRule(last=24, daily=7, weekly=4)
_CUSTODIAN = """\
policies:
  - {name: old, resource: aws.ebs-snapshot, filters: [{"tag:dr:managed": bench}, {type: age, days: 1, op: gt}], actions: [delete]}
  - {name: volumes, resource: aws.ebs, filters: [{"tag:Group": present}], actions: [snapshot]}
"""
"""The kindest to it: one listing of each sort and one filter, where ten policies would each sift everything."""


class _LongAgo:
    """When the store was claimed."""

    def now(self) -> datetime:
        return datetime.now(UTC) - timedelta(days=400)

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits {seconds} seconds here")


def installed(folder: Path) -> None:
    """An installation of ten policies that has been at work for a year."""
    (folder / "policies").mkdir()
    (folder / "dr.yaml").write_text(
        f"name: {INSTALLATION}\nregions: [{REGION}]\nstore: {{primary: {{url: store/}}}}\n"
    )
    clock = _LongAgo()
    records = StoreRecords(DirectoryStore(folder / "store", clock), clock)
    records.claim(INSTALLATION)
    for number in range(GROUPS):
        text = _POLICY % {"number": number, "region": REGION}
        (folder / "policies" / f"group-{number}.yaml").write_text(text)
        records.record_applied("123456789012", REGION, f"group-{number}", Applied(keep=_KEEP))
    (folder / "custodian.yaml").write_text(_CUSTODIAN)


def environ(url: str, folder: Path) -> Mapping[str, str]:
    """What every program is started with."""
    return {
        "PATH": os.defpath,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
    }


def custodian(folder: Path) -> list[str]:
    """Its dry run, with nothing kept between runs."""
    words = ["run", "--dryrun", "--cache-period", "0", "--region"]
    return [str(CUSTODIAN), *words, REGION, "-s", str(folder / "out.d"), str(folder / "custodian.yaml")]
