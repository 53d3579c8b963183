"""Fuzzing what lies in a store, where whoever can write there wrote it: manifests, records, leases, keys."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime

from restore_values import NOON, SECRET, stored

from dr import layout
from dr.durations import Duration
from dr.errors import Busy, Refused
from dr.model import Applied, Begun, RetentionRule, ShardRun
from dr.ports import StoredObject
from dr.store.accounts import KnownAccounts
from dr.store.documents import Predecessor, open_manifest, pack, unpack
from dr.store.keys import checked_key, checked_prefix, is_key
from dr.store.leases import Owner, StoreLeases
from dr.store.records import StoreRecords
from dr.store.shards import ShardRuns

ACCOUNT, REGION = "111111111111", "eu-west-1"
CONFIGS = (
    (
        b"name: acme\nregions: [eu-west-1]\nstore:\n  primary: {url: 's3://bucket/prefix', region: eu-west-1}\n"
        b"  replica: {url: /a/directory}\nstaging_bucket: {eu-west-1: b-1}\n"
        b"restore: {parameters: {Pw: {ssm: /a/b}, Size: '5'}, image_for: {Lt: newest, Lc: i-0123456789abcdef0}}\n"
    ),
)
KEYS = (
    b"stacks/111111111111/eu-west-1/prod/20260329T010000Z.nightly.json",
    b"leases/111111111111/eu-west-1/stack.prod",
    b"blobs/ab/cd",
)
PARTS = (b"/", b"..", b".", b"\x00", b"\\", b"stacks/", b"\xff", b"a" * 256, "ä".encode(), b"//", b"\n", b"~")


class Clock:
    """Stands still."""

    def now(self) -> datetime:
        return NOON

    def sleep(self, seconds: float) -> None:
        raise AssertionError(f"nobody waits here, not {seconds} s")


class OneBody:
    """A store in which the same bytes lie everywhere."""

    name = "the store"

    def __init__(self, body: bytes) -> None:
        self._body = body

    def get(self, key: str) -> StoredObject | None:
        return StoredObject(body=self._body, etag="e")

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        return None if if_absent or if_match else "e"

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        return True

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        yield f"{prefix}one.json", NOON


def read_manifest(data: bytes) -> None:
    """As it lies there; and again with a digest that fits, as whoever forges one would make it."""
    with suppress(Refused):
        open_manifest(data, "here")
    manifest = open_manifest(forged(data), "here")
    unpack(manifest, lambda digest: digest, "here")


def forged(data: bytes) -> bytes:
    try:
        document = json.loads(data)
        rest = {key: value for key, value in document.items() if key != "digest"}
        whole = rest | {"digest": hashlib.sha256(canonical(rest)).hexdigest()}
        return canonical(whole)
    except (ValueError, AttributeError, RecursionError):
        return data


def canonical(document: object) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def manifests() -> tuple[bytes, ...]:
    inner = stored(parameters=SECRET)
    before = Predecessor(slot=NOON, sha256="0" * 64)
    return (pack(inner, None).manifest, pack(stored(children={"Net": inner}), before).manifest)


def read_records(data: bytes) -> None:
    store, clock = OneBody(data), Clock()
    kept = StoreRecords(store, clock)
    reads = (
        kept.holder,
        kept.pins,
        kept.freezes,
        lambda: kept.applied(ACCOUNT, REGION, "db"),
        lambda: kept.orphans(ACCOUNT, REGION),
        lambda: kept.begun(ACCOUNT, REGION, "prod"),
        lambda: ShardRuns(store).of("r-1", ACCOUNT, REGION),
        lambda: KnownAccounts("acme", (store,)).read("all"),
    )
    with suppress(Busy):
        StoreLeases(store, Owner(name="me"), clock).acquire(layout.lease_key(ACCOUNT, REGION, "db"))
    errors = []
    for read in reads:
        try:
            read()
        except Exception as error:  # noqa: BLE001 - all are read, then the first is raised
            errors.append(error)
    if errors:
        raise next((one for one in errors if "cannot be read" not in str(one)), errors[0])


class Kept(OneBody):
    """Remembers what was written last."""

    def __init__(self) -> None:
        super().__init__(b"")

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        self._body = body
        return "e"

    def body(self) -> bytes:
        return self._body


def records() -> tuple[bytes, ...]:
    """Each record as dr writes it."""
    begun = Begun(
        plan="p", attempt=2, stored="stack/prod", policy="db", points=("snap-1",), at=NOON, asked_at=NOON, began=NOON
    )  # fmt: skip
    keep = RetentionRule(last=3, within=Duration(months=1, seconds=60))
    writes = (
        lambda kept: kept.claim("acme"),
        lambda kept: kept.pin("p", ["snap-1", "ami-1"]),
        lambda kept: kept.record_applied(ACCOUNT, REGION, "db", Applied(keep=keep, trimmed=(keep,))),
        lambda kept: kept.record_orphans(ACCOUNT, REGION, {"snap-1": datetime(2026, 1, 1, tzinfo=UTC)}),
        lambda kept: kept.record_begun(ACCOUNT, REGION, "prod", begun),
    )
    found = []
    for write in writes:
        store = Kept()
        write(StoreRecords(store, Clock()))
        found.append(store.body())
    store = Kept()
    StoreLeases(store, Owner(name="me"), Clock()).acquire(layout.lease_key(ACCOUNT, REGION, "db"))
    shard = Kept()
    ShardRuns(shard).record(ACCOUNT, REGION, ShardRun(run="r-1", failed=2, left=1, error="no"))
    accounts = Kept()
    KnownAccounts("acme", (accounts,)).write("all", [ACCOUNT])
    return (*found, store.body(), shard.body(), accounts.body())


def read_key(data: bytes) -> None:
    """What a store takes as a key leads nowhere else, and is a key in every store."""
    text = data.decode("utf-8", "surrogateescape")
    layout.parse_manifest_key(text)
    layout.parse_slot(text)
    if is_key(text):
        assert checked_key(text) == text
        segments = text.split("/")
        assert not {"", ".", ".."} & set(segments)
        assert "\x00" not in text
        text.encode()
    checked_prefix(text)
    checked_key(text)
