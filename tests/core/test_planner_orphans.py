"""Since when a part is without its image (DESIGN 5): what is remembered from one apply to the next."""

from __future__ import annotations

from datetime import timedelta

import pytest
from plan_values import HOUR, NOW, REGION, SLOT, part, point, policy, unread, world

from dr.model import Freeze, Kind, Protect
from dr.planner import next_orphans, orphans_to_record

DAY = timedelta(days=1)
IMAGES = policy(protect=Protect.INSTANCES)
LOST = part(SLOT - 9 * DAY, "lost")


def test_an_orphan_that_is_seen_for_the_first_time_is_one_from_now_on():
    assert next_orphans(world(parts=(LOST,)), NOW) == {"lost": NOW}


def test_an_orphan_keeps_the_instant_when_it_was_first_seen():
    seen = world(parts=(LOST,), orphaned_since={"lost": NOW - HOUR})

    assert next_orphans(seen, NOW) == {"lost": NOW - HOUR}


def test_i9_an_instant_of_a_clock_that_was_ahead_becomes_now():
    assert next_orphans(world(parts=(LOST,), orphaned_since={"lost": NOW + 99 * DAY}), NOW) == {"lost": NOW}


@pytest.mark.parametrize(("whose", "since"), [("", NOW), ("db", NOW), ("web", NOW - HOUR)])
def test_rule_7_6_while_its_policy_is_frozen_the_day_does_not_pass(whose, since):
    """Whoever froze because images were deregistered by mistake has the day still after the thaw."""
    freeze = Freeze(policy=whose, since=NOW - DAY, why="stop", by="ann@laptop")
    seen = world(parts=(LOST,), orphaned_since={"lost": NOW - HOUR}, freezes=(freeze,))

    assert next_orphans(seen, NOW) == {"lost": since}


def test_a_part_that_has_its_image_back_or_is_gone_is_forgotten():
    there = part(SLOT, "there", image="ami-1")
    listed = part(SLOT, "listed")
    image = point(SLOT, "ami-2", source="i-1", kind=Kind.IMAGE, parts=("listed",))
    before = dict.fromkeys(("there", "listed", "deleted"), NOW - 5 * DAY)

    assert next_orphans(world(image, parts=(there, listed), orphaned_since=before), NOW) == {}


def test_what_is_new_is_recorded_with_its_region():
    assert orphans_to_record((IMAGES,), world(parts=(LOST,)), NOW) == {REGION: {"lost": NOW}}


def test_what_is_forgotten_is_recorded_too():
    seen = world(orphaned_since={"lost": NOW - HOUR})

    assert orphans_to_record((IMAGES,), seen, NOW) == {REGION: {}}


def test_where_nothing_changed_nothing_is_recorded():
    seen = world(parts=(LOST,), orphaned_since={"lost": NOW - HOUR})

    assert orphans_to_record((IMAGES,), seen, NOW) == {}
    assert orphans_to_record((IMAGES,), world(), NOW) == {}


def test_a_policy_that_takes_no_images_neither_records_nor_forgets_orphans():
    assert orphans_to_record((policy(),), world(parts=(LOST,)), NOW) == {}


@pytest.mark.parametrize("miss", [unread("points"), unread("orphans", ""), unread("clock", "")])
def test_i4_nothing_is_recorded_where_the_points_the_clock_or_the_record_could_not_be_read(miss):
    assert orphans_to_record((IMAGES,), world(parts=(LOST,), unread=(miss,)), NOW) == {}


def test_i25_an_incomplete_listing_of_another_region_does_not_matter():
    both = policy(protect=Protect.INSTANCES, regions=(REGION, "us-east-1"))
    seen = world(parts=(LOST,), unread=(unread("points", "us-east-1"),))

    assert orphans_to_record((both,), seen, NOW) == {REGION: {"lost": NOW}}
