"""A desk of fakes, ticks on it, and what the keep rules promise, worked out in another way than the product does.

The promise is made on the whole history at once, from nothing but the wall clock's own text; the product sees each
hour what the hours before have left.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from fake_clock import FakeClock
from fake_store import FakeLeases, FakeRecords, FakeStacks, FakeStackStore
from fakes import INSTALLATION, FakeCloud

from dr.executor.hands import Hands
from dr.limits import decide
from dr.model import Policy, State
from dr.tick.applying import Applying, apply_now
from dr.tick.desk import Desk

VIENNA = ZoneInfo("Europe/Vienna")
HOUR = timedelta(hours=1)
_PERIODS = {
    "hourly": "%Y-%m-%d %H %z",
    "daily": "%Y-%m-%d",
    "weekly": "%G %V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}


@dataclass(slots=True)
class Installation:
    """One installation on fakes. `tick` is what a scheduled run does."""

    clock: FakeClock
    policies: list[Policy]
    cloud: FakeCloud = field(init=False)
    records: FakeRecords = field(default_factory=FakeRecords)
    store: FakeStackStore = field(default_factory=FakeStackStore)
    stacks: FakeStacks = field(init=False)
    desk: Desk = field(init=False)

    def __post_init__(self) -> None:
        self.cloud = FakeCloud(self.clock)
        self.stacks = FakeStacks(self.clock)
        hands = Hands(
            installation=INSTALLATION,
            cloud=self.cloud,
            stacks=self.stacks,
            store=self.store,
            clock=self.clock,
        )
        self.desk = Desk(hands=hands, records=self.records, leases=FakeLeases(self.clock))

    def tick(self) -> Applying:
        return apply_now(self.policies, self.desk, decide, lambda _: None)

    def ticks(
        self, until: datetime, every: timedelta = HOUR, before: Callable[[], None] = lambda: None
    ) -> None:
        """Tick now and then at every interval before `until`."""
        while self.clock.now() < until:
            before()
            self.tick()
            self.clock.at += every

    def slots(self, policy: str) -> set[datetime]:
        """The slots of which there is a point that is, or may become, good."""
        points = [p for region in self.regions for p in self.cloud.points(region).points]
        alive = (p for p in points if p.state in {State.GOOD, State.PENDING})
        return {p.slot for p in alive if p.lineage.policy == policy}

    @property
    def regions(self) -> set[str]:
        return {region for policy in self.policies for region in policy.regions}


def promised(taken: Mapping[datetime, datetime], keep: Mapping[str, int | timedelta]) -> set[datetime]:
    """Which slots stay of those that were taken (slot -> time of its data): every rule on the whole history."""
    good = sorted(taken)
    stay = {good[-1]}
    for rule, value in keep.items():
        if isinstance(value, timedelta):
            stay |= {slot for slot in good if taken[slot] > taken[good[-1]] - value}
        elif rule == "last":
            stay |= set(good[-value:])
        else:
            stay |= _of_periods(good, _PERIODS[rule], value)
    return stay


def _of_periods(good: Iterable[datetime], form: str, places: int) -> set[datetime]:
    newest: dict[str, datetime] = {}
    for slot in good:
        newest[slot.astimezone(VIENNA).strftime(form)] = slot
    heads = sorted(newest.values())
    oldest = {min(good)} if len(heads) < places else set()
    return {*heads[-places:], *oldest}


def hours(start: datetime, end: datetime) -> list[datetime]:
    """Every full hour from start up to, not with, end."""
    return [start + n * HOUR for n in range(int((end - start) / HOUR))]


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)
