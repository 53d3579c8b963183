"""Stored stacks over one store and over two: written whole, listed from keys, away, repaired."""

from __future__ import annotations

import hashlib
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Killed, Pair, StillClock, point_of, rich, stored

from dr import layout
from dr.errors import CloudError, EnvironmentFailed, NotFound

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock(NOON + timedelta(minutes=2)))


def listed(stacks):
    return [(point.lineage.source, point.slot) for point in stacks.points(ACCOUNT, REGION)]


def contents(store):
    return {key: store.inner.get(key).body for key, _ in store.inner.keys("")}


def test_what_is_written_comes_back_from_either_store(pair):
    identity = pair.stacks.write(rich())

    assert identity == "stack/111111111111/eu-west-1/prod/20260329T120000Z"
    assert rich() == pair.stacks.read(point_of(rich()))
    pair.primary.away = True
    assert rich() == pair.stacks.read(point_of(rich()))


def test_both_stores_hold_the_same_after_a_write(pair):
    pair.stacks.write(rich())

    assert contents(pair.primary) == contents(pair.replica)
    assert pair.stacks.lag() == ()


def test_one_store_alone_is_enough(pair):
    pair.alone.write(rich())

    assert rich() == pair.alone.read(point_of(rich()))
    assert pair.alone.lag() == ()


def test_a_slot_that_is_there_stays_as_it_is(pair):
    first = stored(template="first")
    identity = pair.stacks.write(first)
    before = contents(pair.primary)

    assert identity == pair.stacks.write(stored(template="second"))
    assert before == contents(pair.primary)
    assert first == pair.stacks.read(point_of(first))


def test_a_point_is_listed_from_keys_alone(pair):
    pair.stacks.write(rich())
    pair.primary.calls.clear()
    pair.replica.calls.clear()

    (point,) = pair.stacks.points(ACCOUNT, REGION)

    assert (point.id, point.slot) == ("stack/111111111111/eu-west-1/prod/20260329T120000Z", NOON)
    assert (point_of(rich()).lineage, NOON + timedelta(minutes=2)) == (point.lineage, point.time)
    assert {"keys"} == {what for what, _ in pair.primary.calls + pair.replica.calls}


def test_a_listing_holds_this_region_of_this_account_only(pair):
    for other in (stored(), stored(region="eu-central-1"), stored(account="222222222222")):
        pair.stacks.write(other)

    assert listed(pair.stacks) == [("prod", NOON)]


def test_a_point_is_never_younger_than_its_first_copy_nor_older_than_its_slot(pair):
    pair.alone.write(stored())
    pair.clock.advance(days=3)
    pair.stacks.repair(ACCOUNT, REGION)

    assert [NOON + timedelta(minutes=2)] == [point.time for point in pair.stacks.points(ACCOUNT, REGION)]
    pair.clock.at = NOON - HOUR
    pair.alone.write(stored(NOON + HOUR))
    assert pair.alone.points(ACCOUNT, REGION)[1].time == NOON + HOUR


def test_what_is_no_manifest_is_no_point(pair):
    pair.stacks.write(stored())
    for key in (f"stacks/{ACCOUNT}/{REGION}/prod/notes.txt", f"stacks/{ACCOUNT}/{REGION}/x/1.nightly.json"):
        pair.primary.inner.put(key, b"x")

    assert listed(pair.stacks) == [("prod", NOON)]


def test_each_manifest_names_the_one_before_it_by_the_digest_of_its_bytes(pair):
    slots = [NOON, NOON + HOUR, NOON + 2 * HOUR]
    for slot in slots:
        pair.stacks.write(stored(slot))

    chain = [pair.stacks.read(point_of(stored(slot))).predecessor for slot in slots]
    keys = [layout.manifest_key(point_of(stored(slot)).lineage, slot) for slot in slots]
    digests = [hashlib.sha256(pair.file(pair.replica, key).read_bytes()).hexdigest() for key in keys]
    assert ["", *digests[:2]] == chain


def test_the_chain_goes_through_the_other_store_while_the_first_is_away(pair):
    pair.stacks.write(stored())
    pair.primary.away = True
    pair.stacks.write(stored(NOON + HOUR))
    pair.primary.away = False
    pair.stacks.repair(ACCOUNT, REGION)
    pair.stacks.write(stored(NOON + 2 * HOUR))

    reads = [pair.stacks.read(point_of(stored(NOON + n * HOUR))) for n in range(3)]
    assert [reads[0].predecessor, *(len(read.predecessor) == 64 for read in reads[1:])] == ["", True, True]


def test_chains_of_two_policies_and_of_two_stacks_are_their_own(pair):
    pair.stacks.write(stored())
    others = [stored(NOON + HOUR, policy="hourly"), stored(NOON + HOUR, name="prod2")]
    for other in others:
        pair.stacks.write(other)

    assert [pair.stacks.read(point_of(other)).predecessor for other in others] == ["", ""]


@pytest.mark.parametrize("away", ["primary", "replica"])
def test_a_write_succeeds_while_one_store_is_away_and_the_lag_is_told_and_repaired(pair, away):
    lost = getattr(pair, away)
    lost.away = True
    stacks = pair.stacks
    stacks.write(rich())
    assert [f"{away} is away" in line for line in stacks.lag()] == [True]

    lost.away = False
    key = layout.manifest_key(point_of(rich()).lineage, NOON)
    (said,) = pair.stacks.lag()
    assert f"/{away} lacks 1 version of stored stacks that" in said
    assert (key,) == pair.stacks.repair(ACCOUNT, REGION)
    assert pair.stacks.lag() == ()
    assert contents(pair.primary) == contents(pair.replica)


def test_a_write_fails_alone_when_no_store_takes_it(pair):
    pair.primary.away = pair.replica.away = True

    with pytest.raises(CloudError, match="primary is away"):
        pair.stacks.write(stored())


def test_a_listing_works_with_one_store_and_says_so(pair):
    pair.stacks.write(stored())
    pair.primary.away = True
    stacks = pair.stacks

    assert listed(stacks) == [("prod", NOON)]
    assert ["primary is away" in line for line in stacks.lag()] == [True]


def test_a_listing_is_the_union_of_both_stores(pair):
    pair.replica.away = True
    pair.stacks.write(stored())
    pair.replica.away, pair.primary.away = False, True
    pair.stacks.write(stored(NOON + HOUR))
    pair.primary.away = False

    assert listed(pair.stacks) == [("prod", NOON), ("prod", NOON + HOUR)]


def test_i4_a_listing_that_no_store_can_give_raises(pair):
    pair.primary.away = pair.replica.away = True

    with pytest.raises(EnvironmentFailed, match="primary is away"):
        pair.stacks.points(ACCOUNT, REGION)


def test_reading_what_no_store_has_says_not_found(pair):
    with pytest.raises(NotFound):
        pair.stacks.read(point_of(stored()))


def test_a_read_goes_on_with_the_replica_when_the_primary_goes_away_half_way(pair):
    pair.stacks.write(rich())
    template = layout.blob_key(hashlib.sha256(rich().template.encode()).hexdigest())

    def goes_away(_, key):
        pair.primary.away = pair.primary.away or key == template

    pair.primary.meanwhile = goes_away
    stacks = pair.stacks
    assert rich() == stacks.read(point_of(rich()))
    assert ["primary is away" in line for line in stacks.lag()] == [True]


def test_i5_a_write_killed_at_any_call_leaves_nothing_half_and_the_next_one_mends_it(tmp_path):
    """Every call of both stores is a place to die; afterwards what is listed can be read, and one more write heals."""
    for store in ("primary", "replica"):
        for at in range(100):
            pair = Pair(tmp_path / f"{store}{at}", StillClock())
            pair.stacks.write(stored(NOON - HOUR))
            broken = getattr(pair, store)
            broken.kill_at = len(broken.calls) + at
            with suppress(Killed):
                pair.stacks.write(rich())
                break
            broken.kill_at = None

            for point in pair.stacks.points(ACCOUNT, REGION):
                pair.stacks.read(point)
            pair.stacks.write(rich())
            pair.stacks.repair(ACCOUNT, REGION)

            first = pair.stacks.read(point_of(stored(NOON - HOUR)))
            second = pair.stacks.read(point_of(rich()))
            assert (stored(NOON - HOUR), rich()) == (first, replace(second, predecessor=""))
            assert contents(pair.primary) == contents(pair.replica)
            assert pair.stacks.lag() == ()
        assert at > 5


def test_i7_of_two_captures_of_one_slot_the_first_stands_in_both_stores(pair):
    """The late one found nothing there either, and comes to the manifest when it is taken."""
    first, key = stored(template="first"), layout.manifest_key(point_of(stored()).lineage, NOON)

    def another(what, where):
        if (what, where) == ("put", key):
            pair.primary.meanwhile = None
            pair.stacks.write(first)

    pair.primary.meanwhile = another
    pair.stacks.write(stored(template="late"))

    assert first == pair.stacks.read(point_of(first))
    assert pair.stacks.lag() == ()
    assert pair.primary.inner.get(key) == pair.replica.inner.get(key)


def test_a_repair_does_no_more_than_one_tick_may_and_begins_with_the_newest(pair):
    for hours in range(4):
        pair.alone.write(stored(NOON + hours * HOUR))

    lineage = point_of(stored()).lineage
    newest = tuple(layout.manifest_key(lineage, NOON + hours * HOUR) for hours in (3, 2))
    assert newest == pair.stacks.repair(ACCOUNT, REGION, at_most=2)
    (said,) = pair.stacks.lag()
    assert "lacks 2 versions of stored stacks" in said


def test_a_repair_without_a_second_store_does_nothing(pair):
    pair.alone.write(stored())

    assert pair.alone.repair(ACCOUNT, REGION) == ()
