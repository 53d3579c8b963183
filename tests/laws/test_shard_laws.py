"""A shard may be decided by itself: what all of them come to is what one decision over everything comes to."""

from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from plan_values import NOW, policy, unread, volume
from shards_made import AWAY, HOME, PLACES, a_place
from test_planner_laws import some_keep, some_point, some_record

from dr.actions import WarningCode
from dr.limits import decide
from dr.model import Inventory
from dr.status import status
from dr.tick.merging import merge_plans, merge_statuses
from dr.tick.shards import only_here

SAMPLED = settings(deadline=None, max_examples=120)


def some_worlds(seed: int, size: int):
    """Policies of which each works in some of two Regions, and what is in each Region of an account."""
    chance = random.Random(seed)
    policies = tuple(
        policy(
            name,
            keep=some_keep(chance),
            zone="Europe/Vienna",
            expire_percent=chance.randint(1, 100),
            regions=chance.choice(((HOME,), (AWAY,), (AWAY, HOME), (HOME, AWAY))),
        )
        for name in ("db", "other")
    )
    return policies, {region: some_region(chance, region, policies, size) for region in (AWAY, HOME)}


def some_region(chance: random.Random, region, policies, size) -> Inventory:
    points = []
    for number in range(size):
        made = some_point(chance, number)
        lineage = made.lineage._replace(region=region)
        points.append(replace(made, id=f"{made.id}-{region}", lineage=lineage))
    here = [one for one in policies if region in one.regions]
    records = {(one.name, region): some_record(chance, one.keep) for one in here}
    return Inventory(
        account=PLACES[region].account,
        sources=tuple(
            volume(f"vol-{n}", region=region, unready="busy" if chance.random() < 0.2 else "")
            for n in (1, 2, 3)
            if chance.random() < 0.7
        ),
        points=tuple(points),
        pins=frozenset(p.id for p in points if chance.random() < 0.1),
        applied={name: record for name, record in records.items() if record},
        unread=chance.choice([()] * 6 + [(unread(chance.choice(("points", "sources")), region=region),)]),
    )


def whole_of(seen) -> Inventory:
    """Everything at once, as one account's tick read it before there were shards."""
    several = list(seen.values())
    return Inventory(
        account=several[0].account,
        sources=tuple(one for each in several for one in each.sources),
        points=tuple(one for each in several for one in each.points),
        pins=frozenset().union(*(each.pins for each in several)),
        applied={key: record for each in several for key, record in each.applied.items()},
        unread=tuple(one for each in several for one in each.unread),
    )


def by_shard(seen, policies, look):
    return {a_place(region): look(only_here(policies, region), one, NOW) for region, one in seen.items()}


def worlds():
    """A seed for the facts; the number of points in each Region shrinks."""
    return st.builds(some_worlds, st.integers(0, 2**32), st.integers(0, 40))


def done(plan):
    """Its actions, whatever their order."""
    return sorted(map(repr, plan.actions))


@SAMPLED
@given(worlds())
def test_shards_that_are_decided_one_by_one_do_what_one_decision_over_all_of_them_does(world):
    policies, seen = world
    plans = by_shard(seen, policies, decide)
    merged = merge_plans(plans, policies, list(plans), NOW)

    assert done(merged) == done(decide(policies, whole_of(seen), NOW))


@SAMPLED
@given(worlds())
def test_a_policy_selects_nothing_in_many_shards_where_it_does_in_all_of_them_at_once(world):
    policies, seen = world
    plans = by_shard(seen, policies, decide)
    merged = merge_plans(plans, policies, list(plans), NOW)

    empty = [warn for warn in merged.warnings if warn.code is WarningCode.SELECTS_NOTHING]
    whole = decide(policies, whole_of(seen), NOW).warnings
    assert set(empty) == {warn for warn in whole if warn.code is WarningCode.SELECTS_NOTHING}


@SAMPLED
@given(worlds())
def test_the_status_of_many_shards_is_that_of_all_of_them_at_once(world):
    policies, seen = world
    rows = by_shard(seen, policies, status)
    merged, whole = merge_statuses(rows, {}, policies, NOW), status(policies, whole_of(seen), NOW)

    assert merged.ok == whole.ok
    assert sorted(map(repr, merged.sources)) == sorted(map(repr, whole.sources))
    assert sorted(map(repr, merged.unprotected)) == sorted(map(repr, whole.unprotected))
    assert sorted(map(repr, merged.orphans)) == sorted(map(repr, whole.orphans))
    assert merged.stacks == whole.stacks
