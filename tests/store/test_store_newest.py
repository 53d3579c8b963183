"""Which version a restore takes, and what it makes of two stores that differ about the newest (I15, DESIGN 8)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Pair, StillClock, point_of, stored

from dr import layout
from dr.errors import Refused
from dr.recovery.asked import Asked
from dr.recovery.preparing import choose_version
from dr.store.documents import pack

HOUR = timedelta(hours=1)
SLOTS = [NOON, NOON + HOUR, NOON + 2 * HOUR]


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock(NOON + 5 * HOUR))


@pytest.fixture
def copied(pair):
    """Three versions whose copies were made days later, newest first; the primary is away since."""
    for slot in SLOTS:
        pair.alone.write(stored(slot))
    for _ in SLOTS:
        pair.clock.advance(days=1)
        pair.stacks.repair(ACCOUNT, REGION, at_most=1)
    pair.primary.away = True
    return pair


def manifest_of(stack):
    return layout.manifest_key(point_of(stack).lineage, stack.slot)


def chosen(pair, at=None):
    stacks = pair.stacks
    asked = Asked(stack="prod", at=at)
    return choose_version(stacks.points(ACCOUNT, REGION), asked, pair.clock.now(), stacks).slot


def test_of_copies_that_were_made_newest_first_the_newest_slot_is_restored(copied):
    assert chosen(copied) == SLOTS[2]


@pytest.mark.parametrize(
    ("after", "expected"), [(61, SLOTS[1]), (60, SLOTS[0]), (59, SLOTS[0]), (121, SLOTS[2])]
)
def test_at_counts_when_a_version_was_captured_and_not_when_it_was_copied(copied, after, expected):
    """Each was captured one minute and five microseconds after its slot."""
    assert chosen(copied, NOON + timedelta(minutes=after, seconds=1)) == expected


def test_a_moment_before_the_first_capture_is_refused_also_where_its_slot_is_older(copied):
    with pytest.raises(Refused, match="no version of prod was stored at or before 2026-03-29T12:00:30Z"):
        chosen(copied, NOON + timedelta(seconds=30))


def test_i15_a_primary_that_went_back_in_time_stops_a_restore_of_every_version(pair):
    for slot in SLOTS[:2]:
        pair.stacks.write(stored(slot))
    pair.file(pair.primary, manifest_of(stored(SLOTS[1]))).unlink()

    for slot in SLOTS[:2]:
        with pytest.raises(Refused, match="put back to an older state") as refused:
            pair.stacks.read(point_of(stored(slot)))
        assert "dr apply" in refused.value.remedy


def test_a_version_that_only_the_replica_took_can_be_restored_once_it_is_repaired(pair):
    pair.stacks.write(stored())
    pair.primary.away = True
    pair.stacks.write(stored(SLOTS[1]))
    pair.primary.away = False
    with pytest.raises(Refused, match="lacks"):
        pair.stacks.read(point_of(stored(SLOTS[1])))
    pair.stacks.repair(ACCOUNT, REGION)

    assert pair.stacks.read(point_of(stored(SLOTS[1]))).slot == SLOTS[1]


def test_a_replica_that_is_behind_is_told_and_stops_nothing(pair):
    pair.stacks.write(stored())
    pair.alone.write(stored(SLOTS[1]))
    stacks = pair.stacks

    assert stored() == stacks.read(point_of(stored()))
    assert any("lacks the newest version" in line for line in stacks.lag())


def test_i15_a_newest_version_that_no_repair_would_copy_stops_a_restore(pair):
    pair.stacks.write(stored())
    pair.alone.write(stored(SLOTS[1]))
    pair.file(pair.primary, manifest_of(stored(SLOTS[1]))).write_bytes(b"{}")

    with pytest.raises(Refused, match="20260329T130000Z"):
        pair.stacks.read(point_of(stored()))


def test_i15_newest_versions_that_differ_stop_their_restore_and_are_told_at_that_of_an_older_one(pair):
    for slot in SLOTS[:2]:
        pair.stacks.write(stored(slot))
    forged = pack(stored(SLOTS[1], template="forged"), None).manifest
    pair.file(pair.primary, manifest_of(stored(SLOTS[1]))).write_bytes(forged)

    with pytest.raises(Refused, match="disagree"):
        pair.stacks.read(point_of(stored(SLOTS[1])))
    stacks = pair.stacks
    assert stored() == stacks.read(point_of(stored()))
    assert any("disagree" in said for said in stacks.lag())


@pytest.mark.parametrize("damaged", ["primary", "replica"])
def test_i15_of_two_that_differ_the_damaged_one_is_named_with_what_to_do(pair, damaged):
    pair.stacks.write(stored())
    bad = getattr(pair, damaged)
    pair.file(bad, manifest_of(stored())).write_bytes(b"{}")

    with pytest.raises(Refused) as refused:
        pair.stacks.read(point_of(stored()))
    assert refused.value.message.startswith(f"{bad.name}/stacks/")
    assert f"move it out of {bad.name}" in refused.value.remedy
    pair.file(bad, manifest_of(stored())).unlink()
    pair.stacks.repair(ACCOUNT, REGION)
    assert stored() == pair.stacks.read(point_of(stored()))


def test_a_newest_version_that_expired_from_both_stores_stops_nothing(pair):
    for slot in SLOTS[:2]:
        pair.stacks.write(stored(slot))
    pair.stacks.expire(point_of(stored(SLOTS[1])))

    assert stored() == pair.stacks.read(point_of(stored()))


@pytest.mark.parametrize("away", ["primary", "replica"])
def test_one_store_alone_is_believed_and_it_is_told(pair, away):
    pair.stacks.write(stored())
    getattr(pair, away).away = True
    stacks = pair.stacks

    assert stored() == stacks.read(point_of(stored()))
    assert [f"{away} is away" in line for line in stacks.lag()] == [True]
