"""What every object store does, a directory and a bucket alike, and the values that stand in for them in tests."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from making import REGION
from memory_store import MemoryStore

from dr.config.stores import StoreLocation
from dr.errors import UsageError
from dr.store.opening import open_store

HOSTILE = [
    "",
    "/etc/passwd",
    "../outside",
    "stacks/../../outside",
    "stacks/./x",
    "stacks//x",
    "stacks/",
    "stacks\\..\\x",
    "stacks/x\x00y",
    "stacks/x\ny",
    "stacks/\x1b[31m",
    ".lock",
    "stacks/.writing",
    "s" * 901,
    "stacks/" + "s" * 256,
]


class RealClock:
    def now(self):
        return datetime.now(UTC)

    def sleep(self, seconds):
        raise AssertionError("nothing waits here")


@pytest.fixture(params=["directory", "bucket", "memory"])
def store(request, tmp_path):
    """A fresh store; listings of the bucket come in pages of two keys.

    The bucket is the sandbox's, which takes one request at a time: bare moto looks and writes in two steps, and two
    of eight racing creators win there.
    """
    if request.param == "memory":
        return MemoryStore(str(tmp_path / "store"), RealClock())
    if request.param == "directory":
        location = StoreLocation(url=str(tmp_path / "store"))
        return open_store(location, lambda: pytest.fail("a directory needs no AWS"), RealClock())
    session = request.getfixturevalue("aws").session
    client = session.client("s3", REGION)
    client.create_bucket(Bucket="acme-store", CreateBucketConfiguration={"LocationConstraint": REGION})
    two_a_page = partial(lambda params, **_: params.setdefault("MaxKeys", 2))
    client.meta.events.register("before-parameter-build.s3.ListObjectsV2", two_a_page)
    location = StoreLocation(url="s3://acme-store/some/prefix", region=REGION)
    return open_store(location, lambda: session, RealClock())


def test_what_is_not_there_is_none(store):
    assert store.get("stacks/none") is None


@pytest.mark.parametrize("body", [b"", b"hello", bytes(range(256)) * 1000])
def test_what_is_put_comes_back_byte_for_byte_with_its_etag(store, body):
    etag = store.put("blobs/ab/x", body)

    found = store.get("blobs/ab/x")
    assert (body, etag) == (found.body, found.etag)


def test_a_put_replaces_what_is_there_and_changes_the_etag(store):
    first = store.put("a/b", b"one")
    second = store.put("a/b", b"two")

    assert first != second
    assert store.get("a/b").body == b"two"


def test_a_put_if_absent_leaves_what_is_there(store):
    assert store.put("a/b", b"one", if_absent=True) is not None

    assert store.put("a/b", b"two", if_absent=True) is None
    assert store.get("a/b").body == b"one"


def test_a_put_if_absent_writes_again_after_a_delete(store):
    store.put("a/b", b"one")
    store.delete("a/b")

    assert store.put("a/b", b"two", if_absent=True) is not None
    assert store.get("a/b").body == b"two"


def test_a_put_if_match_replaces_exactly_what_was_read(store):
    etag = store.put("a/b", b"one")

    assert store.put("a/b", b"two", if_match=etag) is not None
    assert store.put("a/b", b"three", if_match=etag) is None
    assert store.get("a/b").body == b"two"


def test_a_put_if_match_writes_nothing_where_nothing_is(store):
    etag = store.put("a/b", b"one")
    store.delete("a/b")

    assert store.put("a/b", b"two", if_match=etag) is None
    assert store.get("a/b") is None


def test_a_delete_removes_and_is_repeatable(store):
    store.put("a/b", b"one")

    assert [store.delete("a/b"), store.delete("a/b")] == [True, True]
    assert store.get("a/b") is None


def test_a_delete_in_an_empty_store_is_success(store):
    assert store.delete("never/there") is True


def test_a_delete_if_match_spares_what_has_changed(store):
    old = store.put("a/b", b"one")
    new = store.put("a/b", b"two")

    assert store.delete("a/b", if_match=old) is False
    assert store.get("a/b").body == b"two"
    assert store.delete("a/b", if_match=new) is True
    assert store.get("a/b") is None


def test_a_delete_if_match_of_what_has_gone_is_success(store):
    etag = store.put("a/b", b"one")
    store.delete("a/b")

    assert store.delete("a/b", if_match=etag) is True


def test_an_empty_store_has_no_keys(store):
    assert list(store.keys("")) == []


def test_keys_are_those_below_the_prefix_in_order_over_all_pages(store):
    names = ["b/2", "b/10", "b/c/1", "b-x/1", "bb/1", "a/1", "b/B", "b/ä"]
    for name in names:
        store.put(name, b"x")

    assert [key for key, _ in store.keys("b/")] == ["b/10", "b/2", "b/B", "b/c/1", "b/ä"]
    assert sorted(names) == [key for key, _ in store.keys("")]


def test_a_prefix_may_end_inside_a_name(store):
    for name in ("a/one", "a/on/x", "a/two"):
        store.put(name, b"x")

    assert [key for key, _ in store.keys("a/on")] == ["a/on/x", "a/one"]


def test_what_was_deleted_is_no_key_any_more(store):
    store.put("a/1", b"x")
    store.put("a/2", b"x")
    store.delete("a/1")

    assert [key for key, _ in store.keys("a/")] == ["a/2"]


def test_keys_tell_when_each_was_written(store, request):
    store.put("a/b", b"x")

    ((_, written),) = store.keys("a/")
    in_bucket = store.name.startswith("s3://")  # whose clock other tests have moved
    now = request.getfixturevalue("sandbox").now() if in_bucket else datetime.now(UTC)
    assert abs(now - written) < timedelta(seconds=10)


@pytest.mark.parametrize("key", HOSTILE)
def test_a_hostile_key_is_refused_before_anything_is_touched(store, key, tmp_path):
    for use in (store.get, store.delete, lambda k: store.put(k, b"x")):
        with pytest.raises(UsageError, match="cannot be a key"):
            use(key)
    assert list(store.keys("")) == []
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("prefix", ["/", "../", "a/../", "a//b", "a\\", ".lock"])
def test_a_hostile_prefix_is_refused(store, prefix):
    with pytest.raises(UsageError, match="cannot be a key"):
        list(store.keys(prefix))


def _race(count, run):
    start, results = threading.Barrier(count), []

    def one(number):
        start.wait(timeout=20)
        results.append(run(number))

    threads = [threading.Thread(target=one, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    assert count == len(results)
    return results


def test_of_racing_creators_one_wins_and_its_bytes_stand(store):
    won = [n for n in _race(8, lambda n: store.put("a/b", b"%d" % n, if_absent=True) and n) if n is not None]

    assert len(won) == 1
    assert b"%d" % won[0] == store.get("a/b").body


def test_of_racing_takers_one_wins_and_its_bytes_stand(store):
    etag = store.put("a/b", b"old")
    won = [n for n in _race(8, lambda n: store.put("a/b", b"%d" % n, if_match=etag) and n) if n is not None]

    assert len(won) == 1
    assert b"%d" % won[0] == store.get("a/b").body


def test_its_name_tells_people_where_it_is(store, tmp_path):
    assert store.name in {str(tmp_path / "store"), "s3://acme-store/some/prefix"}
