"""A run of many shards under the real runtime client: the list, a tick for each, and the summary; the store is in S3."""

from __future__ import annotations

import json

import pytest
from many_accounts import ACCOUNTS, a_volume, door, installation, snapshots
from runtime_api import Function

HOME, AWAY, CLOSED = "eu-west-1", "eu-central-1", "ap-east-1"
ONE, TWO, DENIED = ACCOUNTS[:3]
STORE = "dr-many-store"
KEYS = {"AWS_ACCESS_KEY_ID": "sandbox", "AWS_SECRET_ACCESS_KEY": "sandbox", "AWS_REGION": HOME}
SHARDS = [{"account": account, "region": region} for account in (ONE, TWO, DENIED) for region in (AWAY, HOME)]
ZERO = {"done": 0, "skipped": 0, "failed": 0, "left": 0, "blocked": 0}


class World:
    """Three accounts behind a door that refuses the role of one, and the three functions."""

    def __init__(self, folder, door, sandbox) -> None:
        self.door, self.sandbox = door, sandbox
        for name, text in installation([ONE, TWO, DENIED], (AWAY, HOME)).items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.replace("url: store/", f"url: 's3://{STORE}/dr', region: {HOME}"))
        self.config = folder / "dr.yaml"
        environ = {**KEYS, "AWS_ENDPOINT_URL": door.url, "DR_CONFIG": str(self.config)}
        self.shards, self.tick, self.summary = (
            Function(f"handlers.{name}.handler", environ, folder / name)
            for name in ("shards", "tick", "summary")
        )

    def recorded(self):
        """The keys of the records, as S3 shows them."""
        listed = self.sandbox.client("s3").list_objects_v2(Bucket=STORE, Prefix="dr/shards/")
        return {row["Key"].removeprefix("dr/shards/") for row in listed.get("Contents", [])}

    def run(self, name, shards, **facts):
        """A tick for each; their answers."""
        return [self.tick.invoke({**shard, "run": name, **facts}) for shard in shards]

    def close(self):
        for function in (self.shards, self.tick, self.summary):
            function.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, sandbox):
    sandbox.reset()
    sandbox.pending(0)
    where = {"LocationConstraint": HOME}
    sandbox.client("s3").create_bucket(Bucket=STORE, CreateBucketConfiguration=where)
    with door(sandbox.url) as opened:
        opened.denied = {DENIED}
        made = World(tmp_path_factory.mktemp("functions"), opened, sandbox)
        yield made
        made.close()


@pytest.fixture(scope="module")
def volumes(world):
    return {(a, r): a_volume(world.sandbox.url, a, r) for a in (ONE, TWO) for r in (AWAY, HOME)}


def refused(function, event):
    answer = function.invoke(event)
    assert answer.failed, answer.payload
    return answer.payload["errorType"], answer.payload["errorMessage"]


def test_the_shards_are_every_region_of_every_account(world):
    listed = {"shards": SHARDS, "unheard": ""}
    assert world.shards.invoke({}).payload == listed
    assert world.shards.invoke({"policies": ["volumes"], "scheduled": "now"}).payload == listed


def test_a_shard_that_has_not_ended_in_this_run_ended_without_a_word(world):
    kind, message = refused(world.summary, {"run": "before", "shards": SHARDS[:2]})

    assert kind == "CloudError"
    assert message.startswith(
        f"2 of 2 shards failed: {ONE}/{AWAY}: it ended without a word; {ONE}/{HOME}: it ended without a word"
    )


def test_i25_a_run_does_every_shard_but_those_of_an_account_that_refuses_and_names_them(world, volumes):
    answers = world.run("run-1", SHARDS)
    good, bad = answers[:4], answers[4:]

    assert [(a.failed, a.payload) for a in good] == [
        (False, {**shard, "summary": {**ZERO, "done": 1}}) for shard in SHARDS[:4]
    ]
    assert [(a.failed, a.payload["errorType"]) for a in bad] == [(True, "Denied")] * 2
    assert all(len(json.dumps(answer.payload)) < 200 for answer in good)
    for (account, region), volume in volumes.items():
        assert snapshots(world.sandbox.url, account, region) == [volume]
    assert world.recorded() == {f"{row['account']}/{row['region']}.json" for row in SHARDS}

    kind, message = refused(world.summary, {"run": "run-1", "shards": SHARDS})
    assert (kind, message.startswith(f"2 of 6 shards failed: {DENIED}/{AWAY}: ")) == ("CloudError", True), (
        message
    )
    assert "cannot be taken on" in message
    failed = world.summary.logged("shard.failed")[-2:]
    assert [(row["account"], row["region"]) for row in failed] == [(DENIED, AWAY), (DENIED, HOME)]
    line = world.summary.logged("tick.metrics")[-1]
    assert (line["TickSucceeded"], line["ShardsFailed"], line["installation"]) == (1, 2, "many")


def test_a_run_without_a_failure_is_done_and_counts_as_a_tick_that_succeeded(world, volumes):
    world.run("run-2", SHARDS[:4])

    assert world.summary.invoke({"run": "run-2", "shards": SHARDS[:4]}).payload == {"done": 4, "failed": []}
    line = world.summary.logged("tick.metrics")[-1]
    assert (line["TickSucceeded"], line["ShardsFailed"]) == (1, 0)
    assert all("TickSucceeded" not in row for row in world.tick.logged("tick.metrics"))


def test_i20_the_same_shard_twice_in_a_run_is_one(world, volumes):
    world.run("run-3", SHARDS[:1])
    (again,) = world.run("run-3", SHARDS[:1])

    assert (again.failed, again.payload["summary"]) == (False, ZERO)
    assert snapshots(world.sandbox.url, ONE, AWAY) == [volumes[ONE, AWAY]]


def test_i21_what_a_shard_has_no_time_for_fails_it_by_name(world):
    volume = a_volume(world.sandbox.url, ONE, HOME)
    answer = world.tick.invoke({**SHARDS[1], "run": "run-4"}, seconds=20)
    _, message = refused(world.summary, {"run": "run-4", "shards": SHARDS[1:2]})

    assert (answer.failed, answer.payload["summary"]) == (False, {**ZERO, "left": 1})
    assert f"{ONE}/{HOME}: 1 of its actions are left" in message
    assert volume not in snapshots(world.sandbox.url, ONE, HOME)


def test_a_tick_without_a_run_works_in_one_account_or_in_all_of_them(world, volumes):
    one = world.tick.invoke({"account": ONE})
    every = world.tick.invoke({})

    assert (one.failed, one.payload["warnings"]) == (False, [])
    told = [w["message"].split(":")[0] for w in every.payload["warnings"] if w["code"] == "shard-failed"]
    assert (every.failed, told) == (False, [f"{DENIED}/{AWAY}", f"{DENIED}/{HOME}"])
    assert world.tick.logged("tick.metrics")[-1]["TickSucceeded"] == 0


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"run": "r"}, "event: run: is for one shard, and no account or no Region is named"),
        ({"run": "r", "account": ONE}, "event: run: is for one shard, and no account or no Region is named"),
        ({"run": "r", "region": HOME}, "event: run: is for one shard, and no account or no Region is named"),
        ({"run": 1, "account": ONE, "region": HOME}, "event: run: expected text"),
        ({"run": "r", "account": "999999999999", "region": HOME}, "event: account: it is for 999999999999"),
        ({"run": "r", "account": ONE, "region": CLOSED}, f"none of its policies works in {CLOSED}"),
    ],
)
def test_a_wrong_event_of_a_shard_is_refused(world, event, message):
    kind, told = refused(world.tick, event)

    assert (kind, message in told) == ("UsageError", True), told


@pytest.mark.parametrize(
    ("event", "message"),
    [
        ({"shards": []}, "run"),
        ({"run": "r"}, "shards"),
        ({"run": "r", "shards": [], "unheard": None}, "unheard"),
        ({"run": "r", "shards": {}}, "expected a list of shards, found"),
        ({"run": "r", "shards": ["x"]}, "expected shards such as {account: ..., region: ...}"),
        ({"run": "r", "shards": [{"account": ONE}]}, "expected shards such as {account: ..., region: ...}"),
        ({"run": "r", "shards": [{"account": "", "region": HOME}]}, "expected shards such as"),
        ({"run": "r", "shards": [{"account": 1, "region": HOME}]}, "expected shards such as"),
        ({"run": "r", "shards": [], "more": 1}, "'more': unknown key"),
        (None, "event"),
    ],
)
def test_a_wrong_event_of_the_summary_is_refused(world, event, message):
    kind, told = refused(world.summary, event)

    assert (kind, message in told) == ("UsageError", True), told


@pytest.mark.parametrize("place", ["../../applied/x", "a/b", "..", "x\x00y"])
def test_a_summary_reads_no_other_object_of_the_store(world, place):
    kind, told = refused(world.summary, {"run": "r", "shards": [{"account": place, "region": HOME}]})

    assert kind in ("UsageError", "CloudError"), told
    assert told.isprintable()
