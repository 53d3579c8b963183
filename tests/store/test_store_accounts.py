"""Which accounts an Organization had, in two stores."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from store_kit import Breakable, StillClock

from dr import layout
from dr.errors import EnvironmentFailed
from dr.store.accounts import KnownAccounts

ONE, TWO = "111111111111", "222222222222"


@pytest.fixture
def stores():
    clock = StillClock()
    return tuple(Breakable(MemoryStore(name, clock)) for name in ("primary", "replica"))


def test_what_was_heard_last_is_known(stores):
    known = KnownAccounts("acme", stores)
    assert known.read() == frozenset()
    known.write([ONE, TWO])
    known.write([TWO])

    assert known.read() == {TWO}


def test_each_store_alone_knows_them(stores):
    KnownAccounts("acme", stores).write([ONE])

    assert [KnownAccounts("acme", [store]).read() for store in stores] == [{ONE}, {ONE}]


def test_a_store_that_is_away_is_told_and_the_other_one_knows(stores):
    stores[0].away = True
    with pytest.raises(EnvironmentFailed):
        KnownAccounts("acme", stores).write([ONE])

    assert KnownAccounts("acme", stores).read() == {ONE}


def test_the_same_is_not_written_again(stores):
    KnownAccounts("acme", stores).write([ONE, TWO])
    before = [store.get(layout.ACCOUNTS).etag for store in stores]
    KnownAccounts("acme", stores).write([TWO, ONE])

    assert [store.get(layout.ACCOUNTS).etag for store in stores] == before


def test_the_record_of_another_installation_is_neither_read_nor_written_over(stores):
    KnownAccounts("globex", stores).write([ONE])
    KnownAccounts("acme", stores).write([TWO])

    assert KnownAccounts("acme", stores).read() == frozenset()
    assert KnownAccounts("globex", stores).read() == {ONE}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"format": 2, "installation": "acme", "accounts": ["111111111111"]}',
        b'{"format": 1, "installation": "acme", "accounts": "111111111111"}',
        b'{"format": 1, "accounts": ["111111111111"]}',
        b'{"format": 1, "installation": "acme", "accounts": ["../111111111111", "prod"]}',
    ],
)
def test_a_damaged_record_is_none_and_written_anew(stores, body):
    known = KnownAccounts("acme", stores[:1])
    stores[0].put(layout.ACCOUNTS, body)
    assert known.read() == frozenset()
    known.write([ONE])

    assert known.read() == {ONE}
