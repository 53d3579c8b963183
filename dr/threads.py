"""Several jobs at once, for those that mostly wait for AWS."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
_AT_ONCE = 8
"""At EC2's five creates a second, each may take a second and a half; and botocore keeps ten connections of a client."""
_GLANCE = 0.2
"""Seconds between two questions for how long there is left to wait."""


def as_long_as_it_takes() -> None:
    """Seconds that are left to wait: no number of them."""


def together(
    jobs: Iterable[Callable[[], T]], /, *, left: Callable[[], float | None] = as_long_as_it_takes
) -> Iterator[T]:
    """What the jobs return, in the order in which they end (`dr.executor.hands.Together`).

    In threads that end with the process: those of the library's pools keep an interrupted one until AWS has answered.
    """
    coming, ended = iter(jobs), _Ended[T]()
    under_way = 0
    while True:
        while under_way < _AT_ONCE and (job := next(coming, None)) is not None:
            under_way += 1
            _begin(job, ended)
        if not under_way or (done := ended.take(left)) is None:
            return
        under_way -= 1
        yield done.result()


class _Ended(Generic[T]):
    """Jobs that have ended. An interrupt of the wait loses none: what is waited for is a sign, and not the job itself."""

    def __init__(self) -> None:
        self._jobs: deque[Future[T]] = deque()
        self._signs = SimpleQueue[None]()

    def put(self, done: Future[T]) -> None:
        self._jobs.append(done)
        self._signs.put(None)

    def take(self, left: Callable[[], float | None]) -> Future[T] | None:
        """The next one; None when there is none in the time that is left."""
        while not self._jobs:  # a sign may be that of one that was taken without it
            if (seconds := left()) == 0:
                return None
            with suppress(Empty):
                self._signs.get(timeout=_GLANCE if seconds is None else min(seconds, _GLANCE))
        return self._jobs.popleft()


def _begin(job: Callable[[], T], ended: _Ended[T]) -> None:
    """In a thread of its own, with what is bound to every line of the log; here, where the machine has no thread left."""
    thread = threading.Thread(target=copy_context().run, args=(_work, job, ended), daemon=True)
    try:
        thread.start()
    except RuntimeError:
        _work(job, ended)


def _work(job: Callable[[], T], ended: _Ended[T]) -> None:
    done: Future[T] = Future()
    try:
        done.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again where the results are taken
        done.set_exception(error)
    ended.put(done)
