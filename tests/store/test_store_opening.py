"""Where a restore keeps its records while the primary store is out of reach, and stores that hold nothing."""

from __future__ import annotations

import pytest
from store_kit import Pair, StillClock, stored

from dr.store.leases import Owner, StoreLeases
from dr.store.opening import Stores
from dr.store.records import StoreRecords


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock())


def test_a_restore_keeps_its_records_in_the_primary_and_has_nothing_to_tell(pair):
    stores = Stores(primary=pair.primary, replica=pair.replica)

    assert (stores.for_restore, stores.troubles) == (pair.primary, ())


def test_while_the_primary_is_away_a_restore_can_lock_and_pin_in_the_replica_and_tells(pair):
    pair.primary.away = True
    stores = Stores(primary=pair.primary, replica=pair.replica)
    StoreLeases(stores.for_restore, Owner(name="me"), pair.clock).acquire("leases/restore")
    records = StoreRecords(stores.for_restore, pair.clock)
    records.pin("r", ["snap-1"])

    assert records.pins() == {"snap-1"}
    (said,) = stores.troubles
    assert "primary does not answer" in said
    assert "replica, where ticks do not look" in said


def test_without_a_replica_that_answers_the_primary_says_itself_what_is_wrong(pair):
    pair.primary.away = pair.replica.away = True

    for replica in (pair.replica, None):
        stores = Stores(primary=pair.primary, replica=replica)
        assert (stores.for_restore, stores.troubles) == (pair.primary, ())


def test_stores_of_nobody_are_told_with_what_to_do(pair):
    told = Stores(primary=pair.primary, replica=pair.replica).nothing()

    assert told.message == f"{pair.primary.name} and {pair.replica.name} hold nothing of any installation"
    assert ("is it mounted" in told.remedy, told.exit_code) == (True, 1)
    assert list(pair.folder.iterdir()) == []


def test_a_store_that_is_claimed_holds_something_though_no_stack_is_stored(pair):
    StoreRecords(pair.primary, pair.clock).claim("acme")

    assert Stores(primary=pair.primary, replica=None).nothing() is None


def test_a_replica_that_holds_stacks_is_enough_beside_a_primary_that_vanished(pair):
    pair.primary.away = True
    pair.stacks.write(stored())
    pair.primary.away = False

    assert Stores(primary=pair.primary, replica=pair.replica).nothing() is None


def test_a_primary_that_vanished_is_lost_whatever_the_replica_holds(pair):
    """A daemon that goes on there would lead beside the one that still sees the store."""
    pair.primary.away = True
    pair.stacks.write(stored())
    pair.primary.away = False
    stores = Stores(primary=pair.primary, replica=pair.replica)
    assert stores.lost().message == f"{pair.primary.name} holds nothing of any installation"

    StoreRecords(pair.primary, pair.clock).claim("acme")
    assert stores.lost() is None


def test_a_store_that_does_not_answer_is_not_taken_for_empty(pair):
    pair.primary.away = True

    assert Stores(primary=pair.primary, replica=None).nothing() is None
    assert Stores(primary=pair.primary, replica=None).lost() is None
