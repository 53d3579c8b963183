"""`dr iam`: documents as narrow as FAILURES 4.1 has them, clean to two linters, and equal to what the code calls."""

from __future__ import annotations

import ast
import json
import subprocess
from fnmatch import fnmatchcase
from pathlib import Path

import botocore.session
import pytest
from botocore import xform_name
from permissions.evaluator import listed
from permissions.places import CHOSEN, DEPLOYED, FULL, PLACES, place

from dr import layout
from dr.errors import UsageError
from dr.iam.documents import actions, policy, roles
from dr.iam.operations import AHEAD, MAY, OPERATIONS
from dr.iam.place import DEPLOYING, Role
from dr.iam.reach import objects

ROOT = Path(__file__).parent.parent
LINTERS = ROOT / ".venv-lint" / "bin"
DOCUMENTS = {(role, name): policy(role, where) for name, where in PLACES.items() for role in roles(where)}
each_document = pytest.mark.parametrize(
    "document", DOCUMENTS.values(), ids=[f"{role.value}, {name}" for role, name in DOCUMENTS]
)
PARLIAMENT = """\
import json, sys, warnings
warnings.simplefilter("ignore")
import parliament
found = [parliament.analyze_policy_string(json.dumps(d)).findings for d in json.load(sys.stdin)]
print(json.dumps([[[f.issue, str(f.detail)] for f in each] for each in found]))
"""
EXPECTED = {
    "RESOURCE_MISMATCH": "a create has its sources in one statement and its results in another, each with conditions "
    "of its own: to parliament either one lacks the resources of the other"
}
"""What parliament reports of the correct form, each with its reason. Cloudsplaining reports nothing."""


def linted(documents) -> list[list[tuple[str, str]]]:
    done = subprocess.run(
        [LINTERS / "python", "-c", PARLIAMENT],
        input=json.dumps(documents),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    return [[(issue, detail) for issue, detail in each] for each in json.loads(done.stdout)]


def test_parliament_finds_nothing_but_what_has_a_reason():
    found = linted(list(DOCUMENTS.values()))

    assert {issue for each in found for issue, _ in each} == set(EXPECTED)
    for (role, name), each in zip(DOCUMENTS, found, strict=True):
        assert role is Role.CAPTURER or each == [], (role, name)


def test_parliament_would_find_a_mistake():
    document = json.loads(json.dumps(DOCUMENTS[Role.EXPIRER, "a directory"]).replace("ec2:Dele", "ec2:Dle"))

    assert "UNKNOWN_ACTION" in {issue for issue, _ in linted([document])[0]}


def splained(document, folder: Path) -> str:
    file = folder / "policy.json"
    file.write_text(json.dumps(document))
    command = [LINTERS / "cloudsplaining", "scan-policy-file", "--input-file", file]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout + done.stderr


@pytest.mark.parametrize(
    ("role", "where"),
    [
        *((role, "accounts of units, by tags") for role in Role),
        *((role, "accounts of an organization") for role in Role),
        *((role, "some accounts") for role in roles(PLACES["some accounts"])),
    ],
)
def test_cloudsplaining_finds_nothing(role, where, tmp_path):
    document = DOCUMENTS[role, where]

    assert "There were no results found" in splained(document, tmp_path)


def test_cloudsplaining_would_find_too_much(tmp_path):
    loose = {"Effect": "Allow", "Action": ["s3:GetObject", "iam:PassRole"], "Resource": "*"}

    assert "no results" not in splained({"Version": "2012-10-17", "Statement": [loose]}, tmp_path)


# --- rules of FAILURES 4.1 --------------------------------------------------------------------------------------------


def allowed(document):
    return [row for row in document["Statement"] if row["Effect"] == "Allow"]


EVERYWHERE = {
    "Look": (True, {"aws:RequestedRegion"}),
    "ListAccounts": (True, set()),
    "DescribeOrganization": (True, set()),
    "BuildNameless": (False, {"aws:RequestedRegion", "aws:CalledViaFirst"}),
}
"""Statements about everything: whether they are of listings, and what they ask for. An Organization is in no Region of ours;
what knows no resource and is no listing, CloudFormation alone may do."""


@each_document
def test_only_listings_reach_everything_and_only_in_the_regions(document):
    """Organizations has one endpoint, whose Region is none of the installation's."""
    for row in allowed(document):
        if "*" in listed(row["Resource"]):
            verbs = {action.split(":")[1] for action in row["Action"]}
            listings = all(verb.startswith(("Describe", "List", "GetTemplateSummary")) for verb in verbs)
            assert (listings, set(row.get("Condition", {}).get("StringEquals", ()))) == EVERYWHERE[row["Sid"]]


@each_document
def test_no_action_that_is_allowed_is_a_pattern(document):
    assert not any("*" in action for row in allowed(document) for action in listed(row["Action"]))


@each_document
def test_every_delete_of_a_point_asks_whose_it_is_and_a_held_one_is_denied(document):
    rows = [
        row
        for row in document["Statement"]
        if {"ec2:DeleteSnapshot", "ec2:DeregisterImage"} & set(row["Action"])
    ]
    for row in rows:
        if row["Effect"] == "Allow":
            assert row["Condition"]["StringEquals"]["aws:ResourceTag/dr:managed"] == "acme"
    denied = [row["Condition"] for row in rows if row["Effect"] == "Deny"]
    assert denied == [{"Null": {"aws:ResourceTag/dr:hold": "false"}}]


def test_only_the_expirer_ends_points_and_what_ends_in_the_store_ends_by_delete_markers():
    deleting = {role: {a for a in actions(role) if "Delete" in a or "Deregister" in a} for role in Role}

    ends = {"ec2:DeleteSnapshot", "ec2:DeregisterImage"}
    assert [role for role, found in deleting.items() if found & ends] == [Role.EXPIRER]
    of_data = {a for found in deleting.values() for a in found if a.startswith(("ec2:", "s3:", "kms:"))}
    assert of_data - ends == {"s3:DeleteObject", "ec2:DeleteTags"}


def test_a_point_is_made_with_its_whole_identity():
    (row,) = [r for r in DOCUMENTS[Role.CAPTURER, "a directory"]["Statement"] if r["Sid"] == "MakeOwnPoints"]

    assert row["Condition"]["StringEquals"]["aws:RequestTag/dr:managed"] == "acme"
    assert row["Condition"]["Null"] == {
        f"aws:RequestTag/{key}": "false" for key in (layout.POLICY, layout.SLOT)
    }


@each_document
def test_tags_are_written_at_birth_or_are_marks(document):
    for row in allowed(document):
        if "ec2:CreateTags" in row["Action"]:
            condition = row["Condition"]
            birth = condition["StringEquals"].get("ec2:CreateAction") == ["CreateImage", "CreateSnapshot"]
            marks = condition.get("ForAllValues:StringEquals") == {"aws:TagKeys": list(layout.MARKS)}
            assert birth != marks


@each_document
def test_what_opens_a_way_around_the_rules_is_denied(document):
    """The key of the functions' own logs ends with them: it is CloudFormation that asks for it, and nobody else."""
    denied = {action for row in document["Statement"] if row["Effect"] == "Deny" for action in row["Action"]}
    for row in allowed(document):
        if {"kms:PutKeyPolicy", "kms:ScheduleKeyDeletion"} & set(row["Action"]):
            assert row["Condition"] == {
                "StringEquals": {"aws:CalledViaFirst": "cloudformation.amazonaws.com"}
            }

    assert denied >= {
        *("ec2:UnlockSnapshot", "ec2:ModifySnapshotAttribute", "ec2:ModifyImageAttribute"),
        *("rbin:DeleteRule", "rbin:UpdateRule", "kms:ScheduleKeyDeletion", "kms:DisableKey"),
    }


@pytest.mark.parametrize("role", Role)
def test_the_protection_of_the_buckets_is_out_of_reach(role):
    rows = [r for r in DOCUMENTS[role, "accounts of units, by tags"]["Statement"] if r["Effect"] == "Deny"]
    (row,) = [r for r in rows if "s3:DeleteObjectVersion" in r["Action"]]

    assert {
        *(
            "s3:BypassGovernanceRetention",
            "s3:PutBucket*",
            "s3:DeleteBucket*",
            "s3:PutReplicationConfiguration",
        ),
        *("s3:PutObjectRetention", "s3:PutEncryptionConfiguration", "s3:PutLifecycleConfiguration"),
    } <= set(row["Action"])
    for bucket in ("acme-store", "acme-replica", "acme-staging"):
        assert {f"arn:aws:s3:::{bucket}", f"arn:aws:s3:::{bucket}/*"} <= set(row["Resource"])


# --- other accounts ---------------------------------------------------------------------------------------------------

PLANNING = [Role.READER, Role.CAPTURER, Role.EXPIRER, Role.RESTORER]
_UNITS = ["arn:aws:organizations::*:ou/o-*", "arn:aws:organizations::*:root/o-*"]
ORGANIZATIONS = {
    "some accounts": {},
    "accounts of an organization": {"organizations:ListAccounts": ["*"]},
    "an organization in GovCloud": {
        "organizations:ListAccounts": ["*"],
        "organizations:ListTagsForResource": ["arn:aws-us-gov:organizations::*:account/o-*"],
    },
    "accounts of units, by tags": {
        "organizations:ListAccountsForParent": _UNITS,
        "organizations:ListOrganizationalUnitsForParent": _UNITS,
        "organizations:ListTagsForResource": ["arn:aws:organizations::*:account/o-*"],
    },
}
"""Place -> what an Organization is asked for there, and about what."""
_ACCOUNT = {"organizations:DescribeAccount": ["arn:aws:organizations::*:account/o-*"]}
ALONE = {
    "some accounts": {},
    "accounts of an organization": _ACCOUNT,
    "an organization in GovCloud": {
        "organizations:DescribeAccount": ["arn:aws-us-gov:organizations::*:account/o-*"]
    },
    "accounts of units, by tags": _ACCOUNT
    | {
        "organizations:ListParents": [
            "arn:aws:organizations::*:account/o-*",
            "arn:aws:organizations::*:ou/o-*",
        ]
    },
}
"""The same, of one account alone, as a tick of one asks."""


def statement(role, where, sid):
    return next((row for row in DOCUMENTS[role, where]["Statement"] if row["Sid"] == sid), None)


@pytest.mark.parametrize("role", PLANNING)
def test_only_the_roles_that_dr_yaml_names_are_taken_on(role):
    row = statement(role, "some accounts", "TakeOnMembers")

    assert (row["Action"], row["Resource"]) == (
        ["sts:AssumeRole"],
        ["arn:aws:iam::222222222222:role/dr-member", "arn:aws:iam::333333333333:role/other-name"],
    )


@pytest.mark.parametrize("role", PLANNING)
@pytest.mark.parametrize("where", ORGANIZATIONS)
def test_an_organization_is_asked_for_what_dr_yaml_chooses_by(role, where):
    found = {
        action: listed(row["Resource"])
        for row in allowed(DOCUMENTS[role, where])
        for action in row["Action"]
        if action.startswith("organizations:")
    }

    alone = ALONE[where] if role in (Role.CAPTURER, Role.EXPIRER) else {}
    assert found == ORGANIZATIONS[where] | alone


@pytest.mark.parametrize("role", PLANNING)
def test_of_an_organization_the_one_role_of_every_account_is_taken_on(role):
    row = statement(role, "an organization in GovCloud", "TakeOnMembers")

    assert row["Resource"] == "arn:aws-us-gov:iam::*:role/dr-member"


@pytest.mark.parametrize(
    ("role", "where"),
    [
        *((role, "a directory") for role in roles(PLACES["a directory"])),
        (Role.MARKER, "some accounts"),
        (Role.MARKER, "an organization in GovCloud"),
        (Role.BUILDER, "accounts of units, by tags"),
        (Role.WAKER, "accounts of units, by tags"),
    ],
)
def test_who_needs_no_other_account_may_take_on_no_role(role, where):
    found = {action for row in allowed(DOCUMENTS[role, where]) for action in listed(row["Action"])}

    assert not any(action.startswith(("sts:", "organizations:")) for action in found)


# --- what IAM takes -------------------------------------------------------------------------------------------------


@each_document
def test_a_document_fits_into_a_managed_policy(document):
    assert len(json.dumps(document, separators=(",", ":"))) <= 6144
    sids = [row["Sid"] for row in document["Statement"]]
    assert len(sids) == len(set(sids))
    assert all(sid.isalnum() for sid in sids)


@pytest.mark.parametrize("role", Role)
def test_five_regions_fit(role):
    regions = "eu-west-1, eu-central-1, us-east-1, us-west-2, ap-southeast-2"

    assert policy(role, place(DEPLOYED.replace("eu-west-1, eu-central-1", regions)))["Statement"]


@pytest.mark.parametrize("role", [Role.DEPLOYER, Role.BUILDER, Role.WAKER])
def test_the_longest_name_of_an_installation_fits_whoever_deploys_it(role):
    text = CHOSEN.replace("name: acme", "name: an-installation-with-a-name-of-40-letter")

    assert policy(role, place(text))["Statement"]


def test_too_many_stacks_are_refused_with_what_to_do():
    with pytest.raises(UsageError, match="IAM takes 6144") as refused:
        policy(Role.RESTORER, place(stacks=tuple(f"stack-number-{number}" for number in range(40))))
    assert "--stack 'prod-*'" in refused.value.remedy


def test_nobody_deploys_where_there_is_nothing_to_deploy():
    assert set(Role) - set(roles(place())) == set(DEPLOYING)
    with pytest.raises(UsageError, match="does not say where the functions run") as refused:
        policy(Role.DEPLOYER, place())
    assert "deploy: {region: ...}" in refused.value.remedy


# --- the table is the code ------------------------------------------------------------------------------------------


SPEAKING = [*sorted((ROOT / "dr" / "aws").glob("*.py")), ROOT / "dr" / "store" / "s3.py"]
"""The modules that hold a client of AWS."""


def nodes(path: Path, *kinds):
    return [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, kinds)]


def named_in_code() -> set[str]:
    """Every attribute and text in the modules that speak to AWS which is a method of one of the clients."""
    session = botocore.session.get_session()
    services = {operation.service for operation in OPERATIONS} | {"kms"}
    known = {xform_name(name) for one in services for name in session.get_service_model(one).operation_names}
    found = [node for path in SPEAKING for node in nodes(path, ast.Attribute, ast.Constant)]
    said = {node.attr if isinstance(node, ast.Attribute) else node.value for node in found}
    return {name for name in said if name in known}


def test_the_table_holds_what_the_code_calls_and_nothing_else():
    assert {xform_name(operation.name) for operation in OPERATIONS} == named_in_code()


def test_no_other_module_holds_a_client():
    others = [
        path for path in (ROOT / "dr").rglob("*.py") if path not in SPEAKING and "sandbox" not in path.parts
    ]
    clients = {"client", "ec2", "cloudformation", "autoscaling"}
    holding = {
        path.relative_to(ROOT).as_posix()
        for path in others
        for node in nodes(path, ast.Call)
        if isinstance(node.func, ast.Attribute) and node.func.attr in clients
    }

    assert holding == {"dr/store/opening.py"}, "it makes the client that dr/store/s3.py is given"


def test_an_operation_stands_in_the_table_once():
    names = [(operation.service, operation.name) for operation in OPERATIONS]

    assert len(names) == len(set(names))


def test_what_is_allowed_ahead_of_any_command_is_the_markers():
    assert {(need.action, need.roles) for need in AHEAD} == {
        ("ec2:CreateTags", (Role.MARKER,)),
        ("ec2:DeleteTags", (Role.MARKER,)),
    }
    assert "no command writes yet" in MAY[Role.MARKER]


_ABROAD = "arn:aws:kms:eu-north-1:999999999999"
_HERE = "arn:aws:kms:eu-west-1:123456789012"


@pytest.mark.parametrize(
    ("key", "resource"),
    [
        ("alias/dr-signing", f"{_HERE}:key/*"),
        ("1234abcd-12ab-34cd-56ef-1234567890ab", f"{_HERE}:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
        (f"{_ABROAD}:alias/dr-signing", f"{_ABROAD}:key/*"),
        (f"{_ABROAD}:key/1234abcd-12ab-34cd-56ef-1234567890ab",) * 2,
    ],
)
def test_a_signing_key_may_lie_in_another_account_and_region(key, resource):
    document = policy(Role.CAPTURER, place(FULL.replace("alias/dr-signing", key)))
    (found,) = [one for one in document["Statement"] if one["Sid"] == "SignManifests"]

    assert (found["Action"], found["Resource"]) == (["kms:Sign"], resource)


@pytest.mark.parametrize("place", sorted(PLACES))
def test_rule_7_6_nobody_but_the_marker_writes_a_persons_word(place):
    """Whoever ticks, restores or deploys could thaw otherwise."""
    writers = {
        role
        for role in roles(PLACES[place])
        for row in allowed(DOCUMENTS[role, place])
        for resource in listed(row["Resource"])
        if any(action in {"s3:PutObject", "s3:DeleteObject", "s3:*"} for action in listed(row["Action"]))
        and any(fnmatchcase(f"{prefix}{layout.FREEZES}", resource) for prefix in _prefixes(PLACES[place]))
    }

    assert writers == ({Role.MARKER} if PLACES[place].stores else set())


def _prefixes(place):
    return [each.removesuffix("*") for each in objects(place, "")]
