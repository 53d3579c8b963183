"""What a plan costs, counted and not timed: calls of AWS, and steps of Python beside the size of the fleet."""

from __future__ import annotations

import json
import sys
import threading
import urllib.request
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from botocore.loaders import Loader
from conftest import a_shell, inside
from plan_values import NOW, SLOT, point, policy, volume, world

from benchmarks.endpoint import serve
from benchmarks.fleet import Fleet
from benchmarks.setting import installed
from benchmarks.writes import Writes
from dr.limits import decide
from dr.model import RetentionRule
from dr.retention import Candidate, retain

FLEET = Fleet(now=datetime.now(UTC), snapshots=5_200, volumes=1_300, instances=300, images=1_100)


@pytest.fixture
def ec2():
    """The URL of an endpoint with the fleet."""
    server = serve(FLEET, 0, Writes(), Writes())
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_a_plan_of_ten_policies_asks_for_every_page_once(ec2, tmp_path):
    shell = a_shell(tmp_path, AWS_ENDPOINT_URL=ec2, AWS_ACCESS_KEY_ID="bench", AWS_SECRET_ACCESS_KEY="bench")
    installed(shell.folder)
    done = inside(["plan", "--json"], shell.environ, shell.folder)
    with urllib.request.urlopen(f"{ec2}/calls") as answer:  # noqa: S310 - our own endpoint
        calls = json.load(answer)

    assert (done.code, done.document["summary"]["capture"]) == (0, 1_300)
    assert calls == {
        "GetCallerIdentity": 1,
        "DescribeSnapshots": 3,
        "DescribeImages": 2,
        "DescribeLockedSnapshots": 1,
        "DescribeVolumes": 2,
        "DescribeInstances": 1,
    }


def test_where_dr_cannot_read_the_listings_itself_the_plan_is_the_same_and_says_so_once(ec2, tmp_path):
    older = Loader().load_service_model("ec2", "service-2")
    del older["shapes"]["Image"]["members"]["DeregistrationProtection"]
    models = tmp_path / "models" / "ec2" / older["metadata"]["apiVersion"]
    models.mkdir(parents=True)
    (models / "service-2.json").write_text(json.dumps(older))
    keys = {"AWS_ACCESS_KEY_ID": "bench", "AWS_SECRET_ACCESS_KEY": "bench"}
    shell = a_shell(tmp_path, AWS_ENDPOINT_URL=ec2, AWS_DATA_PATH=str(tmp_path / "models"), **keys)
    installed(shell.folder)

    done = inside(["plan", "--json"], shell.environ, shell.folder)
    fast = inside(["plan", "--json"], {**shell.environ, "AWS_DATA_PATH": ""}, shell.folder)

    assert (done.code, done.document["summary"]["capture"]) == (0, 1_300)
    moment = {"now": None, "digest": None}
    assert done.document | moment == fast.document | moment
    assert (done.err.count("listings.slow"), fast.err.count("listings.slow")) == (1, 0)


def steps(work):
    """How many functions of Python are called, and how many of C."""
    counted = Counter()
    sys.setprofile(lambda _frame, event, _arg: counted.update([event]))
    try:
        work()
    finally:
        sys.setprofile(None)
    return counted["call"] + counted["c_call"]


def fleet(sources, points):
    names = [f"vol-{number}" for number in range(sources)]
    rows = [point(SLOT - timedelta(hours=n + 1), source=name) for name in names for n in range(points)]
    return world(*rows, sources=[volume(name) for name in names], policies=(POLICY,))


POLICY = replace(policy(), keep=RetentionRule(last=3, daily=2, weekly=2))


@pytest.mark.parametrize(("more", "size"), [((40, 20), (20, 20)), ((20, 40), (20, 20))])
def test_twice_the_fleet_takes_twice_the_steps(more, size):
    whole, half = fleet(*more), fleet(*size)
    for inventory in (whole, half):
        decide((POLICY,), inventory, NOW)

    assert steps(lambda: decide((POLICY,), whole, NOW)) <= 2.1 * steps(lambda: decide((POLICY,), half, NOW))


def test_retention_takes_a_few_steps_for_each_point_and_no_more_for_many():
    rule = RetentionRule(last=10, hourly=24, daily=7, weekly=4, monthly=12, yearly=9)
    points = [Candidate(str(n), SLOT - timedelta(hours=n), SLOT - timedelta(hours=n)) for n in range(20_000)]

    few, many = (steps(lambda row=row: retain(row, rule, POLICY.zone)) for row in (points[:10_000], points))

    assert many <= 2.1 * few
    assert many <= 8 * len(points)
