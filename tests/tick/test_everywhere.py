"""Plan and apply in every shard: a person's word is held against all of them before any begins."""

from __future__ import annotations

import json
import signal
import threading
import time
from dataclasses import replace
from functools import partial

import pytest
from shard_world import AWAY, HOME, OTHER, OWN, a_scope, a_shard
from tick_world import World, policy

from dr.actions import Expire, Result, WarningCode
from dr.errors import Busy, CloudError, Denied, EnvironmentFailed, Interrupted, NotEnabled, Refused
from dr.layout import lease_key
from dr.limits import decide
from dr.model import RetentionRule
from dr.planfile import Context, parse, to_document
from dr.tick.everywhere import Saved, apply_everywhere, as_saved, plan_everywhere, with_the_word
from dr.tick.looking import points_everywhere, status_everywhere

DB = policy("db", regions=(AWAY, HOME))
FEW = replace(DB, keep=RetentionRule(last=2))


class Two(World):
    """One account with a volume in each of two Regions."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for region in (AWAY, HOME):
            self.cloud.add_volume(f"vol-{region}", region, tags={"Backup": "yes"})

    def shards(self, *policies):
        return [a_shard(OWN, region, *(policies or (DB,)), desk=lambda: self.desk) for region in (AWAY, HOME)]

    def scope(self, *policies):
        return a_scope(self.shards(*policies), policies or (DB,), clock=self.clock)

    def tick(self, *policies):
        return applied(self.scope(*policies), lambda _shard: decide)

    def ticks(self, number, *policies):
        for _ in range(number):
            self.tick(*policies)
            self.clock.advance(hours=1)

    def saved(self, *policies):
        """A plan as a file holds it, and what it has to fit."""
        asked = policies or (DB,)
        context = Context(
            installation="acme",
            account=OWN,
            policies={one.name: "digest" for one in asked},
            config="config",
            asked=tuple(one.name for one in asked),
        )
        made = plan_everywhere(self.scope(*asked), decide).plan
        plan = parse(json.dumps(to_document(made, context)))
        return Saved(plan=plan, policies=asked, context=context)

    def carry_out(self, saved):
        scope = self.scope(*saved.policies)
        deciding = with_the_word(scope, as_saved(scope, saved), saved.plan, None)
        return applied(scope, deciding, every=True)


def applied(scope, deciding, **how):
    return apply_everywhere(scope, deciding, lambda _outcome: None, **how)


def results(done):
    return sorted((one.action.lineage.region, type(one.action).__name__, one.result) for one in done.outcomes)


class Closed:
    """A cloud of which one Region refuses every listing."""

    def __init__(self, cloud, region) -> None:
        self._cloud, self._region = cloud, region

    def __getattr__(self, name):
        return partial(self._listed, name) if name in ("sources", "points") else getattr(self._cloud, name)

    def _listed(self, name, *given):
        if self._region in given:
            raise Denied("not able to validate", code="AuthFailure", action="ec2:Describe")
        return getattr(self._cloud, name)(*given)


# --- a saved plan -----------------------------------------------------------------------------------------------------


def test_a_saved_plan_over_two_regions_is_carried_out_in_both():
    world = Two()
    world.ticks(4)
    done = world.carry_out(world.saved())

    assert results(done) == [
        (region, what, Result.DONE) for region in (AWAY, HOME) for what in ("Capture", "Expire")
    ]
    assert done.exit_code == 0


@pytest.mark.parametrize("region", [AWAY, HOME])
def test_i16_a_saved_plan_is_refused_whole_before_any_change_where_one_region_s_expiry_moved(region):
    world = Two()
    world.ticks(4)
    saved = world.saved()
    moved = next(one for one in world.cloud.snapshots.values() if one.region == region)
    world.cloud.tag(moved.id, "dr:hold")
    before, calls = world.state(), list(world.cloud.calls)

    with pytest.raises(Refused, match=f"^{OWN}/{region}: the plan is stale"):
        world.carry_out(saved)
    assert (world.state(), world.cloud.calls) == (before, calls)


def test_i16_a_saved_plan_is_refused_whole_where_a_region_of_its_actions_cannot_be_read():
    world = Two()
    world.ticks(4)
    saved = world.saved()
    world.cloud = Closed(world.cloud, AWAY)
    calls = list(world.cloud.calls)

    with pytest.raises(Refused):
        world.carry_out(saved)
    assert world.cloud.calls == calls


def test_a_saved_plan_that_was_applied_is_refused():
    world = Two()
    world.ticks(4)
    saved = world.saved()
    world.carry_out(saved)

    with pytest.raises(Refused, match="stale"):
        world.carry_out(saved)


def test_a_saved_plan_with_a_capture_that_moved_in_one_region_does_the_rest():
    world = Two()
    saved = world.saved()
    world.apply(replace(DB, regions=(AWAY,)))
    done = world.carry_out(saved)

    assert results(done) == [(HOME, "Capture", Result.DONE)]
    assert WarningCode.PLAN_MOVED in {warn.code for warn in done.warnings}


def test_a_saved_plan_with_actions_where_nothing_is_protected_now_is_refused():
    world = Two()
    saved = world.saved()
    here = a_scope(world.shards()[1:], (DB,), clock=world.clock)

    with pytest.raises(Refused, match=f"it has actions in {OWN}/{AWAY}, where nothing is protected now"):
        as_saved(here, saved)


# --- blocked expiries -------------------------------------------------------------------------------------------------


def blocked_world():
    """A policy that keeps much less than before: in each of the two Regions as much waits for a person's word."""
    world = Two()
    much = replace(DB, keep=RetentionRule(last=20))
    world.ticks(12, much)
    plan = plan_everywhere(world.scope(FEW), decide).plan
    return world, [one for one in plan.actions if isinstance(one, Expire) and one.blocked]


def allowing(scope, number):
    return with_the_word(scope, lambda _shard: decide, None, number)


def test_a_number_of_expiries_that_a_person_allows_is_that_of_all_regions():
    world, blocked = blocked_world()
    by_region = {region: sum(one.lineage.region == region for one in blocked) for region in (AWAY, HOME)}
    assert all(by_region.values()), by_region
    scope = world.scope(FEW)
    done = applied(scope, allowing(scope, len(blocked)))

    went = {
        one.action.point_id
        for one in done.outcomes
        if one.result is Result.DONE and isinstance(one.action, Expire)
    }
    assert went >= {one.point_id for one in blocked}
    assert done.exit_code == 0


def test_another_number_is_refused_before_any_call_also_that_of_one_region_alone():
    world, blocked = blocked_world()
    calls = list(world.cloud.calls)

    for number in {1, len(blocked) // 2, len(blocked) - 1, len(blocked) + 1} - {len(blocked)}:
        with pytest.raises(Refused):
            allowing(world.scope(FEW), number)
    assert world.cloud.calls == calls


def test_a_region_that_moved_after_the_word_was_held_against_it_is_refused_and_the_other_is_done():
    world, blocked = blocked_world()
    scope = world.scope(FEW)
    deciding = allowing(scope, len(blocked))
    one = next(snapshot for snapshot in world.cloud.snapshots.values() if snapshot.region == HOME)
    world.cloud.tag(one.id, "dr:hold")
    done = applied(scope, deciding)

    refused = [error for error in done.failed.values() if isinstance(error, Refused)]
    assert (len(refused), done.exit_code) == (1, 4)
    assert {outcome.action.lineage.region for outcome in done.outcomes} == {AWAY}


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_a_region_that_is_not_enabled_is_warned_of_beside_others_in_a_plan_an_apply_a_status_and_the_points():
    world = Two()
    world.cloud.not_enabled = {AWAY}
    world.cloud = Closed(world.cloud, AWAY)
    planned = plan_everywhere(world.scope(), decide)
    status, whole = status_everywhere(world.scope())
    points = points_everywhere(world.scope())
    done = world.tick()

    assert (planned.whole, whole, points.unread, done.exit_code) == (True, True, (), 0)
    for warnings in (planned.plan.warnings, status.warnings, done.warnings):
        (warn,) = [one for one in warnings if one.code is WarningCode.REGION_NOT_ENABLED]
        assert warn.message.startswith(f"{OWN}/{AWAY}: {OWN} has not enabled {AWAY}")
    assert results(done) == [(HOME, "Capture", Result.DONE)]


def test_a_region_that_is_enabled_and_refuses_is_a_failure():
    world = Two()
    world.cloud = Closed(world.cloud, AWAY)
    planned, (status, whole) = plan_everywhere(world.scope(), decide), status_everywhere(world.scope())
    done = world.tick()

    assert (planned.whole, whole, status.ok, done.exit_code) == (False, False, False, 1)
    assert results(done) == [(HOME, "Capture", Result.DONE)]


def test_where_no_region_is_enabled_the_run_fails():
    world = Two()
    world.cloud.not_enabled = {AWAY, HOME}
    world.cloud = Closed(Closed(world.cloud, AWAY), HOME)

    for look in (
        lambda: plan_everywhere(world.scope(), decide),
        world.tick,
        lambda: status_everywhere(world.scope()),
    ):
        with pytest.raises(EnvironmentFailed, match=f"{OWN} has not enabled {HOME}"):
            look()


def test_a_region_of_which_points_are_seen_is_enabled_whatever_aws_says():
    world = Two()
    world.tick()
    world.cloud.failures.add("sources", *[CloudError("no", code="x")] * 2)
    world.cloud.not_enabled = {AWAY, HOME}

    assert [miss.what for miss in plan_everywhere(world.scope(), decide).inventory.unread] == ["sources"] * 2


# --- leases and interrupts --------------------------------------------------------------------------------------------


def test_a_region_whose_lease_others_hold_is_busy_and_the_other_goes_on():
    world = Two()
    world.leases.acquire(lease_key(OWN, AWAY, "db"))
    done = world.tick()

    assert (results(done), done.exit_code, done.failed) == ([(HOME, "Capture", Result.DONE)], 5, {})
    assert [warn.code for warn in done.warnings] == [WarningCode.BUSY]


def test_where_others_hold_every_lease_the_run_is_busy():
    world = Two()
    for region in (AWAY, HOME):
        world.leases.acquire(lease_key(OWN, region, "db"))

    with pytest.raises(Busy):
        world.tick()


@pytest.mark.parametrize("look", ["plan", "status", "points", "word"])
def test_who_interrupts_while_everything_is_read_gets_no_answer_of_a_part(look):
    world = Two()

    def interrupting():
        time.sleep(0.5)  # the other Region has been read by now
        signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)
        time.sleep(0.1)
        return world.desk

    shards = [a_shard(OWN, AWAY, DB, desk=interrupting), world.shards()[1]]
    scope = a_scope(shards, (DB,), clock=world.clock)
    looks = {
        "plan": lambda: plan_everywhere(scope, decide),
        "status": lambda: status_everywhere(scope),
        "points": lambda: points_everywhere(scope),
        "word": lambda: with_the_word(scope, lambda _shard: decide, None, 3),
    }
    with pytest.raises(Interrupted):
        looks[look]()


def test_an_account_beside_others_has_actions_of_its_own():
    world, other = Two(), World()
    other.cloud.account = OTHER
    other.cloud.add_volume("vol-other", HOME, tags={"Backup": "yes"})
    shards = [*world.shards(), a_shard(OTHER, HOME, DB, desk=lambda: other.desk)]
    done = applied(a_scope(shards, (DB,)), lambda _shard: decide)

    found = {(one.action.lineage.account, one.action.lineage.region) for one in done.outcomes}
    assert found == {(OWN, AWAY), (OWN, HOME), (OTHER, HOME)}


def test_an_error_of_one_shard_that_has_done_nothing_is_not_enabled_or_a_failure_by_its_kind():
    """What a shard's desk cannot be had for is told of it alone."""

    def no_desk():
        raise NotEnabled("not here")

    world = Two()
    shards = [a_shard(OWN, AWAY, DB, desk=no_desk), world.shards()[1]]
    done = applied(a_scope(shards, (DB,)), lambda _shard: decide)

    assert (done.exit_code, results(done)) == (0, [(HOME, "Capture", Result.DONE)])
