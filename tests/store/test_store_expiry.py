"""Expiring stored stacks: the manifest first, garbage later, and nothing while a store is out of reach."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Killed, Pair, StillClock, point_of, rich, stored

from dr import layout
from dr.errors import CloudError, NotFound

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock())


def blob_of(text):
    return layout.blob_key(hashlib.sha256(text.encode()).hexdigest())


def manifest_of(stack):
    return layout.manifest_key(point_of(stack).lineage, stack.slot)


def blobs(store):
    return {key for key, _ in store.inner.keys("blobs/")}


def slots(pair):
    return [point.slot for point in pair.stacks.points(ACCOUNT, REGION)]


def test_an_expired_point_is_gone_from_both_stores_and_the_others_stay(pair):
    for hours in range(3):
        pair.stacks.write(stored(NOON + hours * HOUR, template=str(hours)))
    pair.clock.advance(days=2)
    pair.stacks.expire(point_of(stored(NOON + HOUR)))

    assert slots(pair) == [NOON, NOON + 2 * HOUR]
    with pytest.raises(NotFound):
        pair.stacks.read(point_of(stored(NOON + HOUR)))
    assert [pair.stacks.read(point_of(stored(slot))).template for slot in slots(pair)] == ["0", "2"]
    assert pair.stacks.lag() == ()


def test_expiring_what_has_gone_is_success_and_says_that_it_was_not_there(pair):
    pair.stacks.write(stored())

    assert [pair.stacks.expire(point_of(stored())) for _ in range(2)] == [True, False]
    assert slots(pair) == []


def test_a_template_that_no_manifest_names_goes_after_a_day(pair):
    pair.stacks.write(stored(template="old"))
    pair.stacks.write(stored(NOON + HOUR, template="new"))
    pair.clock.advance(days=1, seconds=1)
    pair.stacks.expire(point_of(stored()))

    assert [{blob_of("new")}] * 2 == [blobs(store) for store in pair.both]


def test_a_template_that_is_younger_than_a_day_stays(pair):
    pair.stacks.write(stored(template="old"))
    pair.stacks.write(stored(NOON + HOUR, template="new"))
    pair.clock.advance(days=1)
    pair.stacks.expire(point_of(stored()))

    assert [{blob_of("old"), blob_of("new")}] * 2 == [blobs(store) for store in pair.both]


@pytest.mark.parametrize(
    "other",
    [
        stored(name="other", template="shared"),
        stored(region="eu-central-1", template="shared"),
        stored(account="222222222222", policy="p", template="shared"),
        stored(name="other", children={"Net": stored(template="shared")}),
        stored(name="other", processed="shared"),
    ],
)
def test_i1_a_template_that_any_other_manifest_names_stays(pair, other):
    pair.stacks.write(stored(template="shared"))
    pair.stacks.write(stored(NOON + HOUR, template="new"))
    pair.stacks.write(other)
    pair.clock.advance(days=9)
    pair.stacks.expire(point_of(stored()))

    assert other == pair.stacks.read(point_of(other))


def test_garbage_of_a_killed_capture_goes_with_the_next_sweep(pair):
    pair.primary.kill_at = None
    for store in pair.both:
        store.inner.put(blob_of("nobody's"), b"nobody's")
    pair.stacks.write(stored(template="old"))
    pair.stacks.write(stored(NOON + HOUR, template="new"))
    pair.clock.advance(days=2)
    pair.stacks.expire(point_of(stored()))

    assert [{blob_of("new")}] * 2 == [blobs(store) for store in pair.both]


def test_an_unchanged_template_costs_no_search_for_garbage(pair):
    for hours in range(2):
        pair.alone.write(stored(NOON + hours * HOUR))
    pair.clock.advance(days=2)
    pair.primary.calls.clear()
    pair.alone.expire(point_of(stored()))

    assert ("keys", "blobs/") not in pair.primary.calls
    assert len(pair.primary.calls) <= 4


@pytest.mark.parametrize("away", ["primary", "replica"])
def test_i4_nothing_expires_while_one_store_is_out_of_reach(pair, away):
    pair.stacks.write(stored())
    getattr(pair, away).away = True

    with pytest.raises(CloudError, match=f"{away} is away"):
        pair.stacks.expire(point_of(stored()))
    getattr(pair, away).away = False
    assert [len(list(store.inner.keys("stacks/"))) for store in pair.both] == [1, 1]


def test_i4_no_template_goes_while_a_manifest_cannot_be_read(pair):
    pair.alone.write(stored(template="old"))
    pair.alone.write(stored(NOON + HOUR, template="new"))
    pair.alone.write(stored(name="damaged", template="whose?"))
    pair.file(pair.primary, manifest_of(stored(name="damaged"))).write_bytes(b"{}")
    pair.clock.advance(days=2)
    stacks = pair.alone
    stacks.expire(point_of(stored()))

    assert {blob_of("old"), blob_of("new"), blob_of("whose?")} == blobs(pair.primary)
    assert any("damaged" in line for line in stacks.lag())


def test_a_damaged_manifest_can_expire(pair):
    pair.stacks.write(stored())
    pair.stacks.write(stored(NOON + HOUR))
    for store in pair.both:
        pair.file(store, manifest_of(stored())).write_bytes(b"{}")
    pair.stacks.expire(point_of(stored()))

    assert slots(pair) == [NOON + HOUR]


def test_a_template_that_a_capture_takes_up_again_is_fresh_for_every_sweep(pair):
    """Its old manifest may expire, and a sweep run, between a capture's templates and its manifest."""
    pair.alone.write(stored(template="again"))
    pair.alone.write(stored(NOON + HOUR, template="other"))
    pair.clock.advance(days=2)
    third = stored(NOON + 48 * HOUR, template="again")

    def expires(what, key):
        if (what, key) == ("put", manifest_of(third)):
            pair.primary.meanwhile = None
            pair.alone.expire(point_of(stored()))

    pair.primary.meanwhile = expires
    pair.alone.write(third)

    assert pair.alone.read(point_of(third)).template == "again"


def test_i5_an_expiry_killed_at_any_call_can_be_done_again(tmp_path):
    for name in ("primary", "replica"):
        for at in range(100):
            pair = Pair(tmp_path / f"{name}{at}", StillClock())
            pair.stacks.write(rich())
            pair.stacks.write(stored(NOON + HOUR))
            pair.clock.advance(days=2)
            store = getattr(pair, name)
            store.kill_at = len(store.calls) + at
            try:
                pair.stacks.expire(point_of(rich()))
                break
            except Killed:
                store.kill_at = None

            pair.stacks.repair(ACCOUNT, REGION)
            pair.stacks.expire(point_of(rich()))

            assert slots(pair) == [NOON + HOUR]
            assert stored(NOON + HOUR).template == pair.stacks.read(point_of(stored(NOON + HOUR))).template
            assert pair.stacks.lag() == ()
        assert at > 3
