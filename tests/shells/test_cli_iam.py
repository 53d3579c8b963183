"""`dr iam` at the prompt: documents that `aws iam` takes as they are, and no AWS where none is needed."""

from __future__ import annotations

import json

import pytest

DEPLOYING = ["deployer", "builder", "waker"]
ROLES = ["reader", "capturer", "expirer", "marker", "restorer", *DEPLOYING]
GIVEN = ("--account", "123456789012")
CONFIG = """\
name: acme
regions: [eu-west-1]
store: {primary: {url: "s3://acme-store/dr", region: eu-west-1}}
"""
STACKS = """\
policy: stacks
protect: stacks
select: {names: ["prod-*"]}
schedule: "0 * * * *"
keep: {last: 3}
"""


@pytest.fixture
def acme(here):
    (here.folder / "dr.yaml").write_text(f"{CONFIG}deploy: {{region: eu-west-1}}\n")
    (here.folder / "policies").mkdir()
    (here.folder / "policies" / "stacks.yaml").write_text(STACKS)
    return here


@pytest.mark.parametrize("role", ROLES)
def test_a_role_is_one_policy_document_and_nothing_else(acme, role):
    done = acme("iam", role, *GIVEN)

    document = json.loads(done.out)
    warned = "warning: what is stored is not known" if role == "restorer" else ""
    assert (done.code, done.err.partition(",")[0], set(document)) == (0, warned, {"Version", "Statement"})
    assert document["Version"] == "2012-10-17"
    assert document == acme("iam", role, *GIVEN, "--json").document


def test_all_of_them_in_one_document(acme):
    document = acme("iam", *GIVEN, "--json").document

    assert [row["role"] for row in document["roles"]] == ROLES
    assert document["roles"][0]["policy"] == acme("iam", "reader", *GIVEN).document


def test_roles_of_deployments_are_for_who_deploys(acme):
    (acme.folder / "dr.yaml").write_text(CONFIG)

    done = acme("iam", "builder", *GIVEN, "--json")
    rows = acme("iam", *GIVEN, "--json").document["roles"]

    assert (done.code, "deploy: {region" in done.error["remedy"]) == (2, True)
    assert [row["role"] for row in rows] == [role for role in ROLES if role not in DEPLOYING]


def test_what_each_may_do_is_told_without_any_file(here):
    done = here("iam")

    assert done.code == 0
    heads = [line.partition(":")[0] for line in done.out.splitlines() if line and not line.startswith(" ")]
    assert heads[:-1] == ROLES
    assert "`dr iam ROLE` leaves out what this installation does not need" in heads[-1]
    assert "\n  ec2:CreateSnapshot\n" in done.out


def resources(document, sid):
    (found,) = [row["Resource"] for row in document["Statement"] if row["Sid"] == sid]
    return found


def test_the_names_of_policies_say_which_stacks_a_restorer_is_for_while_none_is_stored(acme):
    document = acme("iam", "restorer", *GIVEN).document

    assert resources(document, "MakeStacks") == "arn:aws:cloudformation:*:123456789012:stack/prod-*/*"


def test_stacks_and_further_names_are_given(acme):
    document = acme("iam", "restorer", *GIVEN, "--stack", "app", "--as", "app-*").document

    names = [arn.split(":")[-1] for arn in resources(document, "MakeStacks")]
    assert names == ["stack/app/*", "stack/app-*/*"]


def test_a_service_role_is_passed_and_no_other(acme):
    role = "arn:aws:iam::123456789012:role/cfn"
    document = acme("iam", "restorer", *GIVEN, "--stack-role", role).document

    assert resources(document, "PassStackRoles") == role
    (denied,) = [row for row in document["Statement"] if row["Sid"] == "NeverUnderOtherRoles"]
    assert denied["Condition"] == {"ArnNotEquals": {"cloudformation:RoleArn": [role]}}
    assert "PassRole" not in acme("iam", "restorer", *GIVEN).out


def test_without_credentials_the_account_is_open_and_a_warning_says_so(acme):
    done = acme("iam", "capturer")

    assert (done.code, "the account is not known" in done.err, "--account" in done.err) == (0, True, True)
    assert resources(done.document, "TakeOfSources")[0] == "arn:aws:ec2:*:*:instance/*"


def test_the_stacks_that_are_stored_are_those_that_a_restorer_is_for(installation):
    installation.write("policies/stacks.yaml", STACKS.replace('"prod-*"', "wiki"))
    installation.applied()

    document = installation("iam", "restorer").document

    assert resources(document, "MakeStacks") == "arn:aws:cloudformation:*:123456789012:stack/wiki/*"


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("iam", "owner"), "owner"),
        (("iam", "reader", "--account", "12"), "--account"),
        (("iam", "restorer", "--stack", "a/b"), "--stack"),
        (("iam", "restorer", "--as", 'a","Resource'), "--as"),
        (("iam", "restorer", "--stack-role", "arn:aws:iam::1:role/x"), "--stack-role"),
    ],
)
def test_what_would_be_no_part_of_a_policy_is_refused(acme, arguments, said):
    done = acme(*arguments, "--json")

    assert (done.code, said in done.error["message"]) == (2, True)


def test_a_restorer_of_nothing_is_refused_with_what_to_do(acme):
    (acme.folder / "policies" / "stacks.yaml").write_text(
        STACKS.replace('names: ["prod-*"]', "tags: {Tier: web}")
    )

    done = acme("iam", "restorer", *GIVEN, "--json")

    assert (done.code, "--stack" in done.error["remedy"]) == (2, True)


def test_an_installation_of_no_region_gets_no_document(acme):
    (acme.folder / "dr.yaml").write_text("name: acme\nstore: {primary: {url: store/}}\n")
    (acme.folder / "policies" / "stacks.yaml").unlink()

    done = acme("iam", "reader", *GIVEN, "--json")

    assert (done.code, "no Region is named" in done.error["message"]) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("reader", "--stack", "prod"), "--stack is of the restorer"),
        (("capturer", "--as", "prod"), "--as is of the restorer"),
        (("restorer", "--stack-role", "arn:aws:iam::999999999999:role/x"), "is of another account"),
    ],
)
def test_what_would_be_without_effect_is_refused(acme, arguments, said):
    done = acme("iam", *arguments, *GIVEN)
    assert (done.code, said in done.err) == (2, True)
