"""`python -m benchmarks`: what dr costs beside boto3 on the same fleet, in interleaved rounds of one run."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections import defaultdict
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks.fleet import GROUPS, INSTALLATION
from benchmarks.measure import ROOT, Cost, cost, endpoint, spread
from benchmarks.tasks import REGION
from dr.model import Applied, RetentionRule
from dr.store.directory import DirectoryStore
from dr.store.records import StoreRecords

_LARGE = {"snapshots": 300_000, "volumes": 5_000, "instances": 1_500, "images": 5_000}
_SMALL = {"snapshots": 12_000, "volumes": 800, "instances": 400, "images": 200}
_POLICY = """\
policy: group-%(number)d
protect: volumes
regions: [%(region)s]
select: {tags: {Group: g%(number)d}}
schedule: "0 * * * *"
keep: {last: 24, daily: 7, weekly: 4}
"""
_KEEP = RetentionRule(last=24, daily=7, weekly=4)


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


def rounds(url: str, folder: Path, number: int) -> Mapping[str, list[Cost]]:
    """Every program in turn, so many times."""
    environ = {
        "PATH": os.defpath,
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "AWS_ENDPOINT_URL": url,
        "AWS_ACCESS_KEY_ID": "bench",
        "AWS_SECRET_ACCESS_KEY": "bench",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    task = [sys.executable, "-m", "benchmarks.tasks"]
    programs = {
        "boto3": [*task, "boto3_lists_and_holds", url],
        "dr lists": [*task, "dr_lists", url],
        "dr plan": [sys.executable, "-m", "dr", "plan"],
    }
    found: defaultdict[str, list[Cost]] = defaultdict(list)
    for _ in range(number):
        for name, command in programs.items():
            found[name].append(cost(command, environ, folder))
    return found


def table(fleet: Mapping[str, int], found: Mapping[str, list[Cost]]) -> str:
    """Ratios of each round: median, least and largest."""
    plan, lists, boto = (found[name] for name in ("dr plan", "dr lists", "boto3"))
    lines = [f"{fleet['snapshots']} snapshots, {len(plan)} rounds"]
    for name, over in (("boto3 list-and-hold", boto), ("its own bare listing", lists)):
        ratios = [one.cpu / other.cpu for one, other in zip(plan, over, strict=True)]
        lines.append(f"  dr plan, CPU over {name}: {spread(ratios)}")
    lines.append(f"  dr plan, peak memory: {spread([one.memory for one in plan])} MB")
    lines.append(f"  boto3, peak memory: {spread([one.memory for one in boto])} MB")
    lines.append(
        f"  CPU seconds: {', '.join(f'{name} {spread([c.cpu for c in costs])}' for name, costs in found.items())}"
    )
    return "\n".join(lines)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("--small", type=int, default=5, metavar="ROUNDS", help="at 12,000 snapshots")
    parser.add_argument("--large", type=int, default=3, metavar="ROUNDS", help="at 300,000 snapshots")
    asked = parser.parse_args()
    for fleet, number in ((_SMALL, asked.small), (_LARGE, asked.large)):
        if number:
            with tempfile.TemporaryDirectory() as folder, endpoint(**fleet) as url:
                installed(Path(folder))
                sys.stdout.write(table(fleet, rounds(url, Path(folder), number)) + "\n")
                sys.stdout.flush()


if __name__ == "__main__":
    main()
