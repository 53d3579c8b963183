"""How the shards of runs ended: one object for each, the last runs only."""

from __future__ import annotations

import json
import threading

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

    assert ShardRuns(store).of("r-1", *PLACE) == ended


def test_a_shard_that_never_ended_has_no_record(store):
    assert ShardRuns(store).of("r-1", *PLACE) is None


def test_runs_that_overlap_each_find_their_own_word_and_no_other_shard_s(store):
    runs = ShardRuns(store)
    runs.record(PLACE[0], "eu-central-1", ShardRun(run="r-1"))
    for run in ("r-1", "r-2", "r-2"):
        runs.record(*PLACE, ShardRun(run=run, failed=len(run)))
    runs.record(*PLACE, ShardRun(run="r-1", error="no role"))

    found = [runs.of(run, *PLACE) for run in ("r-1", "r-2", "r-3")]
    assert found == [ShardRun(run="r-1", error="no role"), ShardRun(run="r-2", failed=3), None]
    assert runs.of("r-1", PLACE[0], "eu-central-1") == ShardRun(run="r-1")
    assert len(list(store.keys("shards/"))) == 2


def test_of_many_runs_the_last_are_kept(store):
    for number in range(260):
        ShardRuns(store).record(*PLACE, ShardRun(run=f"r-{number}"))

    kept = [number for number in range(260) if ShardRuns(store).of(f"r-{number}", *PLACE)]
    assert kept == list(range(4, 260))


def test_runs_that_end_at_once_lose_nothing(store):
    writers = [
        threading.Thread(target=ShardRuns(store).record, args=(*PLACE, ShardRun(run=f"r-{number}")))
        for number in range(6)
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(10)

    assert all(ShardRuns(store).of(f"r-{number}", *PLACE) for number in range(6))


def test_what_cannot_be_read_is_written_anew(store):
    store.put(shard_key(*PLACE), b"[]")
    ShardRuns(store).record(*PLACE, ShardRun(run="r-1"))

    assert ShardRuns(store).of("r-1", *PLACE) == ShardRun(run="r-1")


def test_of_a_long_error_a_beginning_is_kept(store):
    ShardRuns(store).record(*PLACE, ShardRun(run="r", error="x" * 100_000))

    assert ShardRuns(store).of("r", *PLACE).error == "x" * 500


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"\xff", b"null", b"[]", b"1", b'"text"', b"{}", b"[" * 100_000),
        *(json.dumps({"runs": rows}).encode() for rows in (None, 1, "r", {"r": 1}, [None], ["r"], [[]])),
        json.dumps({"runs": [{"run": 1, "failed": 0, "left": 0, "error": ""}]}).encode(),
        json.dumps({"runs": [{"run": "r", "failed": "many", "left": 0, "error": ""}]}).encode(),
        json.dumps({"runs": [{"run": "r", "failed": True, "left": 0, "error": ""}]}).encode(),
        json.dumps({"runs": [{"run": "r", "failed": 0, "left": 0}]}).encode(),
        json.dumps({"runs": [{"run": "r", "failed": 0, "left": 0, "error": None}]}).encode(),
    ],
)
def test_what_is_no_such_record_is_named_with_what_to_do(store, body):
    store.put(shard_key(*PLACE), body)

    with pytest.raises(
        CloudError, match=r"primary/shards/111111111111/eu-west-1\.json cannot be read"
    ) as caught:
        ShardRuns(store).of("r-1", *PLACE)
    assert caught.value.remedy == "remove it"
