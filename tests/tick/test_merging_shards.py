"""What the shards came to, as one answer: each thing once, with the names of those that it holds for."""

from __future__ import annotations

from dataclasses import replace
from itertools import count

import pytest
from plan_values import NOW, hourly, policy, unread, volume, world
from shard_world import AWAY, HOME, OTHER, OWN, a_shard

from dr.actions import Capture, Outcome, Plan, Result, Warn, WarningCode
from dr.errors import Busy, EnvironmentFailed, Interrupted, NotEnabled, Refused
from dr.limits import decide
from dr.model import Freeze, Inventory
from dr.status import status
from dr.tick import shards
from dr.tick.applying import Applying
from dr.tick.merging import failure_warnings, merge_applied, merge_plans, merge_statuses, merge_warnings
from dr.tick.shards import Ran, only_here

LAG = Warn(code=WarningCode.STORE_LAG, message="the replica is away")
READY = Warn(code=WarningCode.SOURCE_NOT_READY, policy="db", source="vol-1", message="busy")
NOTHING = Warn(code=WarningCode.SELECTS_NOTHING, policy="db", message="selects no volumes in here")
REGIONS = [a_shard(OWN, AWAY), a_shard(OWN, HOME)]
ACCOUNTS = [a_shard(OWN, HOME), a_shard(OTHER, HOME)]
FOUR = [a_shard(account, region) for account in (OWN, OTHER) for region in (AWAY, HOME)]
DB = policy("db", regions=(AWAY, HOME))


def told(of, shards, policies=(DB,)):
    return merge_warnings(of, policies, shards)


# --- warnings ---------------------------------------------------------------------------------------------------------


def test_what_every_shard_says_is_said_once_without_a_name():
    assert told({shard: [LAG] for shard in FOUR}, FOUR) == (LAG,)


@pytest.mark.parametrize(("shards", "label"), [(REGIONS, AWAY), (ACCOUNTS, OWN), (FOUR, f"{OWN}/{AWAY}")])
def test_what_one_shard_says_has_its_name_as_short_as_it_can_be_told_apart(shards, label):
    of = {shard: [READY] if shard is shards[0] else [] for shard in shards}

    assert told(of, shards) == (replace(READY, message=f"{label}: busy"),)


def test_what_some_shards_say_has_all_of_their_names():
    of = {shard: [READY] if shard.region == HOME else [] for shard in FOUR}

    assert told(of, FOUR) == (replace(READY, message=f"{OWN}/{HOME}, {OTHER}/{HOME}: busy"),)


def test_a_single_shard_s_warnings_stay_as_they_are():
    assert told({FOUR[0]: [READY, NOTHING]}, FOUR[:1]) == (READY, NOTHING)


def test_what_a_shard_says_twice_is_said_once_and_is_not_taken_for_the_word_of_two():
    assert told({REGIONS[0]: [READY, READY], REGIONS[1]: []}, REGIONS) == (
        replace(READY, message=f"{AWAY}: busy"),
    )


def test_a_policy_selects_nothing_where_all_of_its_shards_say_so():
    (warn,) = told({shard: [NOTHING] for shard in REGIONS}, REGIONS)

    assert (warn.code, warn.policy) == (WarningCode.SELECTS_NOTHING, "db")
    assert f"selects no volumes in {AWAY}, {HOME}" in warn.message


def test_a_policy_that_selects_something_somewhere_selects():
    assert told({REGIONS[0]: [NOTHING], REGIONS[1]: []}, REGIONS) == ()


def test_shards_in_which_a_policy_does_not_work_are_not_asked_whether_it_selects():
    here = policy("db", regions=(HOME,))
    (warn,) = told({REGIONS[0]: [], REGIONS[1]: [NOTHING]}, REGIONS, [here])

    assert (warn.code, HOME in warn.message, AWAY in warn.message) == (
        WarningCode.SELECTS_NOTHING,
        True,
        False,
    )


def test_a_policy_of_which_a_shard_was_not_seen_may_select_something_there():
    assert told({REGIONS[0]: [NOTHING]}, REGIONS) == ()


def test_a_shard_that_failed_is_told_by_name_with_what_to_do():
    found = failure_warnings(
        {
            FOUR[0]: EnvironmentFailed("no answer", "look"),
            FOUR[1]: NotEnabled("not enabled"),
            FOUR[2]: Busy("held by x", "wait"),
        }
    )

    assert [(warn.code, warn.message) for warn in found] == [
        (WarningCode.SHARD_FAILED, f"{OWN}/{AWAY}: no answer (look)"),
        (WarningCode.REGION_NOT_ENABLED, f"{OWN}/{HOME}: not enabled"),
        (WarningCode.BUSY, f"{OTHER}/{AWAY}: held by x (wait)"),
    ]


# --- plans ------------------------------------------------------------------------------------------------------------


def planned(shard):
    source = volume(f"vol-{shard.region}", account=shard.account, region=shard.region)
    seen = replace(world(sources=(source,)), account=shard.account)
    return decide(only_here([DB], shard.region), seen, NOW)


def test_a_plan_of_many_has_all_actions_shard_by_shard_and_the_digest_of_each_lineage():
    plans = {shard: planned(shard) for shard in FOUR}
    plan = merge_plans(plans, [DB], FOUR, NOW)

    assert plan.actions == tuple(action for shard in FOUR for action in plans[shard].actions)
    places = [(action.lineage.account, action.lineage.region) for action in plan.actions]
    assert places == [(shard.account, shard.region) for shard in FOUR]
    for shard, one in plans.items():
        for lineage in one.lineages:
            assert plan.lineages[lineage] == one.lineages[lineage], shard.name
    assert (len(plan.lineages), set(plan.lineages)) == (4, {action.lineage for action in plan.actions})
    assert plan.fingerprint == ""


def test_the_plan_of_the_only_shard_stays_as_it_is():
    plan = replace(planned(FOUR[0]), fingerprint="f")

    assert merge_plans({FOUR[0]: plan}, [DB], FOUR[:1], NOW) is plan


# --- what was applied -------------------------------------------------------------------------------------------------

_NUMBERS = count()


def outcome(shard, result=Result.DONE):
    (capture,) = (a for a in planned(shard).actions if isinstance(a, Capture))
    return Outcome(action=capture, result=result, created=f"snap-{next(_NUMBERS)}")


def applied(shard, *outcomes, **facts):
    plan = Plan(now=NOW, actions=tuple(one.action for one in outcomes))
    return Applying(inventory=Inventory(account=shard.account), plan=plan, outcomes=outcomes, **facts)


def merged(results, errors=None, told=None, *, interrupted=False):
    ran = Ran(results=results, errors=errors or {}, interrupted=interrupted)
    every = [one for part in results.values() for one in part.outcomes] if told is None else told
    return merge_applied(ran, every, [DB], NOW)


def test_outcomes_are_those_of_all_and_what_a_given_up_shard_had_done_is_told_too():
    done = {shard: applied(shard, outcome(shard)) for shard in FOUR[:2]}
    lost = outcome(FOUR[2])
    every = [lost, *(one for part in done.values() for one in part.outcomes)]
    found = merged(done, {FOUR[2]: EnvironmentFailed("no answer")}, every)

    assert found.outcomes == (*done[FOUR[0]].outcomes, *done[FOUR[1]].outcomes, lost)
    assert (found.exit_code, {at: error.message for at, error in found.failed.items()}) == (
        1,
        {(FOUR[2].account, FOUR[2].region): "no answer"},
    )


def test_a_region_that_is_not_enabled_is_a_warning_and_no_failure():
    found = merged({FOUR[0]: applied(FOUR[0], outcome(FOUR[0]))}, {FOUR[1]: NotEnabled("not enabled")})

    assert (found.exit_code, found.failed) == (0, {})
    assert [warn.code for warn in found.warnings] == [WarningCode.REGION_NOT_ENABLED]


def test_a_shard_at_which_others_are_at_work_is_busy_and_has_not_failed():
    found = merged({FOUR[0]: applied(FOUR[0], outcome(FOUR[0]))}, {FOUR[1]: Busy("held by x")})

    assert (found.exit_code, found.failed, found.busy) == (5, {}, ("held by x",))
    assert [warn.code for warn in found.warnings] == [WarningCode.BUSY]


def test_a_refused_shard_gives_its_exit_code_to_the_whole():
    found = merged({FOUR[0]: applied(FOUR[0], outcome(FOUR[0]))}, {FOUR[1]: Refused("moved")})

    assert found.exit_code == 4


def test_what_was_interrupted_is_told_with_what_was_done():
    done = {FOUR[0]: applied(FOUR[0], outcome(FOUR[0]))}
    found = merged(done, {FOUR[1]: Interrupted()}, interrupted=True)

    assert (found.exit_code, len(found.outcomes)) == (130, 1)


def test_where_nothing_was_done_the_errors_are_raised():
    with pytest.raises(EnvironmentFailed, match="no answer"):
        merged({}, {shard: EnvironmentFailed("no answer") for shard in FOUR})


# --- status -----------------------------------------------------------------------------------------------------------


def test_a_status_of_two_regions_is_that_of_the_whole():
    seen = {
        REGIONS[0]: world(sources=(volume("vol-2", region=AWAY),)),
        REGIONS[1]: world(*hourly(1), sources=(volume(),)),
    }
    whole = Inventory(
        account=OWN,
        sources=tuple(one for each in seen.values() for one in each.sources),
        points=tuple(one for each in seen.values() for one in each.points),
    )
    of = {shard: status(only_here([DB], shard.region), one, NOW) for shard, one in seen.items()}
    expected, found = status([DB], whole, NOW), merge_statuses(of, {}, [DB], NOW)

    assert (found.ok, found.unprotected, found.orphans) == (
        expected.ok,
        expected.unprotected,
        expected.orphans,
    )
    assert {row.source.id for row in found.sources} == {row.source.id for row in expected.sources}


def test_a_region_that_no_policy_names_makes_no_status_less_than_ok():
    here = policy("db", regions=(HOME,))
    home = status(only_here([here], HOME), world(*hourly(1)), NOW)
    away = status(
        only_here([here], AWAY), Inventory(account=OWN, unread=(unread("points", region=AWAY),)), NOW
    )
    found = merge_statuses(dict(zip(REGIONS, (away, home), strict=True)), {}, [here], NOW)

    assert (home.ok, away.ok, found.ok) == (True, True, True)
    assert WarningCode.LISTING_INCOMPLETE in {warn.code for warn in found.warnings}


@pytest.mark.parametrize(("error", "ok"), [(NotEnabled("no"), True), (EnvironmentFailed("no"), False)])
def test_a_shard_that_was_not_seen_is_not_ok_unless_nothing_can_be_there(error, ok):
    home = status(only_here([DB], HOME), world(*hourly(1)), NOW)

    assert merge_statuses({REGIONS[1]: home}, {REGIONS[0]: error}, [DB], NOW).ok is ok


# --- what is frozen -----------------------------------------------------------------------------------------------------


def icy(*freezes, **facts):
    return status((DB,), replace(world(), freezes=freezes, **facts), NOW)


ALL = Freeze(since=NOW, why="stop", by="ann@laptop")


def test_rule_7_6_what_is_frozen_is_told_once_with_the_last_word_on_it():
    again = replace(ALL, why="ticket 17")
    own = replace(ALL, policy="db")

    assert merged_statuses(icy(ALL), icy(again, own)).frozen == (again, own)
    assert shards.merged([replace(world(), freezes=(ALL,)), replace(world(), freezes=(again,))]).freezes == (
        again,
    )


def test_rule_7_6_one_shard_that_can_tell_what_is_frozen_is_enough():
    blind = icy(unread=(unread("freezes", ""),))

    assert merged_statuses(blind, icy(ALL)).frozen == (ALL,)
    assert merged_statuses(blind, blind).frozen is None


def merged_statuses(*several):
    return merge_statuses(dict(zip(REGIONS, several, strict=True)), {}, (DB,), NOW)
