"""Runs that meet at one create or one delete, and one run after them, end as one run alone (FAILURES I7)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from faults.honesty import lies
from faults.races import RACES, Arena, arena
from faults.sweep import differences


@pytest.fixture(scope="module")
def arenas() -> Iterator[dict[str, Arena]]:
    """The arenas of this file's operations, each built when it is first asked for."""
    with ExitStack() as stack:

        class Built(dict[str, Arena]):
            def __missing__(self, operation: str) -> Arena:
                self[operation] = stack.enter_context(arena(operation))
                return self[operation]

        yield Built()


def without_leases(state):
    return state | {"store": [row for row in state["store"] if "/leases/" not in row]}


def ended_well(race, found):
    """Each racer ended as the contract says, and told no lie."""
    for one in found["racers"]:
        assert one["code"] in race.codes, (one["code"], one["out"], one["err"])
        assert "Traceback" not in one["out"] + one["err"]
        document = json.loads(one["out"])
        if "error" not in document:
            assert list(lies(document, one["calls"])) == []


def and_one_run_is_one_run(arenas, name, running):
    race = RACES[name]
    alone = arenas[race.operation].alone
    found = arenas[race.operation].race(race, running)
    assert found["met"] > 0, "they never stood before the call together"
    ended_well(race, found)
    assert found["after"]["code"] == alone["after"]["code"], found["after"]
    wanted = without_leases(alone["after"]["state"])
    assert list(differences(without_leases(found["after"]["state"]), wanted, "after one run")) == []
    return found


OF_ALL = [name for name, race in RACES.items() if not race.leased and race.operation != "restore"]


@pytest.mark.parametrize("name", OF_ALL)
def test_i7_two_applies_that_meet_at_a_call_without_leases_and_one_run_are_one_run(arenas, name):
    and_one_run_is_one_run(arenas, name, 2)


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n == "snapshots made" else pytest.mark.long) for n in OF_ALL]
)
def test_i7_five_applies_that_meet_at_a_call_without_leases_and_one_run_are_one_run(arenas, name):
    and_one_run_is_one_run(arenas, name, 5)


def test_i7_without_leases_each_made_a_snapshot_and_the_run_after_merged_them(arenas):
    """The race is a real one: all of them made what one would have made."""
    found = arenas["apply volumes"].race(RACES["snapshots made"], 2)
    made, one = (len(state["snapshots"]) for state in (found["state"], found["after"]["state"]))
    volumes = sum(call["action"] == "CreateSnapshot" for call in found["racers"][0]["calls"])
    assert (made - one, volumes > 0) == (volumes, True)


@pytest.mark.parametrize("running", [2, pytest.param(5, marks=pytest.mark.long)])
def test_i7_of_applies_that_reach_for_a_lease_at_once_one_works_and_nothing_is_double(arenas, running):
    found = and_one_run_is_one_run(arenas, "leases taken", running)
    makers = [one for one in found["racers"] if any(c["action"] == "CreateSnapshot" for c in one["calls"])]
    assert len(makers) == 1
    assert {one["code"] for one in makers} == {0}
    assert (
        list(differences(without_leases(found["state"]), arenas["apply volumes"].alone["state"], "after"))
        == []
    )


@pytest.mark.parametrize("running", [2, pytest.param(5, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", ["restores of one stack", "restores of one stack without leases"])
def test_i7_of_restores_of_one_stack_one_makes_it_and_there_is_exactly_one(arenas, name, running):
    race = RACES[name]
    found = arenas["restore"].race(race, running)
    assert found["met"] > 0
    ended_well(race, found)
    assert [one["code"] for one in found["racers"]].count(0) >= 1
    wanted = without_leases(arenas["restore"].alone["state"])
    assert list(differences(without_leases(found["state"]), wanted, "after the race")) == []
