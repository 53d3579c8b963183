"""Where a restore keeps its records while the primary store is out of reach."""

from __future__ import annotations

import pytest
from store_kit import Pair, StillClock

from dr.store.leases import StoreLeases
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
    StoreLeases(stores.for_restore, "me", pair.clock).acquire("leases/restore")
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
