"""The stores' locations in dr.yaml -> the stores themselves."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from dr import layout
from dr.aws.kms import KmsSigner
from dr.config import Config, SigningKeys
from dr.config.stores import StoreLocation
from dr.errors import CloudError, EnvironmentFailed, UsageError
from dr.ports import Clock, ObjectStore
from dr.store.directory import DirectoryStore
from dr.store.s3 import Place, S3Store
from dr.store.signing import Signing

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from dr.aws.session import Session


@dataclass(frozen=True, kw_only=True)
class Stores:
    """The primary store, and the replica where there is one."""

    primary: ObjectStore
    replica: ObjectStore | None

    @property
    def all(self) -> tuple[ObjectStore, ...]:
        """The primary first."""
        return (self.primary,) if self.replica is None else (self.primary, self.replica)

    @cached_property
    def for_restore(self) -> ObjectStore:
        """Where a restore keeps its journal, pins and lease: the primary, and the replica while that is out of reach.

        Ticks always work with the primary: without it nothing expires, so that no pin in the replica is overlooked
        before the primary is back.
        """
        if self.replica is None or _answers(self.primary) or not _answers(self.replica):
            return self.primary
        return self.replica

    def nothing(self) -> EnvironmentFailed | None:
        """The error for stores of which none that answers holds anything of any installation; else None."""
        holds = {store.name: _holds(store) for store in self.all}
        empty = [name for name, held in holds.items() if held is False]
        return None if not empty or True in holds.values() else _empty(empty)

    def lost(self) -> EnvironmentFailed | None:
        """The error for a primary that answers and holds nothing, whatever the replica holds; else None."""
        return _empty([self.primary.name]) if _holds(self.primary) is False else None

    @property
    def troubles(self) -> tuple[str, ...]:
        """What a restore should know of where it keeps its records."""
        if self.for_restore is self.primary:
            return ()
        kept = f"the journal, pins and lease of this restore are kept in {self.for_restore.name}"
        return (f"{self.primary.name} does not answer: {kept}, where ticks do not look",)


def open_stores(
    locations: tuple[StoreLocation, StoreLocation | None], session: Callable[[], Session], clock: Clock
) -> Stores:
    """Open the primary and the replica; raises as `open_store`."""
    primary, replica = locations
    return Stores(
        primary=open_store(primary, session, clock),
        replica=open_store(replica, session, clock) if replica else None,
    )


def open_store(location: StoreLocation, session: Callable[[], Session], clock: Clock) -> ObjectStore:
    """Open it. `session` is asked for a bucket only: a directory needs no AWS, and so no credentials.

    The bucket must belong to the session's own account. Raises `EnvironmentFailed` when that cannot be asked.
    """
    if location.bucket is None:
        return DirectoryStore(Path(location.url), clock)
    if location.region is None:
        raise UsageError(
            f"{location.url}: an S3 store needs the Region of its bucket", "add `region` beside its url"
        )
    region, aws = location.region, session()
    place = Place(bucket=location.bucket, prefix=location.prefix, region=region, owner=aws.account())

    def client() -> S3Client:
        made: S3Client = aws.client("s3", region)
        return made

    return S3Store(client, place, clock)


def open_signing(keys: SigningKeys, public_key: bytes, config: Config, session: Session) -> Signing:
    """Who signs and who is believed. An alias or an id is of the first Region of dr.yaml."""
    signer = KmsSigner(session, keys.key, keys.region or config.regions[0])
    return Signing(signer, public_key, keys.file or config.file)


def _empty(names: Sequence[str]) -> EnvironmentFailed:
    return EnvironmentFailed(
        f"{' and '.join(names)} {'hold' if len(names) > 1 else 'holds'} nothing of any installation",
        "is it mounted, is its path under `store` in dr.yaml right? A first `dr apply` makes a new one",
    )


def _answers(store: ObjectStore) -> bool:
    """Whether it can be read now."""
    return _holds(store) is not None


def _holds(store: ObjectStore) -> bool | None:
    """Whether it is claimed or holds a stack; None when it cannot be read now. A replica bears no claim."""
    try:
        return store.get(layout.CLAIM) is not None or any(True for _ in store.keys(layout.MANIFESTS))
    except (CloudError, EnvironmentFailed):
        return None
