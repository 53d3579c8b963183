"""The sandbox's one clock: every time stamp, completion and Date header of the server comes from here.

It runs with real time, and can be moved forward (`dr sandbox clock --advance`), never back.
"""

from __future__ import annotations

import datetime as dt
import threading

_END = dt.datetime(9000, 1, 1, tzinfo=dt.UTC)
"""Python's dates end with the year 9999, and a clock near it would fail in every answer."""


class Clock:
    """Real time plus an offset that only grows; safe to use from several threads."""

    def __init__(self) -> None:
        self._offset = dt.timedelta(0)
        self._lock = threading.Lock()

    def now(self) -> dt.datetime:
        """The sandbox's time, UTC, aware."""
        return dt.datetime.now(dt.UTC) + self._offset

    def naive(self) -> dt.datetime:
        """The sandbox's time in UTC without a zone: what moto stores in its models."""
        return self.now().replace(tzinfo=None)

    def advance(self, by: dt.timedelta) -> dt.datetime:
        """Move forward and return the new time; raise ValueError for a negative step or the end of time."""
        if by < dt.timedelta(0):
            raise ValueError("the sandbox's clock never goes back")
        with self._lock:
            if by > _END - self.now():
                raise ValueError("the sandbox's clock ends with the year 9000")
            self._offset += by
        return self.now()


clock = Clock()
