"""What people have frozen: in the primary and in the replica, and it holds where either says so (DESIGN 7.6)."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from fake_clock import FakeClock
from memory_store import MemoryStore

from dr import layout
from dr.errors import CloudError, EnvironmentFailed
from dr.model import Freeze
from dr.store.freezing import StoreFreezes
from dr.store.records import StoreRecords

START = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)


@pytest.fixture
def clock():
    return FakeClock(START)


@pytest.fixture
def primary(clock):
    return MemoryStore("the primary", clock)


@pytest.fixture
def replica(clock):
    return MemoryStore("the replica", clock)


@pytest.fixture
def freezes(primary, clock):
    return StoreFreezes(primary, None, clock)


@pytest.fixture
def both(primary, replica, clock):
    return StoreFreezes(primary, replica, clock)


def whose(freezes):
    return [one.policy for one in freezes]


class Away:
    """A store that does not answer."""

    name = "s3://away"

    def __getattr__(self, _):
        def refused(*_given, **_named):
            raise EnvironmentFailed("no route")

        return refused


def test_rule_7_6_what_is_frozen_is_read_back_with_since_when_and_why(freezes):
    freezes.freeze("nightly", "we look into it", "ann@laptop")

    assert freezes.read() == (Freeze(policy="nightly", since=START, why="we look into it", by="ann@laptop"),)


def test_rule_7_6_freezing_again_keeps_since_when_and_takes_the_new_reason(freezes, clock):
    freezes.freeze("", "first", "ann@laptop")
    clock.advance(hours=2)

    (frozen,) = freezes.freeze("", "second", "bob@desk").frozen

    assert (frozen.since, frozen.why, frozen.by) == (START, "second", "bob@desk")


def test_rule_7_6_thawing_ends_one_freeze_and_is_repeatable(freezes):
    freezes.freeze("", "all", "ann@laptop")
    freezes.freeze("nightly", "one", "ann@laptop")

    assert whose(freezes.thaw("").frozen) == ["nightly"]
    assert whose(freezes.thaw("").frozen) == ["nightly"]
    assert freezes.thaw("nightly").frozen == freezes.read() == ()


def test_rule_7_6_two_who_freeze_at_once_both_have_their_word(primary, clock, freezes):
    """The second writes on what the first has written: its own look is too old."""

    class Racing:
        name = primary.name
        raced = False

        def __getattr__(self, name):
            return getattr(primary, name)

        def get(self, key):
            found = primary.get(key)
            if not self.raced:
                self.raced = True
                freezes.freeze("weekly", "theirs", "bob@desk")
            return found

    StoreFreezes(Racing(), None, clock).freeze("nightly", "ours", "ann@laptop")

    assert whose(freezes.read()) == ["nightly", "weekly"]


@pytest.mark.parametrize(
    "body",
    [b"", b"[]", b"{}", b'{"format": 2}', b'{"format": 1}', b'{"format": 1, "freezes": [{"policy": "a"}]}'],
)
def test_rule_7_6_a_freeze_that_cannot_be_read_raises_until_that_of_all_takes_its_place(
    freezes, primary, body
):
    """A record without its list is damaged too: nothing that is written by hand may thaw by a slip."""
    primary.put(layout.FREEZES, body)

    for reads in (
        freezes.read,
        lambda: freezes.freeze("nightly", "why", "ann@laptop"),
        lambda: freezes.thaw(""),
    ):
        with pytest.raises(CloudError, match="cannot be read") as caught:
            reads()
        assert "`dr freeze --why ...` takes its place" in caught.value.remedy
    assert primary.get(layout.FREEZES).body == body

    freezes.freeze("", "why", "ann@laptop")

    assert whose(freezes.read()) == [""]


def test_rule_7_6_a_freeze_holds_when_the_stores_are_swapped_and_swapped_back(both, primary, replica, clock):
    swapped = StoreFreezes(replica, primary, clock)
    both.freeze("nightly", "one", "ann@laptop")
    StoreFreezes(replica, Away(), clock).freeze("", "while the primary was away", "bob@desk")

    assert whose(both.read()) == whose(swapped.read()) == ["", "nightly"]
    assert whose(StoreRecords(primary, clock, replica).freezes()) == ["", "nightly"]
    assert both.thaw("").frozen == both.read()
    assert whose(swapped.read()) == ["nightly"]


def test_rule_7_6_a_replica_that_is_away_stops_no_freeze_and_is_told_of(primary, clock):
    half = StoreFreezes(primary, Away(), clock)

    heard = half.freeze("", "stop", "ann@laptop")

    assert (whose(heard.frozen), str(heard.untold)) == ([""], "no route")
    assert whose(half.read()) == [""]
    assert half.thaw("").untold is not None


@pytest.mark.parametrize("body", [b"[]", b"null", b'"x"', b'{"format": 1, "frozen": {}}'])
def test_rule_7_6_a_record_of_another_shape_is_told_in_words_and_closes(both, replica, body):
    replica.put(layout.FREEZES, body)

    with pytest.raises(CloudError, match=r"freezes\.json cannot be read: no list of freezes of format 1"):
        both.read()


def test_rule_7_6_a_record_of_the_replica_that_is_damaged_closes_as_well(both, replica):
    replica.put(layout.FREEZES, b"{")

    with pytest.raises(CloudError, match=r"the replica/words/freezes\.json cannot be read"):
        both.read()


def test_rule_7_6_of_what_both_say_the_primary_s_words_are_told(both, primary, clock):
    both.freeze("", "first", "ann@laptop")
    clock.advance(hours=1)
    StoreFreezes(primary, None, clock).freeze("", "second", "bob@desk")

    assert [one.why for one in both.read()] == ["second"]
