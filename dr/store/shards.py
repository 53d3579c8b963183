"""How the shards of a run of many ended, one object for each: the latest run only, so that nothing piles up."""

from __future__ import annotations

import json

from dr import layout
from dr.errors import CloudError
from dr.model import ShardRun
from dr.ports import ObjectStore
from dr.store.fields import Row

_LONGEST = 500
"""Characters of an error that are kept: the log has all of them."""


class ShardRuns:
    """The records of shards in the primary store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def record(self, account: str, region: str, run: ShardRun) -> None:
        """Remember how it ended; doing it again is harmless."""
        row = {"run": run.run, "failed": run.failed, "left": run.left, "error": run.error[:_LONGEST]}
        self._store.put(layout.shard_key(account, region), json.dumps({"format": 1, **row}).encode())

    def latest(self, account: str, region: str) -> ShardRun | None:
        """How it ended last; None when it never did. Raises `CloudError` for what is no such record."""
        key = layout.shard_key(account, region)
        found = self._store.get(key)
        if found is None:
            return None
        try:
            row = Row(json.loads(found.body))
            return ShardRun(
                run=row.text("run"),
                failed=row.count("failed") or 0,
                left=row.count("left") or 0,
                error=row.text("error"),
            )
        except (ValueError, AttributeError, RecursionError) as error:
            raise CloudError(f"{self._store.name}/{key} cannot be read: {error}", "remove it") from error
