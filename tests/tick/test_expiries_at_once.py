"""Deletions that are under way at once: each action has one outcome, whatever ends the run among them."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from dataclasses import replace

import pytest
from faults import hooks
from tick_world import Meddled, World, policy

from dr.actions import Expire
from dr.errors import Busy, CloudError, EnvironmentFailed, Interrupted, Unreachable
from dr.executor.run import execute
from dr.limits import decide
from dr.model import Protect, RetentionRule
from dr.threads import together
from dr.tick.inventory import read_inventory

MANY = 40
AT_ONCE = 8


@pytest.fixture
def world():
    """Forty volumes in each of two Regions, of which each has one point too many."""
    made = World()
    for number in range(MANY):
        made.cloud.add_volume(f"vol-{number:02}", tags={"Backup": "yes"})
        made.cloud.add_volume(f"vol-c{number:02}", region="eu-central-1", tags={"Backup": "yes"})
    made.hours(3, BOTH)
    made.apply(BOTH)
    made.clock.advance(minutes=30)
    made.together = together
    return made


BOTH = policy(regions=("eu-central-1", "eu-west-1"))


def expired(world, before, noted=None, **hands):
    """What became of each deletion."""
    plan = decide([BOTH], read_inventory([BOTH], world.desk), world.clock.now())
    assert [type(action) for action in plan.actions] == [Expire] * 2 * MANY
    world.cloud = Meddled(world.cloud, "delete_snapshot", before)
    note = (lambda _: None) if noted is None else noted.append
    return execute(plan, replace(world.desk.hands, **hands), note).outcomes


def told(outcomes):
    assert len({id(outcome.action) for outcome in outcomes}) == len(outcomes)
    return Counter(outcome.result.value for outcome in outcomes)


def test_eight_deletions_are_under_way_at_once(world):
    """Each waits for seven others: one after the other, all would wait in vain."""
    meet = threading.Barrier(AT_ONCE)
    there = len(world.cloud.snapshots)

    assert told(expired(world, lambda *_: meet.wait(30))) == {"done": 2 * MANY}
    assert len(world.cloud.snapshots) == there - 2 * MANY


def test_i25_a_region_that_goes_dark_among_them_stops_no_other(world):
    def before(_number, region):
        if region == "eu-central-1":
            raise Unreachable("ec2.eu-central-1 cannot be reached")

    outcomes = expired(world, before)

    assert told(outcomes) == {"done": MANY, "failed": MANY}
    assert {o.action.lineage.region for o in outcomes if o.result.value == "done"} == {"eu-west-1"}


def test_what_one_deletion_is_refused_stops_no_other(world):
    def before(number, _region):
        if number % 4 == 0:
            raise CloudError("no", code="OperationNotPermitted")

    assert told(expired(world, before)) == {"done": 60, "failed": 20}


def test_a_lease_that_was_lost_leaves_the_rest_and_tells_what_was_under_way(world):
    beats, there = iter(range(2 * MANY)), len(world.cloud.snapshots)

    def heartbeat():
        if next(beats) == 20:
            raise Busy("another dr has taken the lease")

    outcomes = expired(world, lambda *_: None, heartbeat=heartbeat)

    assert told(outcomes) == {"done": 20, "left": 2 * MANY - 20}
    assert len(world.cloud.snapshots) == there - 20


def test_an_account_that_is_out_of_reach_ends_the_run_after_what_is_under_way(world):
    there = len(world.cloud.snapshots)

    def before(number, _region):
        if number == 10:
            raise EnvironmentFailed("the token has expired")

    done = told(expired(world, before))

    assert done["failed"] == 1
    assert done["done"] == there - len(world.cloud.snapshots) >= 9
    assert done["left"] == 2 * MANY - 1 - done["done"] > 0


def test_a_fault_of_our_own_is_raised_after_the_others_have_ended_and_were_noted(world):
    noted, there = [], len(world.cloud.snapshots)

    def before(number, _region):
        if number == 10:
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        expired(world, before, noted)
    assert told(noted) == {"done": there - len(world.cloud.snapshots)}
    assert 9 <= len(noted) < 2 * MANY


def test_who_interrupts_is_told_of_the_deletions_that_were_sent(world):
    go_on, noted, there = threading.Event(), [], len(world.cloud.snapshots)

    def before(number, _region):
        if number == AT_ONCE:
            signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
            threading.Timer(0.2, go_on.set).start()
        go_on.wait(30)

    outcomes = expired(world, before, noted)
    assert told(noted) == {"done": there - len(world.cloud.snapshots)} == {"done": AT_ONCE}
    assert told(outcomes) == {"done": AT_ONCE, "left": 2 * MANY - AT_ONCE}


def test_nothing_is_looked_at_when_no_time_is_left(world):
    looks = []
    world.cloud = Meddled(world.cloud, "owned", lambda number, _: looks.append(number))
    outcomes = expired(world, lambda *_: None, stop_at=world.clock.now())

    assert told(outcomes) == {"left": 2 * MANY}
    assert looks == []


def test_i25_a_region_whose_points_cannot_be_looked_at_is_not_asked_again(world):
    def before(_number, region):
        looks.append(region)
        if region == "eu-central-1":
            raise Unreachable("ec2.eu-central-1 cannot be reached")

    looks = []
    world.cloud = Meddled(world.cloud, "owned", before)
    hooks.put("dr.executor.expiries:_BATCH", 10)
    try:
        outcomes = expired(world, lambda *_: None)
    finally:
        hooks.put("dr.executor.expiries:_BATCH", 200)

    assert told(outcomes) == {"done": MANY, "failed": MANY}
    assert looks == ["eu-central-1", *["eu-west-1"] * (MANY // 10)]


def test_i22_an_image_whose_snapshot_could_not_be_deleted_is_told_as_deregistered():
    world = World()
    world.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    machines = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=2))
    world.hours(3, machines)
    world.cloud.failures.add("delete_snapshot", Unreachable("ec2 cannot be reached"))
    (told_of_it,) = [o for o in world.apply(machines).outcomes if o.result.value == "failed"]

    assert told_of_it.error.startswith("deregistered, but a snapshot of it stays: ")
    assert told_of_it.action.point_id not in world.cloud.images


def test_who_interrupts_before_the_first_deletion_is_told_so_of_each(world):
    """While what a change of `keep` uses up is recorded: nothing is being waited for."""
    plan = decide([BOTH], read_inventory([BOTH], world.desk), world.clock.now())
    noted, there = [], len(world.cloud.snapshots)

    def record():
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        return {}

    done = execute(plan, world.desk.hands, noted.append, record)

    assert isinstance(done.stopped, Interrupted)
    assert {(o.result.value, o.error) for o in done.outcomes} == {("left", "interrupted")}
    assert (len(done.outcomes), noted, len(world.cloud.snapshots)) == (2 * MANY, [], there)
