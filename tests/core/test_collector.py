"""The garbage collector is held exactly as long as somebody holds it."""

from __future__ import annotations

import gc
import threading

import pytest

from dr import collector


def test_it_is_held_inside_and_runs_again_afterwards():
    with collector.held():
        assert not gc.isenabled()
    assert gc.isenabled()


def test_it_runs_again_after_an_error():
    with pytest.raises(KeyError), collector.held():
        raise KeyError
    assert gc.isenabled()


def test_it_is_held_until_the_last_of_several_has_ended():
    inside, done = threading.Event(), threading.Event()

    def other():
        with collector.held():
            inside.set()
            done.wait(30)

    thread = threading.Thread(target=other)
    with collector.held():
        thread.start()
        inside.wait(30)
    assert not gc.isenabled()
    done.set()
    thread.join()
    assert gc.isenabled()


def test_what_was_loaded_is_walked_no_more():
    before = gc.get_freeze_count()
    try:
        with collector.loading():
            kept = [[] for _ in range(100)]
        assert gc.get_freeze_count() >= before + len(kept)
    finally:
        gc.unfreeze()
