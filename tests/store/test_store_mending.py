"""A template that was altered in the store is mended by the next capture, and what lay there is kept as evidence."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Killed, Pair, StillClock, point_of, stored

from dr import layout
from dr.errors import CloudError, Refused

HOUR = timedelta(hours=1)
FORGED = b"Resources: {Backdoor: {}}\n"
LATER = stored(NOON + HOUR)
"""The next capture, of the same template."""


def sha256(body):
    return hashlib.sha256(body).hexdigest()


GOOD = stored().template.encode()
BLOB = layout.blob_key(sha256(GOOD))
EVIDENCE = layout.altered_key(sha256(GOOD), sha256(FORGED))


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock(NOON + 3 * HOUR))


@pytest.fixture
def altered(pair):
    """A stack that is stored in the primary, and somebody changed its template there."""
    pair.alone.write(stored())
    pair.file(pair.primary, BLOB).write_bytes(FORGED)
    return pair


def body(store, key):
    found = store.inner.get(key)
    return None if found is None else found.body


def test_the_next_capture_mends_an_altered_template_and_keeps_what_lay_there(altered):
    altered.alone.write(LATER)

    assert (body(altered.primary, BLOB), body(altered.primary, EVIDENCE)) == (GOOD, FORGED)
    assert [stored(), LATER.template] == [
        altered.alone.read(point_of(stored())),
        altered.alone.read(point_of(LATER)).template,
    ]


def test_mending_is_told_once_and_names_the_evidence(altered):
    stacks = altered.alone
    stacks.write(LATER)
    (said,) = stacks.lag()

    assert [key in said for key in (BLOB, EVIDENCE)] == [True, True]
    stacks.write(stored(NOON + 2 * HOUR))
    assert stacks.lag() == ()


def test_i15_until_it_is_mended_no_version_of_it_is_restored(altered):
    with pytest.raises(Refused, match="is not what its digest says"):
        altered.alone.read(point_of(stored()))
    assert body(altered.primary, BLOB) == FORGED


def test_a_second_alteration_is_kept_beside_the_first(altered):
    altered.alone.write(LATER)
    altered.file(altered.primary, BLOB).write_bytes(b"again")
    altered.alone.write(stored(NOON + 2 * HOUR))

    kept = [key for key, _ in altered.primary.inner.keys("altered/")]
    assert sorted([EVIDENCE, layout.altered_key(sha256(GOOD), sha256(b"again"))]) == kept


def test_what_is_altered_again_meanwhile_is_not_overwritten_unseen(altered):
    def alter(what, key):
        if (what, key) == ("put", BLOB):
            altered.file(altered.primary, BLOB).write_bytes(b"again")

    altered.primary.meanwhile = alter
    with pytest.raises(CloudError, match="changes while it is mended"):
        altered.alone.write(LATER)
    assert body(altered.primary, BLOB) == b"again"


def test_i7_a_capture_that_finds_it_mended_by_another_goes_on_and_has_nothing_to_tell(altered):
    def mend(what, key):
        if (what, key) == ("put", BLOB):
            altered.file(altered.primary, BLOB).write_bytes(GOOD)

    altered.primary.meanwhile = mend
    stacks = altered.alone
    stacks.write(LATER)

    assert (stacks.read(point_of(LATER)).template, stacks.lag()) == (LATER.template, ())


def test_i5_mending_that_was_killed_at_any_call_can_be_done_again(tmp_path):
    kills = 0
    for at in range(20):
        pair = Pair(tmp_path / str(at), StillClock(NOON + 3 * HOUR))
        pair.alone.write(stored())
        pair.file(pair.primary, BLOB).write_bytes(FORGED)
        pair.primary.calls.clear()
        pair.primary.kill_at = at
        try:
            pair.alone.write(LATER)
        except Killed:
            kills += 1
        pair.primary.kill_at = None
        pair.alone.write(LATER)
        assert (body(pair.primary, BLOB), body(pair.primary, EVIDENCE)) == (GOOD, FORGED)
    assert 3 < kills < 20


def test_a_copy_mends_an_altered_template_of_the_other_store(pair):
    pair.stacks.write(stored())
    pair.file(pair.replica, BLOB).write_bytes(FORGED)
    pair.alone.write(LATER)
    stacks = pair.stacks
    stacks.repair(ACCOUNT, REGION)

    assert (body(pair.replica, BLOB), body(pair.replica, EVIDENCE)) == (GOOD, FORGED)
    assert [EVIDENCE in line and "replica" in line for line in stacks.lag()] == [True]


def test_evidence_is_no_stored_stack_and_no_garbage(altered):
    altered.alone.write(stored(NOON + HOUR, template="other"))
    altered.alone.write(stored(NOON + 2 * HOUR))
    altered.clock.advance(days=30)
    altered.alone.expire(point_of(stored(NOON + HOUR, template="other")))

    assert body(altered.primary, layout.blob_key(sha256(b"other"))) is None
    assert body(altered.primary, EVIDENCE) == FORGED
    assert [point.slot for point in altered.alone.points(ACCOUNT, REGION)] == [NOON, NOON + 2 * HOUR]
