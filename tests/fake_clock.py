"""Time and failures for tests: both come only when they are told to."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from dr.errors import DrError


@dataclass(slots=True)
class FakeClock:
    """Time that goes on only when it is told to, or slept."""

    at: datetime
    slept: list[float] = field(default_factory=list)

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += timedelta(seconds=seconds)

    def advance(self, **duration: float) -> None:
        self.at += timedelta(**duration)


@dataclass(slots=True)
class Failures:
    """What the next calls of a method raise: before their effect, or `after` it (the answer is lost)."""

    waiting: defaultdict[str, list[tuple[DrError, bool]]] = field(default_factory=lambda: defaultdict(list))
    for_ever: dict[str, DrError] = field(default_factory=dict)

    def add(self, method: str, *errors: DrError, after: bool = False) -> None:
        self.waiting[method] += [(error, after) for error in errors]

    def run(self, method: str, effect: Callable[[], Any]) -> Any:
        if method in self.for_ever:
            raise self.for_ever[method]
        error, after = self.waiting[method].pop(0) if self.waiting[method] else (None, False)
        if error is None:
            return effect()
        if after:
            effect()
        raise error
