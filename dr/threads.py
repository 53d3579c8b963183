"""Several jobs at once, for those that mostly wait for AWS."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextvars import copy_context
from queue import SimpleQueue
from typing import TypeVar

T = TypeVar("T")
_AT_ONCE = 8
"""At EC2's five creates a second, each may take a second and a half; and botocore keeps ten connections of a client."""


def together(jobs: Iterable[Callable[[], T]]) -> Iterator[T]:
    """What the jobs return, in the order in which they end (`dr.executor.hands.Together`).

    In threads that end with the process: those of the library's pools keep an interrupted one until AWS has answered.
    """
    coming, ended = iter(jobs), SimpleQueue[Future[T]]()
    under_way = 0
    while True:
        while under_way < _AT_ONCE and (job := next(coming, None)) is not None:
            context = copy_context()  # what is bound to every line of the log
            threading.Thread(target=context.run, args=(_work, job, ended), daemon=True).start()
            under_way += 1
        if not under_way:
            return
        done = ended.get()
        under_way -= 1
        yield done.result()


def _work(job: Callable[[], T], ended: SimpleQueue[Future[T]]) -> None:
    done: Future[T] = Future()
    try:
        done.set_result(job())
    except BaseException as error:  # noqa: BLE001 - raised again where the results are taken
        done.set_exception(error)
    ended.put(done)
