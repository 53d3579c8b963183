"""A run of many shards: each tick's small answer and its record, and the summary that names who failed."""

from __future__ import annotations

import json

import pytest
import structlog
from fake_clock import FakeClock
from memory_store import MemoryStore
from shard_world import AWAY, HOME, OTHER, OWN, a_scope, a_shard
from structlog.testing import capture_logs
from tick_world import START, World, policy

from dr import logs
from dr.errors import CloudError, Denied, EnvironmentFailed, NotEnabled, Refused, UsageError
from dr.functions.fanning import Run, run_summary, shards_document
from dr.functions.ticking import Tick, run_shard
from dr.layout import lease_key, shard_key
from dr.limits import decide
from dr.model import RetentionRule, ShardRun, Unread
from dr.store.shards import ShardRuns

DB = policy("db", regions=(HOME,))
ZERO = {"done": 0, "skipped": 0, "failed": 0, "left": 0, "blocked": 0}


class Fanned(World):
    """One shard and the store in which it is recorded."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.objects = MemoryStore("primary", FakeClock(START))
        self.runs = ShardRuns(self.objects)

    def run(self, name="r-1", *, desk=None, rules=DB):
        shard = a_shard(OWN, HOME, rules, desk=desk or (lambda: self.desk))
        scope = a_scope([shard], (rules,), clock=self.clock)
        tick = Tick(installation="acme", scope=scope, decide=decide, stamp=lambda done: done)
        return run_shard(tick, name, self.runs)

    @property
    def recorded(self):
        """What it said of the last run that it was in."""
        return self.runs.of("r-2", OWN, HOME) or self.runs.of("r-1", OWN, HOME)


def fails(error):
    def desk():
        raise error

    return desk


def volumes(number):
    world = Fanned()
    for one in range(number):
        world.cloud.add_volume(f"vol-{one}", tags={"Backup": "yes"})
    return world


def test_the_answer_of_a_shard_is_numbers_and_its_record_says_that_it_succeeded():
    world = volumes(3)

    assert world.run() == {"account": OWN, "region": HOME, "summary": {**ZERO, "done": 3}}
    assert world.recorded == ShardRun(run="r-1")


def test_the_answer_does_not_grow_with_the_work():
    """The state machine takes 256 KiB of all answers: ten thousand shards would have 26 bytes more than one."""
    assert len(json.dumps(volumes(300).run())) < 200


def test_actions_that_failed_are_counted_and_recorded():
    world = volumes(3)
    world.cloud.failures.add("create_snapshot", Denied("no", code="x", action="ec2:CreateSnapshot"))

    assert world.run()["summary"] == {**ZERO, "done": 2, "failed": 1}
    assert world.recorded == ShardRun(run="r-1", failed=1)


def test_what_there_was_no_time_for_is_left_and_what_waits_for_a_word_is_not():
    world = volumes(1)
    much, few = (policy("db", keep=RetentionRule(last=number)) for number in (20, 2))
    world.hours(12, much)
    found = world.run(rules=few)["summary"]
    assert (found["left"], found["blocked"] > 0, world.recorded.left) == (0, True, 0)

    world.clock.advance(hours=1)
    world.stop_at = world.clock.now()
    found = world.run("r-2", rules=few)["summary"]
    assert (found["left"] > 0, found["blocked"] > 0) == (True, True)
    assert world.recorded == ShardRun(run="r-2", left=found["left"])


def test_a_shard_at_which_others_are_at_work_has_not_failed():
    world = volumes(1)
    world.leases.acquire(lease_key(OWN, HOME, "db"))

    assert (world.run()["summary"], world.recorded) == (ZERO, ShardRun(run="r-1"))


def test_a_region_that_is_not_enabled_has_not_failed():
    world = Fanned()

    assert world.run(desk=fails(NotEnabled("not enabled")))["summary"] == ZERO
    assert world.recorded == ShardRun(run="r-1")


def test_a_shard_that_came_to_nothing_raises_and_is_recorded_with_why():
    world = Fanned()
    with pytest.raises(Denied):
        world.run(desk=fails(Denied("no role", code="x", action="sts:AssumeRole")))

    assert world.recorded == ShardRun(run="r-1", error="no role")


def test_a_shard_whose_store_is_another_installations_leaves_nothing_there():
    world = Fanned()
    with pytest.raises(Refused):
        world.run(desk=fails(Refused("the store belongs to the installation 'globex'")))

    assert list(world.objects.keys("")) == []


def test_a_shard_that_could_not_see_everything_is_recorded_with_what_was_unread():
    world = volumes(1)
    world.cloud.failures.add("points", CloudError("throttled", code="RequestLimitExceeded"))
    world.run()

    assert (world.recorded.run, world.recorded.error) == ("r-1", "throttled")


def test_a_store_that_takes_no_record_hides_no_error_of_the_shard():
    world = Fanned()
    world.runs = ShardRuns(Away())

    with pytest.raises(Denied, match="no role"):
        world.run(desk=fails(Denied("no role", code="x", action="sts:AssumeRole")))


class Away:
    """A store that is out of reach."""

    name = "primary"

    def get(self, *_args, **_options):
        raise EnvironmentFailed("the store is away")

    put = get


# --- the summary ------------------------------------------------------------------------------------------------------


def summed(runs, *places, run="r-1", unheard=""):
    return run_summary("acme", Run(name=run, shards=places, unheard=unheard), runs, START)


@pytest.fixture
def runs():
    return ShardRuns(MemoryStore("primary", FakeClock(START)))


def test_the_shards_of_a_run_are_their_accounts_and_regions():
    shards = [a_shard(OWN, HOME), a_shard(OTHER, AWAY)]

    assert shards_document(shards, None) == {
        "shards": [{"account": OWN, "region": HOME}, {"account": OTHER, "region": AWAY}],
        "unheard": "",
    }


def test_as_many_shards_are_listed_as_a_state_machine_can_hold_and_more_are_refused():
    regions = [f"ap-southeast-{number}" for number in range(10)]
    shards = [a_shard(f"{account:012d}", region) for account in range(430) for region in regions]

    assert 200_000 < len(json.dumps(shards_document(shards, None))) < 256 * 1024
    with pytest.raises(UsageError, match="8600 accounts and Regions are more than one run"):
        shards_document(shards * 2, None)


@pytest.fixture
def logged():
    """What is logged from `info` on, whatever other tests have set."""
    before = structlog.get_config()
    logs.configure("info")
    with capture_logs() as lines:
        yield lines
    structlog.configure(**before)


SILENT = Unread(what="accounts", region="", message="nobody tells which there are")


def test_a_run_in_which_the_organization_did_not_answer_says_so_once_and_all_of_it_was_done(logged):
    """Its shards ask by themselves, and are told no more than who listed them."""
    world = volumes(3)
    world.unheard = SILENT
    unheard = shards_document([a_shard(OWN, HOME)], SILENT)["unheard"]

    assert world.run()["summary"] == {**ZERO, "done": 3}
    assert world.recorded == ShardRun(run="r-1", unheard="nobody tells which there are")
    with pytest.raises(CloudError, match=r"^nobody tells which there are$"):
        summed(world.runs, (OWN, HOME), unheard=unheard)
    with pytest.raises(CloudError, match=r"^1 of 2 shards failed: .*; nobody tells which there are$"):
        summed(world.runs, (OWN, HOME), (OTHER, AWAY), unheard=unheard)
    told = [(line["TickSucceeded"], line["ShardsFailed"]) for line in logged if "TickSucceeded" in line]
    assert told == [(1, 0), (1, 1)]


def test_a_shard_that_alone_was_told_nothing_of_its_account_is_told_of_as_well():
    world = volumes(1)
    world.unheard = SILENT
    world.run()

    with pytest.raises(CloudError, match=r"^nobody tells which there are$"):
        summed(world.runs, (OWN, HOME))


def test_what_else_a_shard_could_not_see_is_its_failure_also_while_the_organization_is_away():
    world = volumes(1)
    world.unheard = SILENT
    world.cloud.failures.add("points", CloudError("throttled", code="RequestLimitExceeded"))
    world.run()

    with pytest.raises(CloudError, match=f"^1 of 1 shards failed: {OWN}/{HOME}: throttled; nobody tells"):
        summed(world.runs, (OWN, HOME))


def test_a_run_of_which_every_shard_succeeded_is_done(runs):
    for region in (AWAY, HOME):
        runs.record(OWN, region, ShardRun(run="r-1"))

    assert summed(runs, (OWN, AWAY), (OWN, HOME)) == {"done": 2, "failed": []}
    assert summed(runs) == {"done": 0, "failed": []}


@pytest.mark.parametrize(
    ("recorded", "why"),
    [
        (None, "it ended without a word"),
        (ShardRun(run="r-0"), "it ended without a word"),
        (ShardRun(run="r-0", error="of yesterday"), "it ended without a word"),
        (ShardRun(run="r-1", error="no role"), "no role"),
        (ShardRun(run="r-1", error="no role", failed=2), "no role"),
        (ShardRun(run="r-1", failed=2, left=1), "2 of its actions failed"),
        (ShardRun(run="r-1", left=3), "3 of its actions are left"),
        (ShardRun(run="r-1", error="a\nb\x1b[2J"), None),
    ],
)
def test_a_shard_that_failed_is_named_with_why(runs, recorded, why):
    runs.record(OWN, HOME, ShardRun(run="r-1"))
    if recorded:
        runs.record(OTHER, AWAY, recorded)
    with pytest.raises(CloudError) as caught:
        summed(runs, (OWN, HOME), (OTHER, AWAY))

    said = caught.value.message
    assert said.startswith(f"1 of 2 shards failed: {OTHER}/{AWAY}: {why or ''}")
    assert said.isprintable()


def test_a_record_that_cannot_be_read_is_a_failure_of_its_shard():
    store = MemoryStore("primary", FakeClock(START))
    store.put(shard_key(OWN, HOME), b"{")
    runs = ShardRuns(store)

    with pytest.raises(CloudError, match=f"1 of 1 shards failed: {OWN}/{HOME}: .*cannot be read"):
        summed(runs, (OWN, HOME))


def test_a_store_out_of_reach_is_told_as_such():
    with pytest.raises(CloudError, match="the store is away"):
        summed(ShardRuns(Away()), (OWN, HOME))


def test_of_many_that_failed_twenty_are_named_and_the_rest_are_counted(runs):
    places = [(f"{number:012d}", HOME) for number in range(1000)]
    with pytest.raises(CloudError) as caught:
        summed(runs, *places)

    assert caught.value.message.startswith("1000 of 1000 shards failed: 000000000000/")
    assert caught.value.message.endswith("; and 980 more")
    assert caught.value.message.count("without a word") == 20
    assert not isinstance(caught.value, Refused)
