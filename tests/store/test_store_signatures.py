"""Signed manifests: what the pinned key's owner did not sign is refused before it is parsed (I15, FAILURES 4.2)."""

from __future__ import annotations

import os
import subprocess
import sys
from contextlib import suppress
from datetime import timedelta

import pytest
from store_kit import ACCOUNT, NOON, REGION, Killed, LocalKey, Pair, StillClock, point_of, rich, stored

from dr import layout
from dr.errors import CloudError, EnvironmentFailed, NotFound, Refused, Throttled, UsageError
from dr.store.documents import Predecessor, pack, sha256
from dr.store.signing import Signing

HOUR = timedelta(hours=1)


@pytest.fixture
def key():
    return LocalKey()


@pytest.fixture
def pair(tmp_path, key):
    return Pair(tmp_path, StillClock(NOON + 3 * HOUR), key.signing)


def lineage_of(stack):
    return point_of(stack).lineage


def manifest_file(pair, stack, store=None):
    return pair.file(store or pair.primary, layout.manifest_key(lineage_of(stack), stack.slot))


def signatures(store):
    return sorted(key for key, _ in store.inner.keys("") if key.endswith(".sig"))


def manifests(store):
    return sorted(key for key, _ in store.inner.keys("stacks/") if layout.parse_manifest_key(key))


def signature_file(pair, store=None):
    (found,) = signatures(store or pair.primary)
    return pair.file(store or pair.primary, found)


def forge(pair, stack, *, store=None):
    """Put a manifest there that is whole in itself: whoever can write to the bucket can make one."""
    packed = pack(stack, None)
    manifest_file(pair, stack, store).write_bytes(packed.manifest)


# --- reading --------------------------------------------------------------------------------------------------------


def test_a_signed_stack_comes_back_and_its_signature_lies_beside_it(pair, key):
    pair.alone.write(rich())
    body = manifest_file(pair, rich()).read_bytes()

    assert rich() == pair.alone.read(point_of(rich()))
    expected = f"stacks/{ACCOUNT}/{REGION}/prod/20260329T120000Z.nightly.{sha256(body)}.sig"
    assert [expected] == signatures(pair.primary)
    key.signing.check(body, signature_file(pair).read_bytes(), "here")


def test_openssl_verifies_a_manifest_with_the_pinned_key(pair, key, tmp_path):
    pair.alone.write(rich())
    pinned = tmp_path / "pinned.der"
    pinned.write_bytes(key.public)

    command = ["openssl", "dgst", "-sha256", "-keyform", "DER", "-verify", pinned]
    files = ["-signature", signature_file(pair), manifest_file(pair, rich())]
    done = subprocess.run([*command, *files], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "Verified OK\n")


def test_i15_flipped_bytes_of_a_signed_manifest_are_refused_by_the_signature(pair):
    pair.alone.write(stored())
    file, signature = manifest_file(pair, stored()), signature_file(pair).read_bytes()
    body = file.read_bytes()
    for at in range(0, len(body), 31):
        flipped = body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :]
        file.write_bytes(flipped)
        beside = layout.signature_key(lineage_of(stored()), NOON, sha256(flipped))
        pair.file(pair.primary, beside).write_bytes(signature)
        with pytest.raises(Refused, match="its signature does not hold"):
            pair.alone.read(point_of(stored()))


def test_i15_a_forged_manifest_with_a_digest_that_holds_is_refused(pair):
    pair.alone.write(stored())
    forge(pair, stored(status="UPDATE_COMPLETE"))

    with pytest.raises(Refused, match="it has no signature of the key that is pinned") as refused:
        pair.alone.read(point_of(stored()))
    assert "docs/runbook.md" in refused.value.remedy


def test_i15_what_nobody_signed_is_not_parsed(pair):
    """It would be told as no manifest, if somebody had looked into it."""
    pair.alone.write(stored())
    manifest_file(pair, stored()).write_bytes(b"no JSON at all")

    with pytest.raises(Refused, match="no signature"):
        pair.alone.read(point_of(stored()))


def test_i15_a_signature_that_was_taken_away_stops_the_read(pair):
    pair.alone.write(stored())
    signature_file(pair).unlink()

    with pytest.raises(Refused, match="no signature"):
        pair.alone.read(point_of(stored()))


@pytest.mark.parametrize("bad", [b"", b"\x00", b"\x30\x06\x02\x01\x01\x02\x01\x01", b"\x30" * 100_000])
def test_i15_a_signature_that_is_none_stops_the_read(pair, bad):
    pair.alone.write(stored())
    signature_file(pair).write_bytes(bad)

    with pytest.raises(Refused, match="does not hold"):
        pair.alone.read(point_of(stored()))


def test_i15_a_signature_of_another_key_stops_the_read(pair):
    pair.alone.write(stored())
    signature_file(pair).write_bytes(LocalKey().signing.sign(manifest_file(pair, stored()).read_bytes()))

    with pytest.raises(Refused, match="another key has signed it"):
        pair.alone.read(point_of(stored()))


def test_i15_what_an_older_key_signed_does_not_pass_under_a_newer_one(pair):
    pair.alone.write(stored())
    pair.signing = LocalKey().signing

    with pytest.raises(Refused, match="does not hold"):
        pair.alone.read(point_of(stored()))


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
def test_i15_a_signed_manifest_that_was_moved_is_refused_by_its_identity(pair, other):
    pair.alone.write(other)
    body = manifest_file(pair, other).read_bytes()
    signature = signature_file(pair).read_bytes()
    manifest_file(pair, stored()).parent.mkdir(parents=True, exist_ok=True)
    manifest_file(pair, stored()).write_bytes(body)
    beside = layout.signature_key(lineage_of(stored()), NOON, sha256(body))
    pair.file(pair.primary, beside).write_bytes(signature)

    with pytest.raises(Refused, match="another capture, moved here"):
        pair.alone.read(point_of(stored()))


def test_i15_a_version_from_before_signing_is_refused_until_it_is_signed_by_hand(pair, key):
    Pair(pair.folder, pair.clock).alone.write(stored())
    with pytest.raises(Refused, match="no signature"):
        pair.alone.read(point_of(stored()))

    body = manifest_file(pair, stored()).read_bytes()
    by_hand = layout.signature_key(lineage_of(stored()), NOON, sha256(body))
    pair.file(pair.primary, by_hand).write_bytes(key.signing.sign(body))
    assert stored() == pair.alone.read(point_of(stored()))


def test_without_a_configured_key_signatures_are_not_looked_at(pair):
    pair.alone.write(stored())
    signature_file(pair).write_bytes(b"whatever")

    assert stored() == Pair(pair.folder, pair.clock).alone.read(point_of(stored()))


def test_i15_a_forged_successor_says_nothing_about_the_one_before_it(pair):
    pair.alone.write(stored())
    claim = Predecessor(slot=NOON, sha256="0" * 64)
    manifest_file(pair, stored(NOON + HOUR)).write_bytes(pack(stored(NOON + HOUR), claim).manifest)

    assert stored() == pair.alone.read(point_of(stored()))


# --- writing --------------------------------------------------------------------------------------------------------


def test_a_key_that_is_not_the_pinned_ones_pair_stores_nothing(pair, key):
    pair.signing = Signing(key, LocalKey().public, "pinned.pem")

    with pytest.raises(CloudError, match="does not hold with the public key"):
        pair.alone.write(stored())
    assert manifests(pair.primary) == []


@pytest.mark.parametrize(
    "fault", [Throttled("slow down"), CloudError("disabled"), EnvironmentFailed("not reached")]
)
def test_a_signature_that_cannot_be_had_fails_this_capture_alone(pair, key, fault):
    key.fault = fault
    with pytest.raises(CloudError, match=fault.message):
        pair.alone.write(stored())
    assert list(pair.primary.inner.keys("stacks/")) == []

    key.fault = None
    pair.alone.write(stored())
    assert stored() == pair.alone.read(point_of(stored()))


def test_i5_a_kill_at_any_call_of_a_capture_leaves_nothing_unsigned(pair):
    for at in range(100):
        one = Pair(pair.folder / str(at), pair.clock, pair.signing)
        one.primary.kill_at = at
        try:
            one.stacks.write(stored())
        except Killed:
            one.primary.kill_at = None
            with suppress(NotFound):
                assert stored() == one.stacks.read(point_of(stored()))
            one.stacks.write(stored())
            assert stored() == one.stacks.read(point_of(stored()))
        else:
            break
    assert at > 5


def test_i7_two_captures_of_one_slot_never_take_each_others_signature(pair):
    """The other process writes its own capture whole, at each moment of ours."""
    for at in range(100):
        one = Pair(pair.folder / str(at), pair.clock, pair.signing)
        two = Pair(pair.folder / str(at), pair.clock, pair.signing)
        calls = 0

        def meanwhile(what, key, at=at, two=two):
            nonlocal calls
            calls += 1
            if calls == at:
                two.alone.write(stored(status="UPDATE_COMPLETE"))

        one.primary.meanwhile = meanwhile
        one.alone.write(stored())
        read = two.alone.read(point_of(stored()))
        assert read.status in ("CREATE_COMPLETE", "UPDATE_COMPLETE")
        if at > calls:
            break
    assert at > 5


def test_a_capture_whose_slot_holds_what_nobody_signed_fails(pair):
    Pair(pair.folder, pair.clock).alone.write(stored())

    with pytest.raises(CloudError, match="no signature"):
        pair.alone.write(stored())


def test_a_capture_that_another_writer_forestalls_with_what_nobody_signed_fails(pair):
    def first(what, key):
        if what == "put" and key == layout.manifest_key(lineage_of(stored()), NOON):
            pair.primary.meanwhile = None
            forge(pair, stored(status="UPDATE_COMPLETE"))

    pair.primary.meanwhile = first
    with pytest.raises(CloudError, match="no signature"):
        pair.alone.write(stored())


def test_a_newest_version_that_nobody_signed_is_told_until_there_is_a_newer_one(pair):
    Pair(pair.folder, pair.clock).alone.write(stored())
    assert ["has no signature, and is the newest of its stack" in line for line in pair.alone.lag()] == [True]
    pair.alone.write(stored(NOON + HOUR))
    assert pair.alone.lag() == ()


def test_a_capture_after_what_nobody_signed_goes_on_and_tells_it(pair):
    Pair(pair.folder, pair.clock).alone.write(stored())
    stacks = pair.alone
    stacks.write(stored(NOON + HOUR))

    assert ["20260329T120000Z.nightly.json: it has no signature" in line for line in stacks.lag()] == [True]
    assert stored(NOON + HOUR).template == pair.alone.read(point_of(stored(NOON + HOUR))).template


def test_a_template_that_only_an_unsigned_version_vouches_for_is_written_anew(pair):
    """A sweep at this moment then sees it as fresh, whatever becomes of the version that nobody signed."""
    Pair(pair.folder, pair.clock).alone.write(stored())
    pair.alone.write(stored(NOON + HOUR))

    blob = layout.blob_key(sha256(stored().template.encode()))
    assert ("put", blob) in pair.primary.calls
    pair.primary.calls.clear()
    pair.alone.write(stored(NOON + 2 * HOUR))
    assert ("put", blob) not in pair.primary.calls


# --- the second store, and what is left over ------------------------------------------------------------------------


def test_the_replica_gets_the_signature_too(pair):
    pair.stacks.write(stored())
    pair.primary.away = True

    assert stored() == pair.stacks.read(point_of(stored()))
    assert len(signatures(pair.replica)) == 1


@pytest.mark.parametrize("lost", ["manifest and signature", "signature"])
def test_a_repair_brings_back_what_one_store_lacks(pair, lost):
    pair.stacks.write(stored())
    signature_file(pair).unlink()
    if lost != "signature":
        manifest_file(pair, stored()).unlink()
    stacks = pair.stacks
    assert any("lacks 1 version of stored stacks, or the signature, that" in line for line in stacks.lag())

    assert len(stacks.repair(ACCOUNT, REGION)) == 1
    assert stored() == pair.alone.read(point_of(stored()))
    assert (stacks.repair(ACCOUNT, REGION), stacks.lag()) == ((), ())


def test_i15_what_nobody_signed_is_not_copied_to_the_other_store(pair):
    pair.stacks.write(stored())
    forge(pair, stored(NOON + HOUR))
    beside = layout.signature_key(lineage_of(stored()), NOON + HOUR, "0" * 64)
    pair.file(pair.primary, beside).write_bytes(b"forged too")

    assert pair.stacks.repair(ACCOUNT, REGION) == ()
    assert len(manifests(pair.replica)) == 1


def test_an_expiry_takes_the_signature_with_it(pair):
    for hours in range(2):
        pair.stacks.write(stored(NOON + hours * HOUR))
    pair.stacks.expire(point_of(stored()))

    for store in pair.both:
        assert ["20260329T130000Z" in key for key in signatures(store)] == [True]
    pair.alone.read(point_of(stored(NOON + HOUR)))


def test_an_expiry_leaves_the_signature_of_a_manifest_that_came_back_meanwhile(pair):
    for hours in range(2):
        pair.alone.write(stored(NOON + hours * HOUR))
    body = manifest_file(pair, stored()).read_bytes()
    pair.primary.meanwhile = lambda what, key: (
        manifest_file(pair, stored()).write_bytes(body)
        if what == "get" and ".json" in key and gone()
        else None
    )
    gone = lambda: not manifest_file(pair, stored()).exists()  # noqa: E731 - what another machine looks at
    pair.alone.expire(point_of(stored()))

    assert len(signatures(pair.primary)) == 2


def test_an_expiry_takes_the_signature_with_it_after_signing_was_given_up_too(pair):
    for hours in range(2):
        pair.alone.write(stored(NOON + hours * HOUR))
    Pair(pair.folder, pair.clock).alone.expire(point_of(stored()))

    assert ["20260329T130000Z" in key for key in signatures(pair.primary)] == [True]


@pytest.mark.parametrize(("after", "left"), [(timedelta(hours=23), 1), (timedelta(hours=25), 0)])
def test_a_signature_without_its_manifest_goes_with_a_later_expiry_after_a_day(pair, after, left):
    for hours in range(3):
        pair.alone.write(stored(NOON + hours * HOUR))
    manifest_file(pair, stored()).unlink()  # an expiry was killed here
    now = pair.clock.now()
    for key in signatures(pair.primary):
        dated(pair.file(pair.primary, key), now)
    pair.clock.advance(seconds=after.total_seconds())
    pair.alone.expire(point_of(stored(NOON + HOUR)))

    assert sum("120000Z" in key for key in signatures(pair.primary)) == left
    pair.alone.read(point_of(stored(NOON + 2 * HOUR)))


def test_of_two_signatures_of_one_slot_the_one_of_its_manifest_stays(pair):
    for hours in range(2):
        pair.alone.write(stored(NOON + hours * HOUR))
    loser = layout.signature_key(lineage_of(stored()), NOON + HOUR, "0" * 64)
    pair.file(pair.primary, loser).write_bytes(b"of a capture that came second")
    for key in signatures(pair.primary):
        dated(pair.file(pair.primary, key), NOON)
    pair.clock.advance(days=2)
    pair.alone.expire(point_of(stored()))

    assert loser not in signatures(pair.primary)
    pair.alone.read(point_of(stored(NOON + HOUR)))


def test_a_capture_of_another_policy_that_is_under_way_keeps_its_signature(pair):
    """It lies there before its manifest does; only the slot of the policy that expires has gone."""
    for hours in range(2):
        pair.alone.write(stored(NOON + hours * HOUR))
    under_way = layout.signature_key(lineage_of(stored(policy="hourly")), NOON, "0" * 64)
    pair.file(pair.primary, under_way).write_bytes(b"its manifest is on its way")
    dated(pair.file(pair.primary, under_way), pair.clock.now())
    pair.alone.expire(point_of(stored()))

    assert under_way in signatures(pair.primary)


def test_the_signatures_of_another_policy_stay(pair):
    for policy in ("nightly", "hourly"):
        for hours in range(2):
            pair.alone.write(stored(NOON + hours * HOUR, policy=policy))
    pair.clock.advance(days=2)
    pair.alone.expire(point_of(stored()))

    assert len(signatures(pair.primary)) == 3
    pair.alone.read(point_of(stored(policy="hourly")))


def test_a_template_that_only_an_unsigned_version_names_is_not_garbage(pair):
    """What it names is kept, not believed: it may be signed by hand yet."""
    Pair(pair.folder, pair.clock).alone.write(stored(template="old"))
    for hours in (1, 2):
        pair.alone.write(stored(NOON + hours * HOUR, template=f"new {hours}"))
    for key, _ in list(pair.primary.inner.keys("blobs/")):
        dated(pair.file(pair.primary, key), NOON - timedelta(days=9))
    pair.alone.expire(point_of(stored(NOON + HOUR)))

    left = {pair.file(pair.primary, key).read_text() for key, _ in pair.primary.inner.keys("blobs/")}
    assert left == {"old", "new 2"}


# --- the library and the key ----------------------------------------------------------------------------------------


def test_without_the_library_it_is_said_how_to_install_it(key):
    code = f"""
import sys
sys.modules["cryptography"] = None
from dr.errors import EnvironmentFailed
from dr.store.signing import Signing
try:
    Signing(None, bytes.fromhex("{key.public.hex()}"), "dr.yaml").check(b"", b"", "here")
except EnvironmentFailed as error:
    print(error.message, error.remedy)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "`cryptography`, which is not installed" in done.stdout
    assert "pip install 'dr[signing]'" in done.stdout


def test_a_point_that_is_not_on_the_curve_is_no_key(key):
    off = key.public[:-1] + bytes([key.public[-1] ^ 1])
    with pytest.raises(UsageError, match="it is no public key of the curve P-256"):
        Signing(key, off, "pinned.pem").check(b"", b"", "here")


def dated(file, moment):
    os.utime(file, (moment.timestamp(), moment.timestamp()))
