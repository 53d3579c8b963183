from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from plan_values import (
    HOUR,
    NOW,
    REGION,
    SLOT,
    captured,
    codes,
    expired,
    expiries,
    hourly,
    ids,
    message,
    part,
    plan,
    point,
    policy,
    unread,
    volume,
    world,
)

from dr.actions import Cause, WarningCode
from dr.durations import Duration
from dr.limits import decide, next_applied
from dr.model import Applied, Freeze, Kind, Protect, RetentionRule, Selector, State
from dr.words import instant

LAST_1 = policy(keep=RetentionRule(last=1))
DAY = timedelta(days=1)


def test_what_keep_drops_expires_oldest_first():
    points = hourly(5)

    found = [expire.point_id for expire in expiries(plan(*points), Cause.RETENTION)]

    assert [points[4].id, points[3].id] == found


# --- safety rule 1: newest good, held, pinned, pending, locked, in use, foreign -----------------------------------------


def test_i1_rule_7_1_the_newest_good_point_stays_whatever_the_rules_say():
    """`last: 1` would keep the newest slot alone; the newest data is in an older one."""
    late = point(SLOT - 2 * HOUR, "late", time=NOW)
    found = plan(late, *hourly(2), policies=(LAST_1,))

    assert {hourly(2)[1].id} == expired(found)


def test_i1_rule_7_1_the_newest_good_point_stays_behind_archived_and_failed_ones():
    good = point(SLOT - 30 * DAY, "good")
    others = [point(SLOT, "archived", state=State.ARCHIVED), point(SLOT - HOUR, "no", state=State.FAILED)]

    found = plan(good, *others, policies=(policy(keep=RetentionRule(daily=1)),))

    assert "good" not in expired(found)


def test_i1_rule_7_1_the_newest_slot_that_is_good_stays_where_the_data_of_another_is_newer():
    """The next tick would look for that slot and find nothing newer to go by."""
    late = point(SLOT - 5 * HOUR, "late", time=NOW)
    found = plan(
        late, point(SLOT - 3 * HOUR), policies=(policy(keep=RetentionRule(within=Duration(seconds=60))),)
    )

    assert set() == expired(found)


@pytest.mark.parametrize(
    "guard",
    [{"hold": True}, {"locked": True}, {"in_use": "ami-1"}, {"state": State.PENDING}, {"copy_of": "snap-0"}],
    ids=lambda guard: next(iter(guard)),
)
def test_rule_7_1_a_point_that_is_held_locked_in_use_pending_or_a_copy_stays(guard):
    guarded = point(SLOT - 8 * HOUR, "guarded", **guard)

    assert {hourly(4)[3].id} == expired(plan(guarded, *hourly(4)))


def test_rule_7_1_a_pinned_point_stays():
    points = hourly(5)

    assert {points[3].id} == expired(plan(*points, pins=frozenset({points[4].id})))


def test_rule_7_1_held_and_locked_points_count_like_others():
    points = hourly(4)
    held = [replace(points[0], hold=True), *points[1:]]

    assert {points[3].id} == expired(plan(*held))


@pytest.mark.parametrize("guard", [{"hold": True}, {"locked": True}])
def test_rule_7_1_an_image_stays_when_a_snapshot_inside_it_is_guarded(guard):
    images = policy(protect=Protect.INSTANCES)
    points = hourly(5, source="i-1", kind=Kind.IMAGE)
    points[4] = replace(points[4], parts=("snap-a", "snap-b"))
    parts = (part(points[4].slot, "snap-b", image=points[4].id, **guard),)
    source = volume("i-1", protect=Protect.INSTANCES)

    found = plan(*points, policies=(images,), sources=[source], parts=parts)

    assert {points[3].id} == expired(found)


def test_rule_7_1_an_image_stays_when_a_snapshot_inside_it_is_pinned():
    images = policy(protect=Protect.INSTANCES)
    points = hourly(5, source="i-1", kind=Kind.IMAGE)
    points[4] = replace(points[4], parts=("snap-a",))
    parts = (part(points[4].slot, "snap-a", image=points[4].id),)
    source = volume("i-1", protect=Protect.INSTANCES)

    found = plan(*points, policies=(images,), sources=[source], parts=parts, pins=frozenset({"snap-a"}))

    assert {points[3].id} == expired(found)


def test_an_image_expires_with_its_parts():
    images = policy(protect=Protect.INSTANCES)
    points = hourly(4, source="i-1", kind=Kind.IMAGE, parts=("snap-a", "snap-b"))
    found = plan(*points, policies=(images,), sources=[volume("i-1", protect=Protect.INSTANCES)])

    assert [(e.kind, e.parts) for e in expiries(found)] == [(Kind.IMAGE, ("snap-a", "snap-b"))]


# --- what counts --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED])
def test_i2_what_is_not_good_does_not_count(state):
    points = [*hourly(3, state=state), *hourly(4, SLOT - 3 * HOUR)]

    assert {points[6].id} == {e.point_id for e in expiries(plan(*points), Cause.RETENTION)}


def test_i2_archived_points_count_for_the_period_rules_only():
    days = [point(SLOT - n * DAY, f"day-{n}") for n in range(4)]
    days[1] = replace(days[1], state=State.ARCHIVED)
    daily, last = policy(keep=RetentionRule(daily=2)), policy(keep=RetentionRule(last=2))

    assert {"day-2", "day-3"} == expired(plan(*days, policies=(daily,)))
    assert {"day-1", "day-3"} == expired(plan(*days, policies=(last,)))


def test_the_wanted_slot_stays_although_no_rule_claims_it():
    """A schedule was moved: the tick takes a slot that is older than what is there, and must not drop it again."""
    daily = policy("db", "0 9 * * *", keep=RetentionRule(last=1))
    points = [point(SLOT - 3 * HOUR, "wanted", time=SLOT - 3 * HOUR), *hourly(3)]

    assert ids(hourly(3)[1:]) == expired(plan(*points, policies=(daily,)))


def test_i9_a_slot_that_has_not_come_yet_neither_counts_nor_expires():
    """A clock was ten years ahead once: its point takes no place from those of today."""
    ahead = [point(SLOT + timedelta(days=3650 + n), f"ahead-{n}", time=SLOT - 9 * HOUR) for n in range(5)]

    assert {hourly(4)[3].id} == expired(plan(*ahead, *hourly(4)))


# --- safety rule 2: the lineage's own capture ---------------------------------------------------------------------------


def test_rule_7_2_nothing_expires_where_the_capture_cannot_be_made():
    points = hourly(6, SLOT - HOUR)
    found = plan(*points, sources=[volume(unready="it is being deleted")])

    assert (set(), {WarningCode.SOURCE_NOT_READY, WarningCode.EXPIRY_CLOSED}) == (
        expired(found),
        set(codes(found)),
    )


def test_rule_7_2_expiry_goes_on_where_no_capture_is_due():
    assert expired(plan(*hourly(4), sources=[volume(unready="it is being deleted")]))


# --- safety rule 3: what could not be read ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "miss",
    [
        unread("sources"),
        unread("points"),
        unread("points", protect=Protect.VOLUMES),
        unread("pins", ""),
        unread("freezes", ""),
        unread("applied", ""),
        unread("clock", ""),
        unread("something that is not known yet", ""),
    ],
    ids=lambda miss: miss.what,
)
def test_i4_rule_7_3_nothing_expires_where_something_could_not_be_read(miss):
    failed = point(SLOT - 9 * HOUR, "no", state=State.FAILED)
    twice = point(SLOT, "twice", time=NOW)
    found = plan(*hourly(9), failed, twice, unread=(miss,))

    assert set() == expired(found) | expired(found, blocked=True)
    assert {WarningCode.EXPIRY_CLOSED, WarningCode.LISTING_INCOMPLETE} & set(codes(found))


@pytest.mark.parametrize(
    "miss", [unread("points", "us-east-1"), unread("points", protect=Protect.STACKS)], ids=["region", "kind"]
)
def test_i25_what_could_not_be_read_elsewhere_closes_nothing_here(miss):
    assert expired(plan(*hourly(4), unread=(miss,)))


def test_i10_rule_7_3_a_policy_that_selects_nothing_deletes_nothing():
    typo = policy(select=Selector(tags={"Teir": ("db",)}), keep=RetentionRule(last=1))
    found = plan(*hourly(9), policies=(typo,))

    assert ((), {WarningCode.SELECTS_NOTHING, WarningCode.SOURCE_MISSING}) == (
        found.actions,
        set(codes(found)),
    )


# --- safety rule 6: a person's word -------------------------------------------------------------------------------------


def frozen(policy=""):
    return Freeze(policy=policy, since=NOW - DAY, why="we look into it", by="ann@laptop")


@pytest.mark.parametrize("whose", ["", "db"], ids=["all", "its own"])
def test_rule_7_6_nothing_of_a_policy_that_is_frozen_expires_whatever_the_cause(whose):
    failed = point(SLOT - 9 * HOUR, "no", state=State.FAILED)
    twice = point(SLOT, "twice", time=NOW)
    found = plan(*hourly(9)[1:], failed, twice, freezes=(frozen(whose),))

    assert set() == expired(found) | expired(found, blocked=True)
    ends = f"`dr thaw --policy {whose}`" if whose else "`dr thaw`"
    assert message(found, WarningCode.FROZEN) == (
        f"nothing expires: frozen since {instant(NOW - DAY)} by ann@laptop: we look into it; 7 expiries wait for {ends}"
    )


def test_rule_7_6_captures_go_on_where_it_is_frozen():
    assert captured(plan(*hourly(9)[1:], freezes=(frozen(),))) == ["vol-1"]


def test_rule_7_6_the_freeze_of_another_policy_closes_nothing_here():
    found = plan(*hourly(9), freezes=(frozen("web"),))

    assert expired(found)
    assert WarningCode.FROZEN not in codes(found)


def test_rule_7_6_what_keep_lost_while_it_was_frozen_is_a_change_still_when_it_thaws():
    """A freeze must not make an edit of `keep` look as if somebody had agreed to it."""
    edited, before = policy(keep=RetentionRule(last=1)), Applied(keep=RetentionRule(last=9))
    made = decide(
        (edited,), replace(world(*hourly(9)), applied={("db", REGION): before}, freezes=(frozen(),)), NOW
    )

    assert next_applied(edited, before, made) == before
    assert message(made, WarningCode.EXPIRY_CLOSED).startswith(
        "8 expiries wait for the thaw, after a change of `keep`"
    )


def test_rule_7_6_a_policy_that_begins_while_it_is_frozen_needs_no_word_when_it_thaws():
    made = decide((policy(),), replace(world(), freezes=(frozen(),)), NOW)

    assert next_applied(policy(), None, made) == Applied(keep=policy().keep)


# --- safety rule 5 without commands -------------------------------------------------------------------------------------


def test_i10_rule_7_5_a_policy_that_is_gone_or_renamed_deletes_nothing():
    found = plan(
        *hourly(9), *hourly(2, source="vol-2"), policies=(policy("renamed", keep=RetentionRule(last=1)),)
    )

    assert set() == expired(found)
    assert message(found, WarningCode.POLICY_MISSING).startswith("kept: 11 points of vol-1, vol-2")


def test_rule_7_5_a_source_that_is_gone_or_deselected_keeps_its_points():
    found = plan(*hourly(9, source="vol-2"), point(SLOT))

    assert found.actions == ()
    assert message(found, WarningCode.SOURCE_MISSING).startswith("kept: 9 points of vol-2")


def test_a_policy_that_was_not_asked_for_is_not_missing():
    asked = policy("other")
    found = decide((asked,), world(*hourly(2), point(SLOT, policy="other")), NOW, others={"db"})

    assert codes(found) == []


def test_where_sources_could_not_be_listed_nobody_says_that_one_is_gone():
    found = plan(*hourly(2, source="vol-2"), sources=[], unread=(unread("sources"),))

    assert codes(found) == [WarningCode.LISTING_INCOMPLETE]


def test_i3_points_of_another_policy_and_kind_are_left_alone():
    others = [*hourly(9, policy="other"), *hourly(9, source="vol-1", kind=Kind.IMAGE)]

    assert set() == expired(plan(*others, point(SLOT, "mine")))


# --- failed points and orphans ------------------------------------------------------------------------------------------


def test_a_failed_point_expires_once_a_newer_good_one_is_there():
    failed = point(SLOT, "no", state=State.FAILED)
    good = point(SLOT, "yes", time=SLOT + 5 * HOUR / 60)

    assert [e.point_id for e in expiries(plan(failed, good), Cause.FAILED)] == ["no"]


@pytest.mark.parametrize("state", [State.PENDING, State.FAILED, State.ARCHIVED])
def test_a_failed_point_stays_while_nothing_newer_is_good(state):
    failed = point(SLOT - HOUR, "no", state=State.FAILED)

    assert set() == expired(plan(point(SLOT - 2 * HOUR), failed, point(SLOT, "newer", state=state)))


def test_a_failed_point_that_is_held_stays():
    assert set() == expired(plan(point(SLOT - HOUR, state=State.FAILED, hold=True), point(SLOT)))


def test_i1_rule_7_1_the_newest_archived_point_stays_where_none_is_good():
    """`last` claims no archived point; the last of a source is never deleted all the same."""
    points = hourly(3, SLOT - DAY, state=State.ARCHIVED)

    assert ids(points[1:]) == expired(plan(*points))


def test_i1_rule_7_1_an_archived_point_is_protected_only_while_none_is_good():
    archived = point(SLOT - HOUR, "archived", state=State.ARCHIVED)

    assert {"archived"} == expired(plan(archived, point(SLOT), policies=(LAST_1,)))


def orphans(*parts, **facts) -> set[str]:
    """Which of these parts expire; all are known as orphans for two days, unless `orphaned_since` says otherwise."""
    images = policy(protect=Protect.INSTANCES)
    known = {part.id: NOW - 2 * DAY for part in parts}
    given = {
        "sources": [volume("i-1", protect=Protect.INSTANCES)],
        "policies": (images,),
        "orphaned_since": known,
        **facts,
    }
    points = given.pop("points", [point(SLOT, source="i-1", kind=Kind.IMAGE)])
    found = plan(*points, parts=parts, **given)
    return {e.point_id for e in expiries(found, Cause.ORPHAN) if e.kind is Kind.SNAPSHOT}


def test_a_part_expires_when_its_image_has_been_gone_for_more_than_a_day():
    old, young = part(SLOT - 9 * DAY, "old"), part(SLOT - 9 * DAY, "young")
    since = {"old": NOW - DAY - HOUR / 3600, "young": NOW - DAY}

    assert {"old"} == orphans(old, young, orphaned_since=since)


def test_a_part_of_old_data_whose_image_was_just_now_seen_to_be_gone_stays():
    """Somebody deregistered images by mistake: there is a day to register them again, however old their data is."""
    assert set() == orphans(part(SLOT - 90 * DAY, "orphan"), orphaned_since={})
    assert set() == orphans(part(SLOT - 90 * DAY, "orphan"), orphaned_since={"orphan": NOW - HOUR})


def test_i4_rule_7_3_no_orphan_expires_where_it_could_not_be_read_since_when_it_is_one():
    assert set() == orphans(part(SLOT - 9 * DAY, "orphan"), unread=(unread("orphans", ""),))


def test_a_part_whose_image_is_there_is_no_orphan():
    image = point(SLOT - 3 * DAY, "ami-1", source="i-1", kind=Kind.IMAGE, parts=("listed",))
    there = part(SLOT - 2 * DAY, "there", image="ami-0")
    listed = part(SLOT - 3 * DAY, "listed")

    assert set() == orphans(there, listed, points=[image, point(SLOT, source="i-1", kind=Kind.IMAGE)])


@pytest.mark.parametrize("guard", [{"hold": True}, {"locked": True}])
def test_rule_7_1_an_orphan_that_is_guarded_stays(guard):
    assert set() == orphans(part(SLOT - 2 * DAY, "orphan", **guard))


def test_rule_7_1_an_orphan_that_is_pinned_stays():
    assert set() == orphans(part(SLOT - 2 * DAY, "orphan"), pins=frozenset({"orphan"}))


def test_i1_an_orphan_stays_while_nothing_newer_is_good():
    """Somebody deregistered the newest image: its snapshots are the newest data that is left."""
    old = point(SLOT - 5 * DAY, source="i-1", kind=Kind.IMAGE)

    assert set() == orphans(part(SLOT - 2 * DAY, "orphan"), points=[old])


def test_rule_7_5_an_orphan_of_a_source_that_is_gone_stays():
    assert set() == orphans(part(SLOT - 2 * DAY, "orphan"), sources=[])


def test_a_stored_stack_obeys_the_same_rules():
    stacks = policy(protect=Protect.STACKS, select=Selector(names=("prod",)))
    points = hourly(4, source="prod", kind=Kind.STACK)
    found = plan(*points, policies=(stacks,), sources=[volume("prod", protect=Protect.STACKS)])

    assert {points[3].id} == expired(found)
