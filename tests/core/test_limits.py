from __future__ import annotations

import pytest
from plan_values import (
    HOUR,
    NOW,
    SLOT,
    codes,
    expired,
    expiries,
    hourly,
    ids,
    message,
    plan,
    point,
    policy,
    unread,
    volume,
    world,
)

from dr.actions import Cause, WarningCode
from dr.errors import EXIT_REFUSED, Refused
from dr.limits import allow_expire, decide, next_applied
from dr.model import Applied, Freeze, RetentionRule, Selector, State, Unread

LAST_30, LAST_1 = RetentionRule(last=30), RetentionRule(last=1)


def changed(points, keep=LAST_1, before=LAST_30, trimmed=(), **facts):
    """The plan of a policy whose `keep` was another one at its last apply."""
    applied = {("db", "eu-west-1"): Applied(keep=before, trimmed=trimmed)}
    return plan(*points, policies=(policy(keep=keep, **facts),), applied=applied)


def tick_through(count, keep=LAST_1, before=LAST_30):
    """Apply, with what it records, until nothing goes any more: points, record and the number that each tick took."""
    db, points, applied, losses = policy(keep=keep), hourly(count), Applied(keep=before), []
    for _ in range(50):
        inventory = world(*points, policies=(db,), applied={("db", "eu-west-1"): applied} if applied else {})
        found = decide((db,), inventory, NOW)
        gone = expired(found)
        points = [p for p in points if p.id not in gone]
        losses.append(len(gone))
        applied = next_applied(db, applied, found)
        if not gone:
            return points, applied, losses
    raise AssertionError("it never ends")


# --- safety rule 4: blast radius ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("count", "percent", "expected"),
    [
        (4, 30, 2),
        (9, 30, 2),
        (10, 30, 3),
        (13, 30, 3),
        (20, 30, 6),
        (20, 100, 19),
        (20, 1, 2),
        (3, 100, 2),
        (2, 30, 1),
    ],
)
def test_i11_rule_7_4_a_backlog_shrinks_by_its_ration_rounded_down_but_by_two_at_least(
    count, percent, expected
):
    found = plan(*hourly(count), policies=(policy(keep=LAST_1, expire_percent=percent),))

    assert expected == len(expired(found))


def test_i11_rule_7_4_the_oldest_go_first_and_the_rest_waits_for_later_ticks():
    points = hourly(10)
    found = plan(*points, policies=(policy(keep=LAST_1),))

    assert ids(points[7:]) == expired(found)
    assert set() == expired(found, blocked=True)
    assert message(found, WarningCode.EXPIRY_DEFERRED).startswith("6 expiries wait of vol-1")


def test_rule_7_4_each_lineage_has_a_ration_of_its_own():
    points = [*hourly(10), *hourly(10, source="vol-2")]
    found = plan(*points, policies=(policy(keep=LAST_1),), sources=[volume("vol-1"), volume("vol-2")])

    assert len(expired(found)) == 6
    assert message(found, WarningCode.EXPIRY_DEFERRED).startswith("12 expiries wait of vol-1, vol-2")


def test_rule_7_4_duplicates_and_failed_points_stand_outside_the_limits():
    points = hourly(10)
    others = [point(p.slot, f"twin {p.id}", time=p.time + HOUR / 60) for p in points]
    failed = [point(p.slot - HOUR / 2, f"no {p.id}", state=State.FAILED) for p in points]
    found = plan(*points, *others, *failed, policies=(policy(keep=LAST_1),))

    assert [len(expiries(found, c)) for c in (Cause.DUPLICATE, Cause.FAILED, Cause.RETENTION)] == [10, 10, 3]


def test_rule_7_4_only_points_that_count_make_the_ration_larger():
    failed = [point(SLOT + n * HOUR / 60, f"no-{n}", state=State.FAILED) for n in range(30)]

    assert len(expired(plan(*hourly(9), *failed, policies=(policy(keep=LAST_1),))) - ids(failed)) == 2


def test_i11_rule_7_4_what_the_last_keep_would_have_kept_is_blocked_beyond_the_ration():
    points = hourly(10)
    found = changed(points)

    assert (ids(points[7:]), ids(points[1:7])) == (expired(found), expired(found, blocked=True))
    assert {Cause.POLICY_CHANGE} == {expire.cause for expire in expiries(found)}
    assert message(found, WarningCode.EXPIRY_BLOCKED).startswith("6 expiries wait of vol-1")


def test_rule_7_4_the_backlog_is_served_before_the_policy_change():
    """Before, the eight newest were kept: two are backlog, the change may have what is left of the ration."""
    points = hourly(10)
    found = changed(points, before=RetentionRule(last=8))

    assert ids(points[8:]) == ids(points) & {e.point_id for e in expiries(found, Cause.RETENTION)}
    assert {points[7].id} == {e.point_id for e in expiries(found, Cause.POLICY_CHANGE) if not e.blocked}


def test_rule_7_4_without_a_record_everything_counts_as_a_policy_change():
    points = hourly(10)
    found = decide((policy(keep=LAST_1),), world(*points), NOW)

    assert ids(points[1:7]) == expired(found, blocked=True)
    assert {Cause.POLICY_CHANGE} == {expire.cause for expire in expiries(found)}


def test_i11_rule_7_4_a_policy_change_has_one_ration_in_all():
    points = hourly(10)
    found = changed(points, trimmed=(LAST_1,))

    assert (set(), ids(points[1:])) == (expired(found), expired(found, blocked=True))


def test_rule_7_4_another_change_has_a_ration_again():
    assert len(expired(changed(hourly(10), trimmed=(RetentionRule(last=2),)))) == 3


def test_rule_7_4_a_used_up_ration_does_not_stop_the_backlog():
    points = hourly(10)
    found = changed(points, before=RetentionRule(last=8), trimmed=(LAST_1,))

    assert ids(points[8:]) == expired(found)


def test_i11_rule_7_4_a_policy_change_does_not_bleed_tick_after_tick():
    points, applied, losses = tick_through(20)

    assert (14, [6, 0], Applied(keep=LAST_30, trimmed=(LAST_1,))) == (len(points), losses, applied)


def test_i11_rule_7_4_two_shells_with_two_wrong_versions_do_not_earn_each_other_rations_by_turns():
    versions = (policy(keep=LAST_1), policy(keep=RetentionRule(last=2)))
    points, applied, losses = hourly(20), Applied(keep=LAST_30), []
    for turn in range(8):
        mine = versions[turn % 2]
        found = decide((mine,), world(*points, applied={("db", "eu-west-1"): applied}), NOW)
        losses.append(len(expired(found)))
        points = [p for p in points if p.id not in expired(found)]
        applied = next_applied(mine, applied, found)

    assert losses == [6, 4, 0, 0, 0, 0, 0, 0]
    assert Applied(keep=LAST_30, trimmed=tuple(mine.keep for mine in versions)) == applied


def test_i11_rule_7_4_without_a_record_a_lineage_does_not_bleed_either():
    points, applied, losses = tick_through(20, before=RetentionRule())

    assert (len(points), losses, applied.trimmed) == (14, [6, 0], (LAST_1,))
    assert RetentionRule() == applied.keep


def test_rule_7_4_a_backlog_ends_with_what_keep_promises():
    points, _, losses = tick_through(20, before=LAST_1)

    assert ([6, 4, 3, 2, 2, 2, 0], ids(hourly(1))) == (losses, ids(points))


def test_i11_two_shells_with_two_versions_of_a_policy_do_not_earn_each_other_rations():
    old, new = policy(keep=LAST_30), policy(keep=LAST_1)
    points, applied = hourly(20), Applied(keep=LAST_30)
    for turn in range(20):
        db = (old, new)[turn % 2]
        found = decide((db,), world(*points, applied={("db", "eu-west-1"): applied}), NOW)
        points = [p for p in points if p.id not in expired(found)]
        applied = next_applied(db, applied, found)

    assert len(points) == 14


# --- a person's word ----------------------------------------------------------------------------------------------------


def test_the_exact_number_lets_all_blocked_expiries_go():
    points = hourly(10)
    found = allow_expire(changed(points), 6)

    assert (ids(points[1:]), set()) == (expired(found), expired(found, blocked=True))
    assert WarningCode.EXPIRY_BLOCKED not in codes(found)


def test_rule_7_6_a_word_for_expiries_that_are_frozen_is_refused_and_says_what_is_in_the_way():
    freeze = Freeze(since=NOW, why="stop", by="ann@laptop")
    made = plan(*hourly(9), freezes=(freeze,))

    with pytest.raises(Refused, match="something is frozen") as caught:
        allow_expire(made, 3)

    assert "dr thaw" in caught.value.remedy


def test_a_word_for_expiries_that_are_closed_is_refused_and_says_what_is_in_the_way():
    """Not that nothing is blocked: it will be again."""
    unheard = Unread(what="accounts", region="", message="nobody tells which there are")
    made = plan(*hourly(9), unread=(unheard,))

    with pytest.raises(Refused, match="expiry is closed") as caught:
        allow_expire(made, 3)

    assert "warnings" in caught.value.remedy


@pytest.mark.parametrize("number", [0, 5, 7, -6])
def test_another_number_is_refused(number):
    with pytest.raises(Refused, match="6 blocked expiries") as refused:
        allow_expire(changed(hourly(10)), number)

    assert (refused.value.exit_code, "exactly 6" in refused.value.remedy) == (EXIT_REFUSED, True)


def test_a_number_for_a_plan_without_blocked_expiries_is_refused():
    with pytest.raises(Refused, match="0 blocked expiries"):
        allow_expire(plan(*hourly(4)), 1)


# --- what is recorded ---------------------------------------------------------------------------------------------------


def test_an_apply_that_blocked_nothing_records_its_keep():
    db = policy(keep=LAST_1)

    assert Applied(keep=LAST_1) == next_applied(db, Applied(keep=LAST_30), changed(hourly(3)))
    assert Applied(keep=LAST_1) == next_applied(db, None, plan(policies=(db,)))


def test_an_apply_that_left_something_blocked_keeps_the_old_record_and_the_ration_is_used_up():
    db = policy(keep=LAST_1)

    assert Applied(keep=LAST_30, trimmed=(LAST_1,)) == next_applied(
        db, Applied(keep=LAST_30), changed(hourly(9))
    )


def test_an_apply_with_a_persons_word_records_its_keep():
    allowed = allow_expire(changed(hourly(10)), 6)

    assert Applied(keep=LAST_1) == next_applied(policy(keep=LAST_1), Applied(keep=LAST_30), allowed)


@pytest.mark.parametrize(
    "facts",
    [
        {"unread": (unread("points"),)},
        {"unread": (unread("pins", ""),)},
        {"sources": [volume(tags={})]},
        {"sources": [volume(unready="it is being updated")], "now": NOW + HOUR},
    ],
    ids=["points", "pins", "selects nothing", "not ready"],
)
def test_i11_an_apply_that_did_not_judge_everything_records_no_new_keep(facts):
    """Else the next tick would take the whole change for a backlog."""
    before = Applied(keep=LAST_30)
    db = policy(keep=LAST_1)
    found = plan(*hourly(10), policies=(db,), applied={("db", "eu-west-1"): before}, **facts)

    assert before == next_applied(db, before, found)


def test_what_is_blocked_in_another_policy_says_nothing_of_this_one():
    other = policy("other", select=Selector(tags={"Tier": ("web",)}))

    assert Applied(keep=other.keep) == next_applied(other, None, changed(hourly(9)))


# --- the plan -----------------------------------------------------------------------------------------------------------


def test_every_touched_lineage_has_a_digest_and_no_other():
    found = plan(*hourly(4), point(SLOT, source="vol-2"), sources=[volume("vol-1"), volume("vol-2")])

    assert {action.lineage for action in found.actions} == set(found.lineages)


def test_expiries_of_one_region_and_kind_stand_together():
    both = policy(regions=("eu-west-1", "us-east-1"))
    sources = [volume(f"vol-{n}", region=region) for n, region in enumerate(both.regions * 2)]
    points = [p for s in sources for p in hourly(5, source=s.id, region=s.region)]
    regions = [e.lineage.region for e in expiries(plan(*points, policies=(both,), sources=sources))]

    assert sorted(regions) == regions


# --- the digest of a lineage --------------------------------------------------------------------------------------------


def digest(*points, **facts) -> str:
    (found,) = plan(*points, now=NOW + HOUR, **facts).lineages.values()
    return found


def test_a_point_that_becomes_good_has_not_moved():
    assert digest(point(SLOT, state=State.PENDING)) == digest(point(SLOT))


@pytest.mark.parametrize(
    "facts",
    [
        {"state": State.FAILED},
        {"state": State.ARCHIVED},
        {"hold": True},
        {"locked": True},
        {"in_use": "ami-1"},
    ],
)
def test_a_point_that_failed_was_archived_or_is_guarded_has_moved(facts):
    assert digest(point(SLOT)) != digest(point(SLOT, **facts))


def test_a_point_that_is_new_gone_or_pinned_has_moved():
    both = digest(*hourly(2))

    assert both != digest(*hourly(3))
    assert both != digest(*hourly(1))
    assert both != digest(*hourly(2), pins=frozenset(ids(hourly(1))))
