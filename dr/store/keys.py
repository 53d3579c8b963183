"""Which keys a store takes: the same ones in a directory and in a bucket.

Keys are built from names that come from AWS and from files (stacks, policies, restores), and become paths in a
directory: what could leave the store's folder is refused before anything is touched.
"""

from __future__ import annotations

from dr.errors import UsageError

_LONGEST = 900
"""Bytes. S3 allows 1,024 for the whole key; the rest is left to the store's prefix
(Source: S3 user guide, Naming Amazon S3 objects)."""
_LONGEST_SEGMENT = 255
"""Bytes of a file's name on the usual file systems."""


def checked_key(key: str) -> str:
    """Give the key back. Raises `UsageError` for one that is no plain path of visible names."""
    if fault := _fault(key):
        raise _no_key(key, fault)
    return key


def checked_prefix(prefix: str) -> str:
    """Give the prefix back: nothing, or the beginning of a key. Raises `UsageError`."""
    whole = prefix.removesuffix("/")
    if prefix and (fault := _fault(whole)):
        raise _no_key(prefix, fault)
    return prefix


def is_key(key: str) -> bool:
    """Whether a store would take it."""
    return not _fault(key)


def _fault(key: str) -> str:
    """Say what is wrong with it; empty when nothing is. A leading dot is kept for the directory's own files."""
    segments = key.split("/")
    if any(not segment for segment in segments):
        return "it has an empty part"
    if any(segment.startswith(".") for segment in segments):
        return "a part begins with a dot"
    if "\\" in key or not key.isprintable():
        return "it has a backslash or a character that cannot be printed"
    return _too_long(key, segments)


def _too_long(key: str, segments: list[str]) -> str:
    if len(key.encode()) > _LONGEST:
        return f"it is longer than {_LONGEST} bytes"
    if any(len(segment.encode()) > _LONGEST_SEGMENT for segment in segments):
        return f"a part is longer than {_LONGEST_SEGMENT} bytes"
    return ""


def _no_key(key: str, fault: str) -> UsageError:
    return UsageError(f"{key[:200]!r} cannot be a key of the store: {fault}", "use a plain name")
