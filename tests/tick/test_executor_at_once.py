"""Captures that are under way at once: each action has one outcome, whatever ends the run among them."""

from __future__ import annotations

import signal
import threading
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from tick_world import START, Meddled, World, policy

from dr.actions import Capture
from dr.errors import Busy, EnvironmentFailed, Interrupted, Throttled, Unreachable
from dr.executor.hands import in_turn
from dr.executor.run import execute
from dr.limits import decide
from dr.model import Protect
from dr.threads import together
from dr.tick.inventory import read_inventory

MANY = 40
AT_ONCE = 8


@pytest.fixture
def world():
    made = World()
    made.together = together
    for number in range(MANY):
        made.cloud.add_volume(f"vol-{number:02}", tags={"Backup": "yes"})
    return made


def told(outcomes):
    """How many of each result; each action exactly once."""
    assert len({id(outcome.action) for outcome in outcomes}) == len(outcomes)
    return Counter(outcome.result.value for outcome in outcomes)


def test_eight_creates_are_under_way_at_once(world):
    """Each waits for seven others: one after the other, all would wait in vain."""
    meet = threading.Barrier(AT_ONCE)
    world.cloud = Meddled(world.cloud, "create_snapshot", lambda *_: meet.wait(30))

    done = world.apply()

    assert told(done.outcomes) == {"done": MANY}
    assert len({tags.tags["dr:source"] for tags in world.cloud.snapshots.values()}) == MANY


def test_an_account_that_is_out_of_reach_ends_the_run_after_what_is_under_way(world):
    def before(number, _region):
        if number == 10:
            raise EnvironmentFailed("the token has expired")

    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = told(world.apply().outcomes)

    assert done["failed"] == 1
    assert done["left"] > 0
    assert done["done"] == len(world.cloud.snapshots) >= 9
    assert sum(done.values()) == MANY


def test_a_lease_that_was_lost_leaves_the_rest_and_tells_what_was_under_way(world):
    beats = iter(range(MANY))
    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())

    def heartbeat():
        if next(beats) == 20:
            raise Busy("another dr has taken the lease")

    outcomes = execute(plan, replace(world.desk.hands, heartbeat=heartbeat), lambda _: None).outcomes

    assert told(outcomes) == {"done": 20, "left": MANY - 20}
    assert len(world.cloud.snapshots) == 20


def test_i25_a_region_that_goes_dark_among_them_stops_no_other(world):
    for number in range(MANY):
        world.cloud.add_volume(f"vol-c{number:02}", region="eu-central-1", tags={"Backup": "yes"})

    def before(_number, region):
        if region == "eu-central-1":
            raise Unreachable("ec2.eu-central-1 cannot be reached")

    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = world.apply(policy(regions=("eu-central-1", "eu-west-1")))

    assert told(done.outcomes) == {"done": MANY, "failed": MANY}
    assert {o.action.lineage.region for o in done.outcomes if o.result.value == "done"} == {"eu-west-1"}


def test_i21_time_that_runs_out_among_them_leaves_the_rest(world):
    world.stop_at = START + timedelta(seconds=20)
    lock = threading.Lock()

    def before(number, _region):
        with lock:
            world.clock.advance(seconds=1)

    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = told(world.apply().outcomes)

    assert 20 <= done["done"] <= 20 + AT_ONCE
    assert done["done"] + done["left"] == MANY


def test_a_fault_of_our_own_is_raised_after_the_others_have_ended_and_were_noted(world):
    def before(number, _region):
        if number == 10:
            raise ZeroDivisionError

    noted = []
    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    with pytest.raises(ZeroDivisionError):
        execute(plan, world.desk.hands, noted.append)
    assert told(noted) == {"done": len(world.cloud.snapshots)}
    assert 9 <= len(noted) < MANY


def interrupt(*signals):
    """As Ctrl-C does, or whoever ends the process."""
    for number in signals:
        signal.pthread_kill(threading.main_thread().ident, number)


def test_who_interrupts_twice_does_not_wait_and_what_is_under_way_tries_nothing_again(world):
    go_on, begun, there = threading.Event(), [], threading.active_count()

    def before(number, _region):
        begun.append(number)
        if number == AT_ONCE:
            interrupt(signal.SIGINT, signal.SIGTERM)
        go_on.wait(30)
        raise Throttled("too fast")

    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = execute(plan, world.desk.hands, lambda _: None)
    go_on.set()

    assert isinstance(done.stopped, Interrupted)
    assert told(done.outcomes) == {"failed": AT_ONCE, "left": MANY - AT_ONCE}
    assert {o.error for o in done.outcomes if o.result.value == "failed"} == {
        "AWS has not answered, and it may be done all the same: interrupted"
    }
    while threading.active_count() > there:
        threading.Event().wait(0.01)
    assert len(begun) == AT_ONCE


def test_who_interrupts_while_an_outcome_is_told_is_told_of_all_that_were_sent(world):
    """The first of eight has ended, and is being told: the seven others are waited for all the same."""
    go_on, noted = threading.Event(), []

    def before(number, _region):
        if number > 1:
            go_on.wait(30)

    def report(outcome):
        noted.append(outcome)
        if len(noted) == 1:
            threading.Timer(0.2, go_on.set).start()
            interrupt(signal.SIGINT)

    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = execute(plan, world.desk.hands, report)

    assert told(done.outcomes) == {"done": AT_ONCE, "left": MANY - AT_ONCE}
    assert len(world.cloud.snapshots) == AT_ONCE == len(noted)


def test_a_fault_of_our_own_is_seen_whoever_interrupts(world):
    def before(number, _region):
        if number == 3:
            interrupt(signal.SIGINT)
            raise ZeroDivisionError

    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    with pytest.raises(ZeroDivisionError):
        execute(plan, world.desk.hands, lambda _: None)


def test_what_is_under_way_when_the_lease_is_lost_tries_nothing_again(world):
    lost, begun, beats = threading.Event(), [], iter(range(MANY))

    def before(number, _region):
        begun.append(number)
        if number > 1:
            lost.wait(30)
            raise Throttled("too fast")

    def heartbeat():
        if next(beats) == AT_ONCE:
            lost.set()
            raise Busy("another dr has taken the lease")

    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = execute(plan, replace(world.desk.hands, heartbeat=heartbeat), lambda _: None)

    assert told(done.outcomes) == {"done": 1, "failed": AT_ONCE - 1, "left": MANY - AT_ONCE}
    assert len(begun) == AT_ONCE


class Interrupting:
    """Whatever it stands for, and somebody who interrupts when a call of it has had its effect."""

    def __init__(self, inner, method, *signals):
        self._inner, self._method, self._signals = inner, method, signals

    def __getattr__(self, name):
        found = getattr(self._inner, name)
        if name != self._method:
            return found

        def call(*given):
            answer = found(*given)
            interrupt(*self._signals)
            return answer

        return call


def test_a_stack_that_was_interrupted_in_its_turn_may_be_done_all_the_same(world):
    world.stacks.add("prod")
    stacks = policy("stacks", Protect.STACKS)
    plan = decide([stacks], read_inventory([stacks], world.desk), world.clock.now())
    kept = world.store.kept
    world.store = Interrupting(world.store, "write", signal.SIGINT, signal.SIGTERM)
    done = execute(plan, world.desk.hands, lambda _: None)

    assert told(done.outcomes) == {"failed": 1}
    assert len(kept) == 1


def test_who_interrupts_what_comes_after_the_actions_is_told_of_them_all(world):
    class Leases:
        def acquire(self, key):
            return Interrupting(leases.acquire(key), "release", signal.SIGINT)

    leases, world.leases = world.leases, Leases()
    done = world.apply()

    assert told(done.outcomes) == {"done": MANY}
    assert (done.exit_code, isinstance(done.interrupted, Interrupted)) == (130, True)


def test_who_interrupts_is_told_of_the_creates_that_were_sent(world):
    """Ctrl-C, while eight creates are on their way to EC2: each ends with its outcome, and none is tried again."""
    go_on, noted = threading.Event(), []

    def before(number, _region):
        if number == AT_ONCE:
            interrupt(signal.SIGINT)
            threading.Timer(0.2, go_on.set).start()
        go_on.wait(30)

    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", before)
    done = execute(plan, world.desk.hands, noted.append)
    assert isinstance(done.stopped, Interrupted)
    assert told(noted) == {"done": len(world.cloud.snapshots)} == {"done": AT_ONCE}
    assert told(done.outcomes) == {"done": AT_ONCE, "left": MANY - AT_ONCE}


def test_i21_what_is_throttled_when_the_time_is_up_is_not_tried_again(world):
    world.together, world.stop_at = in_turn, START + timedelta(seconds=1)
    world.cloud.failures.add("create_snapshot", *[Throttled("too fast")] * 4)
    done = world.apply()

    assert told(done.outcomes) == {"failed": 1, "left": MANY - 1}
    assert world.clock.now() - START < timedelta(seconds=5)


def test_the_most_overdue_begin_first(world):
    begun = []
    plan = decide([policy()], read_inventory([policy()], world.desk), world.clock.now())
    world.cloud = Meddled(world.cloud, "create_snapshot", lambda *_: None)
    inner = world.cloud.create_snapshot
    world.cloud.create_snapshot = lambda region, volume, tags: (
        begun.append(volume),
        inner(region, volume, tags),
    )[1]
    outcomes = execute(plan, world.desk.hands, lambda _: None).outcomes

    wanted = [action.lineage.source for action in plan.actions if isinstance(action, Capture)]
    assert told(outcomes) == {"done": MANY}
    assert all(abs(begun.index(source) - place) < AT_ONCE for place, source in enumerate(wanted))


def test_an_inventory_is_the_same_in_whatever_order_its_listings_end(world):
    both = policy(regions=("eu-central-1", "eu-west-1"))
    world.cloud.add_volume("vol-c", region="eu-central-1", tags={"Backup": "yes"})
    world.apply(both)
    world.together = in_turn
    wanted = read_inventory([both], world.desk)

    def backwards(jobs, **_):
        return iter([job() for job in reversed(list(jobs))])

    for how in (together, backwards):
        world.together = how
        assert read_inventory([both], world.desk) == wanted
    assert {point.lineage.region for point in wanted.points} == {"eu-central-1", "eu-west-1"}


def test_listings_are_asked_for_at_once(world):
    """Points and sources of two Regions: each of the four waits for the three others."""
    meet = threading.Barrier(4)

    class Waits:
        def __getattr__(self, name):
            if name in ("points", "sources"):
                meet.wait(30)
            return getattr(inner, name)

    inner, world.cloud = world.cloud, Waits()
    both = policy(regions=("eu-central-1", "eu-west-1"))
    assert len(read_inventory([both], world.desk).sources) == MANY
