"""What a plan may contain, and what became of it.

`reason` is for people; nothing branches on it. What code may branch on stands in a field of its own (`cause`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from dr.errors import DrError
from dr.model import Kind, Lineage, Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Capture:
    """Take a point of a source for a slot. `attempt` counts from 1; above 1 after a failed attempt of this slot.

    `look_first` asks for the slot before creating, because the listing that would have shown it failed.
    """

    lineage: Lineage
    kind: Kind
    slot: datetime
    source: Source
    reason: str
    attempt: int = 1
    reboot: bool = False
    look_first: bool = False


class Cause(StrEnum):
    """Why a point expires. Only `RETENTION` and `POLICY_CHANGE` count against the limits (DESIGN 7)."""

    RETENTION = "retention"
    POLICY_CHANGE = "policy-change"
    DUPLICATE = "duplicate"
    FAILED = "failed"
    ORPHAN = "orphan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Expire:
    """Delete a point that no rule claims, or the snapshot of an image that is gone (`Cause.ORPHAN`).

    A blocked expiry waits for a person's word. `parts` are an image's snapshots: they go after it.
    """

    lineage: Lineage
    kind: Kind
    slot: datetime
    point_id: str
    cause: Cause
    reason: str
    blocked: bool = False
    parts: tuple[str, ...] = ()


Action = Capture | Expire


class WarningCode(StrEnum):
    """Stable names for what a plan warns of."""

    SELECTS_NOTHING = "selects-nothing"
    LISTING_INCOMPLETE = "listing-incomplete"
    CLOCK_SKEW = "clock-skew"
    SOURCE_NOT_READY = "source-not-ready"
    SLOTS_MISSED = "slots-missed"
    PACE_EXCEEDED = "pace-exceeded"
    OVERLAP = "overlap"
    PENDING_LONG = "pending-long"
    POLICY_MISSING = "policy-missing"
    SOURCE_MISSING = "source-missing"
    FROZEN = "frozen"
    EXPIRY_DEFERRED = "expiry-deferred"
    EXPIRY_BLOCKED = "expiry-blocked"
    EXPIRY_CLOSED = "expiry-closed"
    TAGS_DROPPED = "tags-dropped"
    STORE_LAG = "store-lag"
    BUSY = "busy"
    PLAN_MOVED = "plan-moved"
    SHARD_FAILED = "shard-failed"
    REGION_NOT_ENABLED = "region-not-enabled"
    FILES_BROKEN = "files-broken"


@dataclass(frozen=True, slots=True, kw_only=True)
class Warn:
    """Something that a person should know and that stops nothing by itself."""

    code: WarningCode
    message: str
    policy: str | None = None
    source: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is to be done, in order. `lineages` holds a digest of each touched lineage's state at planning."""

    now: datetime
    actions: tuple[Action, ...]
    warnings: tuple[Warn, ...] = ()
    lineages: Mapping[Lineage, str] = field(default_factory=dict)
    fingerprint: str = ""


class Result(StrEnum):
    """What became of an action. `LEFT` was not begun: no time, a held lease, or blocked."""

    DONE = "done"
    SKIPPED = "skipped"
    FAILED = "failed"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One action and what AWS confirmed of it. `created` holds only ids that AWS returned or a listing showed.

    `error` is why it did not happen, `remedy` what to do about that; empty where there is nothing to do.
    """

    action: Action
    result: Result
    created: tuple[str, ...] = ()
    error: str | None = None
    remedy: str = ""


def failed(action: Action, error: DrError, before: str = "") -> Outcome:
    """The outcome of an action that an error has ended; `before` stands before its message."""
    return Outcome(action=action, result=Result.FAILED, error=f"{before}{error.message}", remedy=error.remedy)
