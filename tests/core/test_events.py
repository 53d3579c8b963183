"""The events of the Lambda functions: what is accepted, what is refused, and that no value is repeated."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from dr.errors import UsageError
from dr.events import (
    RestoreEvent,
    ShardsEvent,
    SummaryEvent,
    TickEvent,
    narrowed,
    read_restore,
    read_shards,
    read_summary,
    read_tick,
    require_account,
    require_shard,
)
from dr.model import Policy, Protect, RetentionRule, Selector
from dr.recovery.asked import Asked

CANARY = "hunter2-canary"


def policy(name, *regions):
    return Policy(
        name=name,
        protect=Protect.VOLUMES,
        regions=regions,
        select=Selector(),
        schedules=(),
        zone=ZoneInfo("UTC"),
        keep=RetentionRule(last=1),
    )


def refused(read, event):
    with pytest.raises(UsageError) as caught:
        read(event)
    return caught.value.message


def test_an_empty_tick_asks_for_everything():
    assert read_tick({}) == TickEvent(policies=None, account=None, region=None, scheduled=None)


def test_a_tick_event_is_read_whole():
    event = {"policies": ["b", "a", "b"], "account": "1", "region": "eu-west-1", "scheduled": "whenever"}
    expected = TickEvent(policies=("b", "a"), account="1", region="eu-west-1", scheduled="whenever")
    assert read_tick(event) == expected


def test_a_restore_event_is_read_whole():
    event = {
        "stack": "prod",
        "at": "2026-03-29T03:00:00+02:00",
        "as": "copy",
        "region": "eu-west-1",
        "parameters": {"Size": "20", "Empty": ""},
        "names": "suffix",
        "user_data": "drop",
        "plan_only": True,
    }
    asked = Asked(
        stack="prod",
        at=datetime(2026, 3, 29, 1, tzinfo=UTC),
        as_name="copy",
        region="eu-west-1",
        parameters={"Size": "20", "Empty": ""},
        names="suffix",
        user_data="drop",
    )
    assert read_restore(event) == RestoreEvent(asked=asked, plan_only=True)


def test_a_restore_of_a_name_alone_is_as_on_the_command_line():
    assert read_restore({"stack": "prod"}) == RestoreEvent(asked=Asked(stack="prod"), plan_only=False)


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        (None, "event: expected an object, found null"),
        ([], "event: expected an object, found a list"),
        ("{}", "event: expected an object, found text"),
        ({"polices": ["a"]}, "event: 'polices': unknown key, did you mean policies?"),
        ({"detail-type": "x"}, "event: 'detail-type': unknown key"),
        ({"policies": "a"}, "event: policies: expected a list of names, found text"),
        (
            {"policies": []},
            "event: policies: expected a list of names, found none in it; leave it out for all of them",
        ),
        ({"policies": [1]}, "event: policies: expected text, found a number"),
        ({"policies": None}, "event: policies: expected a list of names, found null"),
        ({"account": 123456789012}, "event: account: expected text, found a number"),
        ({"region": ""}, "event: region: expected text, found nothing in it"),
        ({"scheduled": True}, "event: scheduled: expected text, found a boolean"),
    ],
)
def test_a_wrong_tick_event_is_refused(event, problem):
    assert refused(read_tick, event) == problem


@pytest.mark.parametrize(
    ("event", "problem"),
    [
        ({}, "event: stack: is required"),
        ({"stack": "a", "At": "x"}, "event: 'At': unknown key, did you mean at?"),
        ({"stack": "a", "as_name": "b"}, "event: 'as_name': unknown key, did you mean names?"),
        ({"stack": "a", "at": "yesterday"}, "event: at: expected a time such as 2026-03-29T01:00:00Z"),
        (
            {"stack": "a", "at": "2026-03-29T01:00:00"},
            "event: at: the time has no offset: end it in Z for UTC, or in +02:00",
        ),
        ({"stack": "a", "names": "all"}, "event: names: expected one of keep, drop, suffix"),
        ({"stack": "a", "user_data": []}, "event: user_data: expected one of keep, drop"),
        ({"stack": "a", "plan_only": "yes"}, "event: plan_only: expected true or false, found text"),
        ({"stack": "a", "plan_only": 1}, "event: plan_only: expected true or false, found a number"),
        (
            {"stack": "a", "parameters": ["A=b"]},
            "event: parameters: expected an object of names and texts, found a list",
        ),
        (
            {"stack": "a", "parameters": {"Size": 20}},
            "event: parameters: the value of Size is not text: put it in quotes",
        ),
    ],
)
def test_a_wrong_restore_event_is_refused(event, problem):
    assert refused(read_restore, event) == problem


def test_every_problem_is_told_at_once():
    problem = "event: 'x': unknown key; stack: is required; at: expected text, found a number"
    assert refused(read_restore, {"x": 1, "at": 5}) == problem


@pytest.mark.parametrize(
    "event",
    [
        {"stack": "a", "parameters": CANARY},
        {"stack": "a", "parameters": {"A": CANARY, "B": 1}},
        {"stack": "a", "parameters": {"A": [CANARY]}},
        {"stack": "a", "password": CANARY},
        {"stack": "a", "at": CANARY},
        {"stack": "a", "names": CANARY},
        CANARY,
    ],
)
def test_i23_what_was_found_in_an_event_is_never_repeated(event):
    with pytest.raises(UsageError) as caught:
        read_restore(event)
    assert CANARY not in caught.value.message + caught.value.remedy


def test_an_unknown_key_cannot_steer_a_terminal_or_flood_a_log():
    message = refused(read_tick, {"\x1b[2J" + "x" * 500: 1})
    assert (message.count("x"), "\x1b" in message) == (36, False)


def test_a_region_narrows_the_policies_that_work_there():
    everywhere, elsewhere = policy("a", "eu-west-1", "eu-central-1"), policy("b", "us-east-1")
    assert narrowed([everywhere, elsewhere], "eu-west-1") == (policy("a", "eu-west-1"),)


def test_no_region_narrows_nothing():
    both = (policy("a", "eu-west-1"), policy("b", "us-east-1"))
    assert narrowed(both, None) == both


def test_a_region_that_no_policy_has_is_refused():
    with pytest.raises(UsageError, match="none of its policies works in eu-west-2") as caught:
        narrowed([policy("a", "eu-west-1"), policy("b", "us-east-1")], "eu-west-2")
    assert caught.value.remedy == "their Regions: eu-west-1, us-east-1"


def test_an_event_for_another_account_is_refused():
    with pytest.raises(UsageError, match="it is for 222222222222, and this function runs in 111111111111"):
        require_account("222222222222", ["111111111111"])


@pytest.mark.parametrize("asked", [None, "111111111111"])
def test_an_event_for_this_account_or_for_none_is_accepted(asked):
    assert require_account(asked, ["111111111111"]) is None


def test_an_event_for_any_of_several_accounts_is_accepted_and_another_is_told_which_they_are():
    several = ["111111111111", "222222222222"]
    assert [require_account(one, several) for one in several] == [None, None]
    with pytest.raises(UsageError, match="this function runs in 111111111111, 222222222222"):
        require_account("333333333333", several)


def test_a_shard_of_a_run_is_one_account_and_one_region():
    whole = {"run": "r-1", "account": "1", "region": "eu-west-1"}
    assert require_shard(read_tick(whole)) is None
    assert require_shard(read_tick({})) is None
    for missing in ("account", "region"):
        event = {key: value for key, value in whole.items() if key != missing}
        with pytest.raises(UsageError, match="event: run: is for one shard"):
            require_shard(read_tick(event))


def test_the_shards_of_a_run_are_those_of_some_policies_or_of_all():
    assert read_shards({}) == ShardsEvent()
    assert read_shards({"policies": ["a"], "scheduled": "now"}) == ShardsEvent(
        policies=("a",), scheduled="now"
    )
    assert "region" in refused(read_shards, {"region": "eu-west-1"})


def test_a_summary_is_of_a_run_and_its_shards():
    rows = [{"account": "1", "region": "eu-west-1", "more": 1}, {"account": "2", "region": "eu-west-1"}]
    found = read_summary({"run": "r-1", "shards": rows})
    assert found == SummaryEvent(run="r-1", shards=(("1", "eu-west-1"), ("2", "eu-west-1")))
    assert read_summary({"run": "r-1", "shards": []}).shards == ()


@pytest.mark.parametrize(
    "shards", [None, "x", {}, 1, [1], [None], [[]], [{"account": CANARY}], [{"region": CANARY}]]
)
def test_what_is_no_list_of_shards_is_refused_without_its_values(shards):
    told = refused(read_summary, {"run": "r-1", "shards": shards})
    assert (told.startswith("event: shards: expected"), CANARY in told) == (True, False)


def test_a_restore_may_name_the_account_of_its_stack():
    assert read_restore({"stack": "prod", "account": "222222222222"}).asked.account == "222222222222"


def test_an_event_of_thousands_of_faults_is_told_by_its_first_ones():
    with pytest.raises(UsageError) as refused:
        read_tick({f"wrong-{number}": 1 for number in range(5_000)})
    assert refused.value.message.endswith("'wrong-19': unknown key; and 4980 more")
    with pytest.raises(UsageError) as refused:
        read_restore({"stack": "prod", "parameters": dict.fromkeys(map(str, range(5_000)), 1)})
    assert "and 4997 more is not text" in refused.value.message


def test_an_event_with_twenty_faults_is_told_whole():
    with pytest.raises(UsageError) as refused:
        read_tick({f"wrong-{number}": 1 for number in range(20)})
    assert refused.value.message.endswith("'wrong-19': unknown key")


def test_what_an_event_names_is_told_by_its_beginning():
    for act in (lambda: narrowed((), "x" * 100_000), lambda: require_account("1" * 100_000, "111111111111")):
        with pytest.raises(UsageError) as refused:
            act()
        assert len(refused.value.message) < 400
