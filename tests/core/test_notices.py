"""What people are told of a tick: each change once, and nothing of what could not be seen."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

from plan_values import ACCOUNT, NOW, REGION, SLOT, hourly, plan, point, policy, unread, volume, world

from dr.actions import Capture, Expire, Outcome, Result, Warn, WarningCode
from dr.errors import EnvironmentFailed
from dr.model import Freeze, Protect, State
from dr.notices.changes import News, Told, changes
from dr.notices.conditions import FILES, STANDS_BY, TICK, Key, Seen, Trouble, beside, in_vain, observe
from dr.notices.messages import of_changes, of_day
from dr.status import status

HOUR = timedelta(hours=1)
POLICY = policy(rpo=7_200)
LATER = NOW + timedelta(minutes=15)
AWAY = EnvironmentFailed("s3://b is away", "is it there?")


def seen(*points, sources=None, result=Result.DONE, policies=(POLICY,), **facts):
    """What a tick of one shard saw, each of whose actions ended so."""
    missed = facts.pop("unread", ())
    made = plan(*points, policies=policies, sources=sources, unread=missed)
    inventory = world(*points, sources=sources, unread=missed)
    if "missed" not in facts:
        facts["missed"] = tuple((ACCOUNT, miss) for miss in missed)
    outcomes = tuple(
        Outcome(action=a, result=result, error="AWS said no" if result is Result.FAILED else None)
        for a in made.actions
    )
    given = {
        "policies": policies,
        "outcomes": outcomes,
        "sources": status(policies, inventory, NOW).sources,
        "points": inventory.points,
        "warnings": made.warnings,
        "now": NOW,
        "shards": frozenset({(ACCOUNT, REGION)}),
        "looked": frozenset((each.name, ACCOUNT, REGION) for each in policies),
    }
    return Seen(**given | facts)


def told(*keys):
    return Told(since=dict.fromkeys(keys, NOW - HOUR))


class Compared:
    """What changed for who asks for everything; `since` is what is known to be wrong from then on."""

    def __init__(self, before, found, now):
        self.found, self.began = found, found.began
        self.ended = {**found.recovered, **found.gone}
        self.gone = set(found.gone)
        self.since = found.news(now).onto(before).since

    def __bool__(self):
        return bool(self.found)


def compared(before, observed, now, about=tuple(Trouble)):
    return Compared(before, changes(before, observed, about), now)


def keys(found):
    return [one.key for one in found.began]


FAILED = Key(Trouble.FAILURE, "capture", "db", ACCOUNT, REGION, "vol-1")
OLD = Key(Trouble.RPO, "age", "db", ACCOUNT, REGION, "vol-1")
STALE = point(SLOT - 9 * HOUR)


def test_of_a_tick_in_which_all_is_well_there_is_nothing_to_tell():
    assert not compared(Told(), observe(seen(point(SLOT))), NOW)


def test_a_failed_capture_and_an_objective_that_is_missed_are_told_once():
    observed = observe(seen(STALE, result=Result.FAILED))
    first = compared(Told(), observed, NOW)

    assert keys(first) == [FAILED, OLD]
    assert not compared(Told(since=first.since), observed, LATER)


def test_what_is_over_is_told_with_since_when_it_was_so():
    found = compared(told(FAILED, OLD), observe(seen(point(SLOT))), NOW)

    assert (found.ended, found.since) == ({FAILED: NOW - HOUR, OLD: NOW - HOUR}, {})


def test_an_action_that_was_left_or_skipped_is_no_recovery():
    for result in (Result.LEFT, Result.SKIPPED):
        found = compared(told(FAILED), observe(seen(STALE, result=result)), NOW)
        assert FAILED in found.since


def test_a_source_whose_first_point_is_on_its_way_is_not_late():
    on_its_way = point(SLOT, state=State.PENDING)

    assert not compared(Told(), observe(seen()), NOW)
    assert not compared(Told(), observe(seen(on_its_way)), NOW)
    assert OLD in keys(compared(Told(), observe(seen(result=Result.FAILED)), NOW))


def test_what_was_known_to_be_late_stays_so_while_its_first_point_is_on_its_way():
    assert compared(told(OLD), observe(seen()), NOW).since == told(OLD).since


def test_a_point_that_was_begun_and_failed_is_told_until_a_good_one_is_there():
    broken = point(SLOT, "snap-x", state=State.FAILED)
    observed = observe(seen(point(SLOT - HOUR), broken))

    assert keys(compared(Told(), observed, NOW)) == [FAILED]
    assert compared(told(FAILED), observe(seen(broken, point(SLOT))), NOW).ended == {FAILED: NOW - HOUR}


def test_of_a_policy_that_another_run_held_nothing_is_known():
    observed = observe(seen(point(SLOT), looked=frozenset()))

    assert compared(told(FAILED, OLD), observed, NOW).since == told(FAILED, OLD).since


def test_where_a_listing_failed_nothing_has_recovered_and_that_is_told():
    observed = observe(seen(point(SLOT), unread=(unread("points"),)))
    found = compared(told(FAILED), observed, NOW)

    (key,) = keys(found)
    assert (key.what, key.account, key.region) == ("unread points", ACCOUNT, REGION)
    assert FAILED in found.since
    assert compared(Told(since=found.since), observe(seen(point(SLOT))), LATER).since == {}
    assert not found.ended


def test_a_shard_that_came_to_nothing_is_told_by_name_and_hides_only_its_own():
    other = "222222222222"
    shards = frozenset({(ACCOUNT, REGION), (other, REGION)})
    observed = observe(seen(point(SLOT), shards=shards, failed={(other, REGION): AWAY}))
    there = FAILED._replace(account=other)
    found = compared(told(FAILED, there), observed, NOW)

    assert keys(found) == [Key(Trouble.FAILURE, "shard", account=other, region=REGION)]
    assert found.ended == {FAILED: NOW - HOUR}
    whole = observe(seen(point(SLOT), shards=shards, looked=frozenset(("db", a, REGION) for a, _ in shards)))
    assert compared(Told(since=found.since), whole, LATER).since == {}


def test_what_is_protected_no_more_has_not_recovered():
    gone = [
        FAILED._replace(account="333333333333"),
        FAILED._replace(policy="old"),
        FAILED._replace(source="vol-9"),
    ]

    found = compared(told(*gone), observe(seen(point(SLOT))), NOW)

    assert (found.since, found.gone) == ({}, set(gone))
    message = of_changes("acme", found.found, NOW)
    assert message.title == "dr acme: 3 protected no more"
    assert (
        "Protected no more:\n- db vol-1 (333333333333/eu-west-1): capture (failure), after 1h" in message.body
    )


def test_expiries_that_wait_for_a_person_are_one_trouble_of_their_policy():
    blocked = tuple(
        Outcome(action=replace(action, blocked=True), result=Result.LEFT)
        for action in plan(*hourly(12, SLOT)).actions
        if isinstance(action, Expire)
    )
    observed = observe(seen(point(SLOT), outcomes=blocked))
    (key,) = observed.conditions

    assert (key.trouble, key.policy, key.source) == (Trouble.BLOCKED, "db", "")
    assert f"{len(blocked)} expiries wait" in observed.conditions[key].message
    assert compared(told(key), observe(seen(point(SLOT))), NOW).ended == {key: NOW - HOUR}


def test_a_policy_that_selects_nothing_is_a_failure_until_it_does():
    observed = observe(seen(sources=[]))
    (key,) = observed.conditions

    assert (key.what, key.policy) == ("selects-nothing", "db")
    assert compared(told(key), observe(seen(point(SLOT))), NOW).ended == {key: NOW - HOUR}


def test_of_a_look_that_came_to_nothing_only_that_is_known():
    broken = EnvironmentFailed("policies/db.yaml is broken")
    found = compared(
        told(FAILED, Key(Trouble.FAILURE, TICK)), beside(in_vain(STANDS_BY, AWAY), FILES, broken), NOW
    )

    assert [key.what for key in keys(found)] == [FILES, STANDS_BY]
    assert not found.ended
    after = compared(Told(since=found.since), observe(seen(STALE, result=Result.LEFT)), LATER)
    assert {key.what for key in after.ended} == {FILES, STANDS_BY, TICK}
    assert FAILED in after.since


def test_a_message_says_what_where_why_and_what_to_do_and_no_more_than_a_page():
    sources = [volume(f"vol-{n}") for n in range(60)]
    observed = observe(seen(sources=sources, result=Result.FAILED, policies=(policy(),)))
    message = of_changes(
        "acme", compared(told(FAILED._replace(source="vol-0", what="expiry")), observed, NOW).found, NOW
    )

    assert message.title == "dr acme: 60 failures, 1 recovered"
    assert f"- db vol-0 ({ACCOUNT}/{REGION}): capture failed: AWS said no" in message.body
    assert "- and 40 more: see `dr status`" in message.body
    assert f"- db vol-0 ({ACCOUNT}/{REGION}): expiry (failure), after 1h" in message.body


def test_foreign_text_in_a_message_is_one_line_without_secrets():
    url = "https://b.s3.amazonaws.com/k?X-Amz-Signature=abcdef"
    outcome = Outcome(
        action=plan().actions[0], result=Result.FAILED, error=f"no\n\x1b[31mway {url}", remedy="try\nagain"
    )
    body = of_changes(
        "acme", compared(Told(), observe(seen(point(SLOT), outcomes=(outcome,))), NOW).found, NOW
    ).body

    assert "capture failed: no ?[31mway https://b.s3.amazonaws.com/k?X-Amz-Signature=***\n  try again" in body


def test_the_message_of_a_day_tells_how_each_policy_is_and_what_goes_on():
    assert isinstance(plan().actions[0], Capture)
    well = of_day("acme", seen(point(SLOT), point(SLOT - HOUR, "snap-2")), {}, NOW)
    assert well.title == "dr acme: digest: all is well"
    assert "- db: 1 source, newest points up to 29min old; 2 points taken in a day" in well.body

    bad = of_day("acme", seen(STALE, result=Result.FAILED), {FAILED: NOW - HOUR}, NOW)
    assert bad.title == "dr acme: digest: 1 source beyond the objective"
    assert f"- db vol-1 ({ACCOUNT}/{REGION}): capture (failure), since 2026-03-10T11:30:00Z" in bad.body


def test_what_is_known_of_a_policy_stays_so_while_its_sources_cannot_be_listed():
    key = Key(Trouble.FAILURE, "selects-nothing", "db")
    observed = observe(seen(unread=(unread("sources"),)))

    assert key in compared(told(key), observed, NOW).since


def test_a_region_that_an_account_has_not_enabled_hides_nothing_of_the_others():
    two = policy(rpo=7_200, regions=(REGION, "ap-east-1"))
    key = Key(Trouble.FAILURE, "selects-nothing", "db")
    observed = observe(seen(point(SLOT), policies=(two,), looked=frozenset({("db", ACCOUNT, REGION)})))

    assert compared(told(key), observed, NOW).since == {}


def test_each_listing_that_fails_is_told_of_its_own_account_and_region():
    other = "222222222222"
    shards = frozenset({(ACCOUNT, REGION), (other, REGION)})
    looked = frozenset(("db", account, REGION) for account, _ in shards)
    first = seen(point(SLOT), shards=shards, looked=looked, missed=((ACCOUNT, unread("points")),))
    both = seen(
        point(SLOT),
        shards=shards,
        looked=looked,
        missed=((ACCOUNT, unread("points")), (other, unread("points"))),
    )
    there = FAILED._replace(account=other)
    found = compared(told(FAILED, there), observe(first), NOW)

    assert [key.account for key in keys(found)] == [ACCOUNT]
    assert (FAILED in found.since, set(found.ended)) == (True, {there}), "it hides only its own"
    assert [key.account for key in keys(compared(Told(since=found.since), observe(both), LATER))] == [other]


def test_records_that_cannot_be_read_hide_expiries_and_no_captures():
    expiry = FAILED._replace(what="expiry")
    observed = observe(seen(point(SLOT), unread=(unread("pins", region=""),)))
    found = compared(told(FAILED, OLD, expiry), observed, NOW)

    assert set(found.ended) == {FAILED, OLD}
    assert expiry in found.since


def test_a_source_that_is_not_ready_has_not_recovered():
    busy = volume(unready="the volume is being created")
    observed = observe(seen(point(SLOT - HOUR), sources=[busy]))

    assert FAILED in compared(told(FAILED), observed, NOW).since


def test_who_asks_for_some_troubles_hears_and_knows_of_no_others():
    observed = observe(seen(STALE, result=Result.FAILED))
    found = compared(told(FAILED._replace(source="vol-x")), observed, NOW, about=("rpo",))

    assert (keys(found), found.ended) == ([OLD], {})
    assert "other trouble" not in of_changes("acme", found.found, NOW).body


def test_a_point_that_is_pending_for_more_than_a_day_is_told():
    slow = point(SLOT - 30 * HOUR, "snap-slow", state=State.PENDING)
    found = compared(Told(), observe(seen(point(SLOT), slow)), NOW)

    assert [key.what for key in keys(found)] == ["pending"]


def test_news_told_one_after_the_other_are_what_is_known_in_the_end():
    first, then = News(began={FAILED: NOW, OLD: NOW}), News(over=frozenset({OLD}), digest=NOW)
    again = News(began={OLD: LATER})
    whole = Told(since={FAILED: NOW, OLD: LATER}, digest=NOW)

    assert first.then(then).then(again).onto(Told()) == whole
    assert again.onto(then.onto(first.onto(Told()))) == whole


def test_a_listing_of_one_kind_is_seen_by_policies_of_that_kind_alone():
    stacks = policy("templates", protect=Protect.STACKS)
    key = Key(Trouble.FAILURE, "unread sources", "", ACCOUNT, REGION, "stacks")
    facts = {"policies": (POLICY, stacks), "looked": frozenset({("db", ACCOUNT, REGION)})}

    assert key in compared(told(key), observe(seen(point(SLOT), **facts)), NOW).since
    assert compared(told(key), observe(seen(point(SLOT))), NOW).gone == {key}, "no policy of stacks is left"


def test_a_region_that_is_named_no_more_leaves_no_trouble_behind():
    keys = [Key(Trouble.FAILURE, what, "", ACCOUNT, "ap-east-1") for what in ("shard", "unread points")]

    assert compared(told(*keys), observe(seen(point(SLOT))), NOW).gone == set(keys)


OTHER = "222222222222"
UNLISTED = unread("accounts", region="")


def test_accounts_that_nobody_tells_of_are_one_trouble_that_ends_when_they_are_told():
    shards = frozenset({(ACCOUNT, REGION), (OTHER, REGION)})
    looked = frozenset(("db", account, REGION) for account, _ in shards)
    facts = {"shards": shards, "looked": looked}
    missed = tuple((account, UNLISTED) for account in (ACCOUNT, OTHER))
    first = compared(Told(), observe(seen(point(SLOT), missed=missed, **facts)), NOW)

    assert keys(first) == [Key(Trouble.FAILURE, "unread accounts")]
    over = compared(Told(since=first.since), observe(seen(point(SLOT), **facts)), LATER)
    assert (list(over.found.recovered), over.gone) == (keys(first), set())


def test_that_they_are_told_again_is_seen_also_beside_an_account_that_has_failed_for_weeks():
    shards = frozenset({(ACCOUNT, REGION), (OTHER, REGION)})
    denied = {(OTHER, REGION): EnvironmentFailed("no role", "make it")}
    facts = {"shards": shards, "looked": frozenset({("db", ACCOUNT, REGION)}), "failed": denied}
    away = observe(seen(point(SLOT), missed=((ACCOUNT, UNLISTED),), **facts))
    first = compared(Told(), away, NOW)
    over = compared(Told(since=first.since), observe(seen(point(SLOT), **facts)), LATER)
    again = compared(Told(since=over.since), away, LATER + HOUR)

    key = Key(Trouble.FAILURE, "unread accounts")
    assert key in keys(first)
    assert list(over.found.recovered) == [key]
    assert keys(again) == [key]


def test_an_account_that_is_not_told_of_is_neither_gone_nor_well():
    known = (FAILED._replace(account=OTHER), Key(Trouble.FAILURE, "shard", account=OTHER, region=REGION))
    hidden = compared(told(*known), observe(seen(point(SLOT), unread=(UNLISTED,))), NOW)

    assert hidden.since.keys() >= set(known)
    assert compared(told(*known), observe(seen(point(SLOT))), NOW).gone == set(known)


def test_a_policy_whose_accounts_are_not_all_told_of_is_not_said_to_select_nothing():
    key = Key(Trouble.FAILURE, "selects-nothing", "db")
    observed = observe(seen(sources=(), unread=(UNLISTED,)))

    assert key not in observed.conditions
    assert key in compared(told(key), observe(seen(point(SLOT), unread=(UNLISTED,))), NOW).since


# --- a freeze that lasts ----------------------------------------------------------------------------------------------


def frozen(age, policy=""):
    return Freeze(policy=policy, since=NOW - age, why="we look into it", by="ann@laptop")


FROZEN = Key(Trouble.FROZEN, "expiry")


def test_a_freeze_is_told_once_it_is_older_than_a_day_and_its_end_is_told_too():
    young = observe(seen(point(SLOT), freezes=(frozen(24 * HOUR),)))
    old = observe(seen(point(SLOT), freezes=(frozen(25 * HOUR),)))

    assert not compared(Told(), young, NOW)
    first = compared(Told(), old, NOW)
    assert keys(first) == [FROZEN]
    assert not compared(Told(since=first.since), old, LATER)
    assert compared(Told(since=first.since), observe(seen(point(SLOT))), LATER).ended.keys() == {FROZEN}


def test_the_message_of_a_freeze_says_who_and_why_and_how_it_ends():
    found = changes(Told(), observe(seen(point(SLOT), freezes=(frozen(25 * HOUR, "db"),))), tuple(Trouble))

    told_ = of_changes("acme", found, NOW)

    assert told_.title == "dr acme: 1 freeze for more than a day"
    assert "by ann@laptop: we look into it" in told_.body
    assert "`dr thaw --policy db`" in told_.body


def test_a_mark_that_could_not_be_read_ends_no_freeze():
    blind = observe(seen(point(SLOT), unread=(unread("freezes", ""),)))

    assert FROZEN not in compared(told(FROZEN), blind, NOW).ended


def test_what_waits_for_a_word_still_does_while_it_is_frozen():
    blocked = Key(Trouble.BLOCKED, "expiry", "db", ACCOUNT, REGION)
    failed = Key(Trouble.FAILURE, "expiry", "db", ACCOUNT, REGION, "vol-1")
    warn = Warn(code=WarningCode.FROZEN, message="nothing expires")
    observed = observe(seen(point(SLOT), freezes=(frozen(HOUR),), warnings=(warn,)))

    assert not compared(told(blocked, failed), observed, NOW)
