"""The daemon's loop under a simulated clock: when it looks, and that it looks once for whatever it has slept through."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import pytest
from plan_values import policy

from dr.daemon.loop import serve
from dr.daemon.waking import next_wake_up
from dr.interrupts import Words, heeded, listening

MONDAY = datetime(2026, 3, 23, tzinfo=UTC)  # of the week in which Vienna's clocks go forward
POLICIES = (
    policy("often", "0 */6 * * *"),
    policy("nights", "30 2 * * *", zone="Europe/Vienna"),
    policy("odd", "rate(7 hours)"),
)


class Simulated:
    """A machine whose time passes only in sleep, which may take longer than it was meant to; each look notes the latest slots."""

    def __init__(self, words, end, naps=(), sets=(), looks=10**9):
        self.at, self._words, self._end, self._most = MONDAY, words, end, looks
        self._naps, self._sets = dict(naps), dict(sets)
        self.slots = {each.name: [] for each in POLICIES}
        self.looks = []
        self.loses_at, self.moves_at = None, None

    def now(self):
        return self.at

    def sleep(self, seconds):
        before = self.at
        self.at += timedelta(seconds=seconds)
        for begin in [one for one in self._naps if before < one <= self.at]:
            self.at += self._naps.pop(begin)
        for begin in [one for one in self._sets if before < one <= self.at]:
            self.at = self._sets.pop(begin)
        self._words.ended = self.at >= self._end or len(self.looks) >= self._most

    def tick(self):
        self.looks.append(self.at)
        for each in POLICIES:
            latest = each.schedules[0].latest(self.at)
            if not self.slots[each.name] or latest > self.slots[each.name][-1]:
                self.slots[each.name].append(latest)
        return next_wake_up(POLICIES, self.at)

    def beat(self):
        lost, self.loses_at = self.loses_at is not None and self.at >= self.loses_at, self.loses_at
        if lost:
            self.loses_at = None
        return not lost

    def moved(self):
        moved = self.moves_at is not None and self.at >= self.moves_at
        if moved:
            self.moves_at = None
        return moved


def ran(end, **facts):
    words = Words()
    made = Simulated(words, end, **facts)
    serve(made, words)
    return made


def wanted(each, end, nap=None):
    """Every slot up to the end, but of those that a nap covers the last one only."""
    slots = [each.schedules[0].latest(MONDAY), *each.schedules[0].between(MONDAY, end - timedelta(seconds=1))]
    if nap is None:
        return slots
    begin, length = nap
    asleep = [slot for slot in slots if begin < slot <= begin + length]
    return [slot for slot in slots if slot not in asleep[:-1]]


def test_a_week_with_a_day_of_sleep_and_a_change_of_clocks_takes_exactly_the_expected_slots():
    end, nap = MONDAY + timedelta(days=7), (MONDAY + timedelta(days=2, hours=5), timedelta(days=1))
    made = ran(end, naps=[nap])

    assert made.slots == {each.name: wanted(each, end, nap) for each in POLICIES}
    assert datetime(2026, 3, 29, 1, 0, tzinfo=UTC) in made.slots["nights"], "02:30 does not exist that day"


def test_each_slot_is_looked_at_when_it_comes_and_all_else_every_quarter_of_an_hour():
    end = MONDAY + timedelta(hours=12)
    made = ran(end)
    sweeps = {MONDAY + timedelta(minutes=15 * n) for n in range(48)}
    slots = {
        slot for each in POLICIES for slot in each.schedules[0].between(MONDAY, end - timedelta(seconds=1))
    }

    assert made.looks == sorted(sweeps | slots)


@pytest.mark.parametrize("back", [timedelta(hours=3), timedelta(days=400)])
def test_a_clock_that_is_set_back_is_noticed_at_once(back):
    at = MONDAY + timedelta(minutes=20)

    assert at - back in ran(MONDAY + timedelta(days=1), sets=[(at, at - back)], looks=5).looks


def test_a_clock_that_is_set_back_during_a_tick_is_noticed_too():
    words = Words()
    made = Simulated(words, MONDAY, looks=2)
    ticks = made.tick

    def tick():
        wake_up = ticks()
        if len(made.looks) == 1:
            made.at -= timedelta(hours=9)
        return wake_up

    made.tick, made._end = tick, MONDAY + timedelta(days=1)
    serve(made, words)

    assert made.looks[1] == MONDAY - timedelta(hours=9)


def test_a_change_of_the_files_and_a_lost_lease_are_looked_at_before_the_wake_up():
    words = Words()
    made = Simulated(words, MONDAY + timedelta(minutes=10))
    made.moves_at, made.loses_at = MONDAY + timedelta(minutes=3), MONDAY + timedelta(minutes=6)
    serve(made, words)

    assert made.looks == [MONDAY + timedelta(minutes=n) for n in (0, 3, 6)]


# --- words ------------------------------------------------------------------------------------------------------------


def test_a_word_to_end_is_an_interrupt_of_the_work_in_hand_and_none_of_a_wait():
    with listening() as words:
        os.kill(os.getpid(), signal.SIGTERM)
        assert words.ended
        words.ended = False
        assert words.unless_ended(lambda: os.kill(os.getpid(), signal.SIGINT) or "made") is None
        assert words.ended
        assert words.unless_ended(lambda: "made") is None, "nothing is begun any more"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGTERM)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_a_hangup_is_a_word_to_look_again_also_while_interrupts_are_heeded():
    with listening() as words, heeded() as patience:
        os.kill(os.getpid(), signal.SIGHUP)
        assert (words.again, words.ended, patience.over) == (True, False, False)


def test_an_interrupt_that_the_work_in_hand_has_heeded_ends_the_daemon_too():
    def work():
        with heeded() as patience:
            os.kill(os.getpid(), signal.SIGTERM)
            return patience.over, words.ended

    with listening() as words:
        assert words.unless_ended(work) == (True, False)
        assert words.ended
