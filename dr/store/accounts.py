"""The accounts that an Organization had when it was last heard: AWS runs Organizations from one Region, and that may be lost.

A record in the primary and in the replica: the one may lie in the same Region. Whoever lists the accounts and then works in
them writes it, and nothing reads it while the Organization answers.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import NamedTuple

from dr import layout
from dr.errors import CloudError, DrError, EnvironmentFailed
from dr.ports import ObjectStore
from dr.store.fields import Row
from dr.store.rewriting import rewrite

_FORMAT = 1


class _Record(NamedTuple):
    """Whose accounts, and their ids."""

    installation: str
    ids: frozenset[str]


class KnownAccounts:
    """Of one installation, in its stores. A record of another one is not read, and not written over."""

    def __init__(self, installation: str, stores: Sequence[ObjectStore]) -> None:
        self._installation = installation
        self._stores = stores

    def read(self) -> frozenset[str]:
        """Their ids, as the first store has them that tells any; none where no store does."""
        for store in self._stores:
            with suppress(CloudError, EnvironmentFailed):
                found = _read(store)
                if found and found.ids and found.installation == self._installation:
                    return found.ids
        return frozenset()

    def write(self, ids: Collection[str]) -> None:
        """Remember these and no others. Raises `DrError` of a store that did not take it, once all were asked."""
        errors: list[DrError] = []
        for store in self._stores:
            try:
                self._write(store, _Record(self._installation, frozenset(ids)))
            except (CloudError, EnvironmentFailed) as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _write(self, store: ObjectStore, record: _Record) -> None:
        found = _read(store)
        if found == record or (found is not None and found.installation != self._installation):
            return
        row = {"format": _FORMAT, "installation": record.installation, "accounts": sorted(record.ids)}
        body = json.dumps(row).encode()
        rewrite(store, layout.ACCOUNTS, lambda _: body)


def _read(store: ObjectStore) -> _Record | None:
    """What is there; a record that is damaged is as none: it is written anew."""
    found = store.get(layout.ACCOUNTS)
    if found is None:
        return None
    try:
        row = Row(json.loads(found.body))
        ids = frozenset(id_ for id_ in row.texts("accounts") if re.fullmatch(r"[0-9]{12}", id_))
        return _Record(row.text("installation"), ids) if row.count("format") == _FORMAT else None
    except (ValueError, AttributeError, RecursionError):
        return None
