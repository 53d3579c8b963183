"""A store in an S3 bucket: what Lambda functions and several machines share.

Conditions are S3's own (If-None-Match, If-Match), so that of many writers one wins. Every call names the account that
must own the bucket: a bucket that somebody else has taken under our name gets nothing (FAILURES 4.2).

Where an answer may have been lost, by us or behind one of the SDK's retries, the object itself says what happened:
a write whose bytes stand there was done.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypedDict

from dr.aws.errors import translated
from dr.errors import Ambiguous, CloudError, Denied, EnvironmentFailed, NotFound
from dr.ports import Clock, StoredObject
from dr.store.keys import checked_key, checked_prefix, is_key

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

_CONFLICT = "ConditionalRequestConflict"
"""Another conditional request on the key was under way: look again and repeat
(Source: S3 API reference, PutObject, If-Match and If-None-Match)."""
_FAILED = "PreconditionFailed"
_TRIES = 5
_PAUSE = 0.2
"""Seconds before the second try; twice as long before each further one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A bucket, where in it, its Region, and the account that must own it."""

    bucket: str
    region: str
    owner: str
    prefix: str = ""


class _IfMatch(TypedDict, total=False):
    IfMatch: str


class _Condition(_IfMatch, total=False):
    IfNoneMatch: str


class S3Store:
    """`ports.ObjectStore` in a bucket. `client` gives the S3 client: asked each time, credentials may change."""

    def __init__(self, client: Callable[[], S3Client], place: Place, clock: Clock) -> None:
        self._client = client
        self._place = place
        self._clock = clock
        self._before = f"{place.prefix.strip('/')}/" if place.prefix.strip("/") else ""

    @property
    def name(self) -> str:
        """Its URL."""
        return f"s3://{self._place.bucket}/{self._before}".rstrip("/")

    def get(self, key: str) -> StoredObject | None:
        """Read the object whole."""
        place = self._place
        try:
            with self._call("s3:GetObject"):
                answer = self._client().get_object(
                    Bucket=place.bucket, Key=self._key(key), ExpectedBucketOwner=place.owner
                )
                return StoredObject(body=answer["Body"].read(), etag=answer["ETag"])
        except NotFound:
            return None

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        """Write it whole, where the condition holds."""
        condition = _Condition()
        if if_absent:
            condition["IfNoneMatch"] = "*"
        if if_match is not None:
            condition["IfMatch"] = if_match
        pause = _PAUSE
        for _ in range(_TRIES):
            try:
                return self._put(key, body, condition)
            except CloudError as error:
                if error.code != _CONFLICT:
                    return self._settled(key, body, error)
            self._clock.sleep(pause)
            pause *= 2
        raise self._crowded(key)

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        """Remove it, where the condition holds; earlier versions stay for as long as the bucket keeps them."""
        pause = _PAUSE
        for _ in range(_TRIES):
            try:
                self._delete(key, if_match)
                return True
            except NotFound:
                return True
            except CloudError as error:
                if error.code == _FAILED:
                    return self.get(key) is None
                if error.code != _CONFLICT:
                    raise
            self._clock.sleep(pause)
            pause *= 2
        raise self._crowded(key)

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Give every key below the prefix, page by page; a page that fails raises."""
        place = self._place
        with self._call("s3:ListBucket"):
            pages = (
                self._client()
                .get_paginator("list_objects_v2")
                .paginate(
                    Bucket=place.bucket,
                    Prefix=self._before + checked_prefix(prefix),
                    ExpectedBucketOwner=place.owner,
                )
            )
            for page in pages:
                if page.get("IsTruncated") and not page.get("NextContinuationToken"):
                    raise _ended_early(self.name)
                for row in page.get("Contents", []):
                    key = row["Key"].removeprefix(self._before)
                    if is_key(key):  # a console's folder marks are no objects of ours
                        yield key, row["LastModified"].astimezone(UTC)

    def _put(self, key: str, body: bytes, condition: _Condition) -> str:
        place = self._place
        with self._call("s3:PutObject"):
            answer = self._client().put_object(
                Bucket=place.bucket,
                Key=self._key(key),
                Body=body,
                ExpectedBucketOwner=place.owner,
                **condition,
            )
            return answer["ETag"]

    def _delete(self, key: str, if_match: str | None) -> None:
        place = self._place
        condition: _IfMatch = {} if if_match is None else {"IfMatch": if_match}
        with self._call("s3:DeleteObject"):
            self._client().delete_object(
                Bucket=place.bucket, Key=self._key(key), ExpectedBucketOwner=place.owner, **condition
            )

    def _settled(self, key: str, body: bytes, error: CloudError) -> str | None:
        """What became of a write that was refused or got no answer: the object itself says."""
        refused = error.code == _FAILED or (isinstance(error, NotFound) and error.code != "NoSuchBucket")
        if refused and not _retried(error):
            return None
        if not refused and not isinstance(error, Ambiguous):
            raise error
        standing = self.get(key)
        if standing is not None and standing.body == body:
            return standing.etag
        if refused:
            return None
        raise error

    @contextmanager
    def _call(self, action: str) -> Iterator[None]:
        """Run one call; a bucket that is not there or not open to us is the environment's fault."""
        place = self._place
        try:
            with translated(action, place.region):
                yield
        except Denied as error:
            raise EnvironmentFailed(
                f"bucket {place.bucket}: {action} is denied ({error.code})",
                f"allow {action} on it (and s3:ListBucket, and its KMS key) to whoever runs dr; "
                f"it must belong to account {place.owner}",
            ) from error
        except NotFound as error:
            if error.code != "NoSuchBucket":
                raise
            raise EnvironmentFailed(
                f"bucket {place.bucket} does not exist ({action})",
                "make it with cloudformation/store.yaml, or correct `store` in dr.yaml",
            ) from error

    def _key(self, key: str) -> str:
        return self._before + checked_key(key)

    def _crowded(self, key: str) -> CloudError:
        return CloudError(f"{self.name}/{key}: others keep writing to it", "run it again", code=_CONFLICT)


def _ended_early(name: str) -> CloudError:
    """A listing that says that there is more, and not how to get it: the paginator would take it for the end."""
    why = f"s3:ListBucket: the listing of {name} is broken: a page without the token of the next"
    return CloudError(why, "run it again", code="BrokenListing", action="s3:ListBucket")


def _retried(error: CloudError) -> bool:
    """Whether the SDK had tried before: then its first try may be what the condition failed on."""
    response = getattr(error.__cause__, "response", {})
    return bool(response.get("ResponseMetadata", {}).get("RetryAttempts", 0))
