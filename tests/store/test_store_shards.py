"""How the shards of a run ended: one object for each, the latest run only."""

from __future__ import annotations

import json

import pytest
from fake_clock import FakeClock
from memory_store import MemoryStore
from plan_values import NOW

from dr.errors import CloudError
from dr.layout import shard_key
from dr.model import ShardRun
from dr.store.shards import ShardRuns

PLACE = ("111111111111", "eu-west-1")


@pytest.fixture
def store():
    return MemoryStore("primary", FakeClock(NOW))


@pytest.mark.parametrize(
    "ended", [ShardRun(run="r-1"), ShardRun(run="r-1", failed=3, left=2, error="AWS: no\n“quoted” \x1b[2J")]
)
def test_what_is_recorded_is_what_is_read(store, ended):
    ShardRuns(store).record(*PLACE, ended)

    assert ShardRuns(store).latest(*PLACE) == ended


def test_a_shard_that_never_ended_has_no_record(store):
    assert ShardRuns(store).latest(*PLACE) is None


def test_the_latest_run_takes_the_place_of_the_one_before_and_no_other_shard_s(store):
    runs = ShardRuns(store)
    runs.record(PLACE[0], "eu-central-1", ShardRun(run="r-1"))
    for run in ("r-1", "r-2", "r-2"):
        runs.record(*PLACE, ShardRun(run=run))

    assert (runs.latest(*PLACE), runs.latest(PLACE[0], "eu-central-1")) == (
        ShardRun(run="r-2"),
        ShardRun(run="r-1"),
    )
    assert len(list(store.keys("shards/"))) == 2


def test_of_a_long_error_a_beginning_is_kept(store):
    ShardRuns(store).record(*PLACE, ShardRun(run="r", error="x" * 100_000))

    assert ShardRuns(store).latest(*PLACE).error == "x" * 500


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"null", b"[]", b"1", b'"text"', b"{}", b"[" * 100_000),
        json.dumps({"run": 1, "failed": 0, "left": 0, "error": ""}).encode(),
        json.dumps({"run": "r", "failed": "many", "left": 0, "error": ""}).encode(),
        json.dumps({"run": "r", "failed": True, "left": 0, "error": ""}).encode(),
        json.dumps({"run": "r", "failed": 0, "left": 0}).encode(),
        json.dumps({"run": "r", "failed": 0, "left": 0, "error": None}).encode(),
    ],
)
def test_what_is_no_such_record_is_named_with_what_to_do(store, body):
    store.put(shard_key(*PLACE), body)

    with pytest.raises(
        CloudError, match=r"primary/shards/111111111111/eu-west-1\.json cannot be read"
    ) as caught:
        ShardRuns(store).latest(*PLACE)
    assert caught.value.remedy == "remove it"
