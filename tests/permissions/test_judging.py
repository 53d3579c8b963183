"""The judgement itself: what would be refused, and what nobody needs, are told."""

from __future__ import annotations

import pytest
from permissions.calls import Call, revived
from permissions.judging import UNTOUCHED, UNUSED, judge
from permissions.places import LISTED, MEMBERS, ORGANIZATION, place

from dr.iam.place import Rebuilt

PLACE = place(stacks=(), roles=())
IDENTITY = {"dr:managed": "acme", "dr:policy": "p", "dr:slot": "20260329T010000Z"}


def call(service: str, operation: str, command: str | None, **rest) -> Call:
    return Call(
        **{
            "service": service,
            "operation": operation,
            "region": "eu-west-1",
            "command": command,
            "place": PLACE,
            **rest,
        }
    )


def taken_on(role: str, text: str = MEMBERS, command: str = "plan") -> Call:
    there = place(text, roles=())
    return call("sts", "AssumeRole", command, params={"RoleArn": role}, place=there, region=there.regions[0])


def listed(text: str) -> Call:
    there = place(text, roles=())
    return call("organizations", "ListAccounts", "apply", place=there, region=there.regions[0])


def of_a_member(operation: str, text: str = MEMBERS) -> Call:
    stack = {"StackName": "arn:aws:cloudformation:eu-west-1:222222222222:stack/app/1"}
    return call("cloudformation", operation, "apply", params=stack, place=place(text, roles=()))


def put(key: str, command: str) -> Call:
    return call("s3", "PutObject", command, params={"Bucket": "acme-store", "Key": key})


FINE = {
    "a tick's lease": put("dr/leases/1/eu-west-1/p", "apply"),
    "a restore's pin": put("dr/pins/a", "restore"),
    "a plan's listing": call("ec2", "DescribeSnapshots", "plan"),
    "an end": call("ec2", "DeleteSnapshot", "apply", params={"SnapshotId": "snap-1"}, tags=IDENTITY),
    "a stack": call(
        "cloudformation",
        "CreateChangeSet",
        "restore",
        params={"StackName": "app", "ChangeSetName": "dr-1"},
        targets=("app",),
    ),
    "a member's role": taken_on("arn:aws:iam::222222222222:role/dr-member"),
    "a member's role, to restore": taken_on("arn:aws:iam::333333333333:role/other-name", command="restore"),
    "the role of any account of an organization": taken_on(
        "arn:aws-us-gov:iam::444444444444:role/dr-member", ORGANIZATION
    ),
    "the accounts of an organization": listed(ORGANIZATION),
    "a stack of a member": of_a_member("ListStackResources"),
}
THERE = "arn:aws:cloudformation:eu-west-1:222222222222:stack/app/1"
FINE["a stack of another account, by the role there"] = call(
    "cloudformation", "GetTemplate", "apply", params={"StackName": THERE}, place=place(LISTED)
)
WRONG = {
    "a stack of another account that dr.yaml does not name": call(
        "cloudformation", "GetTemplate", "apply", params={"StackName": THERE}
    ),
    "a role of another account that dr.yaml does not name": call(
        "sts",
        "AssumeRole",
        "apply",
        params={"RoleArn": "arn:aws:iam::444444444444:role/dr-member"},
        place=place(LISTED),
    ),
    "a reader that writes": put("dr/leases/1/eu-west-1/p", "plan"),
    "a tick that pins": put("dr/pins/a", "apply"),
    "a key beside the prefix": put("leases/1/eu-west-1/p", "apply"),
    "another Region": call("ec2", "DescribeSnapshots", "plan", region="us-east-1"),
    "the end of what was never read": call("ec2", "DeleteSnapshot", "apply", params={"SnapshotId": "snap-1"}),
    "a create without tags": call("ec2", "CreateSnapshot", "apply", params={"VolumeId": "vol-1"}),
    "another stack": call("cloudformation", "CreateChangeSet", "restore", params={"StackName": "b", "ChangeSetName": "dr-1"}, targets=("app",)),
    "another role of a member": taken_on("arn:aws:iam::222222222222:role/Admin"),
    "the role of an account that is none": taken_on("arn:aws:iam::444444444444:role/dr-member"),
    "the accounts of no organization": listed(MEMBERS),
    "a stack of an account without members": of_a_member("ListStackResources", "name: acme\nregions: [eu-west-1]\nstore: {primary: {url: s}}\n"),
    "a call that the table lacks": call("ec2", "ImportSnapshot", None, place=None),
}  # fmt: skip


@pytest.mark.parametrize("made", FINE.values(), ids=FINE)
def test_a_call_of_the_role_whose_command_it_is_passes(made):
    assert judge([revived(made.text())]).refused == ()


@pytest.mark.parametrize("made", WRONG.values(), ids=WRONG)
def test_a_call_that_would_be_refused_is_told(made):
    assert judge([revived(made.text())]).refused != ()


def test_what_no_call_needs_is_told_but_for_what_has_a_reason():
    unused = judge([FINE["a plan's listing"]]).unused

    assert "restorer: ssm:GetParameter is allowed, and no recorded call needs it" in unused
    assert not any(line.startswith("reader: ec2:DescribeSnapshots ") for line in unused)
    assert not any(line.startswith("marker: ec2:") for line in unused)


def test_the_whole_suite_is_asked_of_every_folder_too():
    missing = "restorer: s3:PutObject in pins is allowed, and no recorded call needs it"

    assert missing in judge([FINE["a tick's lease"]], whole=True).unused
    assert missing not in judge([FINE["a restore's pin"]], whole=True).unused


def test_every_exception_has_a_reason():
    assert all(len(reason) > 10 for reason in (*UNUSED.values(), *UNTOUCHED.values()))


def test_a_call_comes_back_as_it_was_written():
    made = call("ssm", "GetParameter", "restore", targets=("app",), place=place())

    assert revived(made.text()) == made
    assert made.place.rebuilt == Rebuilt(stacks=("app", "prod-*"), roles=made.place.rebuilt.roles)
