"""Several jobs at once: results, order of beginning, exceptions, and the log's context."""

from __future__ import annotations

import threading

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
