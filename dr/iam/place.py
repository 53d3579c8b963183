"""One installation, as far as IAM has to know it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum

from dr.config import Accounts, Config, Organization, SsmParameter, StoreLocation
from dr.errors import UsageError
from dr.regions import partition

UNKNOWN_ACCOUNT = "*"
"""In an ARN: any account. Credentials of one account reach no snapshot, stack or role of another by it."""


class Role(Enum):
    """Who does what with one installation; the value is its name at the prompt."""

    READER = "reader"
    CAPTURER = "capturer"
    EXPIRER = "expirer"
    MARKER = "marker"
    RESTORER = "restorer"
    DEPLOYER = "deployer"
    BUILDER = "builder"
    WAKER = "waker"


DEPLOYING = (Role.DEPLOYER, Role.BUILDER, Role.WAKER)
"""Who deploys the functions: one who does it has all three documents, none is too long for IAM."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilt:
    """What a restorer may create: stacks of these names (`*` and `?` as in IAM), under these service roles."""

    stacks: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where one installation lives. `stores` and `staging` are the buckets only: a directory needs no IAM.

    `members` are the roles of other accounts that dr takes on: ARNs, with `*` for an account that dr.yaml does not name.
    `signing` is the KMS key that signs manifests, as dr.yaml names it, empty for none; `signing_region` where it is
    looked up when it is no ARN. `asks` is what an Organization is asked for: accounts or units, and tags. `topics` are those
    that people have subscribed; `tells`: who works there tells people, as daemons do and functions do not. `home` is the Region of
    the functions, empty when dr.yaml deploys none; their packages lie in its bucket of `staging`.
    """

    installation: str
    account: str
    regions: tuple[str, ...]
    stores: tuple[StoreLocation, ...] = ()
    staging: Mapping[str, str]
    parameters: tuple[str, ...] = ()
    signing: str = ""
    signing_region: str = ""
    members: tuple[str, ...] = ()
    asks: tuple[str, ...] = ()
    topics: tuple[str, ...] = ()
    tells: bool = True
    home: str = ""
    rebuilt: Rebuilt = Rebuilt()

    @property
    def partition(self) -> str:
        """`aws`, or that of China or GovCloud."""
        return partition(self.regions[0])

    def service(self, name: str) -> str:
        """A service's host in any Region, as `kms:ViaService` has it."""
        suffix = "amazonaws.com.cn" if self.partition == "aws-cn" else "amazonaws.com"
        return f"{name}.*.{suffix}"

    def arn(self, service: str, resource: str, *, region: str = "*", account: str | None = None) -> str:
        """An ARN; of this account unless another, or none, is given."""
        owner = self.account if account is None else account
        return f"arn:{self.partition}:{service}:{region}:{owner}:{resource}"


def place_of(config: Config, account: str, regions: frozenset[str], rebuilt: Rebuilt) -> Place:
    """Read an installation off its dr.yaml; `regions` are those of dr.yaml and of the policies.

    Raises `UsageError` when there is none: a policy that is bound to no Region would allow all of them.
    """
    if not regions:
        raise UsageError("no Region is named", "name one in dr.yaml: regions: [eu-west-1]")
    stores = tuple(s for s in (config.primary, config.replica) if s is not None and s.bucket)
    own = {s.region: s.bucket for s in reversed(stores) if s.region and s.bucket}
    names = {value.name for value in config.parameters.values() if isinstance(value, SsmParameter)}
    return Place(
        installation=config.name,
        account=account,
        regions=tuple(sorted(regions)),
        stores=stores,
        staging={**own, **config.staging_bucket},
        parameters=tuple(sorted(names)),
        signing=config.signing.key if config.signing else "",
        signing_region=config.regions[0] if config.regions else "",
        members=_members(config.accounts, partition(min(regions))),
        asks=_asks(config.accounts),
        topics=tuple(sorted(one.address for one in config.notify if one.way == "sns" and one.address)),
        home=config.deploy.region if config.deploy else "",
        rebuilt=rebuilt,
    )


def _members(accounts: Accounts, where: str) -> tuple[str, ...]:
    if isinstance(accounts, Organization):
        return (role_arn(where, UNKNOWN_ACCOUNT, accounts.role),)
    return tuple(sorted(role_arn(where, one.id, one.role) for one in accounts if one.role))


def _asks(accounts: Accounts) -> tuple[str, ...]:
    if not isinstance(accounts, Organization):
        return ()
    return ("units" if accounts.units else "accounts", *(("tags",) if accounts.tags else ()))


def role_arn(where: str, account: str, role: str) -> str:
    """The ARN of a role without a path in an account of the partition `where`."""
    return f"arn:{where}:iam::{account}:role/{role}"
