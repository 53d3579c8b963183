"""Python's garbage collector, held while all that is made is kept.

It walks the objects that there are each time their number has grown by a share. While code, an SDK's model of a service or
a listing of many thousand rows is read, nothing of it is garbage, and every walk is in vain: of a plan's CPU a twelfth, of
a function's start a sixth (benchmarks/RESULTS.md says of which machine).
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
        self._number = 0

    def come(self) -> None:
        with self._lock:
            self._number += 1
            gc.disable()

    def go(self) -> None:
        with self._lock:
            self._number -= 1
            if not self._number:
                gc.enable()


_HOLDERS = _Holders()


@contextmanager
def held() -> Iterator[None]:
    """Nothing is collected inside: for work that keeps what it makes, and that ends."""
    _HOLDERS.come()
    try:
        yield
    finally:
        _HOLDERS.go()


@contextmanager
def loading() -> Iterator[None]:
    """As `held`, for code: it stays as long as the process, so that no later walk looks at it. Once in a process."""
    with held():
        yield
        gc.freeze()
