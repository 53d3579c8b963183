"""The stack of an installation's functions as a value: its template and its parameters."""

from __future__ import annotations

import json
from contextlib import nullcontext
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from plan_values import ACCOUNT, NOW, policy

from dr.config import Account, parse_config
from dr.deploy.stack import Ground, quiet_seconds, require_places, stack_of
from dr.errors import UsageError
from dr.model import Protect, Selector

SOURCE = (Path(__file__).parents[2] / "cloudformation" / "functions.yaml").read_text()
TEXT = """\
name: acme
regions: [eu-west-1]
store: {primary: {url: "s3://first/a/b", region: eu-west-1}}
deploy: {region: eu-central-1, email: ops@example.com}
"""
OWN = (Account(id=ACCOUNT),)
OTHERS = ("222222222222", "333333333333")
PACKAGE = ("packages", "ab" * 32)


def ground(*policies, text=TEXT, accounts=OWN, **facts):
    policies = policies or (policy("db"),)
    regions = frozenset(region for each in policies for region in each.regions)
    config = parse_config(text, "/etc/dr/dr.yaml")
    return Ground(
        config=config, policies=policies, regions=regions, account=ACCOUNT, accounts=accounts, **facts
    )


def stack(*policies, standing=None, now=NOW, **facts):
    return stack_of(ground(*policies, **facts), PACKAGE, SOURCE, standing, now)


def resources(made):
    return json.loads(made.template)["Resources"]


def wake_ups(made):
    """Logical id -> properties of the policies' own schedules."""
    return {name: row["Properties"] for name, row in resources(made).items() if name.startswith("WakeUp")}


def members(*roles):
    return tuple(Account(id=each, role=role) for each, role in zip(OTHERS, roles, strict=False))


# --- the template -----------------------------------------------------------------------------------------------------


def test_the_same_installation_gives_the_same_template_and_parameters_whenever_it_is_asked():
    weekly = policy("weekly", "0 3 * * sun")
    assert stack(policy("db"), weekly) == stack(
        weekly, policy("db"), now=NOW + timedelta(days=400, minutes=7)
    )


def test_a_wake_up_keeps_its_logical_id_whatever_other_policies_do():
    alone = wake_ups(stack(policy("db", "30 2 * * *")))
    beside = wake_ups(stack(policy("db", "30 2 * * *"), policy("web", "0 * * * *", "*/10 * * * *")))

    assert len(alone) == 1
    assert len(beside) == 3
    assert alone.items() <= beside.items()


def test_two_policies_of_one_schedule_have_one_wake_up_and_two_zones_have_two():
    assert len(wake_ups(stack(policy("a", "30 2 * * *"), policy("b", "30 2 * * *")))) == 1
    vienna = policy("b", "30 2 * * *", zone="Europe/Vienna")
    assert len(wake_ups(stack(policy("a", "30 2 * * *"), vienna))) == 2


def test_a_wake_up_goes_with_its_policy_and_the_sweep_stays():
    before = stack(policy("a", "30 2 * * *"), policy("b", "0 5 * * *"))
    after = stack(policy("b", "0 5 * * *"), standing=before.template)

    gone = set(resources(before)) - set(resources(after))
    assert len(gone) == 1
    assert gone < set(wake_ups(before))
    assert "SweepSchedule" in resources(after)


def test_a_wake_up_is_the_sweep_but_for_its_name_and_when_it_comes():
    made = stack(policy("db", "30 2 * * *"))
    (name, woken), sweep = next(iter(wake_ups(made).items())), resources(made)["SweepSchedule"]["Properties"]

    own = {"Name", "ScheduleExpression", "ScheduleExpressionTimezone"}
    assert {key for key in woken if woken[key] != sweep.get(key)} == own & woken.keys()
    assert sweep.keys() <= woken.keys()
    assert (woken["ScheduleExpression"], woken["ScheduleExpressionTimezone"]) == ("cron(30 2 * * ? *)", "UTC")
    assert woken["Name"] == name.replace("WakeUp", "wake-up-")


def test_a_rate_begins_at_a_multiple_of_itself_and_keeps_the_start_that_is_deployed():
    odd = policy("db", "rate(7 hours)")
    first = stack(odd)
    (start,) = (datetime.fromisoformat(row["StartDate"]) for row in wake_ups(first).values())
    assert start > NOW + timedelta(hours=1), "who reads the change set has time"
    assert start.timestamp() % timedelta(hours=7).total_seconds() == 0

    later = NOW + timedelta(days=30)
    assert stack(odd, standing=first.template, now=later) == first
    assert wake_ups(stack(odd, now=later)) != wake_ups(first)


def test_a_rate_that_changes_otherwise_is_another_one_with_a_start_to_come():
    """EventBridge takes no start that is more than 5 minutes ago; an update would send it, and fail as a whole."""
    odd, later = policy("db", "rate(7 hours)"), NOW + timedelta(days=30)
    first = stack(odd)
    wider = policy("db", "rate(7 hours)", regions=("eu-west-1", "eu-central-1"))
    after = stack(wider, standing=first.template, now=later)

    assert first.parameters["FanOut"] != after.parameters["FanOut"]
    assert not wake_ups(first).keys() & wake_ups(after).keys()
    (start,) = (datetime.fromisoformat(row["StartDate"]) for row in wake_ups(after).values())
    assert start > later


def test_a_cron_that_changes_otherwise_stays_the_one_it_is():
    wider = policy("db", "30 2 * * *", regions=("eu-west-1", "eu-central-1"))

    assert wake_ups(stack(policy("db", "30 2 * * *"))).keys() == wake_ups(stack(wider)).keys()


def test_a_template_that_somebody_has_put_there_instead_gives_no_start():
    odd = policy("db", "rate(7 hours)")
    assert stack(odd, standing='{"Resources": {"Q": {"Type": "AWS::SQS::Queue"}}}') == stack(odd)


# --- how long it may be quiet -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("schedules", "seconds"),
    [
        (("0 * * * *",), 1800),
        (("30 2 * * *",), 1800),
        (("at(2030-01-01T00:00:00)",), 1800),
        (("*/5 * * * *",), 600),
        (("cron(*/5 * * * ? *)",), 600),
        (("* * * * *",), 120),
        (("rate(7 minutes)",), 1800),
        (("rate(1 minute)",), 120),
        (("rate(2 days)",), 1800),
        (("0 3 * * *", "*/6 * * * *"), 720),
        (("0,1 * * * *",), 1800),  # two minutes that follow each other, and then it rests
        (("*/5 8-17 * * *",), 1800),  # at night it rests
        (("*/5 * * * mon-fri",), 1800),
        (("*/5 * * 6 *",), 1800),
        (("*/5 * 1-30 * *",), 1800),
        (("cron(*/5 * * * ? 2030)",), 1800),
        (("cron(*/5 * L * ? *)",), 1800),
    ],
)
def test_quiet_is_twice_the_longest_time_between_two_ticks(schedules, seconds):
    assert quiet_seconds([policy("db", *schedules)]) == seconds
    assert quiet_seconds([policy("db", *schedules), policy("web", "30 2 * * *")]) == seconds


def test_an_hour_that_is_there_twice_in_autumn_is_left_to_the_sweep():
    assert quiet_seconds([policy("db", "*/5 * * * *", zone="Europe/Vienna")]) == 1800


def test_what_the_parameters_say_of_quiet_fits_the_template():
    declared = json.loads(stack().template)["Parameters"]["QuietSeconds"]
    for schedule in ("* * * * *", "0 0 1 1 *"):
        seconds = int(stack(policy("db", schedule)).parameters["QuietSeconds"])
        assert declared["MinValue"] <= seconds <= declared["MaxValue"]
        assert seconds % 60 == 0


# --- accounts and Regions ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("accounts", "regions", "fans_out"),
    [
        ((Account(id=ACCOUNT),), ("eu-west-1",), "false"),
        ((Account(id=ACCOUNT),), ("eu-west-1", "eu-north-1"), "true"),
        ((Account(id=ACCOUNT), *members("dr-member")), ("eu-west-1",), "true"),
    ],
)
def test_more_than_one_account_or_region_fans_out(accounts, regions, fans_out):
    made = stack(policy("db", regions=regions), accounts=accounts)
    assert made.parameters["FanOut"] == fans_out
    assert made.parameters["Regions"] == ",".join(sorted(regions))


def test_the_role_of_the_accounts_is_one_parameter_and_a_second_is_refused():
    made = stack(accounts=(Account(id=ACCOUNT), *members("dr-member", "dr-member")))
    assert (made.parameters["MemberRole"], made.parameters["MemberAccounts"]) == (
        "dr-member",
        ",".join(OTHERS),
    )

    with pytest.raises(UsageError, match="several: backup, dr-member"):
        stack(accounts=members("dr-member", "backup"))


def test_an_organization_names_itself_and_no_accounts():
    text = TEXT + "accounts: {role: dr-member, organization: all}\n"
    made = stack(text=text, accounts=members("dr-member", "dr-member"), organization="o-abcdefghij")

    named = ("ListsOrganization", "OrganizationId", "MemberAccounts", "MemberRole")
    assert [made.parameters[name] for name in named] == ["true", "o-abcdefghij", "", "dr-member"]


# --- restores ---------------------------------------------------------------------------------------------------------


def test_what_may_be_restored_is_what_policies_name_unless_dr_yaml_says_so():
    stacks = policy("stacks", protect=Protect.STACKS, select=Selector(names=("web", "prod-*")))
    arn = f"arn:aws:cloudformation:*:{ACCOUNT}:stack/"
    assert stack(stacks).parameters["RestorableStacks"] == f"{arn}prod-*/*,{arn}web/*"

    text = TEXT.replace("email", "restorable: [shop], email")
    named = stack(stacks, text=text).parameters["RestorableStacks"]
    assert ("stack/shop/*" in named, "web" in named) == (True, False)
    assert stack().parameters["RestorableStacks"] == ""


def test_the_roles_of_stacks_and_the_parameters_of_restores_are_arns():
    role = "arn:aws:iam::111111111111:role/cloudformation"
    text = TEXT.replace("email", f"stack_roles: ['{role}'], email")
    text += "restore: {parameters: {Password: {ssm: /prod/db/password}, Key: {ssm: 'plain:3'}}}\n"
    made = stack(text=text).parameters

    assert made["StackRoles"] == role
    arn = f"arn:aws:ssm:*:{ACCOUNT}:parameter/"
    assert set(made["ParameterArns"].split(",")) >= {f"{arn}prod/db/password", f"{arn}plain"}


# --- the files --------------------------------------------------------------------------------------------------------


def test_every_parameter_is_one_of_the_template_and_fits_it():
    declared = json.loads(stack().template)["Parameters"]
    given = stack().parameters
    assert given.keys() <= declared.keys()
    assert all("Default" in declared[name] for name in declared.keys() - given.keys())
    assert (given["StoreBucket"], given["StorePrefix"], given["ReplicaBucket"]) == ("first", "a/b", "")
    assert given["PackageKey"] == f"dr-packages/acme/{PACKAGE[1]}.zip"
    assert given["AlarmEmail"] == "ops@example.com"


@pytest.mark.parametrize("store", ["primary", "replica"])
def test_a_prefix_with_what_iam_reads_as_any_text_is_refused_by_name(store):
    star = '{url: "s3://second/a*b", region: eu-west-1}'
    text = TEXT.replace('{primary: {url: "s3://first/a/b", region: eu-west-1}}', f"{{primary: {star}}}")
    if store == "replica":
        text = TEXT.replace("eu-west-1}}", f"eu-west-1}}, replica: {star}}}", 1)

    with pytest.raises(UsageError, match=f"store.{store}.url: 'a\\*b'"):
        require_places(ground(text=text).config, [policy()], SOURCE)


@pytest.mark.parametrize(("length", "fits"), [(36, True), (37, False)])
def test_an_installation_whose_roles_would_have_too_long_names_is_refused(length, fits):
    """As long as the longest Region: `dr-NAME-scheduler-ap-southeast-2` has 64 characters."""
    config = ground(text=TEXT.replace("name: acme", f"name: {'a' * length}")).config
    with (
        nullcontext() if fits else pytest.raises(UsageError, match=r"name: 'a+.*' is too long for the names")
    ):
        require_places(config, [policy()], SOURCE)


def test_without_a_policy_or_a_place_there_is_nothing_to_deploy():
    with pytest.raises(UsageError, match="there is no policy"):
        require_places(ground().config, [], SOURCE)
    with pytest.raises(UsageError, match="does not say where the functions run"):
        stack(text=TEXT[: TEXT.index("deploy")])
