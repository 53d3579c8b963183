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
from dr.errors import CloudError, DrError
from dr.ports import ObjectStore
from dr.store.fields import Row
from dr.store.rewriting import rewrite

_FORMAT = 1


class _Record(NamedTuple):
    """Whose accounts, what has chosen them, and their ids."""

    installation: str
    choice: str
    ids: frozenset[str]


class KnownAccounts:
    """Of one installation, in its stores. A record of another one is not read, and not written over."""

    def __init__(self, installation: str, stores: Sequence[ObjectStore]) -> None:
        self._installation = installation
        self._stores = stores

    def read(self, choice: str) -> frozenset[str]:
        """The ids that this has chosen, as the first store has them that tells any; none where no store does."""
        for store in self._stores:
            with suppress(DrError):
                found = _read(store)
                if found and found.ids and found[:2] == (self._installation, choice):
                    return found.ids
        return frozenset()

    def write(self, choice: str, ids: Collection[str]) -> None:
        """Remember these and no others. Raises `DrError` of a store that did not take it, once all were asked."""
        errors: list[DrError] = []
        for store in self._stores:
            try:
                self._write(store, _Record(self._installation, choice, frozenset(ids)))
            except DrError as error:
                errors.append(error)
        if errors:
            raise errors[0]

    def _write(self, store: ObjectStore, record: _Record) -> None:
        found = _read(store)
        if found == record:
            return
        if found is not None and found.installation != self._installation:
            raise CloudError(
                f"{store.name}/{layout.ACCOUNTS} is of the installation {found.installation!r}",
                "give each installation stores of its own, or remove it",
            )
        body = json.dumps({**record._asdict(), "ids": sorted(record.ids), "format": _FORMAT}).encode()
        rewrite(store, layout.ACCOUNTS, lambda _: body)


def _read(store: ObjectStore) -> _Record | None:
    """What is there; a record that is damaged is as none: it is written anew. Raises `CloudError` for one of a later dr."""
    found = store.get(layout.ACCOUNTS)
    if found is None:
        return None
    try:
        row = Row(json.loads(found.body))
        version = row.count("format") or 0
        if version <= _FORMAT:
            ids = frozenset(id_ for id_ in row.texts("ids") if re.fullmatch(r"[0-9]{12}", id_))
            return _Record(row.text("installation"), row.text("choice"), ids)
    except (ValueError, AttributeError, RecursionError):
        return None
    raise CloudError(
        f"{store.name}/{layout.ACCOUNTS} is of format {version}, and this dr writes {_FORMAT}",
        "use the dr that wrote it",
    )
