"""What a thief of each role would try: refused, beside the same call as dr makes it, which is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest
from permissions.calls import Call, asked
from permissions.evaluator import Request, decide
from permissions.places import ACCOUNT, DEPLOYED, FULL, ROLE, place

from dr.iam.documents import policy
from dr.iam.place import Role

ADMIN = {"Statement": [{"Sid": "Admin", "Effect": "Allow", "Action": "*", "Resource": "*"}]}
"""A policy that somebody has attached beside ours."""
IDENTITY = {"dr:managed": "acme", "dr:policy": "p", "dr:slot": "20260329T010000Z", "dr:source": "vol-1"}
OTHERS = {**IDENTITY, "dr:managed": "another"}
REGION = "eu-west-1"


def call(service: str, operation: str, tags=None, region: str = REGION, **params) -> Call:
    return Call(service=service, operation=operation, region=region, params=params, tags=tags)


def ec2(operation: str, **rest) -> Call:
    return call("ec2", operation, **rest)


def born(tags, region: str = REGION) -> Call:
    rows = [{"ResourceType": "snapshot", "Tags": spelled(tags)}] if tags else []
    return ec2("CreateSnapshot", region=region, VolumeId="vol-1", TagSpecifications=rows)


def spelled(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def without(key: str):
    return {name: value for name, value in IDENTITY.items() if name != key}


def ended(tags, region: str = REGION) -> Call:
    return ec2("DeleteSnapshot", tags=tags, region=region, SnapshotId="snap-1")


def tagged(operation: str, tags, of=IDENTITY, region="eu-west-1") -> Call:
    return ec2(operation, region=region, tags=of, Resources=["snap-1"], Tags=spelled(tags))


def stack(name: str, role: str | None = ROLE, change_set: str = "dr-0a1b") -> Call:
    given = {"RoleARN": role} if role else {}
    return call(
        "cloudformation", "CreateChangeSet", StackName=name, ChangeSetName=change_set, Tags=[{}], **given
    )


def s3(operation: str, bucket: str, key: str) -> Call:
    name = "Prefix" if operation == "ListObjectsV2" else "Key"
    return call("s3", operation, Bucket=bucket, **{name: key})


HOME = "eu-central-1"
OWN = "dr-acme"


def functions(operation: str, name: str = OWN, region: str = HOME, **params) -> Call:
    """What `dr deploy` asks of CloudFormation."""
    return call("cloudformation", operation, region=region, StackName=name, **params)


def deployed(name: str = OWN, change_set: str = "dr-0a1b", region: str = HOME) -> Call:
    return functions("CreateChangeSet", name, region, ChangeSetName=change_set, Tags=[{}])


def packed(operation: str, key: str, bucket: str = "acme-replica") -> Call:
    """In the bucket of the functions' Region."""
    return replace(s3(operation, bucket, key), region=HOME)


def parameter(name: str) -> Call:
    return call("ssm", "GetParameter", Name=name)


def signed(key: str) -> Call:
    return call("kms", "Sign", KeyId=key)


PERMITTED = [
    (Role.CAPTURER, signed("alias/dr-signing")),
    (Role.CAPTURER, born(IDENTITY)),
    (Role.EXPIRER, ended(IDENTITY)),
    (Role.EXPIRER, ec2("DeregisterImage", tags=IDENTITY, ImageId="ami-1")),
    (Role.MARKER, tagged("CreateTags", {"dr:hold": "why"})),
    (Role.MARKER, tagged("CreateTags", {"dr:hold": "why", "dr:consistency": "crash"})),
    (Role.MARKER, tagged("DeleteTags", {"dr:hold": ""})),
    (Role.READER, ec2("DescribeSnapshots")),
    (Role.READER, s3("GetObject", "acme-store", "dr/stacks/a")),
    (Role.READER, s3("ListObjectsV2", "acme-store", "dr/stacks/")),
    (Role.CAPTURER, s3("PutObject", "acme-store", "dr/stacks/a")),
    (Role.EXPIRER, s3("DeleteObject", "acme-replica", "dr/stacks/a")),
    (Role.RESTORER, s3("PutObject", "acme-store", "dr/pins/a")),
    (Role.RESTORER, s3("PutObject", "acme-staging", "dr-staging/a")),
    (Role.RESTORER, stack("app")),
    (Role.RESTORER, stack("prod-friday")),
    (Role.RESTORER, parameter("/app/password:3")),
    (Role.DEPLOYER, deployed()),
    (Role.DEPLOYER, functions("ExecuteChangeSet", ChangeSetName="dr-0a1b")),
    (
        Role.DEPLOYER,
        functions("DeleteStack", "arn:aws:cloudformation:eu-central-1:123456789012:stack/dr-acme/1"),
    ),
    (Role.DEPLOYER, packed("PutObject", "dr-packages/acme/0123.zip")),
    (Role.DEPLOYER, packed("ListObjectsV2", "dr-packages/acme/")),
    (Role.DEPLOYER, packed("DeleteObject", "dr-staging/a")),
]
FORBIDDEN = {
    "capturer: a point in another installation's name": (Role.CAPTURER, born(OTHERS)),
    "capturer: a point of no slot": (Role.CAPTURER, born(without("dr:slot"))),
    "capturer: a point of no policy": (Role.CAPTURER, born(without("dr:policy"))),
    "capturer: a point without tags": (Role.CAPTURER, born({})),
    "capturer: a point in another Region": (Role.CAPTURER, born(IDENTITY, "us-east-1")),
    "capturer: the end of a point": (Role.CAPTURER, ended(IDENTITY)),
    "capturer: the end of a manifest": (Role.CAPTURER, s3("DeleteObject", "acme-store", "dr/stacks/a")),
    "capturer: a pin": (Role.CAPTURER, s3("PutObject", "acme-store", "dr/pins/a")),
    "capturer: another key": (Role.CAPTURER, signed("alias/other")),
    "capturer: a key by its id": (Role.CAPTURER, signed("6d2b0c6e-0000-4000-8000-000000000000")),
    "expirer: a signature": (Role.EXPIRER, signed("alias/dr-signing")),
    "restorer: a signature": (Role.RESTORER, signed("alias/dr-signing")),
    "capturer: another's prefix": (Role.CAPTURER, s3("PutObject", "acme-store", "other/stacks/a")),
    "expirer: another installation's point": (Role.EXPIRER, ended(OTHERS)),
    "expirer: a stranger's point": (Role.EXPIRER, ended({"Name": "precious"})),
    "expirer: a held point": (Role.EXPIRER, ended({**IDENTITY, "dr:hold": ""})),
    "expirer: a point in another Region": (Role.EXPIRER, ended(IDENTITY, "us-east-1")),
    "expirer: dr:managed on a stranger's": (
        Role.EXPIRER,
        tagged("CreateTags", {"dr:managed": "acme"}, of={}),
    ),
    "expirer: a new point": (Role.EXPIRER, born(IDENTITY)),
    "expirer: a stored template": (Role.EXPIRER, s3("PutObject", "acme-store", "dr/blobs/a")),
    "marker: dr:managed alone": (Role.MARKER, tagged("CreateTags", {"dr:managed": "acme"}, of={})),
    "marker: dr:managed on ours": (Role.MARKER, tagged("CreateTags", {"dr:managed": "another"})),
    "marker: a hold and more": (Role.MARKER, tagged("CreateTags", {"dr:hold": "", "dr:managed": "x"})),
    "marker: a hold on another's": (Role.MARKER, tagged("CreateTags", {"dr:hold": ""}, of=OTHERS)),
    "marker: a hold in another Region": (
        Role.MARKER,
        tagged("CreateTags", {"dr:hold": ""}, region="us-east-1"),
    ),
    "marker: every tag at once": (Role.MARKER, tagged("DeleteTags", {})),
    "marker: the end of a point": (Role.MARKER, ended(IDENTITY)),
    "reader: a write": (Role.READER, s3("PutObject", "acme-store", "dr/stacks/a")),
    "reader: another's prefix": (Role.READER, s3("GetObject", "acme-store", "other/a")),
    "reader: a prefix that begins alike": (Role.READER, s3("GetObject", "acme-store", "dr-other/a")),
    "reader: another bucket": (Role.READER, s3("GetObject", "acme-store-2", "dr/a")),
    "reader: a listing of another's": (Role.READER, s3("ListObjectsV2", "acme-store", "other/")),
    "reader: a secret": (Role.READER, parameter("/app/password")),
    "reader: another Region": (Role.READER, ec2("DescribeSnapshots", region="us-east-1")),
    "restorer: another stack": (Role.RESTORER, stack("billing")),
    "restorer: a name that begins alike": (Role.RESTORER, stack("app2")),
    "restorer: another role": (Role.RESTORER, stack("app", role=f"arn:aws:iam::{ACCOUNT}:role/admin")),
    "restorer: its own rights": (Role.RESTORER, stack("app", role=None)),
    "restorer: somebody's change set": (Role.RESTORER, stack("app", change_set="release-7")),
    "restorer: the end of a stack": (Role.RESTORER, call("cloudformation", "DeleteStack", StackName="app")),
    "restorer: another parameter": (Role.RESTORER, parameter("/app/password2")),
    "restorer: a stored manifest": (Role.RESTORER, s3("PutObject", "acme-store", "dr/stacks/a")),
    "deployer: another stack": (Role.DEPLOYER, deployed("billing")),
    "deployer: another installation's stack": (Role.DEPLOYER, deployed("dr-acme-2")),
    "deployer: its stack in another Region": (Role.DEPLOYER, deployed(region="eu-west-1")),
    "deployer: somebody's change set": (Role.DEPLOYER, deployed(change_set="release-7")),
    "deployer: the end of another stack": (Role.DEPLOYER, functions("DeleteStack", "app")),
    "deployer: another installation's package": (
        Role.DEPLOYER,
        packed("PutObject", "dr-packages/acme-2/0123.zip"),
    ),
    "deployer: a package elsewhere": (
        Role.DEPLOYER,
        packed("PutObject", "dr-packages/acme/0123.zip", bucket="acme-store"),
    ),
    "deployer: a stored template": (Role.DEPLOYER, packed("PutObject", "dr/blobs/a")),
    "deployer: the end of a stored stack": (Role.DEPLOYER, packed("DeleteObject", "dr/stacks/a")),
    "deployer: the end of a point": (Role.DEPLOYER, ended(IDENTITY)),
    "builder: a stack": (Role.BUILDER, deployed()),
    "waker: a stack": (Role.WAKER, deployed()),
    "restorer: a staged template of another's": (Role.RESTORER, s3("PutObject", "acme-staging", "site/a")),
}


def decisions(role: Role, made: Call, *beside):
    documents = [policy(role, place(DEPLOYED)), *beside]
    return [decide(documents, request) for request in asked(made)]


@pytest.mark.parametrize(("role", "made"), PERMITTED, ids=lambda one: getattr(one, "value", None))
def test_what_dr_does_is_allowed(role, made):
    assert [one for one in decisions(role, made) if not one.allowed] == []


@pytest.mark.parametrize(("role", "made"), FORBIDDEN.values(), ids=FORBIDDEN)
def test_what_a_thief_would_try_is_refused(role, made):
    assert [one for one in decisions(role, made) if not one.allowed] != []


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize(
    "made",
    [
        ended({**IDENTITY, "dr:hold": "x"}),
        tagged("DeleteTags", {}),
        tagged("CreateTags", {"dr:managed": "acme"}, of={}),
        tagged("CreateTags", {"Name": "x", "dr:slot": "20260329T010000Z"}),
        *(tagged("CreateTags", {f"{spelt}:managed": "acme"}, of={}) for spelt in ("DR", "Dr", "dR")),
    ],
    ids=["a held point", "all tags", "an identity", "a slot", "DR", "Dr", "dR"],
)
def test_a_policy_beside_ours_does_not_open_what_is_closed(role, made):
    assert not all(one.allowed for one in decisions(role, made, ADMIN))


def test_whoever_expires_cannot_lift_a_hold_even_with_a_policy_beside_ours():
    lifted = tagged("DeleteTags", {"dr:hold": ""})

    assert not all(one.allowed for one in decisions(Role.EXPIRER, lifted, ADMIN))
    assert all(one.allowed for one in decisions(Role.MARKER, lifted))


CLOSED = {
    "ec2:UnlockSnapshot": "arn:aws:ec2:eu-west-1::snapshot/snap-1",
    "ec2:ModifySnapshotAttribute": "arn:aws:ec2:eu-west-1::snapshot/snap-1",
    "ec2:ModifyImageAttribute": "arn:aws:ec2:eu-west-1::image/ami-1",
    "rbin:DeleteRule": f"arn:aws:rbin:eu-west-1:{ACCOUNT}:rule/r",
    "kms:ScheduleKeyDeletion": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k",
    "s3:DeleteObjectVersion": "arn:aws:s3:::acme-store/dr/stacks/a",
    "s3:BypassGovernanceRetention": "arn:aws:s3:::acme-replica/dr/stacks/a",
    "s3:PutBucketPolicy": "arn:aws:s3:::acme-store",
    "s3:PutBucketVersioning": "arn:aws:s3:::acme-store",
    "s3:PutBucketPublicAccessBlock": "arn:aws:s3:::acme-store",
    "s3:PutReplicationConfiguration": "arn:aws:s3:::acme-store",
    "s3:DeleteBucket": "arn:aws:s3:::acme-replica",
    "kms:PutKeyPolicy": f"arn:aws:kms:eu-west-1:{ACCOUNT}:key/k",
    "kms:UpdateAlias": f"arn:aws:kms:eu-west-1:{ACCOUNT}:alias/dr-signing",
}


@pytest.mark.parametrize("role", Role)
@pytest.mark.parametrize("action", CLOSED)
def test_protections_stay_even_with_a_policy_beside_ours(role, action):
    request = Request(action=action, resource=CLOSED[action])

    assert decide([ADMIN], request).allowed
    assert not decide([policy(role, place(DEPLOYED)), ADMIN], request).allowed


def test_a_star_in_a_prefix_opens_nothing_else():
    document = policy(Role.READER, place(FULL.replace("acme-store/dr", "acme-store/d*")))

    def allowed(key: str) -> bool:
        return all(
            decide([document], request).allowed for request in asked(s3("GetObject", "acme-store", key))
        )

    assert (allowed("d*/stacks/a"), allowed("dx/stacks/a")) == (True, False)


def test_a_role_is_passed_to_cloudformation_only():
    request = Request(
        action="iam:PassRole", resource=ROLE, context={"iam:PassedToService": "ec2.amazonaws.com"}
    )
    document = policy(Role.RESTORER, place())

    assert not decide([document], request).allowed
    to_cloudformation = {"iam:PassedToService": "cloudformation.amazonaws.com"}
    assert decide([document], replace(request, context=to_cloudformation)).allowed
