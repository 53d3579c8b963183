"""`store`, `staging_bucket` and paths: where an installation keeps things."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import PurePath

from dr.documents.domain import known_region, region
from dr.documents.fields import Field, Shape, entries, given, mapping, matching, text
from dr.documents.wording import quoted

_STORE = Shape(
    keys=("primary", "replica"),
    required={"primary": "write {url: store/}, or {url: 's3://bucket/prefix', region: eu-west-1}"},
)
_LOCATION = Shape(
    keys=("url", "region"), required={"url": "write a directory, or s3://bucket/prefix with its region"}
)
_SCHEME = "s3://"
_BUCKET = r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"
"""Source: S3 user guide, General purpose bucket naming rules."""
_BUCKET_WORDS = "a bucket's name: 3 to 63 of a-z, 0-9, . and -"
_PREFIX = re.compile(r"[A-Za-z0-9!_.*'()-]+(/[A-Za-z0-9!_.*'()-]+)*")
"""Source: S3 user guide, Creating object key names, Safe characters."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreLocation:
    """Where one store is: `s3://bucket/prefix` and its Region, or the path of a directory and None."""

    url: str
    region: str | None = None

    @property
    def bucket(self) -> str | None:
        """The bucket; None for a directory."""
        return self.url.removeprefix(_SCHEME).split("/")[0] if self.url.startswith(_SCHEME) else None

    @property
    def prefix(self) -> str:
        """What the keys in the bucket start with, without a slash at its end; "" for a directory."""
        return self.url.removeprefix(_SCHEME).partition("/")[2] if self.url.startswith(_SCHEME) else ""


Stores = tuple[StoreLocation | None, StoreLocation | None]
"""Primary and replica."""


def stores(value: Field, base: PurePath) -> Stores | None:
    """Read `store`. A replica that is the primary again would hide the loss of both."""
    fields = mapping(value, _STORE)
    if fields is None:
        return None
    read = partial(_location, base=base)
    primary, replica = given(fields, "primary", read, None), given(fields, "replica", read, None)
    if primary is not None and replica is not None and replica.url == primary.url:
        fields["replica"].fault("is the primary store again; give it a place of its own, or remove it")
    return primary, replica


def staging(value: Field) -> Mapping[str, str] | None:
    """Read `staging_bucket`: a bucket by Region."""
    found = entries(value)
    if found is None:
        return None
    buckets = {key: matching(one, _BUCKET, _BUCKET_WORDS) for key, one in found.items()}
    known = {key for key, one in found.items() if known_region(key, one.key_fault)}
    return {key: bucket for key, bucket in buckets.items() if bucket is not None and key in known}


def path(value: Field, base: PurePath) -> str | None:
    """A path, joined to a folder."""
    found = text(value)
    if found is None:
        return None
    if "://" in found:
        value.fault(f"expected a path, found {quoted(found)}")
        return None
    if found.startswith("~"):
        value.fault(f"~ is not replaced in {quoted(found)}; write the path in full, or relative to this file")
        return None
    return str(base / found)


def _location(value: Field, base: PurePath) -> StoreLocation | None:
    fields = mapping(value, _LOCATION)
    if fields is None or "url" not in fields:
        return None
    where = given(fields, "region", region, None)
    url = text(fields["url"])
    if url is None:
        return None
    if "://" in url and not url.startswith(_SCHEME):
        fields["url"].fault(f"expected a directory or s3://bucket/prefix, found {quoted(url)}")
        return None
    if not url.startswith(_SCHEME):
        return _directory(fields, base)
    if "region" not in fields:
        what = "missing; an S3 store needs the Region of its bucket"
        value.faults.add(value.node.position, (*value.path, "region"), what)
    return _s3(fields["url"], url, where)


def _s3(value: Field, url: str, where: str | None) -> StoreLocation | None:
    bucket, _, rest = url.removeprefix(_SCHEME).partition("/")
    prefix = rest.rstrip("/")
    if not re.fullmatch(_BUCKET, bucket):
        value.fault(f"{quoted(bucket)} is not {_BUCKET_WORDS}")
        return None
    if prefix and (not _PREFIX.fullmatch(prefix) or {".", ".."} & set(prefix.split("/"))):
        value.fault(
            f"{quoted(prefix)} is no prefix; write letters, digits, - and _, parted by single slashes"
        )
        return None
    return StoreLocation(url=f"{_SCHEME}{bucket}/{prefix}" if prefix else f"{_SCHEME}{bucket}", region=where)


def _directory(fields: Mapping[str, Field], base: PurePath) -> StoreLocation | None:
    if "region" in fields:
        fields["region"].key_fault("only for an s3:// store; remove it")
    found = path(fields["url"], base)
    return None if found is None else StoreLocation(url=found)
