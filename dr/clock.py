"""The clock: the only line of the program that reads the time of day."""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta


@dataclass(frozen=True)
class SystemClock:
    """This machine's clock, with an offset under the sandbox."""

    offset: timedelta = timedelta(0)

    def now(self) -> datetime:
        """This instant, in UTC."""
        return datetime.now(UTC) + self.offset

    def monotonic(self) -> float:
        """Seconds since whenever, which nobody sets back."""
        return time.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)
