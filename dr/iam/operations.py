"""The table: every API operation that dr makes -> who makes it, which IAM actions it needs, and what each reaches.

An operation is botocore's, as `aws` and `store` call it. What AWS checks besides (the rights of the caller that
CloudFormation uses, the key of a bucket) stands with the operation that brings it about. STS answers
GetCallerIdentity without any permission.
"""

from __future__ import annotations

from dataclasses import dataclass

from dr import layout
from dr.iam import deploying, reach
from dr.iam.building import AROUND, BUILT
from dr.iam.place import Role
from dr.iam.reach import Reaching

_READER, _CAPTURER, _EXPIRER, _RESTORER = Role.READER, Role.CAPTURER, Role.EXPIRER, Role.RESTORER
_DEPLOYER = Role.DEPLOYER
_TICK = (_CAPTURER, _EXPIRER)
_PLANNING = (_READER, *_TICK, _RESTORER)

MAY = {
    Role.READER: "look: dr plan, status, points, stacks",
    Role.CAPTURER: "take points and store stacks: dr apply, as far as nothing expires",
    Role.EXPIRER: "end points that no rule claims: dr apply, together with capturer",
    Role.MARKER: "give a person's word: dr freeze, thaw; and the marks dr:hold, dr:expires-at and dr:consistency, which no "
    "command writes yet",
    Role.RESTORER: "bring stacks back, and see what would not come back: dr restore, verify",
    Role.DEPLOYER: "deploy the functions: dr deploy, undeploy, together with builder and waker",
    Role.BUILDER: "let CloudFormation make the functions and their rights: together with deployer",
    Role.WAKER: "let CloudFormation make what wakes the functions and tells of them: together with deployer",
}
"""What each role is for, in the words of `dr iam`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Need:
    """An IAM action, whose it is, and what it reaches."""

    action: str
    roles: tuple[Role, ...]
    reach: Reaching


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """An API operation under botocore's names."""

    service: str
    name: str
    needs: tuple[Need, ...] = ()


def _need(action: str, reaching: Reaching, *roles: Role) -> Need:
    return Need(action=action, roles=roles, reach=reaching)


def _plain(service: str, name: str, reaching: Reaching, *roles: Role) -> Operation:
    """An operation that needs the one action of its own name."""
    return Operation(service=service, name=name, needs=(_need(f"{service}:{name}", reaching, *roles),))


def _of_stacks(name: str, restored: Reaching) -> Operation:
    """What the restorer does to its stacks, and the deployer to the one of the functions."""
    action = f"cloudformation:{name}"
    needs = (_need(action, restored, _RESTORER), _need(action, deploying.own_stack, _DEPLOYER))
    return Operation(service="cloudformation", name=name, needs=needs)


def _built(table: dict[Reaching, tuple[str, ...]], role: Role) -> tuple[Need, ...]:
    """What CloudFormation does with the rights of its caller."""
    return tuple(_need(action, reaching, role) for reaching, actions in table.items() for action in actions)


_TICK_RECORDS = (layout.APPLIED, layout.LEASES, layout.ORPHANS, layout.SHARDS)
_WRITTEN = {
    _CAPTURER: (layout.ALTERED, layout.BLOBS, layout.CLAIM, layout.MANIFESTS, *_TICK_RECORDS),
    _EXPIRER: (layout.CLAIM, *_TICK_RECORDS),
    Role.MARKER: (layout.WORDS,),
    _RESTORER: (layout.JOURNALS, layout.LEASES, layout.PINS),
}
"""What each role writes in the store."""
_CLEARED = {
    _CAPTURER: (layout.LEASES,),
    _EXPIRER: (layout.BLOBS, layout.LEASES, layout.MANIFESTS),
    _RESTORER: (layout.LEASES, layout.PINS),
}
"""What each role deletes in the store."""

OPERATIONS = (
    # --- look ---
    _plain("ec2", "DescribeImages", reach.looking, *_PLANNING, Role.MARKER),
    _plain("ec2", "DescribeInstances", reach.looking, *_PLANNING),
    _plain("ec2", "DescribeLockedSnapshots", reach.looking, *_PLANNING),
    _plain("ec2", "DescribeRegions", reach.looking, _READER, *_TICK),
    _plain("ec2", "DescribeSnapshots", reach.looking, *_PLANNING, Role.MARKER),
    _plain("ec2", "DescribeVolumes", reach.looking, *_PLANNING),
    Operation(
        service="cloudformation",
        name="DescribeStacks",
        needs=(
            _need("cloudformation:DescribeStacks", reach.looking, *_PLANNING),
            _need("cloudformation:DescribeStacks", deploying.own_stack, _DEPLOYER),
        ),
    ),
    Operation(service="sts", name="GetCallerIdentity"),
    # --- people ---
    _plain("sns", "Publish", reach.topics, _CAPTURER),
    # --- other accounts ---
    _plain("sts", "AssumeRole", reach.members, *_PLANNING),
    _plain("organizations", "DescribeAccount", reach.accounts_asked, *_TICK),
    _plain("organizations", "ListParents", reach.parents_listed, *_TICK),
    _plain("organizations", "DescribeOrganization", reach.organization, _DEPLOYER),
    _plain("organizations", "ListAccounts", reach.accounts_listed, *_PLANNING, _DEPLOYER),
    _plain("organizations", "ListAccountsForParent", reach.units_listed, *_PLANNING, _DEPLOYER),
    _plain("organizations", "ListOrganizationalUnitsForParent", reach.units_listed, *_PLANNING, _DEPLOYER),
    _plain("organizations", "ListTagsForResource", reach.account_tags, *_PLANNING, _DEPLOYER),
    # --- capture ---
    Operation(
        service="ec2",
        name="CreateSnapshot",
        needs=(
            _need("ec2:CreateSnapshot", reach.sources, _CAPTURER),
            _need("ec2:CreateSnapshot", reach.made, _CAPTURER),
            _need("ec2:CreateTags", reach.tagged_at_birth, _CAPTURER),
        ),
    ),
    Operation(
        service="ec2",
        name="CreateImage",
        needs=(
            _need("ec2:CreateImage", reach.sources, _CAPTURER),
            _need("ec2:CreateImage", reach.made, _CAPTURER),
            _need("ec2:CreateTags", reach.tagged_at_birth, _CAPTURER),
        ),
    ),
    _plain("cloudformation", "GetStackPolicy", reach.stacks_read, _CAPTURER),
    Operation(
        service="cloudformation",
        name="GetTemplate",
        needs=(
            _need("cloudformation:GetTemplate", reach.stacks_read, _CAPTURER),
            _need("cloudformation:GetTemplate", deploying.own_stack, _DEPLOYER),
        ),
    ),
    _plain("cloudformation", "ListStackResources", reach.stacks_read, _CAPTURER, _RESTORER),
    _plain("autoscaling", "DescribeAutoScalingGroups", reach.looking, _CAPTURER),
    # --- expire ---
    _plain("ec2", "DeleteSnapshot", reach.ended, _EXPIRER),
    _plain("ec2", "DeregisterImage", reach.ended, _EXPIRER),
    # --- restore ---
    Operation(
        service="cloudformation",
        name="CreateChangeSet",
        needs=(
            _need("cloudformation:CreateChangeSet", reach.stacks_made, _RESTORER),
            _need("cloudformation:TagResource", reach.stacks_tagged, _RESTORER),
            _need("iam:PassRole", reach.passed_roles, _RESTORER),
            _need("s3:GetObject", reach.staged, _RESTORER),
            _need("kms:Decrypt", reach.store_and_staging_key, _RESTORER),
            _need("cloudformation:CreateChangeSet", deploying.own_stack, _DEPLOYER),
            _need("cloudformation:TagResource", deploying.own_stack, _DEPLOYER),
            _need("s3:GetObject", deploying.packages, _DEPLOYER),
            _need("kms:Decrypt", deploying.packages_key, _DEPLOYER),
        ),
    ),
    _of_stacks("DescribeChangeSet", reach.stacks_made),
    _of_stacks("DescribeStackEvents", reach.stacks_read),
    Operation(
        service="cloudformation",
        name="ExecuteChangeSet",
        needs=(
            _need("cloudformation:ExecuteChangeSet", reach.stacks_made, _RESTORER),
            _need("cloudformation:ExecuteChangeSet", deploying.own_stack, _DEPLOYER),
            *_built(BUILT, Role.BUILDER),
            *_built(AROUND, Role.WAKER),
        ),
    ),
    _plain("cloudformation", "GetTemplateSummary", reach.looking, _RESTORER),
    _plain("cloudformation", "ListExports", reach.looking, _RESTORER),
    _plain("cloudformation", "SetStackPolicy", reach.stacks_made, _RESTORER),
    _plain("cloudformation", "UpdateTerminationProtection", reach.stacks_made, _RESTORER),
    # --- deploy ---
    _plain("cloudformation", "DeleteChangeSet", deploying.own_stack, _DEPLOYER),
    _plain("cloudformation", "ListChangeSets", deploying.own_stack, _DEPLOYER),
    _plain("cloudformation", "DeleteStack", deploying.own_stack, _DEPLOYER),
    Operation(
        service="s3", name="HeadBucket", needs=(_need("s3:ListBucket", deploying.packages_listed, _DEPLOYER),)
    ),
    # --- parameters ---
    Operation(
        service="ssm",
        name="GetParameter",
        needs=(
            _need("ssm:GetParameter", reach.parameters, _RESTORER),
            _need("kms:Decrypt", reach.parameters_key, _RESTORER),
        ),
    ),
    # --- the store ---
    Operation(
        service="s3",
        name="GetObject",
        needs=(
            _need("s3:GetObject", reach.store_read, *_PLANNING, Role.MARKER),
            _need("kms:Decrypt", reach.store_key, _READER, *_TICK, Role.MARKER),
            _need("kms:Decrypt", reach.store_and_staging_key, _RESTORER),
        ),
    ),
    Operation(
        service="s3",
        name="ListObjectsV2",
        needs=(
            _need("s3:ListBucket", reach.store_listed, *_PLANNING, Role.MARKER),
            _need("s3:ListBucket", deploying.packages_listed, _DEPLOYER),
        ),
    ),
    Operation(
        service="s3",
        name="PutObject",
        needs=(
            *(_need("s3:PutObject", reach.store_written(*keys), role) for role, keys in _WRITTEN.items()),
            _need("s3:PutObject", reach.notices_written, _CAPTURER),
            _need("kms:GenerateDataKey", reach.store_key, *_TICK, Role.MARKER),
            _need("s3:PutObject", reach.staged, _RESTORER),
            _need("kms:GenerateDataKey", reach.store_and_staging_key, _RESTORER),
            _need("s3:PutObject", deploying.packages, _DEPLOYER),
            _need("kms:GenerateDataKey", deploying.packages_key, _DEPLOYER),
        ),
    ),
    Operation(
        service="s3",
        name="DeleteObject",
        needs=(
            *(_need("s3:DeleteObject", reach.store_cleared(*keys), role) for role, keys in _CLEARED.items()),
            _need("s3:DeleteObject", deploying.packages, _DEPLOYER),
        ),
    ),
    # --- signing ---
    _plain("kms", "Sign", reach.signing_key, _CAPTURER),
)

AHEAD = (
    _need("ec2:CreateTags", reach.marked, Role.MARKER),
    _need("ec2:DeleteTags", reach.marked, Role.MARKER),
)
"""What a role is for that no command does yet: nothing in `aws` makes these calls."""

NEEDS = (*(need for operation in OPERATIONS for need in operation.needs), *AHEAD)
"""Every need there is."""
