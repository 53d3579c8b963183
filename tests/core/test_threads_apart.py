"""Several jobs at once, each by itself: what hangs is given up and makes room, what fails is told of that job alone."""

from __future__ import annotations

import threading
import time

import structlog

from dr.threads import apart


def never(_key):
    """No job is lost."""
    return False


def hanging():
    """A job that never ends; its thread ends with the process."""
    threading.Event().wait()


def results(ran):
    return {key: done and done.result() for key, done in ran}


def test_every_job_has_its_result_under_its_own_name():
    jobs = {number: lambda number=number: number * number for number in range(50)}

    assert results(apart(jobs, at_once=4, lost=never)) == {number: number * number for number in range(50)}


def test_nothing_to_do_is_done():
    assert list(apart({}, at_once=4, lost=never)) == []


def test_results_come_in_the_order_in_which_the_jobs_end():
    gates = {name: threading.Event() for name in "abc"}
    ran = apart({name: gate.wait for name, gate in gates.items()}, at_once=3, lost=never)
    ended = []
    for name in "bca":
        gates[name].set()
        ended.append(next(ran)[0])

    assert ended == ["b", "c", "a"]


def test_jobs_begin_in_their_order_and_no_more_of_them_at_once_than_is_allowed():
    begun, lock, most = [], threading.Lock(), []
    running = set()

    def job(number):
        with lock:
            begun.append(number)
            running.add(number)
            most.append(len(running))
        time.sleep(0.01)
        with lock:
            running.remove(number)

    jobs = {number: lambda number=number: job(number) for number in range(20)}
    assert len(results(apart(jobs, at_once=3, lost=never))) == 20
    assert (max(most), sorted(begun), begun[0]) == (3, list(range(20)), 0)


def test_what_a_job_raises_is_in_its_future_and_ends_no_other():
    def fails():
        raise KeyError("lost")

    def ends():
        raise SystemExit(3)

    ran = dict(apart({"bad": fails, "worse": ends, "good": lambda: 1}, at_once=3, lost=never))

    assert repr(ran["bad"].exception()) == "KeyError('lost')"
    assert isinstance(ran["worse"].exception(), SystemExit)
    assert ran["good"].result() == 1


def test_a_job_that_is_given_up_has_no_result_and_makes_room_for_the_next():
    jobs = {"hangs": hanging, "first": lambda: 1, "second": lambda: 2}
    ran = apart(jobs, at_once=1, lost=lambda key: key == "hangs")

    assert list(results(ran).items()) == [("hangs", None), ("first", 1), ("second", 2)]


def test_only_jobs_that_are_under_way_are_asked_after():
    asked = []

    def lost(key):
        asked.append(key)
        return key == "hangs"

    results(apart({"hangs": hanging, "later": lambda: 1}, at_once=1, lost=lost))

    assert set(asked) == {"hangs"}


def test_a_job_that_ends_after_it_was_given_up_is_told_once():
    """It ends while the other is still waited for, and its late result is nobody's."""
    late, other = threading.Event(), threading.Event()
    ended = threading.Event()

    def slow():
        late.wait(30)
        ended.set()
        return "late"

    ran = apart({"slow": slow, "other": lambda: other.wait(30)}, at_once=2, lost=lambda key: key == "slow")
    first = next(ran)
    late.set()
    ended.wait(30)
    time.sleep(0.05)
    other.set()

    assert (first, [(key, done.result()) for key, done in ran]) == (("slow", None), [("other", True)])


def test_when_no_time_is_left_everything_is_given_up_begun_or_not():
    begun = []
    jobs = {number: lambda number=number: (begun.append(number), hanging()) for number in range(5)}
    ran = list(apart(jobs, at_once=2, lost=never, left=lambda: 0.0))

    assert (ran, begun) == ([(number, None) for number in range(5)], [0, 1])


def test_as_long_as_time_is_left_jobs_may_end():
    gate = threading.Event()
    until = time.monotonic() + 30

    def left():
        gate.set()
        return until - time.monotonic()

    assert results(apart({"one": lambda: gate.wait(30)}, at_once=1, lost=never, left=left)) == {"one": True}


def test_what_is_bound_to_the_log_is_bound_in_every_job():
    with structlog.contextvars.bound_contextvars(request="r-1"):
        ran = apart({1: structlog.contextvars.get_contextvars}, at_once=1, lost=never)
        assert results(ran) == {1: {"request": "r-1"}}
