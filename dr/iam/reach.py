"""What an action is allowed on: resources and conditions, as narrow as AWS's authorization reference lets them be.

EC2 and CloudFormation are held to the installation's Regions by `aws:RequestedRegion`; an S3 bucket by its name.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from dr import layout
from dr.config import StoreLocation
from dr.iam.place import UNKNOWN_ACCOUNT, Place

Condition = Mapping[str, Mapping[str, str | list[str]]]
"""A policy document's `Condition`: operator -> key -> value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """One statement short of its actions. Without resources there is nothing to allow, and no statement."""

    sid: str
    resources: tuple[str, ...]
    condition: Condition = field(default_factory=dict)


Reaching = Callable[[Place], Reach]

CREATES = ("CreateImage", "CreateSnapshot")
"""The calls that give a point its tags as it is born: values of `ec2:CreateAction`."""


# --- EC2 ------------------------------------------------------------------------------------------------------------


def looking(place: Place) -> Reach:
    """Listings know no resource. Source: Service Authorization Reference, EC2 and CloudFormation."""
    return Reach(sid="Look", resources=("*",), condition=_in_regions(place))


def points(place: Place) -> tuple[str, ...]:
    """Snapshots and images: their ARNs name no account."""
    return tuple(place.arn("ec2", kind, account="") for kind in ("image/*", "snapshot/*"))


def sources(place: Place) -> Reach:
    """What points are taken of."""
    found = tuple(place.arn("ec2", kind) for kind in ("instance/*", "volume/*"))
    return Reach(sid="TakeOfSources", resources=found, condition=_in_regions(place))


def made(place: Place) -> Reach:
    """The points that a create call makes: only with the identity of this installation on them."""
    condition: Condition = {
        "StringEquals": {
            f"aws:RequestTag/{layout.MANAGED}": place.installation,
            "aws:RequestedRegion": list(place.regions),
        },
        "Null": {f"aws:RequestTag/{key}": "false" for key in (layout.POLICY, layout.SLOT)},
    }
    return Reach(sid="MakeOwnPoints", resources=points(place), condition=condition)


def tagged_at_birth(place: Place) -> Reach:
    """Tags of points in the create call itself, and never afterwards: else "tag, then delete" would be allowed."""
    condition: Condition = {
        "StringEquals": {
            "ec2:CreateAction": list(CREATES),
            f"aws:RequestTag/{layout.MANAGED}": place.installation,
            "aws:RequestedRegion": list(place.regions),
        }
    }
    return Reach(sid="TagAtBirth", resources=points(place), condition=condition)


def ended(place: Place) -> Reach:
    """Points of this installation."""
    equals = {**_ours(place), "aws:RequestedRegion": list(place.regions)}
    return Reach(sid="EndOwnPoints", resources=points(place), condition={"StringEquals": equals})


def marked(place: Place) -> Reach:
    """Marks on points of this installation; a call that names no tag would mean all of them."""
    condition: Condition = {
        "StringEquals": {**_ours(place), "aws:RequestedRegion": list(place.regions)},
        "ForAllValues:StringEquals": {"aws:TagKeys": list(layout.MARKS)},
        "Null": {"aws:TagKeys": "false"},
    }
    return Reach(sid="MarkOwnPoints", resources=points(place), condition=condition)


def _ours(place: Place) -> dict[str, str | list[str]]:
    return {f"aws:ResourceTag/{layout.MANAGED}": place.installation}


def _in_regions(place: Place) -> Condition:
    return {"StringEquals": {"aws:RequestedRegion": list(place.regions)}}


# --- CloudFormation -------------------------------------------------------------------------------------------------


def stacks_read(place: Place) -> Reach:
    """Any stack: policies select by tags too, and the names of nested ones are CloudFormation's."""
    return Reach(sid="ReadStacks", resources=any_stack(place), condition=_in_regions(place))


def stacks_made(place: Place) -> Reach:
    """Stacks that may be restored."""
    names = tuple(place.arn("cloudformation", f"stack/{name}/*") for name in place.rebuilt.stacks)
    return Reach(sid="MakeStacks", resources=names, condition=_in_regions(place))


def stacks_tagged(place: Place) -> Reach:
    """The tags that the lost stack had, in the call that creates it; which stack, is that call's matter."""
    condition: Condition = {
        "StringEquals": {
            "cloudformation:CreateAction": "CreateChangeSet",
            "aws:RequestedRegion": list(place.regions),
        }
    }
    return Reach(sid="TagStacksAtBirth", resources=any_stack(place), condition=condition)


def any_stack(place: Place) -> tuple[str, ...]:
    """Every stack of the account."""
    return (place.arn("cloudformation", "stack/*"),)


def passed_roles(place: Place) -> Reach:
    """The given service roles, to CloudFormation and to nobody else."""
    condition: Condition = {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}}
    return Reach(sid="PassStackRoles", resources=place.rebuilt.roles, condition=condition)


# --- other accounts -------------------------------------------------------------------------------------------------


def members(place: Place) -> Reach:
    """The roles that other accounts have for dr, by their name where an Organization says which accounts they are."""
    return Reach(sid="TakeOnMembers", resources=place.members)


def accounts_listed(place: Place) -> Reach:
    """All accounts of the Organization, where dr.yaml has its accounts from there and asks for all."""
    return Reach(sid="ListAccounts", resources=("*",) if "accounts" in place.asks else ())


def units_listed(place: Place) -> Reach:
    """The accounts of units, and the units below: theirs are ids that dr.yaml need not name."""
    return _asked(place, "units", "ListUnits", "ou", "root")


def account_tags(place: Place) -> Reach:
    """The tags of accounts, where dr.yaml chooses by them."""
    return _asked(place, "tags", "AccountTags", "account")


def _asked(place: Place, what: str, sid: str, *kinds: str) -> Reach:
    return _from_organization(sid, place, kinds if what in place.asks else ())


def _from_organization(sid: str, place: Place, kinds: tuple[str, ...]) -> Reach:
    """Whose account manages the Organization, dr.yaml does not say.

    Source: Service Authorization Reference, Organizations, resource types.
    """
    arns = (place.arn("organizations", f"{kind}/o-*", region="", account=UNKNOWN_ACCOUNT) for kind in kinds)
    return Reach(sid=sid, resources=tuple(arns))


def organization(place: Place) -> Reach:
    """Which Organization it is."""
    return Reach(sid="DescribeOrganization", resources=("*",) if place.asks and place.home else ())


def accounts_asked(place: Place) -> Reach:
    """Each account by itself: a tick of one asks about that one alone."""
    return _from_organization("DescribeAccounts", place, ("account",) if place.asks else ())


def parents_listed(place: Place) -> Reach:
    """The units above an account, where dr.yaml chooses by units."""
    return _asked(place, "units", "ListParents", "account", "ou")


# --- people ------------------------------------------------------------------------------------------------------------


def topics(place: Place) -> Reach:
    """The topics that dr.yaml names; who encrypts one lets its readers use the key."""
    return Reach(sid="TellPeople", resources=place.topics)


# --- Systems Manager ------------------------------------------------------------------------------------------------


def parameters(place: Place) -> Reach:
    """The parameters that dr.yaml names."""
    return Reach(sid="ReadParameters", resources=_parameters(place), condition=_in_regions(place))


def parameters_key(place: Place) -> Reach:
    """The keys of those that are SecureStrings, through Systems Manager only."""
    condition: Condition = {
        **_in_regions(place),
        "StringLike": {
            "kms:ViaService": place.service("ssm"),
            "kms:EncryptionContext:PARAMETER_ARN": list(_parameters(place)),
        },
    }
    keys = (place.arn("kms", "key/*"),) if place.parameters else ()
    return Reach(sid="DecryptParameters", resources=keys, condition=condition)


def _parameters(place: Place) -> tuple[str, ...]:
    """A version or label is no part of the ARN; a name's own slash is its separator."""
    names = sorted({name.partition(":")[0].lstrip("/") for name in place.parameters})
    return tuple(place.arn("ssm", f"parameter/{name}") for name in names)


# --- signing --------------------------------------------------------------------------------------------------------


def signing_key(place: Place) -> Reach:
    """The key that signs manifests; where dr.yaml names an alias, whichever key is called by it.

    An ARN says itself in which account and Region it lies: a signing key belongs elsewhere than what it vouches for.
    Anything else is looked up in the first Region of dr.yaml, and an alias of the same name elsewhere signs nothing.
    Source: KMS developer guide, Condition keys, kms:RequestAlias: the alias that the request names its key by.
    """
    before, _, name = place.signing.rpartition(":")
    home = before or place.arn("kms", "", region=place.signing_region).removesuffix(":")
    if name.startswith("alias/"):
        condition: Condition = {"StringEquals": {"kms:RequestAlias": name}}
        return Reach(sid="SignManifests", resources=(f"{home}:key/*",), condition=condition)
    keys = (f"{home}:key/{name.removeprefix('key/')}",) if name else ()
    return Reach(sid="SignManifests", resources=keys)


# --- the store ------------------------------------------------------------------------------------------------------


def store_read(place: Place) -> Reach:
    """Everything in the stores."""
    return Reach(sid="ReadStore", resources=objects(place, ""))


def store_listed(place: Place) -> Reach:
    """The stores' buckets, below the prefix.

    `IfExists`: S3 asks for s3:ListBucket, and names no prefix, to tell a missing object from a forbidden one. The price:
    a listing that names no prefix shows the keys of the whole bucket, so that a store belongs into one of its own.
    """
    prefixes = sorted({f"{_prefix(store)}/*" for store in place.stores if store.prefix})
    whole = any(not store.prefix for store in place.stores)
    condition: Condition = {} if whole else {"StringLikeIfExists": {"s3:prefix": prefixes}}
    return Reach(sid="ListStore", resources=_buckets(place), condition=condition)


def store_written(*keys: str) -> Reaching:
    """Objects whose keys begin so."""
    return lambda place: Reach(sid="WriteStore", resources=objects(place, *keys))


def notices_written(place: Place) -> Reach:
    """What people were told: the daemon's alone. Functions tell nobody, and one that was stolen must not keep people in the dark."""
    return Reach(sid="RememberTold", resources=objects(place, layout.NOTICES) if place.tells else ())


def store_cleared(*keys: str) -> Reaching:
    """Objects whose keys begin so, by delete markers."""
    return lambda place: Reach(sid="ClearStore", resources=objects(place, *keys))


def store_key(place: Place) -> Reach:
    """Whatever key the stores are encrypted under, through S3 only, and for these buckets only.

    The context is the bucket where it has a bucket key, else the object.
    Source: S3 user guide, Using server-side encryption with AWS KMS keys, Encryption context.
    """
    return key_of_buckets(place, (*_buckets(place), *objects(place, "")))


def store_and_staging_key(place: Place) -> Reach:
    """The same, and the keys of the staging buckets."""
    staging = (f"arn:{place.partition}:s3:::{name}" for name in _staging(place))
    return key_of_buckets(place, (*_buckets(place), *staging, *objects(place, ""), *_staged(place)))


def staged(place: Place) -> Reach:
    """Templates above CloudFormation's limit, which reads them with the rights of the caller."""
    return Reach(sid="StageTemplates", resources=_staged(place))


def objects(place: Place, *keys: str) -> tuple[str, ...]:
    """ARNs of the objects whose keys begin so, in each store; the claim is an object, the others are folders."""
    whole = [key if key == layout.CLAIM else f"{key}*" for key in keys]
    return tuple(f"{_inside(place, store)}/{key}" for store in place.stores for key in whole)


def _inside(place: Place, store: StoreLocation) -> str:
    return f"{_bucket(place, store)}/{_prefix(store)}".rstrip("/")


def _prefix(store: StoreLocation) -> str:
    """A prefix may hold a `*`, which IAM takes for itself only as `${*}`.

    Source: IAM user guide, IAM policy elements: Variables and tags, special characters.
    """
    return store.prefix.replace("*", "${*}")


def key_of_buckets(place: Place, contexts: tuple[str, ...]) -> Reach:
    """Whatever key these buckets and objects are encrypted under, through S3 only.

    A bucket is in one Region, and S3 asks the KMS of that one: who names the bucket has named the Region.
    """
    condition: Condition = {
        "StringLike": {
            "kms:ViaService": place.service("s3"),
            "kms:EncryptionContext:aws:s3:arn": list(dict.fromkeys(contexts)),
        }
    }
    keys = (place.arn("kms", "key/*"),) if contexts else ()
    return Reach(sid="UseKeys", resources=keys, condition=condition)


def _buckets(place: Place) -> tuple[str, ...]:
    return tuple(_bucket(place, store) for store in place.stores)


def _bucket(place: Place, store: StoreLocation) -> str:
    return f"arn:{place.partition}:s3:::{store.bucket}"


def _staging(place: Place) -> list[str]:
    return sorted(set(place.staging.values()))


def _staged(place: Place) -> tuple[str, ...]:
    return tuple(f"arn:{place.partition}:s3:::{name}/{layout.STAGING}*" for name in _staging(place))


def guarded(place: Place) -> tuple[str, ...]:
    """Buckets and objects of which nobody who runs dr may lift the protection."""
    staging = {f"arn:{place.partition}:s3:::{name}" for name in _staging(place)}
    return tuple(f"{arn}{rest}" for arn in sorted({*_buckets(place), *staging}) for rest in ("", "/*"))
