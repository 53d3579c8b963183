"""What CloudWatch counts of a tick over two accounts, and what it answers."""

from __future__ import annotations

import pytest
from shard_world import HOME, OTHER, OWN, a_scope, a_shard
from tick_world import World, policy

from dr.errors import Busy, Denied, EnvironmentFailed, NotEnabled
from dr.functions.metrics import tick_metrics
from dr.functions.ticking import Tick, run_tick
from dr.limits import decide
from dr.tick.everywhere import apply_everywhere

DB = policy("db", rpo=3600)


def a_world(account, *volumes):
    world = World()
    world.cloud.account = account
    for volume in volumes:
        world.cloud.add_volume(volume, HOME, tags={"Backup": "yes"})
    return world


def scope(*worlds, desks=None):
    made = desks or [lambda world=world: world.desk for world in worlds]
    accounts = [OWN, OTHER][: len(made)]
    shards = [a_shard(account, HOME, DB, desk=desk) for account, desk in zip(accounts, made, strict=True)]
    return a_scope(shards, (DB,), clock=worlds[0].clock)


def applied(worlds, desks=None):
    return apply_everywhere(scope(*worlds, desks=desks), lambda _shard: decide, lambda _outcome: None)


def raising(error):
    def desk():
        raise error

    return desk


def test_sources_and_breaches_of_every_account_are_counted_also_of_the_same_name():
    worlds = a_world(OWN, "vol-1", "vol-2"), a_world(OTHER, "vol-1")
    done = applied(worlds)
    late = tick_metrics((DB,), done, worlds[0].clock.now())

    assert (late["TickSucceeded"], late["Captured"], late["RpoBreaches"]) == (1, 3, 3)


def test_points_of_one_account_do_not_protect_the_source_of_that_name_in_another():
    worlds = a_world(OWN, "vol-1"), a_world(OTHER, "vol-1")
    worlds[0].apply(DB)
    for world in worlds:
        world.clock.advance(minutes=10)
    done = applied(worlds)

    assert tick_metrics((DB,), done, worlds[0].clock.now())["RpoBreaches"] == 1


@pytest.mark.parametrize(
    ("error", "succeeded"),
    [
        (Denied("no", code="x", action="y"), 0),
        (EnvironmentFailed("no"), 0),
        (NotEnabled("no"), 1),
        (Busy("held"), 1),
    ],
)
def test_a_tick_succeeds_where_no_account_failed(error, succeeded):
    worlds = a_world(OWN, "vol-1"), a_world(OTHER)
    done = applied(worlds, [lambda: worlds[0].desk, raising(error)])

    assert tick_metrics((DB,), done, worlds[0].clock.now())["TickSucceeded"] == succeeded


def test_the_answer_of_a_tick_has_the_outcomes_of_every_account_and_one_fingerprint():
    worlds = a_world(OWN, "vol-1"), a_world(OTHER, "vol-1")
    stamped = []

    def stamp(done):
        stamped.append(len(done.plan.actions))
        return done

    tick = Tick(installation="acme", scope=scope(*worlds), decide=decide, stamp=stamp)
    answer = run_tick(tick)

    assert [row["account"] for row in answer["outcomes"]] == [OWN, OTHER]
    assert (answer["summary"]["done"], stamped) == (2, [2])
