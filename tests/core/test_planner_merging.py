from __future__ import annotations

from dataclasses import replace

from plan_values import HOUR, SLOT, expired, expiries, plan, point, volume

from dr.actions import Cause
from dr.model import State
from dr.planner.merging import merged

MINUTE = HOUR / 60


def take(name, source, minute, state=State.GOOD, group="i-1"):
    return point(SLOT, name, source=source, time=SLOT + minute * MINUTE, state=state, set=group)


def test_of_two_good_points_of_a_slot_the_older_stays():
    first, second = point(SLOT, "b"), point(SLOT, "a", time=SLOT + 2 * MINUTE)

    assert merged([[first, second]]) == {"a": "b"}


def test_of_two_points_of_one_moment_the_smaller_id_stays():
    assert merged([[point(SLOT, "b"), point(SLOT, "a")]]) == {"b": "a"}


def test_nothing_is_merged_until_one_is_good():
    assert merged([[point(SLOT, "a", state=State.PENDING), point(SLOT, "b", state=State.PENDING)]]) == {}


def test_pending_and_failed_points_of_a_slot_are_no_duplicates():
    others = [point(SLOT, s.value, state=s) for s in (State.PENDING, State.FAILED, State.ARCHIVED)]

    assert merged([[point(SLOT, "z"), *others]]) == {}


def test_points_of_other_slots_lineages_and_copies_are_no_duplicates():
    others = [point(SLOT - HOUR, "b"), point(SLOT, "c", source="vol-2"), point(SLOT, "d", copy_of="snap-1")]

    assert merged([[point(SLOT, "a"), *others]]) == {}


def test_a_duplicate_expires_outside_the_limits():
    twins = [point(SLOT - n * HOUR, f"twin-{n}", time=SLOT + HOUR) for n in range(3)]
    found = plan(*twins, *(point(SLOT - n * HOUR) for n in range(3)))

    assert {"twin-0", "twin-1", "twin-2"} == {e.point_id for e in expiries(found, Cause.DUPLICATE)}


def test_a_duplicate_that_is_held_stays():
    assert set() == expired(plan(point(SLOT), point(SLOT, "twin", time=SLOT + HOUR, hold=True)))


def test_a_set_is_merged_as_a_whole():
    """The older set has no good member in vol-2, so the younger one stays in both."""
    a1, a2 = take("a1", "vol-1", 1), take("a2", "vol-2", 1, State.FAILED)
    b1, b2 = take("b1", "vol-1", 2), take("b2", "vol-2", 2)

    assert merged([[a1, a2, b1, b2]]) == {"a1": "b1"}


def test_the_oldest_whole_set_stays():
    rows = [take(f"{name}{n}", f"vol-{n}", minute) for minute, name in enumerate("abc") for n in (1, 2)]

    assert merged([rows]) == {"b1": "a1", "c1": "a1", "b2": "a2", "c2": "a2"}


def test_while_no_set_is_whole_none_is_merged():
    a1, b1 = take("a1", "vol-1", 1), take("b1", "vol-1", 2)
    a2, b2 = take("a2", "vol-2", 1, State.PENDING), take("b2", "vol-2", 2, State.PENDING)

    assert merged([[a1, b1, a2, b2]]) == {}


def test_a_set_that_lacks_a_member_is_not_whole():
    a1, b1, b2 = take("a1", "vol-1", 1), take("b1", "vol-1", 2), take("b2", "vol-2", 2)

    assert merged([[a1, b1, b2]]) == {"a1": "b1"}


def test_a_point_beside_a_whole_set_is_a_duplicate():
    single = replace(take("single", "vol-1", 0), set=None)

    assert merged([[single, take("a1", "vol-1", 1), take("a2", "vol-2", 1)]]) == {"single": "a1"}


def test_a_slot_of_two_sets_is_left_alone():
    assert merged([[take("a", "vol-1", 1), take("b", "vol-1", 2, group="i-2")]]) == {}


def test_sets_expire_in_every_lineage_that_is_selected():
    rows = [take("a1", "vol-1", 1), take("a2", "vol-2", 1), take("b1", "vol-1", 2), take("b2", "vol-2", 2)]

    assert {"b1", "b2"} == expired(plan(*rows, sources=[volume("vol-1"), volume("vol-2")]))


def test_points_of_a_slot_that_could_not_be_merged_go_together():
    old = [replace(p, slot=SLOT - 9 * HOUR) for p in (take("a1", "vol-1", 1), take("b1", "vol-1", 2))]
    gone = replace(take("a2", "vol-2", 1, State.PENDING), slot=SLOT - 9 * HOUR)
    news = [point(SLOT - n * HOUR, time=SLOT + HOUR - n * MINUTE) for n in range(3)]

    assert {"a1", "b1"} == expired(plan(*old, gone, *news))


def test_i1_rule_7_1_the_newest_data_stays_in_a_slot_that_could_not_be_merged():
    """The slot is dropped as a whole, for the oldest of its points stands for it; but one of them is the newest of all."""
    old, late = (
        replace(take(name, "vol-1", minute), slot=SLOT - 9 * HOUR)
        for name, minute in (("old", -500), ("late", 25))
    )
    other = replace(take("other", "vol-2", -500, State.PENDING), slot=SLOT - 9 * HOUR)
    news = [point(SLOT - n * HOUR, time=SLOT - n * MINUTE) for n in range(3)]

    assert {"old"} == expired(plan(old, late, other, *news))
