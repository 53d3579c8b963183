"""Leases: one holder, five minutes, taken over when they ran out."""

from __future__ import annotations

import json
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext
from dataclasses import replace
from datetime import timedelta

import pytest
from store_kit import NOON, Breakable, StillClock

from dr import layout
from dr.errors import Busy, EnvironmentFailed
from dr.store.directory import DirectoryStore
from dr.store.leases import Owner, StoreLeases
from dr.store.processes import Process, died, this_process

KEY = "leases/111111111111/eu-west-1/nightly"
SOMEBODY = Process(boot="b", namespace="pid:[1]", pid=7, started=99)


@pytest.fixture
def clock():
    return StillClock()


@pytest.fixture
def store(tmp_path, clock):
    return Breakable(DirectoryStore(tmp_path / "store", clock))


@pytest.fixture
def ours(store, clock):
    return StoreLeases(store, Owner(name="anna@laptop (process 7)"), clock)


@pytest.fixture
def theirs(store, clock):
    return StoreLeases(store, Owner(name="function dr-tick"), clock)


def test_a_held_lease_is_busy_and_names_its_owner_and_its_end(ours, theirs):
    ours.acquire(KEY)

    with pytest.raises(
        Busy,
        match=r"^anna@laptop \(process 7\) is applying policy nightly in eu-west-1: "
        r"its lease ends at 2026-03-29T12:05:00Z, in 5min, unless it renews it$",
    ) as caught:
        theirs.acquire(KEY)
    assert caught.value.exit_code == 5


def test_leases_of_different_keys_do_not_meet(ours, theirs):
    ours.acquire(KEY)

    assert theirs.acquire(f"{KEY}-other") is not None


def test_a_policy_named_stack_and_a_restore_do_not_meet_either(ours):
    ours.acquire(layout.lease_key("1", "eu-west-1", "stack"))

    assert ours.acquire(layout.restore_lease_key("1", "eu-west-1", "prod")) is not None


def test_a_released_lease_is_free(ours, theirs):
    ours.acquire(KEY).release()

    assert theirs.acquire(KEY) is not None


def test_a_lease_is_held_for_five_minutes_and_no_longer(ours, theirs, clock):
    ours.acquire(KEY)
    clock.advance(minutes=5, microseconds=-1)
    with pytest.raises(Busy):
        theirs.acquire(KEY)

    clock.advance(microseconds=1)
    assert theirs.acquire(KEY) is not None


def test_renewing_holds_it_for_five_more_minutes(ours, theirs, clock):
    lease = ours.acquire(KEY)
    for _ in range(3):
        clock.advance(minutes=4)
        lease.renew()
    clock.advance(minutes=4)

    with pytest.raises(Busy):
        theirs.acquire(KEY)


def test_a_lease_that_ran_out_and_nobody_took_can_be_renewed(ours, theirs, clock):
    lease = ours.acquire(KEY)
    clock.advance(hours=1)
    lease.renew()

    with pytest.raises(Busy):
        theirs.acquire(KEY)


def test_renewing_what_was_taken_over_is_busy_and_names_the_new_owner(ours, theirs, clock):
    lease = ours.acquire(KEY)
    clock.advance(minutes=6)
    theirs.acquire(KEY)

    with pytest.raises(Busy, match="function dr-tick is applying"):
        lease.renew()


def test_renewing_what_is_gone_is_busy(ours, store):
    lease = ours.acquire(KEY)
    store.delete(KEY)

    with pytest.raises(Busy, match="somebody gave it back"):
        lease.renew()


def test_releasing_what_was_taken_over_leaves_the_new_owners_lease(ours, theirs, clock, store):
    lease = ours.acquire(KEY)
    clock.advance(minutes=6)
    theirs.acquire(KEY)
    lease.release()

    assert json.loads(store.get(KEY).body)["owner"] == "function dr-tick"


def test_releasing_never_raises(ours, store):
    gone, away = ours.acquire(KEY), ours.acquire(f"{KEY}2")
    store.delete(KEY)
    gone.release()
    store.away = True
    away.release()

    store.away = False
    assert store.get(f"{KEY}2") is not None


def test_a_store_that_is_away_raises_so_that_the_caller_can_decide(ours, store):
    store.away = True

    with pytest.raises(EnvironmentFailed):
        ours.acquire(KEY)


def test_i7_of_racing_takers_one_holds_it(store, clock):
    def take(number):
        try:
            return StoreLeases(store, Owner(name=f"taker {number}"), clock).acquire(KEY)
        except Busy:
            return None

    for round_ in range(3):
        with ThreadPoolExecutor(8) as pool:
            held = [lease for lease in pool.map(take, range(round_ * 8, round_ * 8 + 8)) if lease]
        assert len(held) == 1
        clock.advance(minutes=6)  # the next round takes over what ran out


def test_a_taker_that_loses_the_take_over_is_told_who_won(ours, theirs, store, clock):
    StoreLeases(store, Owner(name="a crashed one"), clock).acquire(KEY)
    clock.advance(minutes=6)

    def meanwhile(what, _):
        if what == "get":
            store.meanwhile = None
            theirs.acquire(KEY)

    store.meanwhile = meanwhile
    with pytest.raises(Busy, match="function dr-tick is applying"):
        ours.acquire(KEY)


def test_a_lease_given_back_at_the_last_moment_is_taken(ours, theirs, store):
    lease = theirs.acquire(KEY)

    def meanwhile(what, _):
        if what == "get":
            store.meanwhile = None
            lease.release()

    store.meanwhile = meanwhile
    assert ours.acquire(KEY) is not None


DAMAGED = [
    b"",
    b"[]",
    b"{}",
    b"\xff",
    b'{"owner": "x"}',
    b'{"owner": 5, "until": "2026-03-29T12:05:00Z"}',
    b'{"owner": "x", "until": "2026-03-29T12:05:00"}',
    b'{"owner": "x", "until": "9999-01-01T00:00:00Z"}',
]


@pytest.mark.parametrize("body", DAMAGED)
def test_a_lease_that_cannot_be_believed_holds_five_minutes_from_when_it_was_written(
    ours, store, clock, body
):
    store.put(KEY, body)
    clock.advance(minutes=4)
    with pytest.raises(Busy, match="ends at 2026-03-29T12:05:00Z"):
        ours.acquire(KEY)

    clock.advance(minutes=1)
    assert ours.acquire(KEY) is not None


def test_an_owners_text_cannot_play_with_the_terminal(ours, store):
    until = (NOON + timedelta(minutes=3)).isoformat()
    store.put(KEY, json.dumps({"owner": "\x1b[2J\r\nx" + "y" * 999, "until": until}).encode())

    with pytest.raises(Busy) as caught:
        ours.acquire(KEY)
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 300


class AnswerLost:
    """Its puts are done twice, as behind an SDK's retry after a lost answer: the second one meets the first."""

    def __init__(self, inner):
        self.inner = inner
        self.name, self.get, self.keys, self.delete = inner.name, inner.get, inner.keys, inner.delete

    def put(self, key, body, **condition):
        self.inner.put(key, body, **condition)
        return self.inner.put(key, body, **condition)


def test_i6_our_own_lease_is_ours_after_a_lost_answer(store, clock, theirs):
    lease = StoreLeases(AnswerLost(store), Owner(name="us"), clock).acquire(KEY)
    clock.advance(minutes=4)
    lease.renew()
    clock.advance(minutes=4)

    with pytest.raises(Busy, match=r"^us is applying"):
        theirs.acquire(KEY)
    lease.release()
    assert theirs.acquire(KEY) is not None


class LosesOne:
    """Its next put has its effect, and no answer."""

    def __init__(self, inner):
        self.inner, self.loses = inner, False
        self.name, self.get, self.keys, self.delete = inner.name, inner.get, inner.keys, inner.delete

    def put(self, key, body, **condition):
        written = self.inner.put(key, body, **condition)
        if self.loses:
            self.loses = False
            raise EnvironmentFailed("no answer")
        return written


@pytest.mark.parametrize(("process", "holds"), [(SOMEBODY, True), (None, False)])
def test_i6_a_renewal_after_one_whose_answer_was_lost_is_ours_where_the_process_is_known(
    store, clock, process, holds
):
    """What a function wrote, another invocation of the same name may have written: it may have been frozen for long."""
    losing = LosesOne(store)
    lease = StoreLeases(losing, Owner(name="us", process=process), clock).acquire(KEY)
    clock.advance(minutes=1)
    losing.loses = True
    with pytest.raises(EnvironmentFailed):
        lease.renew()
    clock.advance(minutes=1)
    with nullcontext() if holds else pytest.raises(Busy, match=r"^us is applying"):
        lease.renew()
        lease.renew()


def test_a_restore_that_holds_a_stack_is_named_as_one(ours, theirs):
    key = layout.restore_lease_key("111111111111", "eu-west-1", "prod")
    ours.acquire(key)

    with pytest.raises(Busy, match=r"^anna@laptop \(process 7\) is restoring stack prod in eu-west-1: "):
        theirs.acquire(key)


def crashed(store, clock, process=SOMEBODY):
    """Take the lease and never give it back."""
    StoreLeases(store, Owner(name="a crashed one", process=process), clock).acquire(KEY)


def test_the_lease_of_a_process_that_died_here_is_taken_over_at_once(store, clock):
    crashed(store, clock)
    asked = []

    def is_dead(process):
        asked.append(process)
        return True

    StoreLeases(store, Owner(name="its successor"), clock, is_dead).acquire(KEY)
    assert asked == [SOMEBODY]
    assert json.loads(store.get(KEY).body)["owner"] == "its successor"


def test_the_lease_of_a_process_that_lives_is_busy(store, clock):
    crashed(store, clock)

    with pytest.raises(Busy, match="a crashed one is applying"):
        StoreLeases(store, Owner(name="another"), clock, lambda process: False).acquire(KEY)


def test_a_lease_that_names_no_process_holds_however_dead_its_holder_is(store, clock):
    crashed(store, clock, process=None)

    with pytest.raises(Busy):
        StoreLeases(store, Owner(name="another"), clock, lambda process: True).acquire(KEY)


@pytest.mark.parametrize(
    "process", ["7", {}, {"pid": 7}, {"boot": "b", "namespace": "n", "pid": 0, "started": 1}, {"pid": True}]
)
def test_a_damaged_process_makes_nobody_dead(store, clock, process):
    until = (NOON + timedelta(minutes=4)).isoformat()
    store.put(KEY, json.dumps({"owner": "x", "until": until, "process": process}).encode())

    with pytest.raises(Busy):
        StoreLeases(store, Owner(name="another"), clock, lambda process: True).acquire(KEY)


def test_i7_of_several_successors_of_the_dead_one_wins(store, clock):
    crashed(store, clock)

    def take(number):
        leases = StoreLeases(store, Owner(name=f"taker {number}"), clock, lambda process: True)
        try:
            return leases.acquire(KEY)
        except Busy:
            return None

    with ThreadPoolExecutor(8) as pool:
        assert len([lease for lease in pool.map(take, range(8)) if lease]) == 1


def test_this_process_lives_and_one_that_ended_is_dead():
    code = "from dr.store.processes import this_process as p; q = p(); print(q.pid, q.started)"
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    pid, started = (int(part) for part in ended.split())
    me = this_process()

    assert not died(me)
    assert died(replace(me, pid=pid, started=started))


@pytest.mark.parametrize(
    ("other", "dead"),
    [
        ({"started": 1}, True),  # its pid is used again
        ({"boot": "another", "pid": 2**22 + 1}, False),
        ({"namespace": "pid:[1]", "pid": 2**22 + 1}, False),
        ({"pid": 2**22 + 1}, True),  # above every pid (proc(5), pid_max)
        ({"pid": 2**70}, False),  # no pid at all
    ],
    ids=["pid used again", "another boot", "another namespace", "no such pid", "no pid"],
)
def test_only_who_ran_here_and_is_gone_is_dead(other, dead):
    assert died(replace(this_process(), **other)) is dead
