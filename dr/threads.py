"""Several jobs at once, for those that mostly wait for AWS."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
_AT_ONCE = 8
"""At EC2's five creates a second, each may take a second and a half; and botocore keeps ten connections of a client."""
_PATIENCE = 5.0
"""Seconds. EC2 answers a create within one or two."""


def together(jobs: Iterable[Callable[[], T]], /, *, finish: bool = False) -> Iterator[T]:
    """What the jobs return, in the order in which they end (`dr.executor.hands.Together`).

    In threads that end with the process: those of the library's pools keep an interrupted one until AWS has answered.
    """
    coming, ended = iter(jobs), _Ended[T]()
    under_way = 0
    try:
        while True:
            while under_way < _AT_ONCE and (job := next(coming, None)) is not None:
                context = copy_context()  # what is bound to every line of the log
                under_way += 1  # before it begins: an interrupt in between may wait in vain, but misses none
                threading.Thread(target=context.run, args=(_work, job, ended), daemon=True).start()
            if not under_way:
                return
            done = ended.take()
            under_way -= 1
            yield done.result()
    except KeyboardInterrupt:
        if isinstance(coming, Generator):
            coming.close()
        if finish:
            yield from _last(under_way, ended)
        raise


class _Ended(Generic[T]):
    """Jobs that have ended. An interrupt of the wait loses none: what is waited for is a sign, and not the job itself."""

    def __init__(self) -> None:
        self._jobs: deque[Future[T]] = deque()
        self._signs = SimpleQueue[None]()

    def put(self, done: Future[T]) -> None:
        self._jobs.append(done)
        self._signs.put(None)

    def take(self, seconds: float | None = None) -> Future[T]:
        """The next one. Raises `Empty` when there is none in this time."""
        while not self._jobs:  # a sign may be that of one that was taken without it
            self._signs.get(timeout=seconds)
        return self._jobs.popleft()


def _last(under_way: int, ended: _Ended[T]) -> Iterator[T]:
    """What ends soon of what is under way. Who interrupts again does not wait."""
    until = time.monotonic() + _PATIENCE
    with suppress(Empty):
        for _ in range(under_way):
            yield ended.take(max(0.0, until - time.monotonic())).result()


def _work(job: Callable[[], T], ended: _Ended[T]) -> None:
    done: Future[T] = Future()
    try:
        done.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again where the results are taken
        done.set_exception(error)
    ended.put(done)
