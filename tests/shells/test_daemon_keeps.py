"""Beside a long tick the leader's lease is held on, for as long as the tick moves."""

from __future__ import annotations

import threading
import time
from datetime import timedelta

import pytest
from daemons import CONFIG, POLICY

from dr.daemon.work import DaemonWork
from dr.errors import Busy
from dr.settings import Settings
from dr.slots import SWEEP
from dr.threads import meanwhile


@pytest.fixture
def work(tmp_path):
    """A daemon that leads, in a tick that asked AWS for something long ago; nothing of it needs AWS."""
    (tmp_path / "dr.yaml").write_text(CONFIG)
    (tmp_path / "policies").mkdir()
    (tmp_path / "policies" / "db.yaml").write_text(POLICY.format(name="db"))
    made = DaemonWork(Settings(config=str(tmp_path / "dr.yaml"), environ={}))
    made.app = made._as_files_are()
    made._lead(made.app)
    made.lease = tmp_path / "store" / "leases" / "daemon"
    made._keep(made.app)
    return made


def long_ago(work):
    """The lease was renewed two minutes ago."""
    work._beaten -= timedelta(minutes=2)
    return work.lease.read_text()


def test_the_lease_is_held_on_while_the_tick_moves(work):
    before = long_ago(work)
    work._keep(work.app)

    assert work.lease.read_text() != before
    assert work.health.leading


def test_of_a_tick_that_has_not_moved_for_two_sweeps_it_is_let_go(work):
    before = long_ago(work)
    work.health.moved -= 2 * SWEEP + 1
    work._keep(work.app)
    assert work.lease.read_text() == before

    work.app.session._calls.setdefault("eu-west-1", type(work.app.session.counted())()).begun += 1
    work._keep(work.app)
    assert work.lease.read_text() != before, "AWS was asked for something"


def test_a_lease_that_another_has_is_noticed_and_the_next_look_is_soon(work):
    long_ago(work)
    work.lease.write_text(work.lease.read_text().replace("process", "other"))
    work._keep(work.app)

    assert not work.health.leading
    with pytest.raises(Busy):
        work._lead(work.app)


def test_what_is_done_beside_begins_after_its_time_and_ends_with_what_it_stands_beside():
    done = threading.Event()
    with meanwhile(done.set, 0.01):
        assert done.wait(10)
    done.clear()
    time.sleep(0.1)
    assert not done.is_set()
