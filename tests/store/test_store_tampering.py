"""What was changed behind dr's back stops a restore, whatever another copy says (I15, FAILURES 2 row 42)."""

from __future__ import annotations

import hashlib
import json
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Pair, StillClock, point_of, rich, stored

from dr import layout
from dr.errors import Refused
from dr.store.documents import Predecessor, pack

HOUR = timedelta(hours=1)


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock(NOON + 3 * HOUR))


def manifest_of(stack):
    return layout.manifest_key(point_of(stack).lineage, stack.slot)


def blob_of(text):
    return layout.blob_key(hashlib.sha256(text.encode()).hexdigest())


def forged(stack, predecessor=None):
    """A manifest that is whole in itself: whoever can write to the bucket can make one."""
    return pack(stack, predecessor).manifest


def test_i15_every_flipped_byte_of_a_template_is_noticed(pair):
    pair.alone.write(rich())
    for text in (rich().template, rich().processed, rich().children["Net"].template):
        file = pair.file(pair.primary, blob_of(text))
        body = file.read_bytes()
        for at in range(len(body)):
            file.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
            with pytest.raises(Refused, match="is not what its digest says"):
                pair.alone.read(point_of(rich()))
        file.write_bytes(body)
    assert rich() == pair.alone.read(point_of(rich()))


def test_i15_flipped_bytes_of_a_manifest_are_noticed_by_a_read(pair):
    pair.alone.write(rich())
    file = pair.file(pair.primary, manifest_of(rich()))
    body = file.read_bytes()

    for at in range(0, len(body), 7):
        file.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
        with pytest.raises(Refused):
            pair.alone.read(point_of(rich()))


def test_i15_a_template_that_is_missing_stops_the_read(pair):
    pair.alone.write(rich())
    pair.file(pair.primary, blob_of(rich().template)).unlink()

    with pytest.raises(Refused, match="is missing"):
        pair.alone.read(point_of(rich()))


@pytest.mark.parametrize("what", [manifest_of(rich()), blob_of(rich().template)])
def test_i15_a_damaged_primary_is_not_silently_replaced_by_the_replica(pair, what):
    pair.stacks.write(rich())
    file = pair.file(pair.primary, what)
    file.write_bytes(file.read_bytes() + b" ")

    with pytest.raises(Refused):
        pair.stacks.read(point_of(rich()))


def test_i15_two_stores_that_disagree_stop_the_read(pair):
    pair.stacks.write(stored())
    pair.file(pair.replica, manifest_of(stored())).write_bytes(forged(stored(template="forged")))

    with pytest.raises(Refused, match="disagree"):
        pair.stacks.read(point_of(stored()))


def test_i15_two_stores_that_disagree_about_an_older_version_stop_its_read(pair):
    pair.stacks.write(stored())
    pair.stacks.write(stored(NOON + HOUR))
    pair.file(pair.replica, manifest_of(stored())).write_bytes(forged(stored(template="forged")))

    with pytest.raises(Refused, match="disagree"):
        pair.stacks.read(point_of(stored()))
    assert pair.stacks.read(point_of(stored(NOON + HOUR))).slot == NOON + HOUR


def test_with_one_store_away_the_other_is_believed_and_it_is_told(pair):
    pair.stacks.write(stored())
    pair.replica.away = True
    stacks = pair.stacks

    assert stored() == stacks.read(point_of(stored()))
    assert ["replica is away" in line for line in stacks.lag()] == [True]


@pytest.mark.parametrize(
    "other",
    [
        stored(NOON + HOUR),
        stored(policy="hourly"),
        stored(name="prod2"),
        stored(region="eu-central-1"),
        stored(account="222222222222"),
    ],
)
def test_i15_a_manifest_in_anothers_place_is_refused(pair, other):
    pair.alone.write(stored())
    pair.alone.write(other)
    body = pair.file(pair.primary, manifest_of(other)).read_bytes()
    pair.file(pair.primary, manifest_of(stored())).write_bytes(body)

    with pytest.raises(Refused, match="another capture, moved here"):
        pair.alone.read(point_of(stored()))


def test_i15_a_forged_version_is_noticed_by_what_came_after_it(pair):
    pair.alone.write(stored())
    pair.alone.write(stored(NOON + HOUR))
    pair.file(pair.primary, manifest_of(stored())).write_bytes(forged(stored(status="UPDATE_COMPLETE")))

    for slot in (NOON, NOON + HOUR):
        with pytest.raises(Refused, match="put in the other's place"):
            pair.alone.read(point_of(stored(slot)))


def test_i15_a_version_that_claims_another_past_is_noticed(pair):
    pair.alone.write(stored())
    claim = Predecessor(slot=NOON, sha256="0" * 64)
    pair.alone.write(stored(NOON + HOUR))
    pair.file(pair.primary, manifest_of(stored(NOON + HOUR))).write_bytes(forged(stored(NOON + HOUR), claim))

    with pytest.raises(Refused, match="put in the other's place"):
        pair.alone.read(point_of(stored(NOON + HOUR)))


def test_a_chain_whose_older_part_has_expired_is_whole(pair):
    for hours in range(3):
        pair.alone.write(stored(NOON + hours * HOUR))
    pair.alone.expire(point_of(stored()))

    assert len(pair.alone.read(point_of(stored(NOON + HOUR))).predecessor) == 64


def test_a_damaged_newer_version_does_not_stop_an_older_one(pair):
    """In an incident the way back to an earlier moment stays open."""
    pair.alone.write(stored())
    pair.alone.write(stored(NOON + HOUR))
    pair.file(pair.primary, manifest_of(stored(NOON + HOUR))).write_bytes(b"{}")

    assert stored() == pair.alone.read(point_of(stored()))


def test_i15_what_is_damaged_is_not_copied_to_the_other_store(pair):
    pair.alone.write(stored())
    file = pair.file(pair.primary, blob_of(stored().template))
    file.write_bytes(b"forged")
    stacks = pair.stacks

    assert stacks.repair(ACCOUNT, REGION) == ()
    assert list(pair.replica.inner.keys("")) == []
    assert any("is not what its digest says" in line for line in stacks.lag())


def test_a_capture_after_a_damaged_manifest_goes_on(pair):
    pair.alone.write(stored())
    pair.file(pair.primary, manifest_of(stored())).write_bytes(b"{}")
    pair.alone.write(stored(NOON + HOUR))

    read = pair.alone.read(point_of(stored(NOON + HOUR)))
    assert hashlib.sha256(b"{}").hexdigest() == read.predecessor


def test_the_manifest_of_a_person_with_sha256sum_is_the_one_of_the_chain(pair):
    """The chain can be followed with `sha256sum` and any JSON reader."""
    pair.alone.write(stored())
    pair.alone.write(stored(NOON + HOUR))
    first = pair.file(pair.primary, manifest_of(stored())).read_bytes()
    second = json.loads(pair.file(pair.primary, manifest_of(stored(NOON + HOUR))).read_bytes())

    expected = {"sha256": hashlib.sha256(first).hexdigest(), "slot": "20260329T120000Z"}
    assert expected == second["predecessor"]
