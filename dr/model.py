"""The nouns (DESIGN 3): plain frozen values, no behaviour beyond what they are.

Instants are datetimes in UTC; durations in seconds unless they are a `Duration` (calendar months); sizes in GiB.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple
from zoneinfo import ZoneInfo

from dr.durations import Duration
from dr.errors import DrError
from dr.slots import Schedule

Tags = Mapping[str, str]
TagPatterns = Mapping[str, tuple[str, ...]]
"""For each key the values that match, any of them; globs with `*` and `?`."""


class Kind(StrEnum):
    """What a recovery point is."""

    SNAPSHOT = "snapshot"
    IMAGE = "image"
    STACK = "stack"


class Protect(StrEnum):
    """What a policy protects, and so what its sources are."""

    VOLUMES = "volumes"
    INSTANCES = "instances"
    STACKS = "stacks"

    @property
    def kind(self) -> Kind:
        """The kind of point that a capture of such a source makes."""
        return _KINDS[self]


_KINDS = {Protect.VOLUMES: Kind.SNAPSHOT, Protect.INSTANCES: Kind.IMAGE, Protect.STACKS: Kind.STACK}


class State(StrEnum):
    """What a point is worth: only good ones count (DESIGN 7), archived ones for the period rules alone."""

    GOOD = "good"
    PENDING = "pending"
    FAILED = "failed"
    ARCHIVED = "archived"


class Lineage(NamedTuple):
    """All points of one source under one policy in one Region of one account.

    A tuple, which is hashed and compared as fast as can be: every point is put in its place by it.
    """

    policy: str
    account: str
    region: str
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """An EBS volume, an EC2 instance or a CloudFormation stack, as a listing shows it.

    `id` is AWS's id; for a stack its name, so that a stack that is created again stays one source.
    `unready` says why no point can be taken of it right now, empty when it can.
    """

    id: str
    protect: Protect
    account: str
    region: str
    tags: Tags = field(default_factory=dict)
    created: datetime | None = None
    unready: str = ""
    instance: str | None = None
    instance_tags: Tags = field(default_factory=dict)
    boot: bool = False
    volumes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryPoint:
    """A state that we can return to: a snapshot, an image or a stored stack of ours.

    `slot` is its identity and retention bucket, `time` when its data is from. `parts` are the snapshots inside an
    image. `in_use` names what needs the point (an image built on the snapshot), empty when nothing does.
    """

    id: str
    kind: Kind
    lineage: Lineage
    slot: datetime
    time: datetime
    state: State
    copy_of: str | None = None
    set: str | None = None
    hold: bool = False
    locked: bool = False
    in_use: str = ""
    name: str = ""
    stack: str | None = None
    logical_id: str | None = None
    size: int | None = None
    encrypted: bool = False
    devices: tuple[ImageDevice, ...] = ()
    parts: tuple[str, ...] = ()

    @property
    def archived(self) -> bool:
        """Whether it has to be brought back from the archive before it can be used."""
        return self.state is State.ARCHIVED


@dataclass(frozen=True, slots=True, kw_only=True)
class StackVersion:
    """A stored stack as a listing shows it: the digest of its template, or the fault that keeps it from being read."""

    point: RecoveryPoint
    template_sha256: str | None = None
    fault: DrError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageDevice:
    """One block device mapping of an image: the device name and the snapshot behind it; size in GiB."""

    device: str
    snapshot: str
    size: int
    volume_type: str | None = None
    encrypted: bool = False
    root: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A snapshot that an image of ours is made of. Never a point (DESIGN 5); `image` is "" when its image is gone."""

    id: str
    lineage: Lineage
    slot: datetime
    time: datetime
    image: str = ""
    hold: bool = False
    locked: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What one complete listing of a Region found of this installation."""

    points: tuple[RecoveryPoint, ...] = ()
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RetentionRule:
    """`keep`: which points stay. The rules are OR-ed; an absent rule keeps nothing of its own (DESIGN 7)."""

    last: int | None = None
    hourly: int | None = None
    daily: int | None = None
    weekly: int | None = None
    monthly: int | None = None
    yearly: int | None = None
    within: Duration | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selector:
    """Which sources a policy protects; everything given must match. `volumes` is "all", "boot" or "data"."""

    tags: TagPatterns = field(default_factory=dict)
    exclude_tags: TagPatterns = field(default_factory=dict)
    instance_tags: TagPatterns = field(default_factory=dict)
    volumes: str = "all"
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy file, checked. `rpo` and `rto` are objectives in seconds, `file` is where it was read."""

    name: str
    protect: Protect
    regions: tuple[str, ...]
    select: Selector
    schedules: tuple[Schedule, ...]
    zone: ZoneInfo
    keep: RetentionRule
    expire_percent: int = 30
    rpo: int | None = None
    rto: int | None = None
    reboot: bool = False
    file: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """What the store remembers of a policy's last apply, to tell a policy change from a backlog (DESIGN 7.4).

    `keep` is the rule whose drops were all carried out. `trimmed` are rules that have since used up their one ration
    of the limits while the rest of its drops is still blocked.
    """

    keep: RetentionRule
    trimmed: tuple[RetentionRule, ...] = ()


ACCOUNTS = "accounts"
"""What is unread where an Organization does not say which accounts it has: of all of them at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unread:
    """A listing that failed, and so may hide something: nothing that it could have shown is deleted (DESIGN 7.3).

    `what` is "sources", "points", "store", "pins", "freezes", "applied", "orphans", "clock" or `ACCOUNTS`; `protect` narrows
    "sources" and "points". `remedy` is what to do about it, empty where nothing is known.
    """

    what: str
    region: str
    message: str
    protect: Protect | None = None
    remedy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Freeze:
    """A person's word that nothing expires (DESIGN 7.6): of one policy, of all for an empty `policy`. `by` is who said so."""

    since: datetime
    why: str
    by: str
    policy: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """The world as one tick saw it. `pins` are ids of points that a restore needs; `applied` is by policy and Region.

    `orphaned_since` tells of parts when they were first seen without their image, by id, as the store remembers it.
    """

    account: str
    sources: tuple[Source, ...] = ()
    points: tuple[RecoveryPoint, ...] = ()
    parts: tuple[Part, ...] = ()
    pins: frozenset[str] = frozenset()
    freezes: tuple[Freeze, ...] = ()
    applied: Mapping[tuple[str, str], Applied] = field(default_factory=dict)
    orphaned_since: Mapping[str, datetime] = field(default_factory=dict)
    unread: tuple[Unread, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class ShardRun:
    """How one account and Region ended in a run of many: how many of its actions failed, and how many are left.

    `error` is why it came to nothing, and `unheard` why nothing expired there, the work being done: the Organization did not
    say whether the account is one of the chosen. Both are empty where it is not so.
    """

    run: str
    failed: int = 0
    left: int = 0
    error: str = ""
    unheard: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """Whose a store is, and since when; None where the claim is older than that record, and so than any doubt."""

    installation: str
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A restore that was begun, as its journal in the store has it: one for each target stack, the latest.

    `plan` is its id, `attempt` counts the stacks and change sets that it began, `stored` and `policy` name the version
    of the stack, `points` are all that it rests on. `at` is the moment restored to, `asked_at` the one that a person
    named (None: now). `ended`: the stack is there and was verified.
    """

    plan: str
    attempt: int
    stored: str
    policy: str
    points: tuple[str, ...]
    at: datetime
    asked_at: datetime | None
    began: datetime
    ended: bool = False
