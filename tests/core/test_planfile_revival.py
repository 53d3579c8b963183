from __future__ import annotations

import json
from dataclasses import replace

import pytest
from plan_values import (
    HOUR,
    NOW,
    SLOT,
    captured,
    codes,
    expired,
    hourly,
    ids,
    point,
    policy,
    unread,
    volume,
    world,
)

from dr.actions import WarningCode
from dr.errors import EXIT_REFUSED, Refused
from dr.limits import allow_expire, decide, next_applied
from dr.model import Applied, Freeze, Inventory, RetentionRule, State
from dr.planfile import Context, SavedPlan, parse, require_something, revive, stamp, to_document

DB = policy()
CONTEXT = Context(
    installation="acme",
    account="111111111111",
    policies={"db": "p1"},
    config="c1",
    asked=("db",),
)
LATER = NOW + HOUR / 6
OLD = hourly(5, SLOT - HOUR)
"""A capture is due, and two points expire."""


def there(*points, policies=(DB,), **facts) -> Inventory:
    return world(*points, policies=policies, **facts)


def saved(inventory, policies=(DB,), context=CONTEXT) -> SavedPlan:
    return parse(json.dumps(to_document(decide(policies, inventory, NOW), context)))


def again(inventory, plan=None, *, now=LATER, policies=(DB,), context=CONTEXT):
    asked = plan or saved(there(*OLD))
    found = revive(asked, policies, inventory, now, context)
    require_something(asked, [found])
    return found


def stale(inventory, plan=None, **facts) -> str:
    with pytest.raises(Refused, match="the plan is stale") as caught:
        again(inventory, plan, **facts)
    assert caught.value.exit_code == EXIT_REFUSED
    return caught.value.message


def test_a_plan_is_carried_out_as_it_was_made():
    made = decide((DB,), there(*OLD), NOW)

    found = again(there(*OLD))

    assert made.actions == found.actions
    assert made.lineages == found.lineages
    assert stamp(made, CONTEXT).fingerprint == found.fingerprint


@pytest.mark.parametrize("hours", [1, 24, 24 * 365])
def test_time_passing_alone_makes_no_plan_stale(hours):
    made = decide((DB,), there(*OLD), NOW)

    found = again(there(*OLD), now=NOW + hours * HOUR)

    assert [(a.lineage, a.slot) for a in made.actions] == [(a.lineage, a.slot) for a in found.actions]


def test_a_point_that_becomes_good_makes_no_plan_stale():
    pending = [replace(OLD[0], state=State.PENDING), *OLD[1:]]

    assert expired(decide((DB,), there(*pending), NOW)) == expired(again(there(*OLD), saved(there(*pending))))


def test_i16_a_plan_that_was_applied_is_stale():
    gone = {OLD[3].id, OLD[4].id}
    after = [point(SLOT, state=State.PENDING), *(p for p in OLD if p.id not in gone)]

    assert "changed" in stale(there(*after))


def test_i16_a_plan_of_captures_that_was_applied_is_stale():
    before, after = there(*OLD[:3]), there(point(SLOT, state=State.PENDING), *OLD[:3])

    assert "as if it had been applied" in stale(after, saved(before))


@pytest.mark.parametrize(
    ("facts", "says"),
    [
        ({"installation": "other"}, "installation"),
        ({"account": "222222222222"}, "account"),
        ({"config": "c2"}, "dr.yaml"),
        ({"policies": {"db": "p2"}}, "policies changed"),
        ({"policies": {"db": "p1", "new": "p2"}}, "policies changed"),
        ({"policies": {}}, "policies changed"),
    ],
)
def test_i16_a_plan_is_stale_when_its_ground_changed(facts, says):
    assert says in stale(there(*OLD), context=replace(CONTEXT, **facts))


@pytest.mark.parametrize(
    "after",
    [
        OLD[:4],
        [*OLD, point(SLOT - 9 * HOUR)],
        [*OLD[:4], replace(OLD[4], hold=True)],
        [*OLD[:4], replace(OLD[4], locked=True)],
        [*OLD[:4], replace(OLD[4], in_use="ami-1")],
        [replace(OLD[0], state=State.FAILED), *OLD[1:]],
        [replace(OLD[0], state=State.ARCHIVED), *OLD[1:]],
    ],
    ids=["gone", "new", "held", "locked", "in use", "failed", "archived"],
)
def test_i16_a_plan_is_stale_when_the_lineage_of_an_expiry_moved(after):
    assert "changed" in stale(there(*after))


def test_i16_a_plan_is_stale_when_a_point_of_it_is_pinned_now():
    assert "changed" in stale(there(*OLD, pins=frozenset({OLD[4].id})))


@pytest.mark.parametrize(
    "miss",
    [unread("points"), unread("sources"), unread("pins", ""), unread("applied", ""), unread("clock", "")],
)
def test_i4_rule_7_3_a_plan_with_expiries_is_refused_where_not_everything_can_be_read(miss):
    assert "RequestLimitExceeded" in stale(there(*OLD, unread=(miss,)))


@pytest.mark.parametrize("sources", [[], [volume(tags={})]], ids=["gone", "deselected"])
def test_rule_7_5_a_plan_is_stale_when_the_source_of_an_expiry_is_gone_or_deselected(sources):
    assert "no longer selected" in stale(there(*OLD, sources=sources))


def test_rule_7_2_a_plan_is_stale_when_the_capture_before_its_expiries_cannot_be_made():
    assert "being deleted" in stale(there(*OLD, sources=[volume(unready="it is being deleted")]))


def test_rule_7_4_a_plan_is_stale_when_another_run_used_up_the_ration():
    short = policy(keep=RetentionRule(last=1))
    points, before = hourly(10), Applied(keep=RetentionRule(last=30))
    plan = saved(there(*points, applied={("db", "eu-west-1"): before}), (short,))
    after = there(*points, applied={("db", "eu-west-1"): replace(before, trimmed=(short.keep,))})

    assert "limits" in stale(after, plan, policies=(short,))


def forged(inventory, *, points, blocked=False) -> SavedPlan:
    """What somebody could write who recomputes the digests."""
    plan = saved(inventory)
    template = plan.actions[-1]
    return replace(
        plan, actions=tuple(replace(template, point=name, blocked=blocked) for name in sorted(points))
    )


def test_i1_rule_7_1_a_forged_plan_cannot_ask_for_the_newest_good_point():
    assert "would not let" in stale(there(*OLD), forged(there(*OLD), points={OLD[0].id}))


def test_i3_a_forged_plan_cannot_ask_for_a_foreign_point():
    assert "would not let" in stale(there(*OLD), forged(there(*OLD), points={"snap-foreign"}))


def test_i11_rule_7_4_a_forged_plan_cannot_ask_for_more_than_the_limits_allow():
    many = there(*hourly(20))

    assert "would not let" in stale(many, forged(many, points=ids(hourly(20)[3:])))


def test_rule_7_4_a_saved_plan_keeps_its_blocked_expiries_until_they_are_allowed():
    short = policy(keep=RetentionRule(last=1))
    inventory = there(*hourly(10), applied={("db", "eu-west-1"): Applied(keep=RetentionRule(last=30))})
    found = again(inventory, saved(inventory, (short,)), policies=(short,))

    assert (len(expired(found)), len(expired(found, blocked=True))) == (3, 6)
    assert len(expired(allow_expire(found, 6))) == 9


# --- captures -----------------------------------------------------------------------------------------------------------

TWO = [volume("vol-1"), volume("vol-2")]
FIRST = [point(SLOT - HOUR), point(SLOT - HOUR, source="vol-2")]


def both(*points, **facts) -> Inventory:
    return there(*points, **{"sources": TWO, **facts})


def dropped(found) -> list[tuple[str, str | None]]:
    return [(warn.code, warn.source) for warn in found.warnings if warn.code is WarningCode.PLAN_MOVED]


def test_a_capture_whose_lineage_moved_is_dropped_and_told():
    found = again(both(*FIRST, point(SLOT, source="vol-2")), saved(both(*FIRST)))

    assert (captured(found), dropped(found)) == (["vol-1"], [(WarningCode.PLAN_MOVED, "vol-2")])


@pytest.mark.parametrize(
    "sources",
    [TWO[:1], [TWO[0], volume("vol-2", tags={})], [TWO[0], volume("vol-2", unready="it is being deleted")]],
    ids=["gone", "deselected", "not ready"],
)
def test_a_capture_whose_source_is_gone_deselected_or_not_ready_is_dropped_and_told(sources):
    found = again(both(*FIRST, sources=sources), saved(both(*FIRST)))

    assert (captured(found), dropped(found)) == (["vol-1"], [(WarningCode.PLAN_MOVED, "vol-2")])


def test_where_the_points_cannot_be_listed_a_capture_looks_first():
    found = again(both(unread=(unread("points"),)), saved(both(*FIRST)))

    assert [action.look_first for action in found.actions] == [True, True]


def test_a_capture_is_of_the_source_as_it_is_now():
    now = volume(tags={"Tier": "db", "New": "tag"})
    found = again(there(*FIRST[:1], sources=[now]), saved(there(*FIRST[:1])))

    assert [now] == [action.source for action in found.actions]


def test_a_plan_without_actions_is_never_stale():
    assert again(there(point(SLOT)), saved(there(point(SLOT)))).actions == ()


def test_a_plan_that_was_not_for_a_policy_does_nothing_of_it():
    web = policy("web")
    context = replace(CONTEXT, policies={"db": "p1", "web": "p2"})
    found = again(
        there(*FIRST[:1]), saved(there(*FIRST[:1]), (DB,), context), policies=(DB, web), context=context
    )

    assert {"db"} == {action.lineage.policy for action in found.actions}


def test_the_warnings_of_the_plan_stay():
    made = there(*OLD, point(SLOT, policy="gone"))

    assert codes(again(made, saved(made))) == [WarningCode.POLICY_MISSING]


FREEZE = Freeze(since=NOW, why="stop", by="ann@laptop")
JUST_A_CAPTURE = hourly(1, SLOT - HOUR)


def test_rule_7_6_a_plan_that_expires_something_is_stale_while_it_is_frozen():
    assert "frozen since" in stale(there(*OLD, freezes=(FREEZE,)))


def test_rule_7_6_a_plan_of_captures_says_what_is_frozen_now_and_not_when_it_was_saved():
    plain, icy = there(*JUST_A_CAPTURE), there(*JUST_A_CAPTURE, freezes=(FREEZE,))

    assert codes(again(icy, saved(plain))).count(WarningCode.FROZEN) == 1
    assert codes(again(icy, saved(icy))).count(WarningCode.FROZEN) == 1
    assert WarningCode.FROZEN not in codes(again(plain, saved(icy)))


def test_rule_7_6_a_plan_of_captures_agrees_to_no_keep_that_waits_for_the_thaw():
    edited = policy(keep=RetentionRule(last=1))
    before = Applied(keep=RetentionRule(last=9))
    many = replace(there(*hourly(9, SLOT - HOUR), freezes=(FREEZE,)), applied={("db", DB.regions[0]): before})
    asked = saved(there(*JUST_A_CAPTURE, policies=(edited,)), policies=(edited,))

    found = revive(replace(asked, actions=()), (edited,), many, LATER, CONTEXT)

    assert next_applied(edited, before, found) == before
