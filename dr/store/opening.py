"""A store's location in dr.yaml -> the store itself."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from dr.config.stores import StoreLocation
from dr.errors import UsageError
from dr.ports import Clock, ObjectStore
from dr.store.directory import DirectoryStore
from dr.store.s3 import Place, S3Store

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

    from dr.aws.session import Session


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
