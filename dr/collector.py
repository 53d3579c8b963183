"""Python's garbage collector, held while all that is made is kept.

It walks the objects that there are each time their number has grown by a share. While code, an SDK's model of a service or
a listing of many thousand rows is read, next to nothing of it is garbage, and every walk is in vain.
"""

from __future__ import annotations

import gc
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Holders:
    """How many hold it now; threads may do so at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._number, self._was_on = 0, True
        self.frozen = False

    def come(self) -> None:
        with self._lock:
            if not self._number:
                self._was_on = gc.isenabled()
            self._number += 1
            gc.disable()

    def go(self) -> None:
        with self._lock:
            self._number -= 1
            if not self._number and self._was_on:
                gc.enable()


_HOLDERS = _Holders()


@contextmanager
def held() -> Iterator[None]:
    """Nothing is collected inside: for work that keeps what it makes, and that ends; waits for AWS are part of it."""
    _HOLDERS.come()
    try:
        yield
    finally:
        _HOLDERS.go()


@contextmanager
def loading() -> Iterator[None]:
    """As `held`, for code: it stays as long as the process, so that no later walk looks at what is there. Once in a process."""
    with held():
        yield
        if not _HOLDERS.frozen:
            _HOLDERS.frozen = True
            gc.freeze()


def sweep() -> None:
    """Let go of what nobody can reach, for a process that lives long: an SDK's session is a hundred cycles of some megabytes."""
    gc.collect()
