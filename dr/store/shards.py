"""How the shards of runs of many ended, one object for each shard: the last runs only, so that nothing piles up.

Runs overlap: every wake-up begins one, and a shard that is busy in one is soon done in the other. Each has to find its own word.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from dr import layout
from dr.errors import CloudError
from dr.model import ShardRun
from dr.ports import ObjectStore, StoredObject
from dr.store.fields import Row
from dr.store.rewriting import rewrite

_KEPT = 256
"""Runs: four hours of one a minute and the sweep. A run takes two at the most, and has to find what its shards said of it."""
_LONGEST = 500
"""Characters of an error that are kept: the log has all of them."""


class ShardRuns:
    """The records of shards in the primary store."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def record(self, account: str, region: str, run: ShardRun) -> None:
        """Remember how it ended in this run; doing it again is harmless. Raises `CloudError` where others keep writing."""
        key = layout.shard_key(account, region)

        def anew(found: StoredObject | None) -> bytes:
            others = [one for one in self._known(key, found) if one.run != run.run]
            return _document([*others[1 - _KEPT :], run])

        rewrite(self._store, key, anew)

    def of(self, run: str, account: str, region: str) -> ShardRun | None:
        """How it ended in this run; None where it has not said so. Raises `CloudError` for what is no such record."""
        key = layout.shard_key(account, region)
        found = self._store.get(key)
        runs = () if found is None else self._read(key, found)
        return next((one for one in runs if one.run == run), None)

    def _known(self, key: str, found: StoredObject | None) -> Sequence[ShardRun]:
        """What is there; a record that cannot be read is written anew."""
        try:
            return () if found is None else self._read(key, found)
        except CloudError:
            return ()

    def _read(self, key: str, found: StoredObject) -> tuple[ShardRun, ...]:
        try:
            return tuple(_run(Row(row)) for row in json.loads(found.body)["runs"])
        except (ValueError, TypeError, LookupError, AttributeError, RecursionError) as error:
            raise CloudError(f"{self._store.name}/{key} cannot be read: {error}", "remove it") from error


def _document(runs: Sequence[ShardRun]) -> bytes:
    rows = [{**asdict(run), "error": run.error[:_LONGEST], "unheard": run.unheard[:_LONGEST]} for run in runs]
    return json.dumps({"format": 1, "runs": rows}).encode()


def _run(row: Row) -> ShardRun:
    return ShardRun(
        run=row.text("run"),
        failed=row.count("failed") or 0,
        left=row.count("left") or 0,
        error=row.text("error"),
        unheard=row.maybe("unheard") or "",
    )
