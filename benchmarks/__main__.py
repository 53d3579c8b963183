"""`python -m benchmarks`: what dr costs beside boto3 and Cloud Custodian on the same fleet, in interleaved rounds."""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import sys
import tempfile
import time
import urllib.request
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any
from zoneinfo import ZoneInfo

from benchmarks.measure import ROOT, Cost, cost, endpoint, spread
from benchmarks.report import HEAD, Row, page
from benchmarks.setting import CUSTODIAN, custodian, environ, installed
from benchmarks.writes import REFILL, SIZE
from dr.model import RetentionRule
from dr.retention import Candidate, retain

_LARGE = {"snapshots": 300_000, "volumes": 5_000, "instances": 1_500, "images": 5_000}
_SMALL = {"snapshots": 12_000, "volumes": 800, "instances": 400, "images": 200}
_TASK = [sys.executable, "-m", "benchmarks.tasks"]
_PLAN = [sys.executable, "-m", "dr", "plan"]
_BARE = "import boto3; boto3.client('ec2', region_name='eu-west-1')"
_HANDLER = """
import sys
sys.modules["rich"] = None  # which only the command line needs: a function's package has none, and structlog would load it
import handlers.tick
from datetime import UTC, datetime
from dr.aws.session import Access, Session
Session(Access(region="eu-west-1"), lambda: datetime.now(UTC)).ec2("eu-west-1")
"""
_POINTS = 1_000_000
_PAIRS = 3
"""Of a listing and a plan in each round: their ratio lies closest to its target, and what a machine does beside weighs most on it."""


@contextmanager
def _world(**fleet: float) -> Iterator[tuple[str, Path]]:
    """An endpoint and an installation: URL and folder."""
    with tempfile.TemporaryDirectory() as folder, endpoint(**fleet) as url:
        installed(Path(folder))
        yield url, Path(folder)


def _told(url: str, what: str) -> dict[str, Any]:
    with urllib.request.urlopen(f"{url}/{what}") as answer:  # noqa: S310 - our own endpoint
        found: dict[str, Any] = json.load(answer)
    return found


def listings(fleet: Mapping[str, int], rounds: int, *, targets: bool) -> Iterator[Row | str]:
    """`dr plan` beside the others; with `targets` as rows, else as a note."""
    with _world(**fleet) as (url, folder):
        programs = {
            "boto3": [*_TASK, "boto3_lists_and_holds", url],
            "Custodian": custodian(folder),
        }
        pair = {"lists": [*_TASK, "dr_lists", url], "plan": _PLAN}
        turn = [*programs.items(), *[*pair.items()] * _PAIRS]
        found = _in_rounds(turn, environ(url, folder), folder, rounds)
        _told(url, "calls")
        cost(_PLAN, environ(url, folder), folder)
        calls = _told(url, "calls")
    rows = [
        Row(
            what="`dr plan`, CPU over boto3 list-and-hold", most=0.15, values=_ratios(found, "plan", "boto3")
        ),
        Row(
            what="`dr plan`, CPU over Custodian's dry run",
            most=0.25,
            values=_ratios(found, "plan", "Custodian"),
        ),
        Row(
            what="`dr plan`, CPU over its own bare listing",
            most=1.25,
            values=_ratios(found, "plan", "lists"),
        ),
        Row(
            what="`dr plan`, peak memory",
            most=256,
            unit=" MB",
            values=[one.memory for one in found["plan"]],
        ),
        Row(what="calls of AWS", most=_pages(fleet) + 5, values=[sum(calls.values())]),
    ]
    if targets:
        yield from rows
    else:
        told = "; ".join(f"{row.what} {spread(row.values)}" for row in rows)
        yield f"- At {fleet['snapshots']:,} snapshots, {rounds} rounds: {told}."
    seconds = ", ".join(f"{name} {spread([one.cpu for one in costs])}" for name, costs in found.items())
    memory = ", ".join(f"{name} {spread([one.memory for one in costs])}" for name, costs in found.items())
    yield f"- CPU seconds at {fleet['snapshots']:,}: {seconds}. Peak memory in MB: {memory}."


def _pages(fleet: Mapping[str, int]) -> int:
    """Of everything that a plan of volumes reads: half of the snapshots are dr's; instances tell of attachments."""
    items = (fleet["snapshots"] // 2, fleet["volumes"], fleet["instances"], fleet["images"])
    return sum(math.ceil(number / 1000) for number in items)


def _in_rounds(
    turn: Iterable[tuple[str, Sequence[str]]], environment: Mapping[str, str], folder: Path, rounds: int
) -> Mapping[str, list[Cost]]:
    """Every program in its turn, so many times."""
    found: defaultdict[str, list[Cost]] = defaultdict(list)
    for _ in range(rounds):
        for name, command in turn:
            found[name].append(cost(command, environment, folder))
    return found


def _ratios(found: Mapping[str, Sequence[Cost]], one: str, other: str) -> list[float]:
    """By round; of what ran more often in it, the median."""
    each = len(found[one]) // len(found[other])
    of_rounds = (found[one][at : at + each] for at in range(0, len(found[one]), each))
    return [
        median(cost.cpu for cost in mine) / theirs.cpu
        for mine, theirs in zip(of_rounds, found[other], strict=True)
    ]


def starts(rounds: int) -> Iterator[Row]:
    """A function, and the help, beside the least that Python and boto3 need."""
    programs = {
        "bare": [sys.executable, "-c", _BARE],
        "handler": [sys.executable, "-c", _HANDLER],
        "pass": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-m", "dr", "--help"],
    }
    with tempfile.TemporaryDirectory() as folder:
        found = _in_rounds(programs.items(), {"PYTHONPATH": str(ROOT), "HOME": folder}, Path(folder), rounds)
    yield Row(
        what="a function's start, CPU over a bare boto3 client",
        most=1.2,
        values=_ratios(found, "handler", "bare"),
    )
    yield Row(what="`dr --help`, CPU over `python -c pass`", most=6, values=_ratios(found, "help", "pass"))


def retention(rounds: int) -> Iterator[Row]:
    """A million points beside the sorting of their times."""
    begin = datetime(2026, 3, 1, tzinfo=UTC)
    slots = [begin - timedelta(minutes=5 * number) for number in range(_POINTS)]
    random.Random(7).shuffle(slots)  # noqa: S311 - the same order in every run
    points = [Candidate(str(number), slot, slot) for number, slot in enumerate(slots)]
    rule = RetentionRule(last=10, hourly=24, daily=7, weekly=4, monthly=12, yearly=5)
    values = [
        _cpu(lambda: retain(points, rule, ZoneInfo("Europe/Vienna"))) / _cpu(lambda: sorted(slots))
        for _ in range(rounds)
    ]
    yield Row(what="retention of 1,000,000 points, CPU over `sorted()`", most=5, values=values)


def _cpu(work: Callable[[], object]) -> float:
    begin = time.process_time()
    work()
    return time.process_time() - begin


def creates(what: str, number: int, most: float, *, lapse: float, **weather: float) -> Iterator[Row]:
    """`dr apply` of so many volumes that have no point yet; `most` is of the least time that the bucket allows."""
    fleet = {"snapshots": 0, "volumes": number, "instances": 10, "images": 0, "latency": 0.3 / lapse}
    with _world(**fleet, lapse=lapse, **weather) as (url, folder):
        cost([*_TASK, "dr_applies", str(lapse)], environ(url, folder), folder)
        told = _told(url, "writes")["created"]
    assert (told["sources"], told["most"]) == (number, 1), told
    least = (number - SIZE) / (REFILL * lapse * (1 - weather.get("shared", 0)))
    yield Row(what=f"{what}: time over the bucket's least", most=most, values=[told["seconds"] / least])
    yield _throttled(what, told, most=5 if "shared" in weather else 1)


def deletes(volumes: int, each: int, most: float, *, lapse: float) -> Iterator[Row]:
    """`dr apply` of volumes with a point for each of so many hours, most of them beyond what is kept."""
    fleet = {"snapshots": 2 * volumes * each, "volumes": volumes, "instances": 10, "images": 0}
    with _world(**fleet, latency=0.3 / lapse, lapse=lapse) as (url, folder):
        cost([*_TASK, "dr_applies", str(lapse)], environ(url, folder), folder)
        told = _told(url, "writes")["deleted"]
    number = told["gone"]
    assert number > SIZE, told
    what = f"{number} deletions, alone"
    least = (number - SIZE) / (REFILL * lapse)
    yield Row(what=f"{what}: time over the bucket's least", most=most, values=[told["seconds"] / least])
    yield _throttled(what, told, most=1)


def _throttled(what: str, told: Mapping[str, Any], most: float) -> Row:
    share = 100 * told.get("throttled", 0) / told["asked"]
    return Row(what=f"{what}: throttled share", most=most, unit=" %", values=[share])


def doublings(least: int, times: int, rounds: int) -> Iterator[Row | str]:
    """`dr plan` at fleets each twice as large as the one before: how much more each takes than the one before it in its round.

    Every other round begins with the largest: a machine that grows slower, or faster, while it works counts for neither.
    """
    sizes = [least * 2**number for number in range(times)]
    with ExitStack() as open_worlds:
        worlds = [open_worlds.enter_context(_world(**_fleet_of(size))) for size in sizes]
        costs = [_by_size(worlds, number % 2) for number in range(rounds)]
    with tempfile.TemporaryDirectory() as folder:
        empty = cost([sys.executable, "-c", "import dr.app"], {"PYTHONPATH": str(ROOT)}, Path(folder))
    span = f"{sizes[0]:,} to {sizes[-1]:,} snapshots"
    yield Row(
        what=f"doubling the fleet, {span}: CPU",
        most=2.1,
        values=_steps([[one.cpu for one in row] for row in costs]),
        each=True,
    )
    yield Row(
        what=f"doubling the fleet, {span}: memory above an empty process",
        most=2.1,
        values=_steps([[one.memory - empty.memory for one in row] for row in costs]),
        each=True,
    )
    told = ", ".join(
        f"{size:,} {median(one.cpu for one in of_size):.3g} s {median(one.memory for one in of_size):.0f} MB"
        for size, of_size in zip(sizes, zip(*costs, strict=True), strict=True)
    )
    yield f"- `dr plan` by snapshots: {told}; an empty process {empty.memory:.0f} MB."


def _by_size(worlds: Sequence[tuple[str, Path]], downwards: int) -> list[Cost]:
    """What a plan costs in each, in their order, whichever was run first."""
    turn = worlds[::-1] if downwards else worlds
    costs = [cost(_PLAN, environ(url, folder), folder) for url, folder in turn]
    return costs[::-1] if downwards else costs


def _fleet_of(snapshots: int) -> Mapping[str, int]:
    few = snapshots // 60
    return {"snapshots": snapshots, "volumes": few, "instances": snapshots // 200, "images": few}


def _steps(rounds: Sequence[Sequence[float]]) -> list[float]:
    """From each size to the next: the median of what the rounds say of it."""
    steps = [[b / a for a, b in itertools.pairwise(row)] for row in rounds]
    return [median(of_step) for of_step in zip(*steps, strict=True)]


def everything(small: int, large: int) -> Iterator[Row | str]:
    """All that RESULTS.md tells; a size of no rounds is left out."""
    if large:
        yield from listings(_LARGE, large, targets=True)
    if small:
        yield from listings(_SMALL, small, targets=False)
    yield from starts(9)
    yield from retention(3)
    yield from creates("600 creates, alone", 600, 1.02, lapse=1)
    yield from deletes(60, 36, 1.02, lapse=1)
    yield from creates("600 creates, beside a client at half the rate", 600, 1.1, lapse=1, shared=0.5)
    yield from creates(
        "10,000 creates, 2 % faults, time ten times as fast", 10_000, 1.1, lapse=10, faults=0.02
    )
    if large:
        yield from doublings(7_813, 8, 4)  # to a million


def main() -> None:
    """Measure, print each line as it is known, and write RESULTS.md where all of it was measured."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument(
        "--small", type=int, default=5, metavar="ROUNDS", help="at 12,000 snapshots; default 5"
    )
    parser.add_argument(
        "--large",
        type=int,
        default=3,
        metavar="ROUNDS",
        help="at 300,000 snapshots, some ten minutes each; default 3",
    )
    parser.add_argument("--write", type=Path, metavar="FILE", help="put the table into this file")
    asked = parser.parse_args()
    if min(asked.small, asked.large) < 0:
        parser.error("ROUNDS: not below 0")
    if asked.write and (asked.write.is_dir() or not asked.write.parent.is_dir()):
        parser.error(f"--write: {asked.write} cannot be a file")
    if not CUSTODIAN.exists():
        parser.error(f"{CUSTODIAN} is missing: `make bench` installs it")
    rows: list[Row] = []
    notes: list[str] = []
    sys.stdout.write(f"{HEAD}\n")
    for found in everything(asked.small, asked.large):
        if isinstance(found, Row):
            rows.append(found)
        else:
            notes.append(found)
        sys.stdout.write(f"{found.text() if isinstance(found, Row) else found}\n")
        sys.stdout.flush()
    if asked.write:
        asked.write.write_text(page(rows, notes))


if __name__ == "__main__":
    main()
