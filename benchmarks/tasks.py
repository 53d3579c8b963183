"""What is measured, each in a process of its own: `python -m benchmarks.tasks NAME ARGUMENT`."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import Any

import boto3

import dr.clock
from benchmarks.fleet import INSTALLATION
from dr import collector
from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Access, Keys, Session
from dr.cli import run
from dr.model import Protect

REGION = "eu-west-1"
_KEYS = Keys(access_key="bench", secret_key="bench")


def boto3_lists_and_holds(url: str) -> None:
    """What most tools do: every page of everything, held in a list."""
    ec2: Any = boto3.client(
        "ec2", region_name=REGION, endpoint_url=url, aws_access_key_id="bench", aws_secret_access_key="bench"
    )
    held = []
    for call, key, more in (
        ("describe_snapshots", "Snapshots", {"OwnerIds": ["self"]}),
        ("describe_images", "Images", {"Owners": ["self"]}),
        ("describe_volumes", "Volumes", {}),
        ("describe_instances", "Reservations", {}),
    ):
        for page in ec2.get_paginator(call).paginate(**more, PaginationConfig={"PageSize": 1000}):
            held += page[key]
    assert held


def dr_lists(url: str) -> None:
    """The listings that `dr plan` makes, and nothing of what it does with them."""
    session = Session(Access(region=REGION, endpoint_url=url, keys=_KEYS), lambda: datetime.now(UTC))
    cloud = Ec2Cloud(session, INSTALLATION)
    with collector.held():
        held = cloud.points(REGION), cloud.sources(Protect.VOLUMES, REGION, {})
    assert held[0].points


class _Lapse:
    """`time`, running faster, for the one module of dr that knows of it."""

    def __init__(self, times: float) -> None:
        self._times = times

    def monotonic(self) -> float:
        return time.monotonic() * self._times

    def sleep(self, seconds: float) -> None:
        time.sleep(seconds / self._times)


def dr_applies(lapse: str) -> None:
    """`dr apply --json`, for which time goes so many times as fast as outside: its pace, and its waits."""
    dr.clock.time = _Lapse(float(lapse))  # type: ignore[assignment,attr-defined]
    sys.exit(run(["apply", "--json"]))


TASKS = {task.__name__: task for task in (boto3_lists_and_holds, dr_lists, dr_applies)}

if __name__ == "__main__":
    TASKS[sys.argv[1]](sys.argv[2])
