"""What `dr verify` finds in the stores: each byte, each chain, each store beside the other (I15)."""

from __future__ import annotations

import json
import os
from datetime import timedelta

import pytest
from store_kit import NOON, LocalKey, Pair, StillClock, point_of, rich, stored

from dr import layout
from dr.errors import CloudError
from dr.store.documents import Predecessor, pack, sha256

HOUR = timedelta(hours=1)
SLOTS = [NOON, NOON + HOUR, NOON + 2 * HOUR]


@pytest.fixture
def pair(tmp_path):
    return Pair(tmp_path, StillClock(NOON + 5 * HOUR))


@pytest.fixture
def whole(pair):
    """Three versions with a template each, in both stores."""
    for slot in SLOTS:
        pair.stacks.write(version(slot))
    return pair


def version(slot, **rest):
    return stored(slot, **({"template": f"Resources: {{}} # {slot:%H}\n"} | rest))


def manifest_file(pair, stack, store=None):
    key = layout.manifest_key(point_of(stack).lineage, stack.slot)
    return pair.file(store or pair.primary, key)


def template_file(pair, stack, store=None):
    return pair.file(store or pair.primary, layout.blob_key(sha256(stack.template.encode())))


def checked(stacks, stack=None, *, deep=False):
    return stacks.check(stack, deep=deep)


def told(found):
    """(exit, message) of everything that was found, with the slot for what is a version's."""
    rows = [(fault.exit, fault.message) for store in found.stores for fault in store.faults]
    return rows + [(f.exit, f.message) for one in found.versions for f in one.faults]


def slots_at_fault(found):
    return [one.point.slot for one in found.versions if one.faults]


# --- one store ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("deep", [False, True])
def test_a_store_that_is_whole_has_nothing_to_tell_and_nothing_is_written(whole, deep):
    before = {key: at for store in whole.both for key, at in store.inner.keys("")}
    for store in whole.both:
        store.calls.clear()
    found = checked(whole.stacks, deep=deep)

    assert told(found) == []
    assert [(one.reachable, one.manifests, one.templates) for one in found.stores] == [
        (True, 3, 3 if deep else 1)
    ] * 2
    assert [one.point.slot for one in found.versions] == SLOTS
    assert {what for store in whole.both for what, _ in store.calls} == {"get", "keys"}
    assert before == {key: at for store in whole.both for key, at in store.inner.keys("")}


@pytest.mark.parametrize("at", range(0, 640, 97))
def test_i15_every_manifest_is_read_not_only_the_newest(pair, at):
    for slot in SLOTS:
        pair.alone.write(version(slot))
    file = manifest_file(pair, version(NOON))
    body = file.read_bytes()
    file.write_bytes(body[:at] + bytes([body[at] ^ 1]) + body[at + 1 :])
    found = checked(pair.alone)

    assert NOON in slots_at_fault(found)
    assert {code for code, _ in told(found)} == {4}
    assert "do not restore from it" in found.versions[0].faults[0].remedy


def test_i15_a_manifest_that_is_written_in_another_way_is_told(whole):
    file = manifest_file(whole, version(SLOTS[2]))
    file.write_bytes(json.dumps(json.loads(file.read_bytes()), indent=1).encode())

    assert any("its digest does not hold" in message for _, message in told(checked(whole.alone)))


def test_i15_a_manifest_in_anothers_place_is_told(pair):
    pair.alone.write(version(NOON))
    pair.alone.write(version(NOON, name="wiki"))
    body = manifest_file(pair, version(NOON, name="wiki")).read_bytes()
    manifest_file(pair, version(NOON)).write_bytes(body)

    ((code, message),) = told(checked(pair.alone))
    assert (code, "another capture, moved here" in message) == (4, True)


def test_i15_the_newest_versions_templates_are_hashed_and_deep_all_of_them(whole):
    template_file(whole, version(SLOTS[2])).write_text("forged")
    template_file(whole, version(SLOTS[0])).write_text("forged")

    assert slots_at_fault(checked(whole.alone)) == [SLOTS[2]]
    assert slots_at_fault(checked(whole.alone, deep=True)) == [SLOTS[0], SLOTS[2]]
    ((code, message),) = told(checked(whole.alone))
    assert (code, "is not what its digest says" in message) == (4, True)


@pytest.mark.parametrize("deep", [False, True])
def test_i15_a_template_that_is_missing_is_told_of_any_version(whole, deep):
    template_file(whole, version(SLOTS[0])).unlink()

    found = checked(whole.alone, deep=deep)
    assert slots_at_fault(found) == [SLOTS[0]]
    assert "is missing" in told(found)[0][1]


def test_i15_a_template_of_a_nested_stack_and_a_processed_one_count_too(pair):
    for text in (rich().processed, rich().children["Net"].template):
        pair.alone.write(rich())
        file = pair.file(pair.primary, layout.blob_key(sha256(text.encode())))
        body = file.read_bytes()
        file.write_bytes(body + b" ")
        assert [code for code, _ in told(checked(pair.alone))] == [4]
        file.write_bytes(body)


def test_i15_a_forged_version_breaks_the_chain_of_the_one_after_it(whole):
    forged = pack(version(SLOTS[1], status="UPDATE_COMPLETE"), None)
    manifest_file(whole, version(SLOTS[1])).write_bytes(forged.manifest)
    found = checked(whole.alone)

    assert set(slots_at_fault(found)) >= {SLOTS[1], SLOTS[2]}
    assert any(
        code == 4 and "is not what 20260329T140000Z says was before it" in text for code, text in told(found)
    )


@pytest.mark.parametrize("hours", [1, 2, 9])
def test_i15_a_version_that_names_itself_or_a_later_one_as_its_past_is_told(whole, hours):
    claim = Predecessor(slot=NOON + hours * HOUR, sha256="0" * 64)
    forged = pack(version(SLOTS[1]), claim)
    manifest_file(whole, version(SLOTS[1])).write_bytes(forged.manifest)

    said = f"is not what {layout.slot_text(SLOTS[1])} says was before it"
    assert [code for code, message in told(checked(whole.alone)) if said in message][:1] == [4]


def test_a_version_that_expired_leaves_a_chain_that_holds(whole):
    whole.stacks.expire(point_of(version(SLOTS[1])))

    assert told(checked(whole.stacks, deep=True)) == []


def test_a_version_that_was_put_in_between_is_told_and_is_no_proof(pair):
    """3: a store that was away, or a schedule that was changed, makes the same."""
    pair.alone.write(version(SLOTS[0]))
    pair.alone.write(version(SLOTS[2]))
    manifest_file(pair, version(SLOTS[1])).write_bytes(pack(version(SLOTS[1]), None).manifest)
    pair.file(pair.primary, layout.blob_key(sha256(version(SLOTS[1]).template.encode()))).parent.mkdir(
        parents=True, exist_ok=True
    )
    template_file(pair, version(SLOTS[1])).write_text(version(SLOTS[1]).template)

    messages = [(code, "was not there when" in message) for code, message in told(checked(pair.alone))]
    assert messages == [(3, True), (3, True)]


def test_lineages_have_chains_of_their_own(pair):
    for policy in ("nightly", "hourly"):
        for slot in SLOTS:
            pair.alone.write(version(slot, policy=policy))

    assert told(checked(pair.alone, deep=True)) == []


def test_what_a_capture_has_set_aside_is_told_until_a_person_removes_it(pair):
    pair.alone.write(version(NOON))
    template_file(pair, version(NOON)).write_text("forged")
    pair.alone.write(version(NOON + HOUR, template=version(NOON).template))
    ((code, message),) = told(checked(pair.alone))

    assert (code, "altered/" in message) == (4, True)


def test_what_stands_in_the_place_of_a_stacks_folder_is_4(pair):
    pair.alone.write(version(NOON))
    folder = manifest_file(pair, version(NOON)).parent
    folder.rename(folder.parent.parent / "moved.away")
    folder.symlink_to(folder.parent.parent / "moved.away")
    told_of = told(checked(pair.alone))

    assert [code for code, _ in told_of] == [4, 4]
    assert any(f"/{folder.name} is nothing that dr wrote" in message for _, message in told_of)
    assert pair.alone.points("111111111111", "eu-west-1") == ()


def test_one_name_narrows_it_and_every_name_is_known(pair):
    for name in ("prod", "wiki"):
        pair.alone.write(version(NOON, name=name))
    manifest_file(pair, version(NOON, name="wiki")).write_bytes(b"{}")
    found = checked(pair.alone, "prod")

    known = {("111111111111", "eu-west-1", name) for name in ("prod", "wiki")}
    assert (told(found), found.stacks) == ([], known)
    assert [one.point.lineage.source for one in found.versions] == ["prod"]


def test_a_store_that_holds_nothing_is_no_fault_here(pair):
    found = checked(pair.stacks)
    assert (told(found), found.versions, found.stacks) == ([], (), frozenset())


# --- a tick works meanwhile -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("signed", [False, True])
def test_an_expiry_at_any_moment_is_no_fault(tmp_path, signed):
    key = LocalKey().signing if signed else None
    for at in range(1, 200):
        pair = Pair(tmp_path / str(at), StillClock(NOON + timedelta(days=3)), key)
        other = Pair(tmp_path / str(at), pair.clock, key)
        for slot in SLOTS:
            pair.stacks.write(version(slot))
        for file in (tmp_path / str(at)).rglob("blobs/*/*"):
            dated(file)
        count = 0

        def meanwhile(what, key, at=at, other=other):
            nonlocal count
            count += 1
            if count == at:
                other.stacks.expire(point_of(version(SLOTS[0])))

        pair.primary.meanwhile = pair.replica.meanwhile = meanwhile
        found = checked(pair.stacks, deep=True)
        assert [(code, text) for code, text in told(found) if code != 3] == []
        if count < at:
            break
    assert at > 20


def test_a_capture_at_any_moment_is_no_tampering(tmp_path):
    for at in range(1, 200):
        pair = Pair(tmp_path / str(at), StillClock(NOON + 5 * HOUR), None)
        other = Pair(tmp_path / str(at), pair.clock, None)
        for slot in SLOTS[:2]:
            pair.stacks.write(version(slot))
        count = 0

        def meanwhile(what, key, at=at, other=other):
            nonlocal count
            count += 1
            if count == at:
                other.stacks.write(version(SLOTS[2]))

        pair.primary.meanwhile = pair.replica.meanwhile = meanwhile
        assert [row for row in told(checked(pair.stacks)) if row[0] != 3] == []
        if count < at:
            break
    assert at > 10


def dated(file):
    os.utime(file, (NOON.timestamp(), NOON.timestamp()))


# --- two stores -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("which", ["primary", "replica"])
def test_i15_each_store_is_looked_at_by_itself(whole, which):
    store = getattr(whole, which)
    template_file(whole, version(SLOTS[2]), store).write_text("forged")
    ((code, message),) = told(checked(whole.stacks))

    assert (code, message.startswith(store.name)) == (4, True)


def test_i15_stores_that_hold_different_bytes_are_told_of_any_version(whole):
    manifest_file(whole, version(SLOTS[0]), whole.replica).write_bytes(
        pack(version(SLOTS[0], status="UPDATE_COMPLETE"), None).manifest
    )
    assert any(code == 4 and "disagree about" in message for code, message in told(checked(whole.stacks)))


def test_i15_a_primary_that_was_put_back_is_told(whole):
    manifest_file(whole, version(SLOTS[2])).unlink()
    ((code, message),) = told(checked(whole.stacks))

    assert (code, "put back to an older state" in message) == (4, True)


@pytest.mark.parametrize(
    ("slot", "which"), [(SLOTS[0], "primary"), (SLOTS[0], "replica"), (SLOTS[2], "replica")]
)
def test_what_one_store_lacks_is_told_and_stops_nothing(whole, slot, which):
    manifest_file(whole, version(slot), getattr(whole, which)).unlink()
    ((code, message),) = told(checked(whole.stacks))

    assert (code, f"{getattr(whole, which).name} lacks 1 version of stored stacks" in message) == (3, True)
    whole.stacks.repair("111111111111", "eu-west-1")
    assert told(checked(whole.stacks)) == []


@pytest.mark.parametrize("away", ["primary", "replica"])
def test_a_store_that_is_away_is_1_and_the_other_is_looked_at_all_the_same(whole, away):
    template_file(whole, version(SLOTS[2]), whole.primary).write_text("forged")
    template_file(whole, version(SLOTS[2]), whole.replica).write_text("forged")
    getattr(whole, away).away = True
    found = checked(whole.stacks)

    assert sorted(code for code, _ in told(found)) == [1, 4]
    assert {one.name: one.reachable for one in found.stores}[getattr(whole, away).name] is False


def test_a_store_that_goes_away_in_the_middle_is_told_and_not_compared(whole):
    for at in range(1, 40):
        count = 0

        def meanwhile(what, key, at=at):
            nonlocal count
            count += 1
            whole.replica.away = count >= at

        whole.replica.away, whole.replica.meanwhile = False, meanwhile
        found = checked(whole.stacks, deep=True)
        if count < at:
            break
        assert {code for code, _ in told(found)} == {1}
    assert told(found) == []
    assert at > 8


def test_one_object_that_is_refused_is_told_of_its_version_and_the_others_are_read(whole):
    def meanwhile(what, key):
        if what == "get" and "120000Z" in key:
            raise CloudError("refused", "ask again")

    whole.primary.meanwhile = meanwhile
    found = checked(whole.alone)

    assert (told(found), slots_at_fault(found)) == ([(1, "refused")], [SLOTS[0]])
    assert found.stores[0].manifests == 2


# --- signatures -----------------------------------------------------------------------------------------------------


@pytest.fixture
def signed(tmp_path):
    pair = Pair(tmp_path, StillClock(NOON + 5 * HOUR), LocalKey().signing)
    for slot in SLOTS:
        pair.stacks.write(version(slot))
    return pair


def signature_file(pair, slot, store=None):
    store = store or pair.primary
    (key,) = [
        key for key, _ in store.inner.keys("") if key.endswith(".sig") and layout.slot_text(slot) in key
    ]
    return pair.file(store, key)


def test_signed_stores_that_are_whole_have_nothing_to_tell(signed):
    assert told(checked(signed.stacks, deep=True)) == []


@pytest.mark.parametrize("slot", SLOTS)
def test_i15_a_missing_signature_of_any_version_is_told(signed, slot):
    signature_file(signed, slot).unlink()
    found = checked(signed.stacks)

    assert slots_at_fault(found) == [slot]
    assert {code for code, _ in told(found)} == {3, 4}
    assert any("no signature" in text for _, text in told(found))


@pytest.mark.parametrize("which", ["primary", "replica"])
def test_i15_a_signature_of_another_key_is_told_of_either_store(signed, which):
    store = getattr(signed, which)
    body = manifest_file(signed, version(SLOTS[0]), store).read_bytes()
    signature_file(signed, SLOTS[0], store).write_bytes(LocalKey().signing.sign(body))

    ((code, message),) = told(checked(signed.stacks))
    assert (code, "another key has signed it" in message) == (4, True)


def test_i15_a_version_that_was_put_in_between_has_no_signature(signed):
    late = version(SLOTS[1] + HOUR / 2)
    manifest_file(signed, late).write_bytes(pack(late, None).manifest)

    assert (4, True) in [(code, "no signature" in text) for code, text in told(checked(signed.stacks))]


def test_a_signed_version_that_its_successor_does_not_know_is_vouched_for(signed):
    """Two stores that were away in turn leave such a chain, and the signature tells that it is ours."""
    pair = Pair(signed.folder / "turns", signed.clock, signed.signing)
    pair.stacks.write(version(SLOTS[0]))
    pair.primary.away = True
    pair.stacks.write(version(SLOTS[1]))
    pair.primary.away, pair.replica.away = False, True
    pair.stacks.write(version(SLOTS[2]))
    pair.replica.away = False
    pair.stacks.repair("111111111111", "eu-west-1")

    assert told(checked(pair.stacks, deep=True)) == []
