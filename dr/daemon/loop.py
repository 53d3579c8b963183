"""Tick, wait, and look again, until somebody says that it is to end."""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime
from typing import Protocol

from dr.daemon.waking import is_set_back
from dr.interrupts import Words

_STEP = 1.0
"""Seconds between two looks at signals, files and the clock."""


class Work(Protocol):
    """What a daemon does."""

    def now(self) -> datetime:
        """This instant."""

    def sleep(self, seconds: float) -> None:
        """Wait."""

    def tick(self) -> datetime:
        """Do what is due; when to look next. Raises nothing that a later tick may mend."""

    def beat(self) -> bool:
        """Say that it is alive, every now and then; whether it still leads, or stands by as before."""

    def moved(self) -> bool:
        """Whether dr.yaml or a policy has changed since the tick."""


def serve(work: Work, words: Words) -> None:
    """Work until it is to end: what is in hand then is ended by the tick itself; who says it twice is not waited for."""
    with suppress(KeyboardInterrupt):
        while not words.ended:
            words.again = False
            began = work.now()
            wake_up = words.unless_ended(work.tick)
            if wake_up is not None:
                _wait(wake_up, began, work, words)


def _wait(wake_up: datetime, began: datetime, work: Work, words: Words) -> None:
    """Until the wake-up, or anything that asks for a look before it; also a clock that was set back since the tick began."""
    shown = began
    while not (words.ended or words.again):
        before, shown = shown, work.now()
        if (
            shown >= wake_up
            or is_set_back(before, shown)
            or work.moved()
            or not words.unless_ended(work.beat)
        ):
            return
        work.sleep(min(_STEP, (wake_up - shown).total_seconds()))
