"""A leader that is stopped past its lease and goes on later: SIGSTOP, and SIGCONT when another one leads."""

from __future__ import annotations

import random
import shutil
import signal
import time

import pytest
from conftest import a_shell
from daemons import CONFIG, POLICY, Acme, leading


@pytest.fixture(scope="module")
def shell(tmp_path_factory):
    made = a_shell(tmp_path_factory.mktemp("stopped"), DR_SANDBOX="1")
    made.begin()
    yield made
    assert made("sandbox", "stop").code == 0


@pytest.fixture
def acme(shell):
    """In the sandbox's time, which can be moved."""
    (shell.folder / "dr.yaml").write_text(CONFIG)
    made = Acme(shell, shell)
    shutil.rmtree(shell.folder / "policies", ignore_errors=True)
    made.protect("mine", POLICY.replace("last: 3", "last: 4"))
    return made


def both(acme, shell):
    config = ("--config", shell.folder / "dr.yaml")
    return acme.daemon("one", *config), acme.daemon("two", *config)


def test_a_leader_that_was_stopped_past_its_lease_makes_no_second_point_and_ends_none_too_many(acme, shell):
    volume = acme.volume("mine")
    one, two = both(acme, shell)
    with one as one, two as two:
        leader, other = leading(one, two)
        leader.process.send_signal(signal.SIGSTOP)
        shell.advance("1h")
        other.until(lambda: len(acme.slots()) == 2)
        assert other.said("daemon.leading")
        leader.process.send_signal(signal.SIGCONT)
        leader.until(lambda: leader.said("daemon.standing-by"))
        seen = set(acme.slots())
        for _ in range(4):
            shell.advance("1h")
            other.until(lambda seen=seen: set(acme.slots()) - seen)
            seen |= set(acme.slots())
        assert len(seen) == 6
        shell.advance("15min")  # what was captured last counts from the next tick on
        other.until(lambda: len(acme.slots()) == 4)
        assert acme.slots() == sorted(seen)[-4:]
        assert {each for each, _ in seen} == {volume}


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3))
def test_wherever_in_its_tick_a_leader_was_stopped_the_next_tick_leaves_one_point_a_slot(acme, shell, seed):
    dice = random.Random(seed)
    (shell.folder / "policies" / "mine.yaml").unlink()
    tier = f"tier-{seed}"
    acme.protect(tier)
    acme.volume(tier)
    one, two = both(acme, shell)
    with one as one, two as two:
        leader, other = leading(one, two)
        volumes = sorted(acme.volume(tier) for _ in range(6))
        leader.process.send_signal(signal.SIGHUP)
        time.sleep(dice.uniform(0.5, 2.5))  # it looks once a second, and its tick takes about one
        leader.process.send_signal(signal.SIGSTOP)
        shell.advance("10min")
        ticks = len(other.said("tick.finished"))
        other.until(lambda: len(other.said("tick.finished")) > ticks)
        leader.process.send_signal(signal.SIGCONT)
        leader.until(lambda: leader.said("daemon.standing-by"))
        ticks = len(other.said("tick.finished"))
        other.process.send_signal(signal.SIGHUP)
        other.until(lambda: len(other.said("tick.finished")) > ticks)
        other.process.send_signal(signal.SIGHUP)
        other.until(lambda: len(other.said("tick.finished")) > ticks + 1)
    assert sorted(volume for volume, _ in acme.slots() if volume in volumes) == volumes
