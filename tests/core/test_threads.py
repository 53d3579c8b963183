"""Several jobs at once: results, order of beginning, exceptions, and the log's context."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest
import structlog

from dr.executor.hands import in_turn
from dr.threads import together

BOTH = pytest.mark.parametrize("do", [together, in_turn])


@BOTH
def test_every_job_has_its_result(do):
    jobs = [lambda number=number: number * number for number in range(50)]
    assert sorted(do(jobs)) == [number * number for number in range(50)]


def test_jobs_are_under_way_at_once():
    """Each waits for all the others; one after the other would wait in vain."""
    meet = threading.Barrier(8)
    assert len(set(together([lambda: meet.wait(30)] * 8))) == 8


def test_no_more_than_eight_are_under_way_and_the_next_is_asked_for_when_one_has_ended():
    begun, free = [], threading.Semaphore(0)

    def jobs():
        for number in range(20):
            begun.append(number)
            yield lambda: free.acquire(timeout=30)

    results = together(jobs())
    free.release()
    next(results)
    assert begun == list(range(8))
    free.release()
    next(results)
    assert begun == list(range(9))
    free.release(50)
    assert sum(results) == 18


@BOTH
def test_jobs_are_asked_for_in_the_thread_of_the_caller(do):
    seen = []

    def jobs():
        seen.append(threading.current_thread())
        yield str

    assert (list(do(jobs())), seen) == ([""], [threading.current_thread()])


@BOTH
def test_what_a_job_raises_is_raised_where_the_results_are_taken(do):
    def fails():
        raise KeyError("lost")

    with pytest.raises(KeyError, match="lost"):
        list(do([str, fails]))


def test_what_is_bound_to_the_log_is_bound_in_every_job():
    with structlog.contextvars.bound_contextvars(request="r-1"):
        assert list(together([structlog.contextvars.get_contextvars])) == [{"request": "r-1"}]


def test_what_is_under_way_is_left_to_itself_when_there_is_no_time_left():
    """The first job ends, and then there is a fifth of a second for the second, which never does."""
    until = []

    def left():
        return max(0.0, until[0] - time.monotonic()) if until else None

    results = together(
        iter([lambda: until.append(time.monotonic() + 0.2), threading.Event().wait]), left=left
    )
    assert list(results) == [None]


def test_a_job_that_no_thread_can_be_begun_for_is_done_in_the_callers():
    """A small container has no thread left: nothing is lost."""
    code = """
import resource, threading
from dr.threads import together
resource.setrlimit(resource.RLIMIT_AS, (200_000_000, 200_000_000))
threading.stack_size(256_000_000)
print(sum(together([lambda: threading.current_thread() is threading.main_thread()] * 20)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "20\n"


def test_an_interrupted_listing_is_left_to_itself():
    done = []
    results = together(
        iter(
            [
                lambda: signal.pthread_kill(threading.main_thread().ident, signal.SIGINT),
                threading.Event().wait,
            ]
        )
    )
    with pytest.raises(KeyboardInterrupt):
        done.extend(results)
    assert done == []
