"""Leases in the primary store: who works on what (FAILURES 2c).

A lease is one document that only one writer can create; it holds for 5 minutes and is renewed by its ETag. One that
ran out is taken over by its ETag too, so that of several takers one wins; so is, at once, that of a process of this
machine that has died. An optimisation: a holder that was paused can always act late, and correctness rests on names
and tags that derive from the slot.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any

from dr import layout
from dr.errors import Busy, CloudError, EnvironmentFailed
from dr.ports import Clock, ObjectStore, StoredObject
from dr.store.documents import instant_text
from dr.store.fields import Row
from dr.store.processes import Died, Process, died, somebody_here, this_process
from dr.words import duration, instant

_LASTS = timedelta(minutes=5)
"""DESIGN 9."""
_AHEAD = timedelta(minutes=5)
"""How far ahead another machine's clock may be (DESIGN 7.3); beyond it, what a lease says of its end is not believed."""
_REMEDY = "try again when it has ended; a lease that nobody renews ends by itself within 5 minutes"
_TRIES = 3
"""Lost races before the winner is named."""
_LONGEST_OWNER = 120
"""Characters of another's text that a message repeats."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """Who takes leases: a text for people that tells this process from every other, and the process itself.

    `process` is None where its death could not be told from its sleep.
    """

    name: str
    process: Process | None = None


def owner_of(environ: Mapping[str, str]) -> Owner:
    """Name this process. In Lambda the log stream tells one environment from another, and a frozen one is not dead."""
    function = environ.get("AWS_LAMBDA_FUNCTION_NAME")
    if function is not None:
        return Owner(name=f"{function} ({environ.get('AWS_LAMBDA_LOG_STREAM_NAME', 'unknown log stream')})")
    return Owner(name=f"{somebody_here()} (process {os.getpid()})", process=this_process())


class StoreLeases:
    """`ports.Leases`. `is_dead` says whether the process that holds a lease can do nothing any more."""

    def __init__(self, store: ObjectStore, owner: Owner, clock: Clock, is_dead: Died = died) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._is_dead = is_dead

    def acquire(self, key: str) -> StoreLease:
        """Take it. Raises `Busy` while another's holds."""
        for _ in range(_TRIES):
            body = self._body()
            etag = self._store.put(key, body, if_absent=True)
            if etag is None:
                etag = self._take_over(key, body)
            if etag is not None:
                return StoreLease(self._store, key, self._owner, self._clock, etag)
        raise Busy(f"others keep starting on {layout.leased_work(key)} first", _REMEDY)

    def holder(self, key: str) -> str | None:
        """Who holds it now, by name; None where nobody does."""
        found = self._store.get(key)
        claim = None if found is None else self._claim(key, found)
        if claim is None or claim.until <= self._clock.now() or self._left(claim):
            return None
        return claim.owner

    def _take_over(self, key: str, body: bytes) -> str | None:
        """Take what ran out or was left by the dead; None when somebody was faster, or it has just been given back."""
        found = self._store.get(key)
        if found is None:
            return None
        if found.body == body:  # written by us: the answer was lost, and the second attempt found the first
            return found.etag
        claim = self._claim(key, found)
        if claim.until > self._clock.now() and not self._left(claim):
            raise _busy(key, claim, self._clock.now())
        return self._store.put(key, body, if_match=found.etag)

    def _left(self, claim: _Claim) -> bool:
        return claim.process is not None and self._is_dead(claim.process)

    def _claim(self, key: str, found: StoredObject) -> _Claim:
        """Who holds it until when. What cannot be believed holds 5 minutes from when it was written, by the store."""
        claim = _read(found.body)
        if claim is not None and claim.until <= self._clock.now() + _LASTS + _AHEAD:
            return claim
        written = next((at for each, at in self._store.keys(key) if each == key), self._clock.now())
        return _Claim(
            owner=claim.owner if claim else "somebody (the lease cannot be read)", until=written + _LASTS
        )

    def _body(self) -> bytes:
        return _document(self._owner, self._clock.now())


class StoreLease:
    """`ports.Lease`: held as long as the document is the one that we wrote last."""

    def __init__(self, store: ObjectStore, key: str, owner: Owner, clock: Clock, etag: str) -> None:
        self._store = store
        self._key = key
        self._owner = owner
        self._clock = clock
        self._etag = etag

    def renew(self) -> None:
        """Hold it for 5 minutes from now, also when it ran out and nobody took it. Raises `Busy` when one did."""
        body = _document(self._owner, self._clock.now())
        etag = self._store.put(self._key, body, if_match=self._etag)
        if etag is None:
            etag = self._lost(body)
        self._etag = etag

    def release(self) -> None:
        """Give it back; what cannot be given back runs out by itself, and is never an error."""
        with suppress(CloudError, EnvironmentFailed):
            self._store.delete(self._key, if_match=self._etag)

    def _lost(self, body: bytes) -> str:
        """Find out who has it; a renewal whose answer was lost is ours still."""
        found = self._store.get(self._key)
        if found is None:
            raise Busy(
                f"the lease of {layout.leased_work(self._key)} is gone: somebody gave it back, or this is another store now",
                _REMEDY,
            )
        if found.body == body:
            return found.etag
        claim = _read(found.body) or _Claim(owner="somebody", until=self._clock.now() + _LASTS)
        if claim.process is not None and claim.process == self._owner.process:
            return found.etag  # of an earlier renewal whose answer was lost: it still holds
        raise _busy(self._key, claim, self._clock.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class _Claim:
    owner: str
    until: datetime
    process: Process | None = None


def _document(owner: Owner, now: datetime) -> bytes:
    document: dict[str, Any] = {"format": 1, "owner": owner.name, "until": instant_text(now + _LASTS)}
    return json.dumps(document | ({"process": asdict(owner.process)} if owner.process else {})).encode()


def _read(body: bytes) -> _Claim | None:
    """Read what a lease says; None for a damaged one."""
    try:
        row = Row(json.loads(body))
        owner = "".join(letter for letter in row.text("owner") if letter.isprintable())
        return _Claim(owner=owner[:_LONGEST_OWNER], until=row.instant("until"), process=_process(row))
    except (ValueError, AttributeError, RecursionError):
        return None


def _process(row: Row) -> Process | None:
    """The process that holds it; None when it is not named, as in Lambda."""
    if "process" not in row.values:
        return None
    told = row.row("process")
    pid, started = told.count("pid"), told.count("started")
    if pid is None or pid < 1 or started is None:
        return None
    return Process(boot=told.text("boot"), namespace=told.text("namespace"), pid=pid, started=started)


def _busy(key: str, claim: _Claim, now: datetime) -> Busy:
    left = max(0, int((claim.until - now).total_seconds()))
    ends = f"its lease ends at {instant(claim.until)}, in {duration(left)}, unless it renews it"
    return Busy(f"{claim.owner} is {layout.leased_work(key)}: {ends}", _REMEDY)
