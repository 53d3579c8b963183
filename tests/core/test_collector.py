"""The garbage collector is held exactly as long as somebody holds it."""

from __future__ import annotations

import gc
import subprocess
import sys
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


def test_what_was_loaded_is_walked_no_more_and_later_loading_leaves_garbage_to_be_found():
    code = (
        "import gc\nfrom dr import collector\n"
        "for _ in range(2):\n"
        "    with collector.loading():\n        kept = [[] for _ in range(1000)]\n"
        "    print(gc.get_freeze_count())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = map(int, done.stdout.split())
    assert first > 1000
    assert second <= first


def test_who_had_it_switched_off_finds_it_so():
    gc.disable()
    try:
        with collector.held():
            pass
        assert not gc.isenabled()
    finally:
        gc.enable()
