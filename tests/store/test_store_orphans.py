"""Since when parts are without their image, as the store remembers it (DESIGN 5)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, StillClock

from dr import layout
from dr.errors import CloudError
from dr.store.directory import DirectoryStore
from dr.store.records import StoreRecords

EARLIER = NOON - timedelta(hours=5, microseconds=7)


@pytest.fixture
def store(tmp_path):
    return DirectoryStore(tmp_path / "store", StillClock())


@pytest.fixture
def records(store):
    return StoreRecords(store, StillClock())


def test_orphans_are_remembered_by_account_and_region(records):
    records.record_orphans(ACCOUNT, REGION, {"snap-1": EARLIER})

    assert records.orphans(ACCOUNT, REGION) == {"snap-1": EARLIER}
    assert records.orphans(ACCOUNT, "us-east-1") | records.orphans("222222222222", REGION) == {}


def test_what_is_recorded_replaces_what_was(records):
    records.record_orphans(ACCOUNT, REGION, {"snap-1": EARLIER})
    records.record_orphans(ACCOUNT, REGION, {"snap-2": NOON})

    assert records.orphans(ACCOUNT, REGION) == {"snap-2": NOON}


@pytest.mark.parametrize(
    "body",
    [b"", b'{"format": 1}', b'{"format": 1, "orphans": {"snap-1": 5}}', b'{"format": 2, "orphans": {}}'],
)
def test_rule_3_orphans_that_cannot_be_read_raise(records, store, body):
    store.put(layout.orphans_key(ACCOUNT, REGION), body)

    with pytest.raises(CloudError, match="cannot be read"):
        records.orphans(ACCOUNT, REGION)
