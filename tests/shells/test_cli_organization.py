"""`dr` over the accounts of an AWS Organization, and stacks of one name in two of them."""

from __future__ import annotations

import json
import time

import pytest
from led_accounts import led_through
from many_accounts import ROLE, a_volume, member

HOME, AWAY = "eu-west-1", "eu-central-1"
TEMPLATE = {
    "Resources": {
        "Data": {"Type": "AWS::EC2::Volume", "Properties": {"AvailabilityZone": f"{HOME}a", "Size": 8}}
    }
}
VOLUMES = 'policy: volumes\nprotect: volumes\nselect: {tags: {Backup: "yes"}}\nschedule: "0 * * * *"\nkeep: {last: 3}\n'
STACKS = 'policy: stacks\nprotect: stacks\nregions: [eu-west-1]\nselect: {names: ["shop"]}\nschedule: "0 * * * *"\nkeep: {last: 3}\n'


def installation(choice):
    return {
        "dr.yaml": (
            f"name: org\nregions: [{HOME}, {AWAY}]\nstore: {{primary: {{url: store/}}}}\n"
            f"accounts: {{organization: {choice}, role: {ROLE}}}\n"
        ),
        "policies/volumes.yaml": VOLUMES,
        "policies/stacks.yaml": STACKS,
    }


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    with led_through(tmp_path_factory.mktemp("organization")) as led:
        yield led


@pytest.fixture(scope="module")
def tree(world):
    """An organization with two accounts besides the own one, of which one is in a unit and tagged; each has a volume and a stack."""
    client = member(world.direct, "123456789012", "us-east-1", "organizations")
    client.create_organization(FeatureSet="ALL")
    root = client.list_roots()["Roots"][0]["Id"]
    unit = client.create_organizational_unit(ParentId=root, Name="prod")["OrganizationalUnit"]["Id"]
    made = {}
    for name in ("shop", "blog"):
        status = client.create_account(AccountName=name, Email=f"{name}@example.com")["CreateAccountStatus"]
        made[name] = status["AccountId"]
        a_volume(world.direct, made[name], HOME)
        stack(world.direct, made[name])
    client.move_account(AccountId=made["shop"], SourceParentId=root, DestinationParentId=unit)
    client.tag_resource(ResourceId=made["shop"], Tags=[{"Key": "Tier", "Value": "prod"}])
    return {**made, "unit": unit, "root": root}


def stack(url, account):
    cloudformation = member(url, account, HOME, "cloudformation")
    cloudformation.create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE))
    for _ in range(300):
        if cloudformation.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"] == "CREATE_COMPLETE":
            return
        time.sleep(0.05)
    raise AssertionError("the stack is not complete")


def lost(url, account):
    cloudformation = member(url, account, HOME, "cloudformation")
    cloudformation.delete_stack(StackName="shop")
    for _ in range(300):
        if not cloudformation.describe_stacks()["Stacks"]:
            return
        time.sleep(0.05)
    raise AssertionError("the stack is not gone")


def of(rows):
    return {row["account"] for row in rows}


def test_every_account_of_the_organization_is_planned_and_applied(world, tree):
    world.install(installation("all"))
    planned = world("plan", "--json")
    assert (planned.code, of(planned.document["actions"])) == (0, {tree["shop"], tree["blog"]}), planned
    applied = world("apply", "--json")
    assert (applied.code, of(applied.document["outcomes"])) == (0, {tree["shop"], tree["blog"]}), applied
    assert {row["policy"] for row in applied.document["outcomes"]} == {"volumes", "stacks"}


def test_units_and_tags_choose_the_accounts(world, tree):
    world.shell.advance("1h")
    for choice in (
        f"{{units: [{tree['unit']}]}}",
        "{tags: {Tier: 'pr*'}}",
        f"{{units: [{tree['root']}], tags: {{Tier: prod}}}}",
    ):
        world.install(installation(choice))
        assert of(world("plan", "--json").document["actions"]) == {tree["shop"]}, choice
    applied = world("apply", "--json")
    assert (applied.code, of(applied.document["outcomes"])) == (0, {tree["shop"]}), applied
    assert world("verify", "--json").code in (0, 3)


def test_an_organization_of_which_nothing_is_chosen_is_an_error_of_dr_yaml(world, tree):
    world.install(installation("{tags: {Tier: nothing}}"))
    planned = world("plan", "--json")

    assert planned.code == 2
    assert "accounts.organization: no active account is chosen" in planned.error["message"]


def test_a_unit_that_is_not_there_is_named_with_what_to_do(world, tree):
    world.install(installation("{units: [ou-aaaa-99999999]}"))
    planned = world("plan", "--json")

    assert planned.code == 1
    assert planned.error["message"].startswith("ou-aaaa-99999999: organizations:ListAccountsForParent")
    assert "correct `accounts.organization.units` in dr.yaml" in planned.error["remedy"]


def test_accounts_that_another_choice_has_chosen_are_not_at_work_while_the_organization_does_not_answer(
    world, tree
):
    world.install(installation("all"))
    assert world("apply", "--json").code in (0, 1)
    world.install(installation("{tags: {Tier: prod}}"))
    planned = unheard(world, "plan", "--json")

    assert planned.code == 1
    assert "actions" not in planned.document, planned


def test_a_region_that_an_account_has_not_enabled_ends_no_apply(world, tree):
    world.install(installation("all"))
    world.shell.advance("1h")
    world.door.closed = {(tree["blog"], AWAY)}
    applied = world("apply", "--json")
    world.door.closed = set()
    told = [w["message"] for w in applied.document["warnings"] if w["code"] == "shard-failed"]

    assert (applied.code, len(told)) == (1, 0), "the Region is enabled, and its listings fail"
    assert of(applied.document["outcomes"]) == {tree["shop"], tree["blog"]}


def unheard(world, *arguments):
    """A command while the Organization does not answer."""
    world.door.away = {"organizations"}
    ended = world(*arguments)
    world.door.away = set()
    return ended


def test_while_the_organization_does_not_answer_the_accounts_of_the_store_are_captured_and_nothing_expires(
    world, tree
):
    """Organizations is run from one Region: where that is lost, the others' backups go on."""
    world.install(installation("all"))
    for _ in range(3):
        world.shell.advance("1h")
        assert world("apply", "--json").code == 0
    world.shell.advance("1h")
    planned, applied = unheard(world, "plan", "--json"), unheard(world, "apply", "--json")
    told = {row["code"]: row["message"] for row in applied.document["warnings"]}
    text = unheard(world, "plan").out
    verified = unheard(world, "verify", "--json")
    heard = world("apply", "--json")

    assert text.endswith("Nothing to do while expiry is closed: see the warnings.\n"), text
    verdicts = {row["account"]: row["verdict"] for row in verified.document["stacks"]}
    assert (verified.code, verdicts.keys()) == (1, {tree["shop"], tree["blog"]})
    assert set(verdicts.values()) == {"data-loss"}, "as without a point of its volume, and not unknown"
    assert (planned.code, of(planned.document["actions"])) == (1, {tree["shop"], tree["blog"]}), planned
    assert (applied.code, of(applied.document["outcomes"])) == (1, {tree["shop"], tree["blog"]}), applied
    assert {row["do"] for row in applied.document["outcomes"]} == {"capture"}
    assert (
        "nothing expires: accounts: the Organization does not say which accounts it has"
        in told["expiry-closed"]
    )
    assert (heard.code, {row["do"] for row in heard.document["outcomes"]}) == (0, {"expire"}), heard


def test_an_excluded_account_is_not_at_work_while_the_organization_does_not_answer(world, tree):
    world.install(installation(f"{{exclude: ['{tree['blog']}']}}"))
    world.shell.advance("1h")

    assert of(unheard(world, "plan", "--json").document["actions"]) == {tree["shop"]}


def test_where_the_store_knows_of_no_account_an_organization_that_does_not_answer_is_an_error(world, tree):
    files = installation("all")
    world.install(files | {"dr.yaml": files["dr.yaml"].replace("store/", "fresh/")})
    planned = unheard(world, "plan", "--json")

    assert (planned.code, "organizations:ListAccounts" in planned.error["message"]) == (1, True), planned


def test_a_stack_name_that_is_stored_of_two_accounts_needs_the_account(world, tree):
    world.install(installation("all"))
    asked = world("restore", "--stack", "shop", "--plan-only", "--json")
    assert asked.code == 2
    accounts = sorted((tree["shop"], tree["blog"]))
    assert asked.error["message"] == f"shop is stored of {', '.join(accounts)}"
    assert asked.error["remedy"] == f"add --account {accounts[0]}"


def test_a_stack_comes_back_in_its_own_account_and_the_other_s_is_not_touched(world, tree):
    world.install(installation("all"))
    lost(world.direct, tree["blog"])
    done = world("restore", "--stack", "shop", "--account", tree["blog"], "--yes", "--json")
    assert (done.code, done.document["result"]) == (0, "done"), done
    assert done.document["stacks"][0]["stack_id"].split(":")[4] == tree["blog"]
    again = world("restore", "--stack", "shop", "--account", tree["shop"], "--yes", "--json")
    assert (again.code, "stack shop exists" in again.error["message"]) == (4, True), again


def test_a_stack_of_another_account_comes_back_while_the_organization_cannot_be_asked(world, tree):
    world.install(installation("all"))
    lost(world.direct, tree["shop"])
    world.door.away = {"organizations"}
    listed = world("stacks", "--json")
    done = world("restore", "--stack", "shop", "--account", tree["shop"], "--yes", "--json")
    world.door.away = set()
    assert (listed.code, of(listed.document["stacks"])) == (0, {tree["shop"], tree["blog"]}), listed
    assert (done.code, done.document["stacks"][0]["stack_id"].split(":")[4]) == (0, tree["shop"]), done


def test_what_is_stored_of_an_account_that_left_is_still_listed_and_its_restore_says_whose_it_is(world, tree):
    world.install(installation(f"{{units: [{tree['unit']}]}}"))
    listed = world("stacks", "--json")
    asked = world("restore", "--stack", "shop", "--account", tree["blog"], "--plan-only", "--json")
    assert (listed.code, of(listed.document["stacks"])) == (0, {tree["shop"], tree["blog"]}), listed
    assert (asked.code, "none of this installation's accounts" in asked.error["message"]) == (2, True), asked


def test_an_account_of_which_nothing_is_stored_is_told(world, tree):
    world.install(installation("all"))
    asked = world("restore", "--stack", "shop", "--account", "123456789012", "--plan-only", "--json")

    assert (asked.code, "shop" in asked.error["message"]) == (2, True), asked
