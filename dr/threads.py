"""Several jobs at once, for those that mostly wait for AWS."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from contextvars import copy_context
from functools import partial
from queue import Empty, SimpleQueue
from typing import Generic, TypeVar

T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
_AT_ONCE = 8
"""At EC2's five creates a second, each may take a second and a half; and botocore keeps ten connections of a client."""
_GLANCE = 0.2
"""Seconds between two questions for how long there is left to wait."""
_JOINED = 5.0
"""Seconds that what is done beside may still take when what it was beside is over."""


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


def apart(
    jobs: Mapping[K, Callable[[], T]],
    *,
    at_once: int,
    lost: Callable[[K], bool],
    left: Callable[[], float | None] = as_long_as_it_takes,
) -> Iterator[tuple[K, Future[T] | None]]:
    """Each job by itself, in the order in which they end: what it returned or raised; None for one that was given up.

    `lost` is asked again and again of those that are under way; one that is given up makes room for the next, and is left to
    itself. `left`: the seconds that the next result may take, None for as long as it takes; then all of them are given up,
    those too that were not begun.
    """
    coming, ended = deque(jobs.items()), _Ended[tuple[K, Future[T]]]()
    under_way: dict[K, None] = {}
    while coming or under_way:
        while coming and len(under_way) < at_once:
            key, job = coming.popleft()
            under_way[key] = None
            _begin(partial(_named, key, job), ended)
        if (done := ended.soon()) is not None:
            key, result = done.result()
            if key in under_way:
                del under_way[key]
                yield key, result
            continue
        over = left() == 0
        for key in [key for key in under_way if over or lost(key)]:
            del under_way[key]
            yield key, None
        while over and coming:
            yield coming.popleft()[0], None


def within(seconds: float, job: Callable[[], object]) -> bool:
    """Whether this was done within so many seconds; what takes longer is left to itself. Raises what it raises until then."""
    end = time.monotonic() + seconds
    return any(True for _ in together([job], left=lambda: max(0.0, end - time.monotonic())))


@contextmanager
def meanwhile(work: Callable[[], object], every: float) -> Iterator[None]:
    """Do this again and again, so many seconds apart, in a thread beside what is done inside; one that hangs is left to itself."""
    over = threading.Event()

    def again() -> None:
        while not over.wait(every):
            work()

    thread = threading.Thread(target=copy_context().run, args=(again,), daemon=True)
    try:
        with suppress(RuntimeError):  # the machine has no thread left: what is done inside matters more
            thread.start()
        yield
    finally:
        over.set()
        if thread.ident is not None:
            thread.join(_JOINED)


def _named(key: K, job: Callable[[], T]) -> tuple[K, Future[T]]:
    """Its result beside the name of the job."""
    done: Future[T] = Future()
    try:
        done.set_result(job())
    except BaseException as error:  # noqa: BLE001 - for whoever asks for the result
        done.set_exception(error)
    return key, done


class _Ended(Generic[T]):
    """Jobs that have ended. An interrupt of the wait loses none: what is waited for is a sign, and not the job itself."""

    def __init__(self) -> None:
        self._jobs: deque[Future[T]] = deque()
        self._signs = SimpleQueue[None]()

    def put(self, done: Future[T]) -> None:
        self._jobs.append(done)
        self._signs.put(None)

    def soon(self) -> Future[T] | None:
        """The next one; None when there is none at a glance."""
        if not self._jobs:
            with suppress(Empty):
                self._signs.get(timeout=_GLANCE)
        return self._jobs.popleft() if self._jobs else None

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
