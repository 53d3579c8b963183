"""What a directory does beyond the contract: rights, links, processes and kills."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from datetime import timedelta

import pytest
from store_kit import NOON, StillClock

from dr.errors import EnvironmentFailed, Refused
from dr.store.directory import DirectoryStore

ADD_ONE = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from dr.store.directory import DirectoryStore

class Clock:
    def now(self): return datetime.now(UTC)
    def sleep(self, seconds): pass

store = DirectoryStore(Path(sys.argv[1]), Clock())
created = store.put("races/first", sys.argv[2].encode(), if_absent=True)
for _ in range(int(sys.argv[3])):
    while True:
        found = store.get("races/count")
        if found is None:
            done = store.put("races/count", b"1", if_absent=True)
        else:
            done = store.put("races/count", b"%d" % (int(found.body) + 1), if_match=found.etag)
        if done:
            break
print("created" if created else "late")
"""


@pytest.fixture
def root(tmp_path):
    return tmp_path / "deep" / "store"


@pytest.fixture
def store(root):
    return DirectoryStore(root, StillClock())


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_the_first_write_makes_the_folder_for_its_user_only(store, root):
    assert store.get("a/b") is None
    assert not root.exists()

    store.put("a/b", b"x")

    assert [mode(root), mode(root / "a"), mode(root / "a" / "b")] == [0o700, 0o700, 0o600]


def test_files_are_for_their_user_only_whatever_the_umask_says(store, root):
    before = os.umask(0)
    try:
        store.put("a/b", b"x")
    finally:
        os.umask(before)

    assert [mode(root), mode(root / "a"), mode(root / "a" / "b")] == [0o700, 0o700, 0o600]


def test_what_is_written_is_dated_by_the_clock_that_was_passed_in(store):
    store.put("a/b", b"x")

    assert list(store.keys("")) == [("a/b", NOON)]


def test_processes_that_race_lose_no_update_and_one_creates(root):
    run = [sys.executable, "-c", ADD_ONE, str(root)]
    workers = [
        subprocess.Popen([*run, str(number), "25"], stdout=subprocess.PIPE, text=True) for number in range(4)
    ]
    said = [worker.communicate(timeout=60)[0].strip() for worker in workers]

    store = DirectoryStore(root, StillClock())
    assert [worker.returncode for worker in workers] == [0] * 4
    assert store.get("races/count").body == b"100"
    assert sorted(said) == ["created", "late", "late", "late"]
    assert str(said.index("created")).encode() == store.get("races/first").body


def test_what_a_killed_writer_left_is_no_key_and_stands_in_nobodys_way(store, root):
    store.put("a/b", b"old")
    (root / "a" / ".writing").write_bytes(b"half of some")

    assert store.get("a/b").body == b"old"
    assert [key for key, _ in store.keys("")] == ["a/b"]
    assert store.put("a/b", b"new") is not None
    assert store.get("a/b").body == b"new"
    assert [path.name for path in (root / "a").iterdir()] == ["b"]


@pytest.mark.parametrize("use", ["get", "put", "delete_if_match"])
def test_a_link_to_a_file_outside_is_refused_and_the_file_untouched(store, root, tmp_path, use):
    outside = tmp_path / "outside"
    outside.write_bytes(b"secret")
    store.put("a/b", b"x")
    (root / "a" / "link").symlink_to(outside)
    uses = {
        "get": lambda: store.get("a/link"),
        "put": lambda: store.put("a/link", b"y", if_absent=True),
        "delete_if_match": lambda: store.delete("a/link", if_match="any"),
    }

    with pytest.raises(Refused, match="is a link"):
        uses[use]()
    assert outside.read_bytes() == b"secret"


@pytest.mark.parametrize("use", ["get", "put", "delete"])
def test_a_folder_that_is_a_link_is_refused_and_what_it_leads_to_untouched(store, root, tmp_path, use):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    store.put("a/b", b"x")
    (root / "linked").symlink_to(outside)
    uses = {
        "get": lambda: store.get("linked/b"),
        "put": lambda: store.put("linked/b", b"y"),
        "delete": lambda: store.delete("linked/b"),
    }

    with pytest.raises(Refused, match="is a link"):
        uses[use]()
    assert (outside / "b").read_bytes() == b"secret"
    assert [path.name for path in outside.iterdir()] == ["b"]


def test_a_listing_shows_a_link_and_does_not_follow_it(store, root, tmp_path):
    """Whoever reads it is refused: one that was left out would be overlooked, and an older object taken for the newest."""
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b").write_bytes(b"secret")
    store.put("a/b", b"x")
    (root / "linked").symlink_to(outside)
    (root / "a" / "link").symlink_to(outside / "b")

    assert [key for key, _ in store.keys("")] == ["a/b", "a/link", "linked"]


def test_a_folder_in_the_place_of_an_object_is_shown_and_refused(store, root):
    (root / "a" / "folder.json" / "below").mkdir(parents=True)
    (root / "a" / "folder").mkdir(parents=True)
    assert [key for key, _ in store.keys("")] == ["a/folder.json"]

    with pytest.raises(Refused, match="no plain file"):
        store.get("a/folder")


def test_a_pipe_is_refused_and_holds_nobody_up(store, root):
    store.put("a/b", b"x")
    os.mkfifo(root / "a" / "pipe")

    with pytest.raises(Refused, match="no plain file"):
        store.get("a/pipe")


def test_a_lock_that_is_a_link_is_not_followed(store, root, tmp_path):
    root.mkdir(parents=True)
    (root / ".lock").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(EnvironmentFailed, match="cannot be written"):
        store.put("a/b", b"x")
    assert not (tmp_path / "elsewhere").exists()


@pytest.mark.parametrize("use", ["get", "put", "keys"])
def test_a_folder_that_cannot_be_used_is_said_with_what_to_do(tmp_path, use):
    (tmp_path / "file").write_bytes(b"")
    store = DirectoryStore(tmp_path / "file", StillClock())
    uses = {
        "get": lambda: store.get("a/b"),
        "put": lambda: store.put("a/b", b"x"),
        "keys": lambda: list(store.keys("")),
    }

    with pytest.raises(EnvironmentFailed) as caught:
        uses[use]()
    assert str(tmp_path / "file") in caught.value.message
    assert "dr.yaml" in caught.value.remedy


def test_a_second_store_object_sees_what_the_first_wrote(store, root):
    etag = store.put("a/b", b"x")

    other = DirectoryStore(root, StillClock(NOON + timedelta(days=1)))
    assert etag == other.get("a/b").etag
