"""A stored stack as documents: there and back, and every changed byte noticed."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from store_kit import NOON, rich, stored

from dr.errors import Refused
from dr.store.documents import Predecessor, open_manifest, pack, unpack
from dr.stored import StackOutput, StackParameter, StackResource, StoredStack

words = st.text(max_size=12)
maybe = st.none() | words
instants = st.datetimes(
    min_value=datetime(1, 1, 2),
    max_value=datetime(9999, 12, 30),
    timezones=st.just(UTC),
)
facts = st.dictionaries(
    words,
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | words,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
        max_leaves=5,
    ),
    max_size=3,
)
parameters = st.builds(StackParameter, name=words, value=maybe, resolved=maybe) | st.builds(
    StackParameter, name=words, value=st.none(), resolved=st.none(), no_echo=st.just(True)
)


def few(values):
    return st.lists(values, max_size=3).map(tuple)


def some_stacks(children):
    return st.builds(
        StoredStack,
        account=words,
        region=words,
        name=words,
        stack_id=words,
        status=words,
        policy=words,
        slot=instants,
        time=instants,
        template=st.text(),
        processed=maybe,
        parameters=few(parameters),
        capabilities=few(words),
        tags=st.dictionaries(words, words, max_size=3),
        role_arn=maybe,
        notification_arns=few(words),
        stack_policy=maybe,
        termination_protection=st.booleans(),
        description=maybe,
        outputs=few(st.builds(StackOutput, key=words, value=words, export=maybe)),
        imports=few(words),
        resources=few(
            st.builds(
                StackResource, logical_id=words, physical_id=words, type=words, status=words, facts=facts
            )
        ),
        children=children,
    )


stacks = st.recursive(
    some_stacks(st.just({})),
    lambda inner: some_stacks(st.dictionaries(words, inner, max_size=2)),
    max_leaves=4,
)
predecessors = st.none() | st.builds(
    Predecessor,
    slot=instants.map(lambda instant: instant.replace(year=2028, microsecond=0)),
    sha256=st.binary(max_size=8).map(lambda seed: hashlib.sha256(seed).hexdigest()),
)


def there_and_back(stack, predecessor):
    packed = pack(stack, predecessor)
    manifest = open_manifest(packed.manifest, "here")
    return unpack(manifest, lambda digest: packed.blobs[digest].decode(), "here")


@settings(max_examples=60, deadline=None)
@given(stacks, predecessors)
def test_every_stack_comes_back_as_it_was(stack, predecessor):
    expected = replace(stack, predecessor=predecessor.sha256 if predecessor else "")

    assert expected == there_and_back(stack, predecessor)


@settings(max_examples=30, deadline=None)
@given(stacks)
def test_templates_lie_under_their_own_digests_and_the_manifest_names_all(stack):
    packed = pack(stack, None)

    assert {hashlib.sha256(body).hexdigest(): body for body in packed.blobs.values()} == packed.blobs
    assert set(packed.blobs) == open_manifest(packed.manifest, "here").blobs


def test_templates_are_kept_byte_for_byte():
    stack = stored(template="# ä\r\nResources:\t{}\n\n")

    assert ["# ä\r\nResources:\t{}\n\n".encode()] == list(pack(stack, None).blobs.values())


def test_the_same_stack_has_the_same_manifest():
    assert pack(rich(), None).manifest == pack(rich(), None).manifest


def test_i15_every_flipped_byte_of_a_manifest_is_noticed():
    body = pack(rich(), Predecessor(slot=NOON - timedelta(hours=1), sha256="0" * 64)).manifest

    for at in range(len(body)):
        for mask in (0x01, 0x20, 0x80):
            flipped = body[:at] + bytes([body[at] ^ mask]) + body[at + 1 :]
            with pytest.raises(Refused):
                open_manifest(flipped, "here")


@settings(max_examples=100, deadline=None)
@given(st.data())
def test_i15_every_cut_and_every_addition_is_noticed(data):
    body = pack(rich(), None).manifest
    at = data.draw(st.integers(0, len(body) - 1))
    added = data.draw(st.binary(min_size=1, max_size=4))

    for changed in (body[:at], body[:at] + added + body[at:], body + added):
        with pytest.raises(Refused):
            open_manifest(changed, "here")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"5",
        b'"digest"',
        b'{"digest": 5}',
        b"\xff\xfe",
        b"[" * 100_000,
        b'{"a": NaN}',
    ],
)
def test_what_is_no_manifest_is_refused_with_its_place(body):
    with pytest.raises(Refused, match=r"^the place"):
        open_manifest(body, "the place")


def signed(document):
    """A manifest whose own digest holds, whatever it says."""
    rest = {key: value for key, value in document.items() if key != "digest"}
    text = json.dumps(rest, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    whole = rest | {"digest": hashlib.sha256(text.encode()).hexdigest()}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", None),
        ("slot", "yesterday"),
        ("slot", "2026-03-29T12:00:00"),
        ("template", "../../etc/passwd"),
        ("parameters", 5),
        ("parameters", [5]),
        ("parameters", [{"name": 5}]),
        ("tags", {"a": 5}),
        ("tags", []),
        ("capabilities", [5]),
        ("termination_protection", "yes"),
        ("resources", [{"logical_id": "a"}]),
        ("children", {"Net": 5}),
        ("role_arn", 5),
    ],
)
def test_a_manifest_that_is_whole_but_malformed_is_refused(field, value):
    document = json.loads(pack(rich(), None).manifest)
    document["stack"][field] = value

    with pytest.raises(Refused, match="no manifest of a stack"):
        unpack(open_manifest(signed(document), "here"), lambda _: "", "here")


def test_a_manifest_of_a_later_format_is_refused_and_not_guessed_at():
    document = json.loads(pack(rich(), None).manifest) | {"format": 2}

    with pytest.raises(Refused, match="format is 2") as caught:
        open_manifest(signed(document), "here")
    assert "newer dr" in caught.value.remedy


def test_what_an_older_dr_did_not_write_reads_as_absent():
    document = json.loads(pack(stored(), None).manifest)
    for field in ("description", "imports", "tags", "children", "termination_protection", "processed"):
        del document["stack"][field]

    manifest = open_manifest(signed(document), "here")
    assert stored() == unpack(manifest, lambda _: "Resources: {}\n", "here")


def test_i23_the_value_of_a_no_echo_parameter_is_never_stored():
    secret = StackParameter(name="DbPassword", value="canary-1", resolved="canary-2", no_echo=True)
    packed = pack(stored(parameters=(secret,), children={"Net": stored(parameters=(secret,))}), None)

    assert b"canary" not in packed.manifest + b"".join(packed.blobs.values())
    assert packed.manifest.count(b'"name":"DbPassword","no_echo":true') == 2


def nested(levels):
    """A whole manifest of stacks inside stacks, written without recursion."""
    row = json.loads(pack(stored(), None).manifest)["stack"]
    text = "{}"
    for _ in range(levels):
        text = json.dumps({"Net": row}, sort_keys=True, separators=(",", ":")).replace(
            '"children":{}', '"children":' + text
        )
    stack = json.dumps(row, sort_keys=True, separators=(",", ":")).replace(
        '"children":{}', '"children":' + text
    )
    rest = '"format":1,"predecessor":null,"stack":' + stack + "}"
    digest = hashlib.sha256(("{" + rest).encode()).hexdigest()
    return ('{"digest":"' + digest + '",' + rest).encode()


def test_fifty_levels_of_nested_stacks_are_read():
    found = unpack(open_manifest(nested(50), "here"), lambda _: "", "here")
    for _ in range(50):
        found = found.children["Net"]
    assert found.children == {}


@pytest.mark.parametrize("levels", [51, 200, 100_000])
def test_whoever_forges_a_manifest_does_not_choose_how_deep_its_readers_recurse(levels):
    with pytest.raises(Refused, match=r"^here: it is no manifest") as caught:
        open_manifest(nested(levels) if levels < 1000 else b'{"a":' * levels, "here")
    assert levels > 1000 or "nested deeper than 50 levels" in caught.value.message
