"""What is written on the endpoint: snapshots made and deleted, at the pace of token buckets like EC2's own.

Each action has a bucket of its own. `lapse` is how many times faster than outside time goes here: a run of an hour takes minutes. `shared` is the part of the
refill that somebody else in the account takes. `faults` is the share of calls that fail, in turn: refused with a 503, failed
with a 500 and without an effect, failed with a 500 and with one.
"""

from __future__ import annotations

import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import cycle
from typing import Any

from benchmarks.fleet import XMLNS, Snapshot, listing, snapshot

SIZE, REFILL = 100, 5
"""Of CreateSnapshot and of DeleteSnapshot. Source: EC2 developer guide, Request token bucket sizes and refill rates."""
_EMPTY = ("RequestLimitExceeded", "Request limit exceeded.")
_FAULTS = (("Unavailable", 503, False), ("InternalError", 500, False), ("InternalError", 500, True))


@dataclass(kw_only=True)
class Writes:
    """All that came of one action, and how often it was asked for."""

    lapse: float = 1.0
    shared: float = 0.0
    faults: float = 0.0
    made: list[Snapshot] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    counts: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        self._random = random.Random(7)  # noqa: S311 - the same faults in every run
        self._kinds = cycle(_FAULTS)
        self._tokens, self._at = float(SIZE), time.monotonic()
        self._began: float | None = None
        self._ended = 0.0

    def create(self, asked: Mapping[str, list[str]]) -> tuple[int, bytes]:
        """Status and body of the answer to CreateSnapshot."""
        return self._answered(lambda: self._make(asked))

    def delete(self, asked: Mapping[str, list[str]]) -> tuple[int, bytes]:
        """Status and body of the answer to DeleteSnapshot."""
        return self._answered(lambda: self._delete(asked["SnapshotId"][0]))

    def _answered(self, do: Callable[[], bytes]) -> tuple[int, bytes]:
        with self._lock:
            self.counts["asked"] += 1
            self._began = self._began or time.monotonic()
            if not self._token():
                self.counts["throttled"] += 1
                return 503, _error(*_EMPTY)
            if self._random.random() >= self.faults:
                return 200, do()
            self.counts["failed"] += 1
            code, status, effect = next(self._kinds)
            if effect:
                do()
            return status, _error(code, "An internal error has occurred")

    def listed(self, filters: Mapping[str, list[str]]) -> bytes:
        """What was made and has these tags, on one page."""
        wanted = {name.removeprefix("tag:"): values for name, values in filters.items() if name != "status"}
        with self._lock:
            rows = [one for one in self.made if all(one.tags.get(k) in v for k, v in wanted.items())]
        return listing("DescribeSnapshots", "snapshotSet", [snapshot(row) for row in rows])

    def told(self) -> dict[str, Any]:
        """What became of it: how often it was asked for and refused, sources, the most of one, what is gone, and seconds."""
        with self._lock:
            of = Counter(one.volume for one in self.made)
            seconds = self._ended - self._began if self._began else 0.0
            return {
                **self.counts,
                "sources": len(of),
                "most": max(of.values(), default=0),
                "gone": len(self.gone),
                "seconds": seconds,
            }

    def _token(self) -> bool:
        now = time.monotonic()
        refill = REFILL * self.lapse * (1 - self.shared)
        self._tokens = min(SIZE, self._tokens + (now - self._at) * refill)
        self._at = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _make(self, asked: Mapping[str, list[str]]) -> bytes:
        tags = {
            asked[key][0]: asked[key.replace(".Key", ".Value")][0] for key in asked if key.endswith(".Key")
        }
        made = Snapshot(len(self.made), asked["VolumeId"][0], datetime.now(UTC), tags)
        self.made.append(made)
        self._ended = time.monotonic()
        inner = snapshot(made).strip().removeprefix("<item>").removesuffix("</item>")
        return f'<CreateSnapshotResponse xmlns="{XMLNS}">{inner}</CreateSnapshotResponse>'.encode()

    def _delete(self, identity: str) -> bytes:
        self.gone.add(identity)
        self._ended = time.monotonic()
        return (
            f'<DeleteSnapshotResponse xmlns="{XMLNS}"><return>true</return></DeleteSnapshotResponse>'.encode()
        )


def _error(code: str, message: str) -> bytes:
    return (
        f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        f"<RequestID>bench</RequestID></Response>"
    ).encode()
