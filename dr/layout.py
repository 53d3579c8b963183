"""Every tag name and every store key that dr owns, and the names that derive from a slot (DESIGN 5).

Names are deterministic, so that doing it again is harmless: AWS refuses the second image of one name, and a
describe by the identity tags finds what an earlier run has made.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from dr import __version__
from dr.model import Lineage, Source

MANAGED = "dr:managed"
POLICY = "dr:policy"
SLOT = "dr:slot"
KIND = "dr:kind"
SOURCE = "dr:source"
SET = "dr:set"
VERSION = "dr:version"
STACK = "dr:stack"
LOGICAL_ID = "dr:logical-id"
COPY_OF = "dr:copy-of"
TIME = "dr:time"
HOLD = "dr:hold"
EXPIRES_AT = "dr:expires-at"
CONSISTENCY = "dr:consistency"
MARKS = (HOLD, EXPIRES_AT, CONSISTENCY)
"""What may come and go after a point was taken, by a role that may write only these (DESIGN 5)."""

KIND_IMAGE_PART = "image-part"

_IDENTITY = (MANAGED, POLICY, SLOT, KIND, SOURCE, VERSION)
"""What every point carries."""
PREFIX = "dr:"
"""Of every tag of ours."""
_SLOT_FORMAT = "%Y%m%dT%H%M%SZ"
_TAGS_AT_MOST = 50
"""Source: EC2 user guide, Tag restrictions: 50 tags a resource."""
_TAGS_FREE = 5
"""Places that stay free for marks and people (DESIGN 5)."""


def slot_text(slot: datetime) -> str:
    """`20260329T010000Z`."""
    return slot.astimezone(UTC).strftime(_SLOT_FORMAT)


@lru_cache(maxsize=1 << 16)
def parse_slot(text: str) -> datetime | None:
    """The slot that a tag names, None when it is not one."""
    try:
        return datetime.strptime(text, _SLOT_FORMAT).replace(tzinfo=UTC)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """Who a snapshot or an image is, read from its tags. `kind` is snapshot, image or image-part."""

    policy: str
    slot: datetime
    source: str
    kind: str


def identity(tags: Mapping[str, str], installation: str, volume: str | None = None) -> Identity | None:
    """Read what a raw snapshot or image is to us; None means foreign: never counted, never touched.

    A member of a multi-volume set carries `dr:set` instead of `dr:source`: its source is its own `volume`.
    """
    if tags.get(MANAGED) != installation:
        return None
    slot = parse_slot(tags.get(SLOT, ""))
    source = tags.get(SOURCE) or (volume if tags.get(SET) else None)
    policy = tags.get(POLICY)
    if slot is None or not source or not policy:
        return None
    return Identity(policy=policy, slot=slot, source=source, kind=tags.get(KIND, ""))


@dataclass(frozen=True, slots=True, kw_only=True)
class PointTags:
    """Tags for a create call, and the source's own tags that did not fit."""

    tags: dict[str, str]
    dropped: tuple[str, ...]


def point_tags(installation: str, lineage: Lineage, slot: datetime, kind: str, source: Source) -> PointTags:
    """Identity first, then the source's own tags in order as far as they fit; `aws:*` cannot be written (DESIGN 5)."""
    tags = {
        MANAGED: installation,
        POLICY: lineage.policy,
        SLOT: slot_text(slot),
        KIND: kind,
        SOURCE: lineage.source,
        VERSION: __version__,
        **_stack_tags(source.tags),
    }
    dropped = dropped_tags(source)
    fitting = {key: source.tags[key] for key in _own_tags(source) if key not in dropped}
    return PointTags(tags=tags | fitting, dropped=dropped)


def dropped_tags(source: Source) -> tuple[str, ...]:
    """Which of a source's own tags do not fit on a point of it, whatever the policy and slot (DESIGN 5)."""
    room = _TAGS_AT_MOST - _TAGS_FREE - len(_IDENTITY) - len(_stack_tags(source.tags))
    return _own_tags(source)[room:]


def _own_tags(source: Source) -> tuple[str, ...]:
    """In the order in which they are taken."""
    return tuple(key for key in sorted(source.tags) if not key.startswith(("aws:", PREFIX)))


def _stack_tags(tags: Mapping[str, str]) -> dict[str, str]:
    """Which stack a source belongs to, as CloudFormation has tagged it."""
    stack, logical = tags.get("aws:cloudformation:stack-name"), tags.get("aws:cloudformation:logical-id")
    return {STACK: stack, LOGICAL_ID: logical} if stack and logical else {}


def image_name(installation: str, lineage: Lineage, slot: datetime, attempt: int = 1) -> str:
    """Deterministic AMI name: 3-128 of letters, digits and ( ) [ ] space . / - ' @ _ (EC2 API, CreateImage, Name)."""
    name = f"dr/{installation}/{lineage.policy}/{lineage.source}/{slot_text(slot)}"
    clean = re.sub(r"[^A-Za-z0-9()\[\] ./\-'@_]", "-", name)
    return _within(clean, 128, _attempt_suffix(attempt), exact=name == clean)


CHANGE_SETS = "dr-"


def change_set_name(digest: str, attempt: int = 1) -> str:
    """Name of a change set and its token (`[a-zA-Z][-a-zA-Z0-9]*`, at most 128: CreateChangeSet)."""
    return f"{CHANGE_SETS}{digest[:40]}{_attempt_suffix(attempt)}"


def _attempt_suffix(attempt: int) -> str:
    return f"-a{attempt}" if attempt > 1 else ""


def _within(text: str, limit: int, suffix: str, *, exact: bool) -> str:
    """Cut to the limit; what was cut or replaced is told apart by a hash of the whole."""
    if exact and len(text) + len(suffix) <= limit:
        return text + suffix
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    return f"{text[: limit - len(suffix) - 13]}-{digest}{suffix}"


# --- keys of the store ---------------------------------------------------------------------------------------------

CLAIM = "installation.json"
"""Who owns this store: the installation's name."""


def stack_point_id(account: str, region: str, name: str, slot: datetime) -> str:
    """Id of a stored stack (DESIGN 8)."""
    return f"stack/{account}/{region}/{name}/{slot_text(slot)}"


MANIFESTS = "stacks/"


def manifests_prefix(account: str, region: str) -> str:
    """All manifests of a Region."""
    return f"{MANIFESTS}{account}/{region}/"


def manifest_key(lineage: Lineage, slot: datetime) -> str:
    """One capture of one stack under one policy."""
    return f"{manifests_prefix(lineage.account, lineage.region)}{lineage.source}/{slot_text(slot)}.{lineage.policy}.json"


def parse_manifest_key(key: str) -> tuple[Lineage, datetime] | None:
    """The lineage and slot that a manifest's key names; None when it is no manifest of ours."""
    match = re.fullmatch(r"stacks/([^/]+)/([^/]+)/([^/]+)/(\d{8}T\d{6}Z)\.([A-Za-z0-9_-]+)\.json", key)
    if match is None:
        return None
    account, region, name, text, policy = match.groups()
    slot = parse_slot(text)
    return (Lineage(policy=policy, account=account, region=region, source=name), slot) if slot else None


def signature_key(lineage: Lineage, slot: datetime, sha256: str) -> str:
    """The signature of the manifest with this digest, beside it: two captures of one slot never take each other's."""
    return f"{manifest_key(lineage, slot).removesuffix('.json')}.{sha256}.sig"


def signed_manifest(key: str) -> str | None:
    """The key of the manifest that a signature's key belongs to; None when it is no signature of ours."""
    match = re.fullmatch(r"(stacks/.+)\.[0-9a-f]{64}\.sig", key)
    manifest = f"{match[1]}.json" if match else ""
    return manifest if parse_manifest_key(manifest) else None


def blob_key(sha256: str) -> str:
    """A template under its own digest."""
    return f"blobs/{sha256[:2]}/{sha256}"


BLOBS = "blobs/"
ALTERED = "altered/"


def altered_key(sha256: str, found: str) -> str:
    """Where bytes with the digest `found`, that lay in the place of a template, are kept as evidence.

    No sweep looks here: what it means is for a person to find out, and to remove.
    """
    return f"{ALTERED}{sha256}/{found}"


LEASES = "leases/"


def lease_key(account: str, region: str, policy: str) -> str:
    """The lease of one shard of work (FAILURES 2b)."""
    return f"{LEASES}{account}/{region}/{policy}"


def restore_lease_key(account: str, region: str, stack: str) -> str:
    """The lease of one target stack. No policy has a dot in its name; a file of a directory is never a folder too."""
    return f"{LEASES}{account}/{region}/stack.{stack}"


LEADER = f"{LEASES}daemon"
"""The lease of the one daemon of an installation that works; no account has that id."""


def leased_work(key: str) -> str:
    """What the holder of a lease does, for people: `restoring stack prod in eu-west-1`."""
    if key == LEADER:
        return "running the schedules"
    _, _, region, what = key.split("/", 3)
    kind, dot, stack = what.partition(".")
    return (
        f"restoring stack {stack} in {region}"
        if dot and kind == "stack"
        else f"applying policy {what} in {region}"
    )


APPLIED = "applied/"


def applied_key(account: str, region: str, policy: str) -> str:
    """What the last apply of a policy in a Region used as its keep (DESIGN 7.4)."""
    return f"{APPLIED}{account}/{region}/{policy}.json"


ORPHANS = "orphans/"


def orphans_key(account: str, region: str) -> str:
    """Since when which parts of a Region are without their image (DESIGN 5)."""
    return f"{ORPHANS}{account}/{region}.json"


SHARDS = "shards/"


def shard_key(account: str, region: str) -> str:
    """How an account and Region ended in the last runs of many."""
    return f"{SHARDS}{account}/{region}.json"


ACCOUNTS = f"{SHARDS}accounts.json"
"""Which accounts the Organization had when it was last heard; no account has that name."""

WORDS = "words/"
"""What people have said; no tick writes here."""
FREEZES = f"{WORDS}freezes.json"
"""Of which policies nothing expires, since when and why (DESIGN 7.6)."""

PINS = "pins/"


def pin_key(restore: str) -> str:
    """The points that a running restore needs."""
    return f"{PINS}{restore}.json"


JOURNALS = "restores/"


def journal_key(account: str, region: str, stack: str) -> str:
    """The journal of the latest restore to a target stack."""
    return f"{JOURNALS}{account}/{region}/{stack}.json"


PACKAGES = "dr-packages/"


def packages_prefix(installation: str) -> str:
    """Where the packages of an installation's functions lie, in the bucket of their Region."""
    return f"{PACKAGES}{installation}/"


def package_key(installation: str, sha256: str) -> str:
    """A package under its own digest: another package is another key, which is how CloudFormation sees that it changed."""
    return f"{packages_prefix(installation)}{sha256}.zip"


def functions_stack(installation: str) -> str:
    """The stack of an installation's functions (`[a-zA-Z][-a-zA-Z0-9]*`, at most 128)."""
    return f"dr-{installation.replace('_', '-')}"


STAGING = "dr-staging/"


def staging_key(sha256: str) -> str:
    """A template that CloudFormation reads from the staging bucket."""
    return f"{STAGING}{sha256}.template"


NOTICES = "notices/"
TOLD = f"{NOTICES}told.json"
"""What each target of `notify` was told."""
FILES = f"{NOTICES}files.json"
"""What is wrong with the files of the daemon that works."""
