"""What is captured when a stack has changed."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plan_values import NOW, REGION, SLOT, captures, lineage, plan, point, policy, unread, volume, world

from dr.actions import WarningCode
from dr.model import Kind, Protect, Selector, State
from dr.planner.changes import Change, decide_change

AT = NOW - timedelta(minutes=2)
CHANGE = Change(stack="prod", region=REGION, at=AT)
STACKS = policy("stacks", protect=Protect.STACKS, select=Selector(names=("prod*",)))


def stack(name="prod", **facts):
    return volume(name, protect=Protect.STACKS, tags={}, **facts)


def stored(slot, **facts):
    return point(slot, source="prod", policy="stacks", kind=Kind.STACK, **facts)


def decided(*points, policies=(STACKS,), sources=None, change=CHANGE, **facts):
    found = world(*points, sources=[stack()] if sources is None else sources, policies=policies, **facts)
    return decide_change(policies, found, NOW, change)


def test_a_changed_stack_is_captured_for_the_time_of_its_change():
    (action,) = decided().actions

    assert (action.lineage, action.slot, action.kind) == (lineage("prod", "stacks"), AT, Kind.STACK)


def test_it_is_captured_under_every_policy_that_selects_it():
    other = policy("all", protect=Protect.STACKS, select=Selector(names=("*",)))
    none = policy("wiki", protect=Protect.STACKS, select=Selector(names=("wiki",)))

    assert {action.lineage.policy for action in decided(policies=(STACKS, other, none)).actions} == {
        "stacks",
        "all",
    }


@pytest.mark.parametrize(
    ("before", "captured"),
    [
        (timedelta(0), 0),
        (timedelta(minutes=59), 0),
        (timedelta(hours=1), 1),
        (timedelta(minutes=-10), 0),
        (timedelta(days=9), 1),
    ],
)
def test_a_point_since_an_hour_before_or_after_the_change_is_enough(before, captured):
    assert len(decided(stored(AT - before)).actions) == captured


def test_a_point_that_failed_is_none():
    assert len(decided(stored(AT, state=State.FAILED)).actions) == 1


def test_no_other_stack_and_no_other_region_is_captured():
    assert decided(sources=[stack("prod-2"), stack(region="eu-central-1")]).actions == ()


def test_a_stack_that_is_being_changed_again_is_left_to_that_change_and_told():
    plan = decided(sources=[stack(unready="it is UPDATE_IN_PROGRESS")])

    assert plan.actions == ()
    assert [warn.code for warn in plan.warnings] == [WarningCode.SOURCE_NOT_READY]


def test_points_that_could_not_be_listed_are_told_and_looked_for():
    plan = decided(unread=(unread("points"),))

    assert [action.look_first for action in plan.actions] == [True]
    assert WarningCode.LISTING_INCOMPLETE in {warn.code for warn in plan.warnings}


def test_nothing_expires_however_old():
    points = [stored(NOW - timedelta(days=days)) for days in range(2, 40)]

    assert [action.slot for action in decided(*points).actions] == [AT]


# --- and the tick that comes after it ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("slot", "state", "captured"),
    [
        (AT, State.GOOD, 0),
        (AT, State.FAILED, 1),
        (SLOT - timedelta(minutes=1), State.GOOD, 1),
        (NOW + timedelta(days=3650), State.GOOD, 1),
    ],
    ids=["since the slot", "failed", "before the slot", "by a clock that was ahead"],
)
def test_a_stack_that_was_stored_since_its_slot_is_not_stored_for_it_too(slot, state, captured):
    """One manifest names the one before it: a version that comes in between later looks as if it was put there."""
    made = plan(stored(slot, state=state), policies=(STACKS,), sources=[stack()])

    assert len(captures(made)) == captured


def test_a_volume_is_captured_for_its_slot_whatever_came_since():
    assert len(captures(plan(point(AT), policies=(policy(),)))) == 1
