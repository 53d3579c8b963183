"""A store that does not know the points that there are was lost, or is another one: nothing expires on its word."""

from __future__ import annotations

import shutil
from datetime import timedelta

import pytest
from tick_world import START, World, policy

from dr.actions import Expire, WarningCode
from dr.errors import Throttled
from dr.model import Claim, Protect, RetentionRule
from dr.ports import PIN_LASTS
from dr.store.directory import DirectoryStore
from dr.store.records import StoreRecords
from dr.tick.inventory import read_inventory
from dr.tick.lost import lost_store

KEEP = policy(keep=RetentionRule(last=3))


@pytest.fixture
def world(tmp_path):
    """One volume, protected by a store in a folder; four ticks have filled its keep."""
    made = World()
    made.records = StoreRecords(DirectoryStore(tmp_path / "store", made.clock), made.clock)
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    made.hours(4, KEEP)
    return made


def lose(world):
    shutil.rmtree(world.records.name)


def expired(ticks):
    return sum(isinstance(outcome.action, Expire) for done in ticks for outcome in done.outcomes)


def closed(done):
    return [warn.message for warn in done.warnings if warn.code is WarningCode.EXPIRY_CLOSED]


def test_a_first_apply_has_nothing_to_warn_of_and_expires_when_it_is_time(world):
    ticks = world.hours(3, KEEP)

    assert (expired(ticks), [done.exit_code for done in ticks]) == (3, [0, 0, 0])
    assert [done.warnings for done in ticks] == [(), (), ()]


def test_rule_3_nothing_expires_by_a_store_that_was_lost_and_captures_go_on(world):
    lose(world)
    first, second = world.hours(2, KEEP)

    assert (expired([first, second]), len(world.cloud.snapshots)) == (0, 6)
    assert [done.exit_code for done in (first, second)] == [1, 1]
    (said,) = closed(second)
    assert f"{world.records.name} was claimed only at 2026-03-02T16:00:10Z" in said
    assert "nothing expires until 2026-03-09T16:00:10Z" in said


def test_rule_3_a_point_whose_pin_was_lost_with_the_store_stays_as_long_as_pins_last(world):
    """Afterwards what the rules drop goes again, a ration at a time."""
    oldest = min(world.cloud.snapshots)
    world.records.pin("restore", [oldest])
    lose(world)
    quiet = world.hours(int(PIN_LASTS / timedelta(hours=1)), KEEP)
    assert (expired(quiet), oldest in world.cloud.snapshots) == (0, True)

    done = world.apply(KEEP)
    assert (closed(done), expired([done]) > 0) == ([], True)


def test_rule_3_a_tick_that_claims_again_does_not_make_the_lost_store_known(world):
    lose(world)
    world.apply(KEEP)
    assert [unread.what for unread in read_inventory([KEEP], world.desk).unread] == ["store"]


def test_i17_a_plan_without_a_claim_says_so_and_makes_no_store(world, tmp_path):
    lose(world)
    (unread,) = read_inventory([KEEP], world.desk).unread

    assert "is claimed by nobody" in unread.message
    assert not (tmp_path / "store").exists()


def test_a_store_that_comes_back_is_believed_at_once(world, tmp_path):
    (tmp_path / "store").rename(tmp_path / "away")
    world.apply(KEEP)
    lose(world)
    (tmp_path / "away").rename(tmp_path / "store")
    world.clock.advance(hours=1)
    done = world.apply(KEEP)

    assert (closed(done), expired([done]) > 0) == ([], True)


def test_a_machine_with_nothing_of_its_own_goes_on_with_the_store_that_is_there(world, tmp_path):
    fresh = World(clock=world.clock)
    fresh.cloud = world.cloud
    fresh.records = StoreRecords(DirectoryStore(tmp_path / "store", world.clock), world.clock)

    assert (expired(fresh.hours(2, KEEP)), closed(fresh.apply(KEEP))) == (2, [])


def test_a_claim_from_before_claims_had_a_date_is_old_enough(world):
    points = world.cloud.points("eu-west-1").points

    assert lost_store("s", Claim(installation="acme"), points, world.clock.now()) is None


def test_clocks_that_are_five_minutes_apart_lose_no_store(world):
    points = world.cloud.points("eu-west-1").points
    oldest = min(point.time for point in points)
    claims = [Claim(installation="acme", since=oldest + timedelta(minutes=5, seconds=s)) for s in (0, 1)]

    assert [lost_store("s", claim, points, START) is None for claim in claims] == [True, False]


def test_i4_nothing_expires_by_a_store_that_could_not_be_claimed_and_captures_go_on(world):
    """The claim is the last word on whose the store is: where it has no answer, that is not known."""
    real, before = world.records.claim, len(world.cloud.snapshots)

    def refused(_installation):
        raise Throttled("SlowDown")

    world.records.claim = refused
    closed_ticks = world.hours(2, KEEP)
    world.records.claim = real

    assert (expired(closed_ticks), len(world.cloud.snapshots)) == (0, before + 2)
    assert all(closed(done) for done in closed_ticks)
    assert expired([world.apply(KEEP)]) > 0


def test_rule_3_the_parts_of_images_that_are_gone_tell_of_a_lost_store_too(tmp_path):
    """Somebody deregistered every image: what is left, a restore may have pinned in the store that was lost."""
    world = World()
    world.records = StoreRecords(DirectoryStore(tmp_path / "store", world.clock), world.clock)
    world.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    machines = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=3))
    world.hours(2, machines)
    parts = set(world.cloud.snapshots)
    world.cloud.images.clear()
    lose(world)

    quiet = world.hours(30, machines)
    assert parts <= set(world.cloud.snapshots)
    assert [bool(closed(done)) for done in quiet] == [True] * 30
