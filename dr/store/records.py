"""Small facts that the shells share through the primary store: the claim, what was applied, orphans, pins, freezes.

A fact that cannot be read is an error and never "there is none": expiry closes on it (DESIGN 7.3). Each document is
a JSON object with a format number.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from dr import layout
from dr.durations import Duration
from dr.errors import CloudError, Refused
from dr.model import Applied, Begun, Claim, Freeze, RetentionRule
from dr.ports import PIN_LASTS, Clock, ObjectStore, StoredObject
from dr.store.documents import instant_text
from dr.store.fields import Row
from dr.store.freezing import StoreFreezes

_FORMAT = 1
_Value = TypeVar("_Value")
_COUNTS = ("last", "hourly", "daily", "weekly", "monthly", "yearly")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pin:
    """What one restore needs, and how long."""

    points: tuple[str, ...]
    until: datetime
    etag: str


class StoreRecords:
    """`ports.Records` in one object store: two could not agree on a pin while one is away. `Stores` says in which."""

    def __init__(self, store: ObjectStore, clock: Clock, replica: ObjectStore | None = None) -> None:
        """`replica` is asked for what is frozen alone."""
        self._store = store
        self._clock = clock
        self._replica = replica

    @property
    def name(self) -> str:
        """The store's URL or path."""
        return self._store.name

    def claim(self, installation: str) -> None:
        """Claim the store; a store has one installation, or two would expire each other's stacks."""
        document = {"installation": installation, "since": instant_text(self._clock.now())}
        if self._store.put(layout.CLAIM, _document(document), if_absent=True):
            return
        if self.refuse_others(installation) is None:
            raise CloudError(f"{self.name}/{layout.CLAIM} came and went", "run it again")

    def refuse_others(self, installation: str) -> Claim | None:
        """The claim, none where the store is nobody's. Raise `Refused` when it belongs to another installation."""
        standing = self.holder()
        if standing is not None and standing.installation != installation:
            raise Refused(
                f"{self.name} belongs to the installation {standing.installation!r}; this one is {installation!r}",
                "give this installation a store of its own, or correct `name` in dr.yaml",
            )
        return standing

    def holder(self) -> Claim | None:
        """Whose the store is, and since when; None when nobody has claimed it."""
        row = self._read(layout.CLAIM)
        return None if row is None else self._field(layout.CLAIM, partial(_claim, row))

    def applied(self, account: str, region: str, policy: str) -> Applied | None:
        """What the last apply of a policy used; None when there was none."""
        key = layout.applied_key(account, region, policy)
        row = self._read(key)
        return None if row is None else self._field(key, partial(_applied, row))

    def record_applied(self, account: str, region: str, policy: str, applied: Applied) -> None:
        """Remember what this apply used; the last one to write is the last apply."""
        document = {"keep": _rule_row(applied.keep), "trimmed": [_rule_row(rule) for rule in applied.trimmed]}
        self._store.put(layout.applied_key(account, region, policy), _document(document))

    def orphans(self, account: str, region: str) -> Mapping[str, datetime]:
        """When the parts of images that are gone were first seen so; empty when nothing was ever recorded."""
        key = layout.orphans_key(account, region)
        row = self._read(key)
        return {} if row is None else self._field(key, partial(_orphans, row))

    def record_orphans(self, account: str, region: str, orphans: Mapping[str, datetime]) -> None:
        """Remember these and no others: what is no orphan any more is forgotten, and its day begins anew."""
        since = {part: instant_text(seen) for part, seen in orphans.items()}
        self._store.put(layout.orphans_key(account, region), _document({"orphans": since}))

    def pins(self) -> frozenset[str]:
        """Ids of points that are pinned now. A pin that ran out pins nothing; nothing is written here."""
        now = self._clock.now()
        found = [self._pin(key, written) for key, written in self._store.keys(layout.PINS)]
        live = [pin for pin in found if pin and pin.until > now]  # None was released meanwhile
        return frozenset(point for pin in live for point in pin.points)

    def freezes(self) -> tuple[Freeze, ...]:
        """What is frozen, in this store or in the replica."""
        return StoreFreezes(self._store, self._replica, self._clock).read()

    def pin(self, restore: str, points: Sequence[str]) -> None:
        """Keep these points for a week from now, or until `unpin`; clears away what ran out.

        Nothing of that by this machine's clock alone: a laptop whose clock is wrong would free what others still need.
        """
        now, own = self._clock.now(), layout.pin_key(restore)
        document = {"restore": restore, "points": sorted(set(points)), "until": instant_text(now + PIN_LASTS)}
        self._store.put(own, _document(document))
        times = dict(self._store.keys(layout.PINS))
        now = min(now, times.pop(own, now))
        for key, written in times.items():
            with suppress(CloudError):  # another's that cannot be read is no reason to restore nothing
                if (found := self._pin(key, written)) and found.until <= now:
                    self._store.delete(key, if_match=found.etag)

    def unpin(self, restore: str) -> None:
        """Release them."""
        self._store.delete(layout.pin_key(restore))

    def begun(self, account: str, region: str, stack: str) -> Begun | None:
        """The latest restore that was begun to a target stack; None when there was none."""
        key = layout.journal_key(account, region, stack)
        row = self._read(key)
        return None if row is None else self._field(key, partial(_begun, row))

    def record_begun(self, account: str, region: str, stack: str, begun: Begun) -> None:
        """Remember it; whoever holds the target's lease is the only one to write."""
        self._store.put(layout.journal_key(account, region, stack), _document(_begun_row(begun)))

    def _pin(self, key: str, written: datetime) -> _Pin | None:
        """A pin as it is now; None when it has gone. It lasts a week by the store's clock: its restore's may be wrong."""
        found = self._store.get(key)
        if found is None:
            return None
        row = self._row(key, found)
        self._field(key, partial(row.instant, "until"))
        points = self._field(key, partial(row.texts, "points"))
        return _Pin(points=points, until=written + PIN_LASTS, etag=found.etag)

    def _read(self, key: str) -> Row | None:
        found = self._store.get(key)
        return None if found is None else self._row(key, found)

    def _row(self, key: str, found: StoredObject) -> Row:
        try:
            values = json.loads(found.body)
        except (ValueError, RecursionError) as error:
            raise self._unreadable(key, error) from error
        if not isinstance(values, dict) or values.get("format") != _FORMAT:
            raise self._unreadable(key, ValueError(f"no document of format {_FORMAT}"))
        return Row(values)

    def _field(self, key: str, read: Callable[[], _Value]) -> _Value:
        try:
            return read()
        except ValueError as error:
            raise self._unreadable(key, error) from error

    def _unreadable(self, key: str, error: Exception) -> CloudError:
        return CloudError(
            f"{self._store.name}/{key} cannot be read: {error}",
            "look at what it says; when it is damaged for good, remove it",
        )


def _document(values: dict[str, Any]) -> bytes:
    return json.dumps({"format": _FORMAT, **values}, sort_keys=True).encode()


def _claim(row: Row) -> Claim:
    since = None if row.maybe("since") is None else row.instant("since")
    return Claim(installation=row.text("installation"), since=since)


def _applied(row: Row) -> Applied:
    return Applied(keep=_rule(row.row("keep")), trimmed=tuple(_rule(one) for one in _trimmed(row)))


def _trimmed(row: Row) -> tuple[Row, ...]:
    """The rules that had their ration; the first writers knew of one or none."""
    match row.values.get("trimmed"):
        case None:
            return ()
        case dict():
            return (row.row("trimmed"),)
        case _:
            return row.rows("trimmed")


def _orphans(row: Row) -> dict[str, datetime]:
    since = row.row("orphans")
    return {part: since.instant(part) for part in since.values}


def _begun(row: Row) -> Begun:
    return Begun(
        plan=row.text("plan"),
        attempt=row.count("attempt") or 1,
        stored=row.text("stored"),
        policy=row.text("policy"),
        points=row.texts("points"),
        at=row.instant("at"),
        asked_at=None if row.maybe("asked_at") is None else row.instant("asked_at"),
        began=row.instant("began"),
        ended=row.flag("ended"),
    )


def _begun_row(begun: Begun) -> dict[str, Any]:
    """Instants to the microsecond: the points at or before `at` have to be the same ones again."""
    return {
        "plan": begun.plan,
        "attempt": begun.attempt,
        "stored": begun.stored,
        "policy": begun.policy,
        "points": sorted(begun.points),
        "at": instant_text(begun.at),
        "asked_at": begun.asked_at and instant_text(begun.asked_at),
        "began": instant_text(begun.began),
        "ended": begun.ended,
    }


def _rule_row(rule: RetentionRule) -> dict[str, Any]:
    within = rule.within and {"months": rule.within.months, "seconds": rule.within.seconds}
    return {**{name: getattr(rule, name) for name in _COUNTS}, "within": within}


def _rule(row: Row) -> RetentionRule:
    return RetentionRule(
        last=row.count("last"),
        hourly=row.count("hourly"),
        daily=row.count("daily"),
        weekly=row.count("weekly"),
        monthly=row.count("monthly"),
        yearly=row.count("yearly"),
        within=None if row.values.get("within") is None else _duration(row.row("within")),
    )


def _duration(row: Row) -> Duration:
    return Duration(months=row.count("months") or 0, seconds=row.count("seconds") or 0)
