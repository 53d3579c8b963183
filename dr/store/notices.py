"""What people were told, in the primary store: whichever shell ticks next goes on from there, and says nothing twice."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr import layout
from dr.errors import CloudError
from dr.notices.changes import News, Told
from dr.notices.conditions import Key, Trouble
from dr.ports import ObjectStore, StoredObject
from dr.store.documents import instant_text
from dr.store.fields import Row
from dr.store.rewriting import rewrite

_FORMAT = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenFiles:
    """With which fault, and since when, a daemon goes on by the files that it read before."""

    owner: str
    fault: str
    since: datetime


class StoreNotices:
    """The one record of an installation. What cannot be read is an error: nobody is told everything once more for it."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def read(self) -> Mapping[str, Told]:
        """By the target's id. Raises `CloudError` for a record that is damaged."""
        found = self._store.get(layout.TOLD)
        return {} if found is None else self._read(found.body)

    def write(self, news: Mapping[str, News], ids: Collection[str]) -> None:
        """Let it know this news of these targets; of others than `ids` nothing is kept. Raises `CloudError` where others keep writing."""

        def anew(found: StoredObject | None) -> bytes:
            known = {} if found is None else self._known(found.body)
            return _document({id_: news.get(id_, News()).onto(known.get(id_, Told())) for id_ in ids})

        rewrite(self._store, layout.TOLD, anew)

    def note_files(self, owner: str, fault: str, now: datetime) -> None:
        """Remember with which fault a daemon goes on by its last good files, or, empty, that there is none any more."""
        document = {"format": _FORMAT, "owner": owner, "fault": fault, "since": instant_text(now)}
        self._store.put(layout.FILES, json.dumps(document).encode())

    def files(self) -> BrokenFiles | None:
        """The fault that a daemon has noted; None where there is none. Raises `CloudError` for a record that is damaged."""
        found = self._store.get(layout.FILES)
        if found is None:
            return None
        try:
            row = Row(json.loads(found.body))
            noted = BrokenFiles(owner=row.text("owner"), fault=row.text("fault"), since=row.instant("since"))
        except (ValueError, AttributeError, RecursionError) as error:
            raise CloudError(
                f"{self._store.name}/{layout.FILES} cannot be read: {error}", "remove it"
            ) from error
        return noted if noted.fault else None

    @property
    def _name(self) -> str:
        return f"{self._store.name}/{layout.TOLD}"

    def _known(self, body: bytes) -> Mapping[str, Told]:
        """What is there; a record that is damaged is written anew, and one of a later dr is not."""
        try:
            return self._read(body)
        except _Damaged:
            return {}

    def _read(self, body: bytes) -> Mapping[str, Told]:
        try:
            row = Row(json.loads(body))
            version = row.count("format")
            targets = row.children("targets") if version == _FORMAT else {}
            told = {id_: _told(one) for id_, one in targets.items()}
        except (ValueError, TypeError, AttributeError, RecursionError) as error:
            raise _Damaged(
                f"{self._name} cannot be read: {error}", "it is written anew, and people are told anew"
            ) from error
        if version != _FORMAT:
            raise CloudError(
                f"{self._name} is of format {version}, and this dr writes {_FORMAT}",
                "use the dr that wrote it",
            )
        return told


class _Damaged(CloudError):  # noqa: N818 - as those of dr.errors
    """A record that nobody can read."""


def _document(told: Mapping[str, Told]) -> bytes:
    targets = {id_: _row(one) for id_, one in told.items()}
    return json.dumps({"format": _FORMAT, "targets": targets}, sort_keys=True).encode()


def _row(told: Told) -> dict[str, Any]:
    return {
        "digest": told.digest and instant_text(told.digest),
        "told": [{**key._asdict(), "since": instant_text(at)} for key, at in sorted(told.since.items())],
    }


def _told(row: Row) -> Told:
    return Told(
        digest=None if row.maybe("digest") is None else row.instant("digest"),
        since={_key(one): one.instant("since") for one in row.rows("told")},
    )


def _key(row: Row) -> Key:
    trouble, *words = (row.text(name) for name in Key._fields)
    return Key(Trouble(trouble), *words)
