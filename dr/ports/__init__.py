"""What the shells plug in: AWS, the store, the clock. The core and the executor know these Protocols only.

Every method that talks to AWS raises `CloudError` (or a leaf of it) for what AWS refuses, `EnvironmentFailed` where
AWS cannot be reached at all; nothing else. Listings are complete or raise: a short listing is never returned.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from dr.model import (
    Applied,
    Begun,
    Claim,
    Freeze,
    Holdings,
    Kind,
    Lineage,
    Protect,
    RecoveryPoint,
    Source,
    TagPatterns,
)
from dr.ports.making import ChangeSet, LiveStack, NewStack, StackEvent, StackMaker
from dr.stored import StoredStack

__all__ = [
    "PIN_LASTS",
    "ChangeSet",
    "Clock",
    "Cloud",
    "ImageTags",
    "Lease",
    "Leases",
    "LiveStack",
    "NewStack",
    "ObjectStore",
    "Owned",
    "Records",
    "Signer",
    "StackEvent",
    "StackMaker",
    "StackStore",
    "Stacks",
    "StoredObject",
]


class Clock(Protocol):
    """Time, handed in: the only `now()` of the program stands in app.py."""

    def now(self) -> datetime:
        """This instant, in UTC."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owned:
    """What a fresh look right before a deletion found: whether it is still ours and free to go.

    `kind` is the tag dr:kind: snapshot, image or image-part.
    """

    id: str
    lineage: Lineage
    slot: datetime
    kind: str
    hold: bool = False
    locked: bool = False
    in_use: str = ""


class Cloud(Protocol):
    """EC2 of one account, for one installation."""

    @property
    def account(self) -> str:
        """The account's id, asked of STS once."""

    def sources(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        """Volumes or instances whose tags match, filtered on the server; all of them for empty `tags`."""

    def points(self, region: str) -> Holdings:
        """Every snapshot and image of this installation, with their states, and the parts of images."""

    def points_of(self, region: str, sources: Collection[str]) -> Holdings:
        """The points of these sources alone, of every policy: a second look, asked for in another way."""

    def find(self, lineage: Lineage, slot: datetime, kind: Kind) -> tuple[RecoveryPoint, ...]:
        """Points of one slot, by their identity tags; for an unknown outcome (FAILURES 2, row 3)."""

    def create_snapshot(self, region: str, volume: str, tags: Mapping[str, str]) -> str:
        """One attempt at CreateSnapshot; the id."""

    def create_image(self, region: str, instance: str, name: str, tags: ImageTags, *, reboot: bool) -> str:
        """One attempt at CreateImage; the id. Raises `Taken` when the name is in use."""

    def image_named(self, region: str, name: str) -> RecoveryPoint | None:
        """Our image of that name; None when there is none or it is not ours."""

    def owned(self, region: str, kind: Kind, ids: Sequence[str]) -> Mapping[str, Owned]:
        """Read again which of these ids are ours, in batches of 200; what is gone or foreign is absent."""

    def delete_snapshot(self, region: str, snapshot: str) -> None:
        """Delete; a snapshot that is not there is success. Raises `InUse` when an image needs it."""

    def deregister_image(self, region: str, image: str) -> None:
        """Deregister; an image that is not there is success. Its snapshots stay."""

    def skew(self) -> float | None:
        """Seconds by which this machine's clock is ahead of AWS's `Date`; None before the first answer."""

    def enabled(self, region: str) -> bool:
        """Whether the account has enabled this Region; True also where AWS does not tell. Never raises."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageTags:
    """Tags of a CreateImage call: for the image, and for each snapshot inside it."""

    image: Mapping[str, str]
    parts: Mapping[str, str]


class Stacks(Protocol):
    """CloudFormation of one account, read."""

    def sources(self, region: str) -> tuple[Source, ...]:
        """Root stacks that exist; one that is not in a stable `*_COMPLETE` state is `unready`."""

    def read(self, region: str, name: str) -> StoredStack:
        """Everything DESIGN 8 lists, nested stacks too; policy, slot and predecessor are left empty."""


class StackStore(Protocol):
    """Stored stacks, over one or two object stores."""

    def points(self, account: str, region: str) -> tuple[RecoveryPoint, ...]:
        """All stored stacks of a Region, from the keys alone."""

    def write(self, stack: StoredStack) -> str:
        """Keep it; its id. A slot that is there already stays as it is. One whole store is success."""

    def read(self, point: RecoveryPoint) -> StoredStack:
        """Bring one back, every digest checked. Raises `Refused` on tampering, `NotFound` when it is not there."""

    def expire(self, point: RecoveryPoint) -> bool:
        """Remove the manifest first, then blobs that no manifest names and that are older than a day.

        False when no store had it any more.
        """

    def lag(self) -> tuple[str, ...]:
        """What one of the two stores lacks, in words; empty when both agree or there is only one."""

    def repair(self, account: str, region: str) -> tuple[str, ...]:
        """Copy what one store lacks from the other, as far as one tick may; the keys copied."""


PIN_LASTS = timedelta(days=7)
"""A running restore pins again long before; one that crashed pins for this long and no longer."""


class Records(Protocol):
    """Small facts that the shells share through the store."""

    @property
    def name(self) -> str:
        """The store's URL or path, for people."""

    def refuse_others(self, installation: str) -> Claim | None:
        """The claim, none where the store is nobody's. Raise `Refused` when it belongs to another installation."""

    def claim(self, installation: str) -> None:
        """Claim the store for this installation. Raises `Refused` when another one has."""

    def holder(self) -> Claim | None:
        """Whose the store is; None when nobody has claimed it."""

    def applied(self, account: str, region: str, policy: str) -> Applied | None:
        """What the last apply of a policy used; None when there was none."""

    def record_applied(self, account: str, region: str, policy: str, applied: Applied) -> None:
        """Remember what this apply used."""

    def orphans(self, account: str, region: str) -> Mapping[str, datetime]:
        """Parts of images that are gone, by id, each with the instant when it was first seen so; empty when none."""

    def record_orphans(self, account: str, region: str, orphans: Mapping[str, datetime]) -> None:
        """Remember these and no others."""

    def freezes(self) -> tuple[Freeze, ...]:
        """What people have frozen: of these policies nothing may expire."""

    def pins(self) -> frozenset[str]:
        """Ids of points that saved or running restores need."""

    def pin(self, restore: str, points: Sequence[str]) -> None:
        """Keep these points for `PIN_LASTS`, or until `unpin`."""

    def unpin(self, restore: str) -> None:
        """Release them; one that is not there is success."""

    def begun(self, account: str, region: str, stack: str) -> Begun | None:
        """The latest restore that was begun to a target stack; None when there was none."""

    def record_begun(self, account: str, region: str, stack: str, begun: Begun) -> None:
        """Remember it, before its first changing call, and how it ended."""


class Lease(Protocol):
    """A held lease: renew it while working, release it at the end."""

    def renew(self) -> None:
        """Extend it. Raises `Busy` when somebody has taken it over."""

    def release(self) -> None:
        """Give it back; never raises for one that is gone."""


class Leases(Protocol):
    """Who works on what; an optimisation: correctness never rests on it (FAILURES 2c)."""

    def acquire(self, key: str) -> Lease:
        """Take the lease for 5 minutes. Raises `Busy`, naming its owner and when it ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """An object's bytes and the ETag that a conditional write names."""

    body: bytes
    etag: str


class Signer(Protocol):
    """A private key that nobody can read, in KMS."""

    @property
    def name(self) -> str:
        """The key, for people."""

    def sign(self, digest: bytes) -> bytes:
        """The ECDSA signature over a SHA-256 digest, in DER. Doing it again is harmless.

        Raises `CloudError`, but never `NotFound`: whoever captures would take that for the source's absence.
        """


class ObjectStore(Protocol):
    """Bytes under keys with conditional writes: S3 or a directory. One contract suite holds both."""

    @property
    def name(self) -> str:
        """Its URL or path, for people."""

    def get(self, key: str) -> StoredObject | None:
        """The object, None when it is not there."""

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        """Write whole; the new ETag. None when the condition does not hold and nothing was written."""

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove; True when it is gone now (one that is not there is success), False when the condition fails."""

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Every key below the prefix with the time it was written, in order of keys; complete or raising."""
