"""A desk on fakes, and the policies that the tests of a tick apply with it."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from fake_clock import FakeClock
from fake_store import FakeLeases, FakeRecords, FakeStacks, FakeStackStore
from fakes import INSTALLATION, FakeCloud

from dr.executor.hands import Hands, Together, in_turn
from dr.interrupts import heeded
from dr.limits import decide
from dr.model import Policy, Protect, RetentionRule, Selector, Unread
from dr.slots import parse_schedule
from dr.tick.applying import Applying, apply_now
from dr.tick.desk import Desk

START = datetime(2026, 3, 2, 12, 0, 10, tzinfo=UTC)
VIENNA = ZoneInfo("Europe/Vienna")


def policy(name: str = "db", protect: Protect = Protect.VOLUMES, **facts: Any) -> Policy:
    select = Selector(names=("*",)) if protect is Protect.STACKS else Selector(tags={"Backup": ("*",)})
    return Policy(
        **{
            "name": name,
            "protect": protect,
            "regions": ("eu-west-1",),
            "select": select,
            "schedules": (parse_schedule("0 * * * *", VIENNA),),
            "zone": VIENNA,
            "keep": RetentionRule(last=3),
            **facts,
        }
    )


class Meddled:
    """A cloud with something of the test's own before each call of one action: told its number and the Region."""

    def __init__(self, cloud: FakeCloud, action: str, before: Callable[[int, str], object]) -> None:
        self._cloud, self._action, self._before = cloud, action, before
        self._lock, self._number = threading.Lock(), 0

    def __getattr__(self, name: str) -> Any:
        return self._call if name == self._action else getattr(self._cloud, name)

    def _call(self, region: str, *given: Any) -> Any:
        with self._lock:
            self._number += 1
            number = self._number
        self._before(number, region)
        return getattr(self._cloud, self._action)(region, *given)


@dataclass
class World:
    clock: FakeClock = field(default_factory=lambda: FakeClock(START))

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock)
        self.stacks = FakeStacks(self.clock)
        self.store = FakeStackStore()
        self.records = FakeRecords()
        self.leases = FakeLeases(self.clock)
        self.stop_at: datetime | None = None
        self.unheard: Unread | None = None
        self.together: Together = in_turn

    @property
    def desk(self) -> Desk:
        hands = Hands(
            installation=INSTALLATION,
            cloud=self.cloud,
            stacks=self.stacks,
            store=self.store,
            clock=self.clock,
            stop_at=self.stop_at,
            together=self.together,
            interrupts=heeded,
        )
        return Desk(hands=hands, records=self.records, leases=self.leases, unheard=self.unheard)

    def apply(self, *policies: Policy) -> Applying:
        return apply_now(policies or (policy(),), self.desk, decide, lambda _outcome: None)

    def hours(self, number: int, *policies: Policy) -> list[Applying]:
        """So many ticks, an hour apart; what a tick has begun is good before the next."""
        done = []
        for _ in range(number):
            done.append(self.apply(*policies))
            self.clock.advance(hours=1)
        return done

    def state(self) -> Any:
        """What is there, with ids and times masked."""
        snapshots = sorted(tuple(sorted(s.tags.items())) for s in self.cloud.snapshots.values())
        images = sorted((i.name, tuple(sorted(i.tags.items()))) for i in self.cloud.images.values())
        stored = sorted(p.id for p in self.store.points(self.cloud.account, "eu-west-1"))
        return snapshots, images, stored
