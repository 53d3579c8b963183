"""A store in a folder of one machine, or of a file system that supports locks.

Every write makes a file beside its target, flushes it to the disk and then renames or links it into place: a reader
sees the old bytes or the new ones, never half. Writes and deletes hold a lock on `.lock` in the root, so that a
condition and what depends on it are one step between processes too. Folders are opened one inside the other without
following links: a link in the store leads nowhere.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from dr.errors import EnvironmentFailed, Refused
from dr.ports import Clock, StoredObject
from dr.store.keys import checked_key, checked_prefix, is_key

_LOCK = ".lock"
_WRITING = ".writing"
"""The file that becomes the object. Writers take turns, so one name a folder does: a killed writer's remains go away
with the next write there."""
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_LINKED = (errno.ELOOP, errno.ENOTDIR)
"""What opening a link says, where links are not followed."""
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class DirectoryStore:
    """`ports.ObjectStore` below a root folder, which the first write makes. `clock` dates what is written."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root
        self._clock = clock

    @property
    def name(self) -> str:
        """The folder's path."""
        return str(self._root)

    def get(self, key: str) -> StoredObject | None:
        """Read the object whole."""
        *folders, file = checked_key(key).split("/")
        with self._failing("read"), self._folder(folders, make=False) as folder:
            body = None if folder is None else self._body(folder, file, key)
        return None if body is None else StoredObject(body=body, etag=_etag(body))

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        """Write it whole, where the condition holds."""
        *folders, file = checked_key(key).split("/")
        with self._failing("written"), self._locked(), self._folder(folders, make=True) as folder:
            if folder is None:
                raise FileNotFoundError(errno.ENOENT, "the folder went away", key)
            current = self._body(folder, file, key)
            if not _holds(current, if_absent=if_absent, if_match=if_match):
                return None
            self._write(folder, file, body)
        return _etag(body)

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove it, where the condition holds. Empty folders stay: another writer may be on its way into one."""
        *folders, file = checked_key(key).split("/")
        if not self._root.is_dir():
            return True
        with self._failing("written"), self._locked(), self._folder(folders, make=False) as folder:
            if folder is None:
                return True
            if if_match is not None:
                current = self._body(folder, file, key)
                if current is not None and _etag(current) != if_match:
                    return False
            with suppress(FileNotFoundError):
                os.unlink(file, dir_fd=folder)
                os.fsync(folder)
        return True

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Give every key below the prefix; what has a name that is no key is none of ours.

        A link or a pipe is given like a file, and so is a folder with a dot in its name, which no folder of a store has:
        whoever reads it is refused, and nobody overlooks it.
        """
        folder = checked_prefix(prefix).rpartition("/")[0]
        with self._failing("read"):
            found = [row for row in self._walk(folder) if row[0].startswith(prefix)]
        yield from sorted(found, key=lambda row: row[0].encode())

    def _walk(self, folder: str) -> Iterator[tuple[str, datetime]]:
        segments = folder.split("/") if folder else []
        with self._folder(segments, make=False) as opened:
            if opened is None:
                return
            with os.scandir(opened) as entries:
                rows = [(entry.name, entry.stat(follow_symlinks=False)) for entry in entries]
        for name, status in rows:
            key = f"{folder}/{name}" if folder else name
            if not is_key(key):
                continue
            if stat.S_ISDIR(status.st_mode) and "." not in name:
                yield from self._walk(key)
            else:
                yield key, datetime.fromtimestamp(status.st_mtime, tz=UTC)

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Hold the lock of the whole store; waits for another writer, which is never long."""
        self._root.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(self._root / _LOCK, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
        finally:
            os.close(lock)

    @contextmanager
    def _folder(self, segments: list[str], *, make: bool) -> Iterator[int | None]:
        """Open a folder below the root, one step after the other; None when it is not there."""
        with ExitStack() as opened:
            try:
                folder: int | None = self._opened(segments, opened, make=make)
            except FileNotFoundError:
                folder = None
            yield folder

    def _opened(self, segments: list[str], opened: ExitStack, *, make: bool) -> int:
        folder = os.open(self._root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        opened.callback(os.close, folder)
        for depth, segment in enumerate(segments):
            if make:
                _make_folder(segment, folder)
            try:
                folder = os.open(segment, _FOLDER, dir_fd=folder)
            except OSError as error:
                if error.errno in _LINKED:
                    raise self._link("/".join(segments[: depth + 1])) from error
                raise
            opened.callback(os.close, folder)
        return folder

    def _body(self, folder: int, file: str, key: str) -> bytes | None:
        try:
            opened = os.open(file, _READ, dir_fd=folder)
        except FileNotFoundError:
            return None
        except OSError as error:
            if error.errno in _LINKED:
                raise self._link(key) from error
            raise
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            os.close(opened)
            raise self._link(key)
        with os.fdopen(opened, "rb") as reader:
            return reader.read()

    def _write(self, folder: int, file: str, body: bytes) -> None:
        """Write beside the target, flush, and put it in place in one step (0600: templates may name secrets)."""
        with suppress(FileNotFoundError):
            os.unlink(_WRITING, dir_fd=folder)
        opened = os.open(_WRITING, _WRITE | os.O_EXCL, 0o600, dir_fd=folder)
        with os.fdopen(opened, "wb") as writer:
            writer.write(body)
            writer.flush()
            written = self._clock.now().timestamp()
            os.utime(writer.fileno(), (written, written))
            os.fsync(writer.fileno())
        os.rename(_WRITING, file, src_dir_fd=folder, dst_dir_fd=folder)
        os.fsync(folder)

    @contextmanager
    def _failing(self, done: str) -> Iterator[None]:
        """Say what this machine said, once, in our words."""
        try:
            yield
        except OSError as error:
            raise EnvironmentFailed(
                f"{self._root}: the store cannot be {done}: {error.strerror or error}",
                "give this user rights and room there, or name another folder under `store` in dr.yaml",
            ) from error

    def _link(self, key: str) -> Refused:
        return Refused(
            f"{self._root / key} is a link, or no plain file or folder: the store follows none",
            "find out who put it there, and remove it",
        )


def _make_folder(name: str, parent: int) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=parent)
        os.fsync(parent)


def _holds(current: bytes | None, *, if_absent: bool, if_match: str | None) -> bool:
    """Whether what is there meets the conditions of a write."""
    if if_absent and current is not None:
        return False
    return if_match is None or (current is not None and _etag(current) == if_match)


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()
