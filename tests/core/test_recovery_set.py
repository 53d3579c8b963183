"""Which points a stack comes back from (DESIGN 8, I2, I14)."""

from __future__ import annotations

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
        ("Data", "1 points at or before 2026-03-29T12:00:00Z, none of them good")
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
