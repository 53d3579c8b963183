"""What is denied whatever else a role is allowed: another policy beside ours must not open what these close."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

from dr import layout
from dr.iam.deploying import CLOUDFORMATION
from dr.iam.place import Place, Role
from dr.iam.reach import CREATES, Condition, Reach, any_stack, guarded, points

_ALL = tuple(Role)
_UNLOCKS = ("ec2:ModifyImageAttribute", "ec2:ModifySnapshotAttribute", "ec2:UnlockSnapshot")
_KEPT = (
    "kms:DeleteAlias",
    "kms:DisableKey",
    "kms:UpdateAlias",
    "rbin:DeleteRule",
    "rbin:UnlockRule",
    "rbin:UpdateRule",
)
_ENDS = ("kms:PutKeyPolicy", "kms:ScheduleKeyDeletion")
_NO_WAKER = tuple(role for role in Role if role is not Role.WAKER)
_NO_MARKER = tuple(role for role in Role if role is not Role.MARKER)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Actions that are denied to these roles."""

    actions: tuple[str, ...]
    roles: tuple[Role, ...]
    reach: Callable[[Place], Reach]


def _held(place: Place) -> Reach:
    """A hold is a tag that is there, whatever its value."""
    condition: Condition = {"Null": {f"aws:ResourceTag/{layout.HOLD}": "false"}}
    return Reach(sid="NeverHeldPoints", resources=points(place), condition=condition)


def _identity(place: Place) -> Reach:
    """Tags of ours outside a create call: whoever could write them could make anything a point, and delete it.

    However it is spelt: to `aws:ResourceTag/dr:managed` a tag `DR:managed` is the same one, to `aws:TagKeys` it is not.
    Source: IAM user guide, Condition keys: the names of keys are not case-sensitive.
    """
    letters = product(*((letter.lower(), letter.upper()) for letter in layout.PREFIX.rstrip(":")))
    condition: Condition = {
        "ForAnyValue:StringLike": {"aws:TagKeys": [f"{''.join(each)}:*" for each in letters]},
        "StringNotEquals": {"ec2:CreateAction": list(CREATES)},
    }
    return Reach(sid="NeverTagAfterwards", resources=points(place), condition=condition)


def _other_tags(place: Place) -> Reach:
    condition: Condition = {"ForAnyValue:StringNotEquals": {"aws:TagKeys": list(layout.MARKS)}}
    return Reach(sid="NeverOtherTags", resources=points(place), condition=condition)


def _all_tags(place: Place) -> Reach:
    """DeleteTags that names no tag takes all of them. Source: EC2 API reference, DeleteTags."""
    condition: Condition = {"Null": {"aws:TagKeys": "true"}}
    return Reach(sid="NeverAllTags", resources=points(place), condition=condition)


def _changed(place: Place) -> Reach:
    """A snapshot that is shared has left the account; one without its tags is nobody's."""
    return Reach(sid="NeverUnlockShareOrUntag", resources=points(place))


def _keys(place: Place) -> Reach:
    """An alias that is given to another key lets that one sign: it takes rights on both."""
    kept = (place.arn("kms", "alias/*"), place.arn("kms", "key/*"), place.arn("rbin", "rule/*"))
    return Reach(sid="NeverEndKeysOrBins", resources=kept)


def _other_keys(place: Place) -> Reach:
    """By oneself. CloudFormation does it to the key of the one stack, and imports no other (`_imports`)."""
    condition: Condition = {"StringNotEquals": {"aws:CalledViaFirst": CLOUDFORMATION}}
    return Reach(sid="NeverEndOtherKeys", resources=(place.arn("kms", "key/*"),), condition=condition)


def _imports(place: Place) -> Reach:
    """What is there already comes into no stack. Source: CloudFormation user guide, Identity-based policy examples, imports."""
    condition: Condition = {"Null": {"cloudformation:ImportResourceTypes": "false"}}
    return Reach(sid="NeverImport", resources=any_stack(place), condition=condition)


def _buckets(place: Place) -> Reach:
    return Reach(sid="NeverUnguardTheStore", resources=guarded(place))


def _other_roles(place: Place) -> Reach:
    """Where service roles are given: under another one, or with one's own rights. A key that is absent differs too."""
    roles = place.rebuilt.roles
    condition: Condition = {"ArnNotEquals": {"cloudformation:RoleArn": list(roles)}}
    stacks = any_stack(place) if roles else ()
    return Reach(sid="NeverUnderOtherRoles", resources=stacks, condition=condition)


def _other_change_sets(place: Place) -> Reach:
    """Change sets that dr has not named."""
    condition: Condition = {"StringNotLike": {"cloudformation:ChangeSetName": f"{layout.CHANGE_SETS}*"}}
    return Reach(sid="NeverOtherChangeSets", resources=any_stack(place), condition=condition)


REFUSALS = (
    Refusal(actions=("ec2:DeleteSnapshot", "ec2:DeregisterImage"), roles=_ALL, reach=_held),
    Refusal(actions=("ec2:CreateTags",), roles=_NO_MARKER, reach=_identity),
    Refusal(actions=("ec2:CreateTags", "ec2:DeleteTags"), roles=(Role.MARKER,), reach=_other_tags),
    Refusal(actions=("ec2:DeleteTags",), roles=(Role.MARKER,), reach=_all_tags),
    Refusal(actions=_UNLOCKS, roles=(Role.MARKER,), reach=_changed),
    Refusal(actions=("ec2:DeleteTags", *_UNLOCKS), roles=_NO_MARKER, reach=_changed),
    Refusal(actions=("cloudformation:CreateChangeSet",), roles=(Role.RESTORER,), reach=_other_roles),
    Refusal(
        actions=("cloudformation:CreateChangeSet", "cloudformation:ExecuteChangeSet"),
        roles=(Role.RESTORER, Role.DEPLOYER),
        reach=_other_change_sets,
    ),
    Refusal(actions=(*_KEPT, *_ENDS), roles=_NO_WAKER, reach=_keys),
    Refusal(actions=_KEPT, roles=(Role.WAKER,), reach=_keys),
    Refusal(actions=_ENDS, roles=(Role.WAKER,), reach=_other_keys),
    Refusal(actions=("cloudformation:CreateChangeSet",), roles=(Role.DEPLOYER,), reach=_imports),
    Refusal(
        actions=(
            "s3:BypassGovernanceRetention",
            "s3:DeleteBucket*",
            "s3:DeleteObjectVersion",
            "s3:PutBucket*",
            "s3:PutEncryptionConfiguration",
            "s3:PutLifecycleConfiguration",
            "s3:PutObjectLegalHold",
            "s3:PutObjectRetention",
            "s3:PutReplicationConfiguration",
        ),
        roles=_ALL,
        reach=_buckets,
    ),
)
"""The explicit denials of FAILURES 4.1 and 4.2. Where all actions of a name are denied, a pattern says so: what AWS adds
under it later is denied too."""
