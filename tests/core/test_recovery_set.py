"""Which points a stack comes back from (DESIGN 8, I2, I14)."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from restore_values import INSTANCE, NOON, VOLUME, disks, hours, point, resource, stored

from dr.model import State
from dr.stacks.recovery_set import Moment, choose, nested_pattern, skew

DATA = (resource("Data", "vol-1"),)


def chosen(*points, resources=DATA, pattern="prod", at=NOON, pinned=None):
    return choose(stored(*resources), pattern, points, Moment(at=at, pinned=pinned))


def ids(found):
    return {row.logical_id: [one.id for one in row.points] for row in found.chosen}


def server(**devices):
    return resource("Server", "i-1", INSTANCE, Devices=disks(**devices))


def test_i14_the_newest_good_point_is_chosen():
    found = chosen(point("snap-1", "vol-1", hours(3)), point("snap-2", "vol-1", hours(1)))
    assert ids(found) == {"Data": ["snap-2"]}


def test_i14_the_order_of_the_listing_does_not_matter():
    found = chosen(point("snap-2", "vol-1", hours(1)), point("snap-1", "vol-1", hours(3)))
    assert ids(found) == {"Data": ["snap-2"]}


def test_i14_nothing_younger_than_the_moment_asked_for_is_chosen():
    points = [point(f"snap-{n}", "vol-1", hours(n)) for n in range(5)]
    assert ids(chosen(*points, at=hours(2))) == {"Data": ["snap-2"]}


def test_a_point_is_measured_by_its_time_and_not_by_its_slot():
    late = point("snap-2", "vol-1", hours(1), slot=hours(4))
    assert ids(chosen(point("snap-1", "vol-1", hours(3)), late, at=hours(2))) == {"Data": ["snap-1"]}


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED, State.ARCHIVED])
def test_i2_i14_a_point_that_is_not_good_is_never_chosen(state):
    found = chosen(point("snap-1", "vol-1", hours(3)), point("snap-2", "vol-1", hours(1), state=state))
    assert ids(found) == {"Data": ["snap-1"]}
    assert "1 newer ones are not good" in found.chosen[0].reason


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED, State.ARCHIVED])
def test_i2_a_resource_whose_points_are_all_not_good_is_unreachable(state):
    found = chosen(point("snap-1", "vol-1", hours(3), state=state))
    assert found.chosen == ()
    assert [(row.logical_id, row.why) for row in found.unreachable] == [
        ("Data", f"of its points at or before 2026-03-29T12:00:00Z none is good (1 {state})")
    ]


def test_a_resource_whose_points_are_all_younger_is_unreachable_and_its_first_is_named():
    found = chosen(point("snap-1", "vol-1", hours(1)), at=hours(2))
    assert [row.why for row in found.unreachable] == [
        "its first point is of 2026-03-29T11:00:00Z, after 2026-03-29T10:00:00Z"
    ]


def test_a_resource_without_any_point_was_never_protected():
    found = chosen(point("snap-1", "vol-9", hours(1)))
    assert [(row.logical_id, row.type) for row in found.unprotected] == [("Data", VOLUME)]


def test_the_newest_of_several_policies_is_chosen():
    found = chosen(
        point("snap-1", "vol-1", hours(3), policy="hourly"),
        point("snap-2", "vol-1", hours(1), policy="daily"),
    )
    assert ids(found) == {"Data": ["snap-2"]}


def test_a_former_generation_of_the_logical_id_is_found_by_its_tags():
    former = point("snap-0", "vol-0", hours(2), stack="prod", logical_id="Data")
    found = chosen(former)
    assert ids(found) == {"Data": ["snap-0"]}
    assert "of its former vol-0" in found.chosen[0].reason
    assert found.volume_ids == {"vol-1": "Data", "vol-0": "Data"}


@pytest.mark.parametrize(
    "tags",
    [
        {"stack": "other", "logical_id": "Data"},
        {"stack": "prod", "logical_id": "Logs"},
        {"stack": "prod-2", "logical_id": "Data"},
        {"logical_id": "Data"},
    ],
)
def test_a_point_of_another_stack_or_logical_id_is_not_taken(tags):
    assert chosen(point("snap-0", "vol-0", hours(2), **tags)).chosen == ()


def test_a_name_with_special_characters_is_no_pattern():
    child = nested_pattern("prod", "Store")
    other = point("snap-0", "vol-0", hours(2), stack="prodXStore-ABC", logical_id="Data")
    assert chosen(other, pattern=child).chosen == ()


def test_points_of_nested_stacks_are_found_over_their_generations():
    child = nested_pattern("prod", "Store")
    former = point("snap-0", "vol-0", hours(2), stack="prod-Store-1ABCDEFGHIJK", logical_id="Data")
    assert ids(chosen(former, pattern=child)) == {"Data": ["snap-0"]}


def test_points_of_stacks_nested_deeper_are_told_apart_by_the_names_that_cloudformation_gives():
    child = nested_pattern("prod", "Store")
    below = nested_pattern(child, "Inner")
    deep = point("snap-0", "vol-0", hours(2), stack="prod-Store-1ABC-Inner-2DEF", logical_id="Data")
    assert ids(chosen(deep, pattern=below)) == {"Data": ["snap-0"]}
    assert chosen(deep, pattern=child).chosen == ()


def test_an_instance_comes_back_from_its_image_before_any_snapshot():
    points = [point("ami-1", "i-1", hours(4)), point("snap-1", "vol-root", hours(1))]
    found = chosen(*points, resources=(server(xvda="vol-root"),))
    assert ids(found) == {"Server": ["ami-1"]}
    assert found.chosen[0].devices == {}


def test_an_instance_with_snapshots_only_comes_back_from_one_for_each_disk():
    points = [
        point("snap-1", "vol-root", hours(1)),
        point("snap-2", "vol-data", hours(2)),
        point("snap-0", "vol-data", hours(5)),
    ]
    found = chosen(*points, resources=(server(xvda="vol-root", sdf="vol-data"),))
    assert found.chosen[0].devices == {"/dev/xvda": "snap-1", "/dev/sdf": "snap-2"}
    assert found.chosen[0].bare == ()


TWO = (server(xvda="vol-root", sdf="vol-data"),)


def pair(age, slot=None, delay=0.0, **facts):
    """Snapshots of both disks of one slot; the data disk's is so many hours younger."""
    facts = {"slot": slot or hours(age), **facts}
    return [
        point(f"snap-root-{age}", "vol-root", hours(age), **facts),
        point(f"snap-data-{age}", "vol-data", hours(age - delay), **facts),
    ]


def test_i14_the_disks_of_an_instance_come_back_from_one_slot_before_the_newest_of_each():
    lone = point("snap-lone", "vol-data", hours(1))
    found = chosen(*pair(5), *pair(3), lone, resources=TWO)
    assert ids(found) == {"Server": ["snap-root-3", "snap-data-3"]}
    assert found.chosen[0].reason.endswith(
        "of the slot 2026-03-29T09:00:00Z; 1 of them have newer ones, but not all of one slot"
    )


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED, State.ARCHIVED])
def test_i2_i14_a_slot_that_is_not_good_for_every_disk_is_passed_over(state):
    broken = [pair(3)[0], replace(pair(3)[1], state=state)]
    assert ids(chosen(*pair(5), *broken, resources=TWO)) == {"Server": ["snap-root-5", "snap-data-5"]}


def test_i14_a_slot_that_is_not_in_time_for_every_disk_is_passed_over():
    found = chosen(*pair(5), *pair(3, delay=1), resources=TWO, at=hours(2.5))
    assert ids(found) == {"Server": ["snap-root-5", "snap-data-5"]}


def test_i14_among_slots_the_one_with_the_newest_data_is_chosen():
    late = pair(2, slot=hours(9))
    assert ids(chosen(*pair(5), *late, resources=TWO)) == {"Server": ["snap-root-2", "snap-data-2"]}


def test_i14_within_a_slot_a_set_that_is_whole_goes_before_single_snapshots():
    one = pair(3, set="i-1")
    again = [point("snap-again", "vol-data", hours(2), slot=hours(3), set="i-1")]
    assert ids(chosen(*one, *again, resources=TWO)) == {"Server": ["snap-root-3", "snap-data-3"]}
    mixed = chosen(one[0], *again, resources=TWO)
    assert ids(mixed) == {"Server": ["snap-root-3", "snap-again"]}


def test_without_a_slot_for_all_disks_the_newest_of_each_is_chosen_and_the_reason_says_so():
    points = [point("snap-1", "vol-root", hours(1)), point("snap-2", "vol-data", hours(2))]
    found = chosen(*points, resources=TWO)
    assert ids(found) == {"Server": ["snap-1", "snap-2"]}
    assert "no slot is good for all of its volumes" in found.chosen[0].reason


def test_a_disk_without_any_snapshot_does_not_keep_the_others_from_their_slot():
    lone = point("snap-lone", "vol-data", hours(1))
    three = (server(xvda="vol-root", sdf="vol-data", sdg="vol-bare"),)
    found = chosen(*pair(3), lone, resources=three)
    assert ids(found) == {"Server": ["snap-root-3", "snap-data-3"]}
    assert found.chosen[0].bare == ("/dev/sdg",)


def test_i14_a_restore_that_goes_on_finds_its_slot_again_though_a_newer_one_came():
    pinned = frozenset({"snap-root-5", "snap-data-5"})
    found = chosen(*pair(5), *pair(3), resources=TWO, pinned=pinned)
    assert ids(found) == {"Server": ["snap-root-5", "snap-data-5"]}


def test_separate_volumes_of_a_stack_come_back_from_the_newest_each():
    two = (resource("Root", "vol-root"), resource("Data", "vol-data"))
    lone = point("snap-lone", "vol-data", hours(1))
    assert ids(chosen(*pair(3), lone, resources=two)) == {"Root": ["snap-root-3"], "Data": ["snap-lone"]}


def test_an_instance_whose_images_are_not_good_comes_back_from_its_snapshots():
    points = [point("ami-1", "i-1", hours(1), state=State.FAILED), point("snap-1", "vol-root", hours(1))]
    found = chosen(*points, resources=(server(xvda="vol-root"),))
    assert found.chosen[0].devices == {"/dev/xvda": "snap-1"}


def test_a_disk_that_was_never_protected_is_named_beside_those_that_were():
    found = chosen(
        point("snap-1", "vol-root", hours(1)), resources=(server(xvda="vol-root", sdf="vol-data"),)
    )
    assert found.chosen[0].bare == ("/dev/sdf",)


def test_a_disk_that_has_points_but_none_in_time_makes_its_instance_unreachable():
    points = [point("snap-1", "vol-root", hours(3)), point("snap-2", "vol-data", hours(1))]
    found = chosen(*points, resources=(server(xvda="vol-root", sdf="vol-data"),), at=hours(2))
    assert found.chosen == ()
    assert found.unreachable[0].why.startswith("/dev/sdf: its first point is of")


def test_a_disk_that_is_a_volume_of_the_stack_is_no_disk_of_its_instance():
    points = [point("snap-1", "vol-1", hours(1)), point("snap-2", "vol-root", hours(1))]
    found = chosen(*points, resources=(server(xvda="vol-root", sdf="vol-1"), resource("Data", "vol-1")))
    assert found.chosen[0].devices == {"/dev/xvda": "snap-2"}
    assert ids(found)["Data"] == ["snap-1"]


def test_a_resource_that_was_never_made_has_nothing_to_come_back():
    found = chosen(resources=(resource("Data", ""), resource("Queue", "q", "AWS::SQS::Queue")))
    assert (found.chosen, found.unprotected, found.unreachable) == ((), (), ())


def test_a_restore_that_goes_on_chooses_among_its_pinned_points_only():
    points = [point("snap-1", "vol-1", hours(3)), point("snap-2", "vol-1", hours(1))]
    assert ids(chosen(*points, pinned=frozenset({"snap-1"}))) == {"Data": ["snap-1"]}


def test_the_skew_is_the_span_of_all_chosen_points():
    two = (resource("Data", "vol-1"), resource("Logs", "vol-2"))
    found = chosen(point("snap-1", "vol-1", hours(3)), point("snap-2", "vol-2", hours(1)), resources=two)
    assert skew([found]) == timedelta(hours=2)


def test_the_skew_of_nothing_is_none():
    assert skew([chosen()]) == timedelta(0)
