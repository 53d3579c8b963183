"""cloudformation/member.yaml: roles once per account, a rule in each Region, and nothing that differs by account."""

from __future__ import annotations

import re

from cloudformation.deployments import MEMBER
from cloudformation.reading import FOLDER, Deployment, read

HOME = Deployment(template=read("member.yaml"), given=MEMBER)
ABROAD = Deployment(template=read("member.yaml"), given=MEMBER, region="eu-central-1")
SILENT = Deployment(template=read("member.yaml"), given={**MEMBER, "EventBusArn": ""})
HUB = Deployment(template=read("member.yaml"), given={**MEMBER, "RoleName": ""})
RULE = {"ForwardRule", "DeadLetters", "DeadLettersPolicy"}
ROLE = {"MemberRole", "CapturerPolicy", "ExpirerPolicy", "NeverPolicy"}


def test_roles_are_made_at_home_and_the_rule_in_each_region():
    assert HOME.resources.keys() == {*ROLE, "ForwardRole", *RULE}
    assert ABROAD.resources.keys() == RULE


def test_without_a_bus_nothing_is_told():
    assert SILENT.resources.keys() == ROLE


def test_in_the_hub_account_it_tells_and_gives_no_role():
    assert HUB.resources.keys() == {"ForwardRole", *RULE}


def test_the_hubs_roles_alone_and_with_the_external_id_may_have_the_role():
    (row,) = HOME.properties("MemberRole")["AssumeRolePolicyDocument"]["Statement"]

    assert row["Principal"] == {"AWS": "arn:aws:iam::999999999999:root"}
    assert row["Condition"] == {
        "StringEquals": {"sts:ExternalId": "not-a-secret-of-anybody"},
        "ArnLike": {"aws:PrincipalArn": MEMBER["HubRoleArns"].split(",")},
    }
    assert HOME.template["Parameters"]["ExternalId"]["NoEcho"] is True


def test_the_role_is_called_as_functions_yaml_has_it_called():
    hub = read("functions.yaml")["Resources"]["MembersPolicy"]["Properties"]["PolicyDocument"]

    assert HOME.properties("MemberRole")["RoleName"] == "dr-member"
    assert "role/${MemberRole}" in hub["Statement"][0]["Resource"]["Fn::Sub"]


def test_the_member_holds_nothing_of_the_store():
    for role in ("MemberRole", "ForwardRole"):
        actions = {
            action
            for document in HOME.policies(role)
            for row in document["Statement"]
            if row["Effect"] == "Allow"
            for action in ([row["Action"]] if isinstance(row["Action"], str) else row["Action"])
        }
        assert {action.split(":")[0] for action in actions} <= {
            "ec2",
            "cloudformation",
            "autoscaling",
            "events",
        }


def test_the_rule_in_another_region_names_the_role_that_was_made_at_home():
    (target,) = ABROAD.properties("ForwardRule")["Targets"]

    assert target["RoleArn"].endswith(":role/" + HOME.properties("ForwardRole")["RoleName"])
    assert target["Arn"] == MEMBER["EventBusArn"]
    assert target["DeadLetterConfig"]["Arn"].startswith("arn:aws:sqs:eu-central-1:")


def test_the_rules_role_is_trusted_for_the_rule_of_any_region_and_puts_events_there_only():
    role = HOME.properties("ForwardRole")
    (trust,) = role["AssumeRolePolicyDocument"]["Statement"]
    (policy,) = HOME.policies("ForwardRole")

    rule = HOME.properties("ForwardRule")["Name"]
    assert trust["Condition"]["ArnLike"] == {"aws:SourceArn": f"arn:aws:events:*:123456789012:rule/{rule}"}
    (row,) = policy["Statement"]
    assert (row["Action"], row["Resource"]) == ("events:PutEvents", MEMBER["EventBusArn"])


def test_the_member_tells_what_the_hub_takes():
    hub = read("functions.yaml")["Resources"]["MemberChangeRule"]["Properties"]["EventPattern"]

    assert HOME.properties("ForwardRule")["EventPattern"] == hub


def test_nothing_in_it_is_of_one_account_or_region():
    text = (FOLDER / "member.yaml").read_text()

    assert re.findall(r"\b\d{12}\b", text) == []
    assert re.findall(r"\b[a-z]{2}-[a-z]+-\d\b", text) == []
