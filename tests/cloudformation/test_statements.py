"""The statements in cloudformation/functions.yaml and member.yaml are those of `dr.iam`, in words and in what they allow."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from cloudformation.deployments import EVERYTHING, PLACES, deployments
from cloudformation.reading import ACCOUNT, FOLDER, Deployment, characters, read
from cloudformation.writing import rewritten
from permissions.evaluator import Request, decide, listed

from dr.deploy.statements import functions_blocks, member_blocks
from dr.iam.documents import policy
from dr.iam.place import Role

DEPLOYED = deployments()
BLOCKS = {"functions.yaml": functions_blocks, "member.yaml": member_blocks}
TICK = (Role.READER, Role.CAPTURER, Role.EXPIRER)
ROLES = {
    "TickRole": TICK,
    "ChangedRole": (Role.READER, Role.CAPTURER),
    "RestoreRole": (Role.RESTORER,),
    "MemberRole": TICK,
}
BESIDE = {"KeepTheLost", "Log", "WorkInMembers"}
"""Statements of the functions' roles that are about the deployment itself."""


@pytest.mark.parametrize("name", BLOCKS)
def test_the_generated_blocks_are_those_of_the_table(name, pytestconfig):
    text = (FOLDER / name).read_text()
    wanted = rewritten(text, BLOCKS[name]())
    if pytestconfig.getoption("--update"):
        (FOLDER / name).write_text(wanted)

    assert wanted == (FOLDER / name).read_text(), "see the difference, or write it with --update"


def allowed(statements) -> set[tuple[str, str, str, str]]:
    """Effect, action, resource and condition, one by one: however they are put together into statements.

    What another statement allows under a wider condition is not told again.
    """
    found = {
        (row["Effect"], action, resource, json.dumps(condition_of(row), sort_keys=True))
        for row in statements
        for action in listed(row["Action"])
        for resource in listed(row["Resource"])
    }
    return {one for one in found if not any(is_wider(other, one) for other in found - {one})}


def condition_of(row) -> dict[str, dict[str, list[str]]]:
    """Neither order nor repetition in it means anything; a key that may be anything is not asked for."""
    operators = {
        operator: {key: sorted(set(listed(values))) for key, values in keys.items()}
        for operator, keys in row.get("Condition", {}).items()
    }
    if "*" in operators.get("StringLikeIfExists", {}).get("s3:prefix", ()):
        del operators["StringLikeIfExists"]
    return operators


def is_wider(one, other) -> bool:
    if one[:3] != other[:3] or one[0] == "Deny":
        return False
    wide, narrow = json.loads(one[3]), json.loads(other[3])
    return wide.keys() == narrow.keys() <= {"StringEquals", "StringLike"} and all(
        wide[operator].keys() == narrow[operator].keys()
        and all(set(wide[operator][key]) >= set(narrow[operator][key]) for key in wide[operator])
        for operator in wide
    )


def statements_of(deployment, role):
    return [row for document in deployment.policies(role) for row in document["Statement"]]


@pytest.mark.parametrize(
    ("name", "role"),
    [
        (name, role)
        for name, deployment in DEPLOYED.items()
        for role in ROLES
        if role in deployment.template["Resources"]
    ],
)
def test_a_role_may_what_dr_iam_lets_it_and_nothing_else(name, role):
    statements = statements_of(DEPLOYED[name], role)
    of_dr = [row for row in statements if row["Sid"] not in BESIDE]

    place = replace(PLACES[name], tells=False)
    wanted = [row for each in ROLES[role] for row in policy(each, place)["Statement"]]
    assert allowed(wanted) == allowed(of_dr)


def test_the_summary_reads_the_store_and_looks_at_nothing_else():
    statements = statements_of(DEPLOYED["everything"], "SummaryRole")
    wanted = policy(Role.READER, replace(PLACES["everything"], asks=()))["Statement"]

    of_dr = [row for row in statements if row["Sid"] not in BESIDE]
    assert allowed(of_dr) == allowed([row for row in wanted if row["Sid"] != "Look"])


ASKING = ["TickRole", "ChangedRole", "RestoreRole", "ShardsRole"]


@pytest.mark.parametrize("role", ASKING)
def test_an_organization_is_asked_by_whoever_has_to_know_the_accounts_and_only_where_it_is_to_be_asked(role):
    asking = DEPLOYED["everything"]
    silent = Deployment(template=asking.template, given={**EVERYTHING, "ListsOrganization": "false"})

    def asked(deployment) -> set[str]:
        actions = {a for row in statements_of(deployment, role) for a in listed(row["Action"])}
        return {action for action in actions if action.startswith("organizations:")}

    alone = {"organizations:DescribeAccount", "organizations:ListParents"}
    assert asked(silent) == set()
    assert asked(asking) - alone == {
        "organizations:ListAccounts",
        "organizations:ListAccountsForParent",
        "organizations:ListOrganizationalUnitsForParent",
        "organizations:ListTagsForResource",
    }
    assert asked(asking) & alone == (alone if role in ("TickRole", "ChangedRole") else set())


def test_the_shards_are_asked_of_the_organization_and_of_the_store_which_accounts_it_had():
    deployment = DEPLOYED["everything"]
    each = {row["Sid"] for row in deployment.properties("EachPolicy")["PolicyDocument"]["Statement"]}
    silent = Deployment(template=deployment.template, given={**EVERYTHING, "ListsOrganization": "false"})

    found = {row["Sid"] for row in statements_of(deployment, "ShardsRole")}
    asked = {"ListAccounts", "ListUnits", "AccountTags"}
    remembered = {"WhoseStore", "RememberAccounts", "SeeWhatIsThere", "SealWhatIsRemembered"}
    assert found - each == asked | remembered
    assert {row["Sid"] for row in statements_of(silent, "ShardsRole")} == each


def test_what_a_function_may_besides_is_its_log_its_queue_and_its_members():
    for name, deployment in DEPLOYED.items():
        for role in {"TickRole", "ChangedRole", "RestoreRole"} & deployment.resources.keys():
            beside = {row["Sid"] for row in statements_of(deployment, role)} & BESIDE
            lost = set() if role == "RestoreRole" else {"KeepTheLost"}
            members = {"WorkInMembers"} if name == "everything" and role != "RestoreRole" else set()
            assert beside == {"Log"} | lost | members, (name, role)


def test_members_are_reached_by_the_name_of_their_role_inside_the_organization():
    (row,) = DEPLOYED["everything"].properties("MembersPolicy")["PolicyDocument"]["Statement"]

    assert (row["Action"], row["Resource"]) == ("sts:AssumeRole", "arn:aws:iam::*:role/dr-member")
    assert row["Condition"] == {"StringEquals": {"aws:ResourceOrgID": "o-abcdefghij"}}


LONG = {
    **EVERYTHING,
    "Installation": "an-installation-whose-name-has-36-le",
    "Regions": "eu-west-1,eu-central-1,us-east-1,us-west-2,ap-southeast-2",
    "StoreBucket": "the-store-of-an-installation-eu-west-1",
    "StorePrefix": "folder/of/the/store",
    "ReplicaBucket": "the-replica-of-an-installation-eu-central-1",
    "ReplicaPrefix": "folder/of/the/replica",
    "RestorableStacks": ",".join(f"arn:aws:cloudformation:*:{ACCOUNT}:stack/stack-{n}-*/*" for n in range(8)),
    "ParameterArns": ",".join(f"arn:aws:ssm:*:{ACCOUNT}:parameter/prod/database/{n}" for n in range(4)),
}


def test_every_policy_fits_into_iam_with_long_names_and_many_regions():
    """Source: IAM user guide, IAM and STS character limits: 6,144 for a managed policy, 10,240 for a role's own."""
    whole = Deployment(template=read("functions.yaml"), given=LONG)
    managed = {n: r for n, r in whole.resources.items() if r["Type"] == "AWS::IAM::ManagedPolicy"}

    assert len(managed) > 5
    for name, row in managed.items():
        assert characters(row["Properties"]["PolicyDocument"]) <= 6144, name
    for name, row in whole.resources.items():
        if row["Type"] == "AWS::IAM::Role":
            assert len(row["Properties"].get("ManagedPolicyArns", ())) <= 10, name
            assert len(row["Properties"]["RoleName"]) <= 64, name


def test_names_fit_where_the_installation_has_the_longest():
    whole = Deployment(template=read("functions.yaml"), given=LONG, region="ap-southeast-2")
    longest = {
        ("AWS::Lambda::Function", "FunctionName"): 64,
        ("AWS::IAM::Role", "RoleName"): 64,
        ("AWS::Scheduler::ScheduleGroup", "Name"): 64,
        ("AWS::Events::Rule", "Name"): 64,
        ("AWS::SQS::Queue", "QueueName"): 80,
        ("AWS::StepFunctions::StateMachine", "StateMachineName"): 80,
    }
    for (kind, key), most in longest.items():
        names = [row["Properties"][key] for row in whole.resources.values() if row["Type"] == kind]
        assert names, kind
        assert all(len(name) <= most and name.startswith("dr-") for name in names), kind


# --- what it comes to -----------------------------------------------------------------------------------------------

SNAPSHOT = "arn:aws:ec2:eu-west-1::snapshot/snap-1"
STACK = f"arn:aws:cloudformation:eu-west-1:{ACCOUNT}:stack/app/1"
HERE = {"aws:RequestedRegion": "eu-west-1"}
OURS = {**HERE, "aws:ResourceTag/dr:managed": "acme"}
BIRTH = {**HERE, "aws:RequestTag/dr:managed": "acme", "ec2:CreateAction": "CreateSnapshot"}
CFN = {
    **HERE,
    "cloudformation:ChangeSetName": "dr-1",
    "cloudformation:RoleArn": f"arn:aws:iam::{ACCOUNT}:role/cfn",
}


@pytest.mark.parametrize(
    ("role", "action", "resource", "context", "allowed"),
    [
        ("TickRole", "ec2:DeleteSnapshot", SNAPSHOT, OURS, True),
        ("TickRole", "ec2:DeleteSnapshot", SNAPSHOT, {**OURS, "aws:ResourceTag/dr:hold": "why"}, False),
        ("TickRole", "ec2:DeleteSnapshot", SNAPSHOT, HERE, False),
        ("TickRole", "ec2:DeleteSnapshot", SNAPSHOT, {**OURS, "aws:RequestedRegion": "us-east-1"}, False),
        ("TickRole", "ec2:CreateTags", SNAPSHOT, {**BIRTH, "aws:TagKeys": ("dr:managed",)}, True),
        ("TickRole", "ec2:CreateTags", SNAPSHOT, {**OURS, "aws:TagKeys": ("dr:managed",)}, False),
        ("TickRole", "s3:PutObject", "arn:aws:s3:::acme-replica/a/b/blobs/1", {}, True),
        ("TickRole", "s3:PutObject", "arn:aws:s3:::acme-replica/blobs/1", {}, False),
        ("TickRole", "s3:DeleteObjectVersion", "arn:aws:s3:::acme-store/dr/blobs/1", {}, False),
        ("TickRole", "cloudformation:CreateChangeSet", STACK, CFN, False),
        ("TickRole", "sts:AssumeRole", "arn:aws:iam::222222222222:role/dr-member", {}, False),
        (
            "TickRole",
            "sts:AssumeRole",
            "arn:aws:iam::222222222222:role/dr-member",
            {"aws:ResourceOrgID": "o-abcdefghij"},
            True,
        ),
        ("ChangedRole", "ec2:DeleteSnapshot", SNAPSHOT, OURS, False),
        ("ChangedRole", "s3:PutObject", "arn:aws:s3:::acme-store/dr/stacks/1", {}, True),
        ("ChangedRole", "s3:DeleteObject", "arn:aws:s3:::acme-store/dr/stacks/1", {}, False),
        ("RestoreRole", "cloudformation:CreateChangeSet", STACK, CFN, True),
        ("RestoreRole", "cloudformation:CreateChangeSet", STACK.replace("app", "other"), CFN, False),
        (
            "RestoreRole",
            "cloudformation:CreateChangeSet",
            STACK,
            {**CFN, "cloudformation:RoleArn": f"arn:aws:iam::{ACCOUNT}:role/admin"},
            False,
        ),
        ("RestoreRole", "ec2:DeleteSnapshot", SNAPSHOT, OURS, False),
        ("RestoreRole", "sts:AssumeRole", "arn:aws:iam::222222222222:role/dr-member", {}, False),
        ("SummaryRole", "s3:GetObject", "arn:aws:s3:::acme-store/dr/shards/1", {}, True),
        ("SummaryRole", "s3:PutObject", "arn:aws:s3:::acme-store/dr/shards/1", {}, False),
        ("ShardsRole", "organizations:ListAccounts", "*", {}, True),
        ("ShardsRole", "s3:GetObject", "arn:aws:s3:::acme-store/dr/shards/accounts.json", {}, True),
        ("ShardsRole", "s3:PutObject", "arn:aws:s3:::acme-store/dr/shards/accounts.json", {}, True),
        ("ShardsRole", "s3:PutObject", "arn:aws:s3:::acme-store/dr/shards/1", {}, False),
        ("ShardsRole", "s3:GetObject", "arn:aws:s3:::acme-store/dr/shards/1", {}, False),
        ("ShardsRole", "s3:GetObject", "arn:aws:s3:::acme-store/dr/installation.json", {}, True),
        ("ShardsRole", "s3:PutObject", "arn:aws:s3:::acme-store/dr/installation.json", {}, False),
        ("ShardsRole", "s3:DeleteObject", "arn:aws:s3:::acme-store/dr/shards/accounts.json", {}, False),
    ],
)
def test_a_request_of_a_function_is_decided_as_it_should_be(role, action, resource, context, allowed):
    request = Request(action=action, resource=resource, context=context)

    assert decide(DEPLOYED["everything"].policies(role), request).allowed is allowed
