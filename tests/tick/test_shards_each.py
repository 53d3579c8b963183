"""Each shard by itself: one that hangs, fails or is a bug delays no other, and an interrupt ends all."""

from __future__ import annotations

import signal
import threading
import time

import pytest
from shard_world import AWAY, HOME, OTHER, OWN, Ticking, a_shard, asking
from tick_world import World, policy

from dr.errors import Busy, Denied, DrError, EnvironmentFailed, Interrupted, Refused, UsageError
from dr.model import Inventory, Unread
from dr.tick.shards import Calls, Ran, each, merged, only_here

FOUR = [(account, region) for account in (OWN, OTHER) for region in (AWAY, HOME)]


def four(**facts):
    return [a_shard(account, region, **facts) for account, region in FOUR]


def by_name(found):
    return {shard.name: one for shard, one in found.items()}


def test_every_shard_works_at_its_own_desk_and_results_stand_in_their_order():
    worlds = {}

    def desk(name):
        worlds[name] = World().desk
        return worlds[name]

    shards = [a_shard(a, r, desk=lambda name=f"{a}/{r}": desk(name)) for a, r in FOUR]
    ran = each(shards, lambda shard, at: (shard.name, at.records), Ticking())

    assert list(by_name(ran.results)) == [f"{a}/{r}" for a, r in FOUR]
    assert all(ran.results[one] == (one.name, worlds[one.name].records) for one in shards)
    assert (ran.errors, ran.interrupted) == ({}, False)


def test_no_shards_come_to_nothing():
    ran = each([], lambda _shard, _desk: 1, Ticking())
    ran.some()

    assert (ran.results, ran.errors) == ({}, {})


def test_a_single_shard_is_worked_on_in_the_caller_s_thread_with_its_desk_as_it_is():
    desk = World().desk
    ran = each([a_shard(desk=lambda: desk)], lambda _, at: (at, threading.current_thread()), Ticking())

    assert list(ran.results.values()) == [(desk, threading.main_thread())]


@pytest.mark.parametrize("number", [1, 4])
def test_an_error_is_that_of_its_shard_alone_also_one_of_its_desk(number):
    def no_desk():
        raise Denied("no role", code="AccessDenied", action="sts:AssumeRole")

    shards = [a_shard(OWN, AWAY, desk=no_desk), *four()[1:]][:number]
    ran = each(shards, lambda shard, _: shard.name, Ticking())

    assert {name: error.message for name, error in by_name(ran.errors).items()} == {
        f"{OWN}/{AWAY}": "no role"
    }
    assert len(ran.results) == number - 1


def test_i25_a_shard_that_hears_nothing_for_sixty_seconds_is_given_up_while_others_end():
    hangs = a_shard(OTHER, HOME, calls=asking)

    def work(shard, _desk):
        if shard is hangs:
            threading.Event().wait(20)
        return shard.name

    ran = each([hangs, *four()[:3]], work, Ticking(step=40.0))
    (error,) = ran.errors.values()

    assert (list(ran.errors), len(ran.results)) == ([hangs], 3)
    assert isinstance(error, EnvironmentFailed)
    assert error.message == "AWS was asked and has not answered for 60 seconds"
    assert f"see what AWS says of {HOME}" in error.remedy


def test_no_shard_is_given_up_before_it_was_silent_for_sixty_seconds():
    """Sixty seconds to the second are not yet too long: the clock stands there until the gate opens."""
    looks, gate = [], threading.Event()

    def monotonic():
        looks.append(None)
        if len(looks) > 4:
            gate.set()
        return 0.0 if len(looks) == 1 else 60.0

    waits = a_shard(OTHER, HOME, calls=asking)
    ran = each([waits, a_shard()], lambda shard, _: shard is waits and gate.wait(30), monotonic)

    assert (ran.errors, ran.results[waits]) == ({}, True)


def test_a_shard_that_hears_answers_is_not_given_up_however_long_it_takes():
    answers, gate = iter(range(10_000)), threading.Event()

    def hearing():
        ended = next(answers)
        if ended > 5:
            gate.set()
        return Calls(begun=ended + 8, ended=ended)

    waits = a_shard(OTHER, HOME, calls=hearing)
    ran = each([waits, a_shard()], lambda shard, _: shard is waits and gate.wait(30), Ticking(step=1000.0))

    assert (ran.errors, ran.results[waits]) == ({}, True)


def test_a_shard_that_has_asked_nothing_is_not_given_up():
    """It thinks, or it waits for the store: what AWS owes it is nothing."""
    looks, gate = [], threading.Event()

    def idle():
        looks.append(None)
        if len(looks) > 3:
            gate.set()
        return Calls(begun=7, ended=7)

    waits = a_shard(OTHER, HOME, calls=idle)
    ran = each([waits, a_shard()], lambda shard, _: shard is waits and gate.wait(30), Ticking(step=1000.0))

    assert ran.errors == {}


def test_a_bug_is_raised_once_the_others_have_ended():
    ended = []

    def work(shard, _desk):
        if shard.region == AWAY:
            raise KeyError("a bug")
        time.sleep(0.1)
        ended.append(shard.name)

    with pytest.raises(KeyError, match="a bug"):
        each(four(), work, Ticking())
    assert sorted(ended) == [f"{OWN}/{HOME}", f"{OTHER}/{HOME}"]


# --- interrupts -------------------------------------------------------------------------------------------------------


def interrupt():
    signal.pthread_kill(threading.main_thread().ident, signal.SIGINT)


def until_heard(desk):
    """Work until somebody has interrupted: what is under way may end."""
    with desk.hands.interrupts() as patience:
        while not patience.over:
            time.sleep(0.01)
    return "ended"


def test_the_first_interrupt_lets_what_runs_end_and_begins_nothing_more():
    desks = []

    def desk():
        desks.append(None)
        return World().desk

    shards = [a_shard(f"{number:012d}", desk=desk) for number in range(20)]

    def work(shard, at):
        if shard is shards[0]:
            interrupt()
        return until_heard(at)

    ran = each(shards, work, Ticking())

    assert (ran.interrupted, set(ran.results.values())) == (True, {"ended"})
    assert {type(error) for error in ran.errors.values()} == {Interrupted}
    assert len(ran.results) + len(ran.errors) == 20
    assert len(ran.results) <= len(desks) <= 16


def test_after_the_second_interrupt_nothing_is_waited_for():
    shards = four()

    def work(shard, at):
        if shard is shards[0]:
            interrupt()
            until_heard(at)
            interrupt()
        threading.Event().wait()

    began = time.monotonic()
    ran = each(shards, work, Ticking())

    assert time.monotonic() - began < 4, "the patience of the first is five seconds"
    assert (ran.interrupted, ran.results, len(ran.errors)) == (True, {}, 4)


def test_signals_are_heeded_by_others_again_afterwards():
    before = signal.getsignal(signal.SIGINT)
    each(four(), lambda *_: None, Ticking())

    assert signal.getsignal(signal.SIGINT) is before


# --- what all of them came to ----------------------------------------------------------------------------------------


def failed(*errors):
    return Ran(results={}, errors=dict(zip(four(), errors, strict=False)))


def test_some_results_are_an_answer_whatever_became_of_the_others():
    one, other = four()[:2]
    Ran(results={one: 1}, errors={other: Refused("no")}).some()


def test_an_interrupted_run_is_no_answer_although_some_have_ended():
    one, other = four()[:2]
    with pytest.raises(Interrupted):
        Ran(results={one: 1}, errors={other: Interrupted()}, interrupted=True).some()


def test_one_cause_of_all_is_told_once_as_it_is():
    with pytest.raises(Denied) as caught:
        failed(*(Denied("no credentials", "log in", code="x", action="y") for _ in range(4))).some()

    assert (caught.value.message, caught.value.remedy) == ("no credentials", "log in")


@pytest.mark.parametrize(
    ("errors", "kind"),
    [
        ((EnvironmentFailed("a", "do a"), Busy("b")), Busy),
        ((Refused("a", "do a"), Busy("b"), UsageError("c")), UsageError),
        ((EnvironmentFailed("a", "do a"), Refused("b")), Refused),
        ((EnvironmentFailed("a", "do a"), Denied("b", code="x", action="y")), EnvironmentFailed),
    ],
)
def test_several_causes_are_one_error_by_name_of_the_weightiest_kind(errors, kind):
    with pytest.raises(DrError) as caught:
        failed(*errors).some()

    assert type(caught.value) is kind
    assert caught.value.message == "; ".join(
        f"{account}/{region}: {error.message}" for (account, region), error in zip(FOUR, errors, strict=False)
    )
    assert caught.value.remedy == "; ".join(error.remedy for error in errors if error.remedy)


def test_a_policy_stays_known_where_it_does_not_work():
    both, home = policy("both", regions=(AWAY, HOME)), policy("home", regions=(HOME,))

    assert [(p.name, p.regions) for p in only_here([both, home], AWAY)] == [("both", (AWAY,)), ("home", ())]


def test_what_several_shards_saw_is_one_inventory_that_tells_each_failure_once():
    miss = Unread(what="pins", region="", message="away")
    found = merged([Inventory(account=OWN, unread=(miss,)), Inventory(account=OTHER, unread=(miss,))])

    assert (found.account, found.unread) == (OWN, (miss,))
    assert merged([]) == Inventory(account="")
