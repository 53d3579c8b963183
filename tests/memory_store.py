"""An object store of values, for tests that need many stores or quick ones; held to the contract of the real two."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime

from dr.ports import Clock, StoredObject
from dr.store.keys import checked_key, checked_prefix


@dataclass(slots=True)
class MemoryStore:
    """`ports.ObjectStore`. A body of the same bytes has the same ETag, as in S3."""

    name: str
    clock: Clock
    objects: dict[str, tuple[bytes, datetime]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def get(self, key: str) -> StoredObject | None:
        found = self.objects.get(checked_key(key))
        return StoredObject(body=found[0], etag=_etag(found[0])) if found else None

    def put(
        self, key: str, body: bytes, *, if_absent: bool = False, if_match: str | None = None
    ) -> str | None:
        with self._lock:
            standing = self.get(key)
            if if_absent and standing is not None:
                return None
            if if_match is not None and (standing is None or standing.etag != if_match):
                return None
            self.objects[key] = (body, self.clock.now())
            return _etag(body)

    def delete(self, key: str, *, if_match: str | None = None) -> bool:
        with self._lock:
            standing = self.get(key)
            if standing is not None and if_match not in (None, standing.etag):
                return False
            self.objects.pop(key, None)
            return True

    def keys(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        below = checked_prefix(prefix)
        return iter([(key, self.objects[key][1]) for key in sorted(self.objects) if key.startswith(below)])


def _etag(body: bytes) -> str:
    return hashlib.md5(body, usedforsecurity=False).hexdigest()
