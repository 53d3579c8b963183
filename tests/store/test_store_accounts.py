"""Which accounts an Organization had, in two stores."""

from __future__ import annotations

import pytest
from memory_store import MemoryStore
from store_kit import Breakable, StillClock

from dr import layout
from dr.config.accounts import Organization
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.store.accounts import KnownAccounts
from dr.store.directory import DirectoryStore

ONE, TWO = "111111111111", "222222222222"
ALL = Organization(role="dr").choice
PROD = Organization(role="dr", tags={"Tier": ("prod", "stage")}).choice


@pytest.fixture
def stores():
    clock = StillClock()
    return tuple(Breakable(MemoryStore(name, clock)) for name in ("primary", "replica"))


def test_what_was_heard_last_is_known(stores):
    known = KnownAccounts("acme", stores)
    assert known.read(ALL) == frozenset()
    known.write(ALL, [ONE, TWO])
    known.write(ALL, [TWO])

    assert known.read(ALL) == {TWO}


def test_each_store_alone_knows_them(stores):
    KnownAccounts("acme", stores).write(ALL, [ONE])

    assert [KnownAccounts("acme", [store]).read(ALL) for store in stores] == [{ONE}, {ONE}]


def test_a_store_that_is_away_is_told_and_the_other_one_knows(stores):
    stores[0].away = True
    with pytest.raises(EnvironmentFailed):
        KnownAccounts("acme", stores).write(ALL, [ONE])

    assert KnownAccounts("acme", stores).read(ALL) == {ONE}


def test_a_record_that_is_refused_hides_no_other_and_keeps_none_from_being_written(tmp_path):
    stores = [DirectoryStore(tmp_path / name, StillClock()) for name in ("primary", "replica")]
    (tmp_path / "primary" / "shards").mkdir(parents=True)
    (tmp_path / "primary" / layout.ACCOUNTS).symlink_to("/etc/hostname")
    with pytest.raises(Refused, match="is a link"):
        KnownAccounts("acme", stores).write(ALL, [ONE])

    assert KnownAccounts("acme", stores).read(ALL) == {ONE}


def test_the_same_is_not_written_again(stores):
    KnownAccounts("acme", stores).write(ALL, [ONE, TWO])
    before = [store.get(layout.ACCOUNTS).etag for store in stores]
    KnownAccounts("acme", stores).write(ALL, [TWO, ONE])

    assert [store.get(layout.ACCOUNTS).etag for store in stores] == before


def test_what_another_choice_has_chosen_is_not_known(stores):
    """Exactly what dr.yaml names is protected, also by who has changed it while the Organization is away."""
    KnownAccounts("acme", stores).write(ALL, [ONE, TWO])

    assert KnownAccounts("acme", stores).read(PROD) == frozenset()


def test_the_same_choice_in_another_order_is_the_same():
    two = Organization(role="dr", units=("ou-1", "ou-2"), tags={"Tier": ("stage", "prod"), "A": ("b",)})
    one = Organization(role="dr", units=("ou-2", "ou-1"), tags={"A": ("b",), "Tier": ("prod", "stage")})

    assert one.choice == two.choice != PROD


def test_the_record_of_another_installation_is_neither_read_nor_written_over_and_told(stores):
    KnownAccounts("globex", stores).write(ALL, [ONE])
    with pytest.raises(CloudError, match="is of the installation 'globex'"):
        KnownAccounts("acme", stores).write(ALL, [TWO])

    assert KnownAccounts("acme", stores).read(ALL) == frozenset()
    assert KnownAccounts("globex", stores).read(ALL) == {ONE}


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"\xff",
        b'{"format": "2", "installation": "acme", "choice": "", "ids": ["111111111111"]}',
        b'{"format": 1, "installation": "acme", "choice": "", "ids": "111111111111"}',
        b'{"format": 1, "choice": "", "ids": ["111111111111"]}',
        b'{"format": 1, "installation": "acme", "choice": "", "ids": ["../111111111111", "prod"]}',
    ],
)
def test_a_damaged_record_is_none_and_written_anew(stores, body):
    known = KnownAccounts("acme", stores[:1])
    stores[0].put(layout.ACCOUNTS, body)
    assert known.read(ALL) == frozenset()
    known.write(ALL, [ONE])

    assert known.read(ALL) == {ONE}


def test_a_record_of_a_later_dr_is_not_read_and_not_written_over(stores):
    body = b'{"format": 2, "of": {"acme": ["111111111111"]}}'
    stores[0].put(layout.ACCOUNTS, body)
    known = KnownAccounts("acme", stores[:1])
    assert known.read(ALL) == frozenset()
    with pytest.raises(CloudError, match="is of format 2, and this dr writes 1"):
        known.write(ALL, [ONE])

    assert stores[0].get(layout.ACCOUNTS).body == body
