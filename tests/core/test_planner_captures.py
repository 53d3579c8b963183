from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plan_values import (
    HOUR,
    NOW,
    SLOT,
    captured,
    captures,
    codes,
    hourly,
    lineage,
    message,
    plan,
    point,
    policy,
    unread,
    volume,
)

from dr.actions import WarningCode
from dr.layout import dropped_tags, point_tags
from dr.model import Kind, Protect, Selector, State


def test_a_lineage_that_lacks_the_latest_slot_is_captured():
    (capture,) = captures(plan(point(SLOT - HOUR)))

    assert (lineage(), SLOT, Kind.SNAPSHOT, 1) == (
        capture.lineage,
        capture.slot,
        capture.kind,
        capture.attempt,
    )


@pytest.mark.parametrize("state", [State.GOOD, State.PENDING, State.ARCHIVED])
def test_i8_a_slot_that_has_its_point_is_not_captured_again(state):
    assert plan(point(SLOT, state=state)).actions == ()


def test_a_slot_is_captured_however_late():
    (capture,) = captures(plan(policies=(policy("db", "0 0 1 1 *"),)))

    assert SLOT.replace(month=1, day=1, hour=0) == capture.slot


def test_a_failed_point_is_followed_by_the_next_attempt():
    failed = [point(SLOT, f"snap-{number}", state=State.FAILED) for number in range(2)]

    assert [capture.attempt for capture in captures(plan(*failed))] == [3]


def test_failed_points_of_other_slots_are_no_attempts_of_this_one():
    assert [c.attempt for c in captures(plan(*hourly(4, SLOT - HOUR, state=State.FAILED)))] == [1]


def test_older_missed_slots_are_told_with_their_number_and_never_replayed():
    found = plan(point(SLOT - 5 * HOUR))

    assert [capture.slot for capture in captures(found)] == [SLOT]
    assert message(found, WarningCode.SLOTS_MISSED).startswith("4 slots after 2026-03-10T07:00:00Z")


def test_missed_slots_are_told_once():
    assert codes(plan(point(SLOT), point(SLOT - 5 * HOUR))) == []


def test_a_slot_without_a_gap_misses_nothing():
    assert codes(plan(point(SLOT - HOUR))) == []


def test_slots_of_several_schedules_are_missed_once():
    both = policy("db", "0 * * * *", "*/30 * * * *")
    found = plan(point(SLOT - 2 * HOUR), policies=(both,), now=SLOT)

    assert message(found, WarningCode.SLOTS_MISSED).startswith("3 slots")


def test_the_number_of_missed_slots_is_bounded():
    found = plan(point(SLOT - timedelta(days=365)), policies=(policy("db", "* * * * *"),))

    assert message(found, WarningCode.SLOTS_MISSED).startswith("at least 1000 slots")


def test_a_new_source_gets_its_first_point_at_once():
    daily = policy("db", "0 3 * * *")

    assert captured(plan(sources=[volume(created=NOW)], policies=(daily,))) == ["vol-1"]


def test_a_new_source_gets_no_point_for_an_at_before_it_was_there():
    once = policy("db", "at(2026-03-10T12:00:00)")

    assert captured(plan(sources=[volume(created=SLOT + HOUR / 60)], policies=(once,))) == []
    assert captured(plan(sources=[volume(created=SLOT)], policies=(once,))) == ["vol-1"]
    assert captured(plan(sources=[volume(created=None)], policies=(once,))) == ["vol-1"]


def test_a_new_source_gets_the_slot_of_its_other_schedule_instead_of_an_old_at():
    both = policy("db", "0 3 * * *", "at(2026-03-10T12:00:00)")

    young = captures(plan(sources=[volume(created=NOW)], policies=(both,)))
    old = captures(plan(sources=[volume()], policies=(both,)))

    assert ([SLOT.replace(hour=3)], [SLOT]) == ([c.slot for c in young], [c.slot for c in old])


def test_nothing_is_wanted_before_the_first_slot():
    assert captured(plan(policies=(policy("db", "at(2027-01-01T00:00:00)"),))) == []


def test_a_source_that_is_not_ready_is_told_and_not_captured():
    found = plan(sources=[volume(unready="it is being deleted")])

    assert (captured(found), codes(found)) == ([], [WarningCode.SOURCE_NOT_READY])


def test_a_source_that_is_not_ready_matters_only_where_a_point_is_due():
    assert codes(plan(point(SLOT), sources=[volume(unready="it is being deleted")])) == []


def test_i4_where_the_points_could_not_be_listed_captures_go_on_and_look_first():
    found = plan(unread=(unread("points"),))

    assert [capture.look_first for capture in captures(found)] == [True]
    assert [capture.look_first for capture in captures(plan())] == [False]


def test_i25_a_listing_that_fails_in_one_region_leaves_the_others_alone():
    both = policy(regions=("eu-west-1", "us-east-1"))
    sources = [volume(), volume("vol-2", region="us-east-1")]
    found = plan(policies=(both,), sources=sources, unread=(unread("points", "us-east-1"),))

    assert {c.lineage.source: c.look_first for c in captures(found)} == {"vol-1": False, "vol-2": True}


def test_a_copy_is_no_point_of_the_lineage():
    assert captured(plan(point(SLOT, copy_of="snap-elsewhere"))) == ["vol-1"]


def test_a_point_of_another_kind_is_no_point_of_the_lineage():
    assert captured(plan(point(SLOT, kind=Kind.STACK))) == ["vol-1"]


def test_a_point_of_another_policy_is_no_point_of_the_lineage():
    assert captured(plan(point(SLOT, policy="other"))) == ["vol-1"]


def test_the_most_overdue_comes_first_and_no_point_at_all_before_that():
    hour = policy("fast", select=Selector(tags={"Tier": ("fast",)}))
    day = policy("slow", "0 12 * * *", select=Selector(tags={"Tier": ("slow",)}))
    month = policy("tight", "0 12 1-31 * *", rpo=1800, select=Selector(tags={"Tier": ("tight",)}))
    sources = [volume(f"vol-{p.name}", tags={"Tier": p.name}) for p in (hour, day, month)]
    sources += [volume("vol-new", tags={"Tier": "slow"})]
    points = [
        point(SLOT - 3 * HOUR, source="vol-fast", policy="fast"),  # 3.5 periods old
        point(SLOT - 24 * HOUR, source="vol-slow", policy="slow"),  # 1 period old
        point(SLOT - 2 * HOUR, source="vol-tight", policy="tight"),  # 5 times its RPO
    ]

    found = plan(*points, policies=(hour, day, month), sources=sources)

    assert captured(found) == ["vol-new", "vol-tight", "vol-fast", "vol-slow"]


def test_captures_come_before_expiries():
    found = plan(*hourly(9, SLOT - HOUR))

    assert [type(action).__name__ for action in found.actions] == ["Capture", "Expire", "Expire"]


def test_an_image_is_taken_with_the_reboot_that_the_policy_asks_for():
    images = policy(protect=Protect.INSTANCES, reboot=True)
    (capture,) = captures(plan(policies=(images,), sources=[volume("i-1", protect=Protect.INSTANCES)]))

    assert (capture.kind, capture.reboot) == (Kind.IMAGE, True)


def test_a_policy_that_selects_nothing_is_told():
    found = plan(sources=[volume(tags={})])

    assert (captured(found), codes(found)) == ([], [WarningCode.SELECTS_NOTHING])


def test_where_sources_could_not_be_listed_nobody_says_that_nothing_is_selected():
    assert codes(plan(sources=[], unread=(unread("sources"),))) == [WarningCode.LISTING_INCOMPLETE]


def test_two_policies_over_one_source_have_a_lineage_each_and_a_warning():
    found = plan(policies=(policy("db"), policy("other")))

    assert (captured(found), codes(found)) == (["vol-1", "vol-1"], [WarningCode.OVERLAP])


def test_a_point_pending_for_more_than_a_day_is_told():
    old, young = (point(SLOT - n * HOUR, state=State.PENDING) for n in (24, 23))

    assert codes(plan(old, point(SLOT))) == [WarningCode.PENDING_LONG]
    assert codes(plan(young, point(SLOT))) == []


def tagged(number, name="vol-1", **facts):
    """A source with so many tags of its own, besides the one that selects it."""
    return volume(name, tags={"Tier": "db", **{f"A{n:02}": "x" for n in range(number - 1)}}, **facts)


def test_tags_that_have_no_room_on_a_point_are_told_once_a_policy_with_their_number_and_names():
    """Fifty tags a resource, five places free, six of dr's own: thirty-nine of the source fit."""
    found = plan(sources=[tagged(40), tagged(41, "vol-2"), tagged(39, "vol-3")])

    assert codes(found) == [WarningCode.TAGS_DROPPED]
    assert message(found, WarningCode.TAGS_DROPPED).startswith("2 tags of vol-1, vol-2 left out")
    assert message(found, WarningCode.TAGS_DROPPED).endswith(": A39, Tier")


def test_tags_that_fit_are_no_news():
    assert codes(plan(sources=[tagged(39)])) == []


def test_tags_are_told_only_when_a_point_is_taken():
    assert codes(plan(point(SLOT), sources=[tagged(45)])) == []


def test_a_stored_stack_keeps_all_tags():
    stacks = policy(protect=Protect.STACKS)

    assert codes(plan(policies=(stacks,), sources=[tagged(45, protect=Protect.STACKS)])) == []


def test_the_tags_that_are_told_are_those_that_the_point_lacks():
    stack = {"aws:cloudformation:stack-name": "prod", "aws:cloudformation:logical-id": "Data"}
    source = tagged(45)
    source = replace(source, tags={**source.tags, **stack, "dr:policy": "db"})
    tags = point_tags("acme", lineage(), SLOT, "snapshot", source)

    assert dropped_tags(source) == tags.dropped
    assert (len(tags.tags), len(tags.dropped)) == (45, 8)
    assert set(source.tags) - set(tags.tags) - set(stack) == set(tags.dropped)


def test_a_clock_that_is_off_stops_no_capture():
    found = plan(unread=(unread("clock", ""),))

    assert captured(found) == ["vol-1"]
    assert {WarningCode.CLOCK_SKEW, WarningCode.EXPIRY_CLOSED} == set(codes(found))


def fleet(number):
    """So many volumes of db in one Region."""
    return [volume(f"vol-{n:05}") for n in range(number)]


@pytest.mark.parametrize(
    ("number", "expression", "fits"),
    [
        (150, "*/30 * * * *", True),
        (300, "* * * * *", True),
        (301, "* * * * *", False),
        (1501, "*/5 * * * *", False),
        (1501, "rate(6 minutes)", True),
        (1501, "at(2026-01-01T00:00:00)", True),
        (1501, "*/5 9-17 * * *", True),
    ],
)
def test_a_schedule_that_ec2_cannot_keep_up_with_is_told(number, expression, fits):
    found = plan(policies=(policy("db", expression),), sources=fleet(number))

    assert (WarningCode.PACE_EXCEEDED in codes(found)) == (not fits)


def test_two_schedules_near_each_other_are_two_a_day_whatever_the_hour():
    pair = policy("db", "0 3 * * *", "1 3 * * *")

    for hour in range(24):
        assert WarningCode.PACE_EXCEEDED not in codes(
            plan(policies=(pair,), sources=fleet(1501), now=NOW + hour * HOUR)
        )


def test_all_policies_of_a_region_share_ec2s_pace_and_the_largest_is_named():
    many, few = policy("many", "*/4 * * * *"), policy("few", "*/4 * * * *")
    found = plan(
        policies=(many, replace(few, select=Selector(tags={"Few": ("*",)}))),
        sources=[
            *fleet(1100),
            *(volume(f"vol-few-{n}", tags={"Tier": "db", "Few": "yes"}) for n in range(60)),
        ],
    )

    (told,) = [warn for warn in found.warnings if warn.code is WarningCode.PACE_EXCEEDED]
    assert told.policy == "many"
    assert told.message == (
        "eu-west-1: 439200 snapshots a day are due, 417600 of them of many, and EC2 takes 432000: captures fall behind, "
        "the most overdue first; a longer schedule fits"
    )
