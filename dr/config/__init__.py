"""dr.yaml -> Config: what the policies of one installation share (DESIGN 4).

    bytes --documents.read--> Document --here--> Config, or faults with their places

`stores` reads where things are kept, `accounts` whose they are, `deploying` where functions run, `notifying` who is told, `rebuilding` what a restore needs to know, `signing` who vouches for manifests.

Paths in it are relative to its own folder, so that dr does the same from wherever it is started.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePath

from dr.config.accounts import Account, Accounts, Organization, accounts
from dr.config.deploying import Deploying, deploying
from dr.config.notifying import Target, notifying
from dr.config.rebuilding import Rebuilding, SsmParameter, rebuilding
from dr.config.signing import SigningKeys, public_key, signing
from dr.config.stores import StoreLocation, Stores, path, staging, stores
from dr.documents import read_bytes
from dr.documents.domain import name, regions
from dr.documents.faults import Faults
from dr.documents.fields import Field, Shape, given, mapping, root
from dr.errors import InvalidDocuments, Problem

__all__ = [
    "Account",
    "Accounts",
    "CheckedConfig",
    "Config",
    "Deploying",
    "Organization",
    "SigningKeys",
    "SsmParameter",
    "StoreLocation",
    "Target",
    "check_config",
    "parse_config",
    "public_key",
]

_POLICIES = "policies"

_CONFIG = Shape(
    keys=(
        "name",
        "policies",
        "regions",
        "store",
        "accounts",
        "staging_bucket",
        "signing",
        "restore",
        "deploy",
        "notify",
    ),
    required={
        "name": "name this installation; every point that it takes bears the name, such as acme",
        "store": "say where stacks are kept: {primary: {url: store/}}, or {url: 's3://bucket/prefix', region: eu-west-1}",
    },
)
_NO_STORES: Stores = (None, None)
_NO_BUCKETS: Mapping[str, str] = {}
_OWN: Accounts = ()
_NOWHERE: Deploying | None = None
_NOBODY: tuple[Target, ...] = ()
_NO_SIGNING: SigningKeys | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Config:
    """One installation. `digest` is the SHA-256 of dr.yaml as it was written; a plan is bound to it.

    `accounts` is empty where only the account of dr's own credentials is protected.
    """

    name: str
    policies_dir: str
    regions: tuple[str, ...]
    primary: StoreLocation
    replica: StoreLocation | None = None
    accounts: Accounts = ()
    staging_bucket: Mapping[str, str] = field(default_factory=dict)
    signing: SigningKeys | None = None
    parameters: Mapping[str, str | SsmParameter] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)
    deploy: Deploying | None = None
    notify: tuple[Target, ...] = ()
    file: str = ""
    digest: str = ""

    def staging_in(self, region: str) -> str | None:
        """Where templates and packages lie for AWS to read in a Region: its staging bucket, else the store's own there (DESIGN 4)."""
        stores = [location for location in (self.primary, self.replica) if location is not None]
        own = (store.bucket for store in stores if store.bucket and store.region == region)
        return self.staging_bucket.get(region) or next(own, None)


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckedConfig:
    """What dr.yaml came to. `config` is None where there are problems; policies can be checked all the same.

    `policies_dir` and `regions` are for that; `regions` is None where nothing is known of them.
    """

    config: Config | None
    policies_dir: str
    regions: tuple[str, ...] | None
    problems: tuple[Problem, ...]


def check_config(data: bytes, file: str, folder: str = "") -> CheckedConfig:
    """Read dr.yaml; never raises for what it holds.

    Paths are joined to `folder`, by default that of `file`: give one of the two as an absolute path.
    """
    document = read_bytes(data, file)
    faults = Faults(document)
    top = root(document, faults)
    fields = None if top is None else mapping(top, _CONFIG)
    base = PurePath(folder) if folder else PurePath(file).parent
    config = _config(fields or {}, file, base, hashlib.sha256(data).hexdigest())
    if fields is not None and not faults:
        _require_region(fields, config)
    unknown = fields is None or ("regions" in fields and not config.regions)
    return CheckedConfig(
        config=None if faults else config,
        policies_dir=config.policies_dir,
        regions=None if unknown else config.regions,
        problems=faults.problems,
    )


def _require_region(fields: Mapping[str, Field], config: Config) -> None:
    """A signing key that is no ARN is looked up in the first Region of dr.yaml, whichever machine asks."""
    if config.signing and not (config.signing.region or config.regions):
        fields["signing"].fault(
            "its key is named by an alias or id, and no Region says where it is: add `regions`, or write its ARN"
        )


def parse_config(text: str, file: str, folder: str = "") -> Config:
    """As `check_config`; raises InvalidDocuments with every fault there is."""
    checked = check_config(text.encode("utf-8", "surrogatepass"), file, folder)
    if checked.config is None:
        raise InvalidDocuments(checked.problems)
    return checked.config


def _config(fields: Mapping[str, Field], file: str, base: PurePath, digest: str) -> Config:
    """The configuration, with a stand-in for whatever is missing or wrong: that is noted in the faults."""
    primary, replica = given(fields, "store", partial(stores, base=base), _NO_STORES)
    rebuild = given(fields, "restore", rebuilding, Rebuilding())
    return Config(
        name=given(fields, "name", name, ""),
        policies_dir=given(fields, "policies", partial(path, base=base), str(base / _POLICIES)),
        regions=given(fields, "regions", regions, ()),
        primary=primary or StoreLocation(url=""),
        replica=replica,
        accounts=given(fields, "accounts", accounts, _OWN),
        staging_bucket=given(fields, "staging_bucket", staging, _NO_BUCKETS),
        signing=given(fields, "signing", partial(signing, base=base), _NO_SIGNING),
        parameters=rebuild.parameters,
        image_for=rebuild.image_for,
        deploy=given(fields, "deploy", deploying, _NOWHERE),
        notify=given(fields, "notify", notifying, _NOBODY),
        file=file,
        digest=digest,
    )
