"""The world of the machines: the fake cloud, two stores of values under the real code of the store, and runs of `apply`.

Only AWS and the bytes of the stores are fakes; leases, records, stored stacks, tick, planner and executor are dr's.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fake_clock import FakeClock
from fake_store import FakeStacks
from fakes import ACCOUNT, INSTALLATION, FakeCloud
from machines.oracle import Oracle, Watcher
from machines.seam import Killed, Seam, Through, Trouble
from memory_store import MemoryStore

from dr import layout
from dr.actions import Expire, Plan
from dr.errors import Busy, EnvironmentFailed
from dr.executor.hands import Hands
from dr.limits import allow_expire, decide
from dr.model import Inventory, Policy, Source
from dr.store.freezing import StoreFreezes
from dr.store.leases import Owner, StoreLeases
from dr.store.records import StoreRecords
from dr.store.stacks import StoredStacks
from dr.tick.applying import Applying, Decide, apply_now
from dr.tick.desk import Desk

HOME, AWAY = "eu-west-1", "eu-central-1"
_PIN_LASTS, _CLOCKS = timedelta(days=7), timedelta(minutes=5)


@dataclass(slots=True)
class OurClock:
    """This machine's clock: AWS's, and by how much it is off."""

    aws: FakeClock
    off: timedelta = timedelta(0)

    def now(self) -> datetime:
        return self.aws.now() + self.off

    def sleep(self, seconds: float) -> None:
        self.aws.sleep(seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class Weather:
    """What a run meets. `acts` are of others: by the number or the method of the call before which they happen."""

    troubles: Mapping[int, Trouble] = field(default_factory=dict)
    dark: Collection[str] = ()
    blind: Collection[str] = ()
    once: bool = False
    acts: Mapping[int | str, Callable[[], None]] = field(default_factory=dict)
    before_looks: Mapping[str, Callable[[Sequence[str]], None]] = field(default_factory=dict)

    @property
    def calm(self) -> bool:
        return not (self.troubles or self.dark or self.blind or self.acts or self.before_looks)


CALM = Weather()


@dataclass(slots=True, kw_only=True)
class Run:
    """One run: what it planned, called and said; `done` is None for one that was killed, busy or helpless."""

    seam: Seam
    watcher: Watcher
    weather: Weather
    plan: Plan | None = None
    done: Applying | None = None
    error: BaseException | None = None

    @property
    def changes(self) -> list[str]:
        """The calls that changed something that a second run would not have to change."""
        return [f"{call.method} {call.args}" for call in self.seam.log if call.changes]

    @property
    def clean(self) -> bool:
        """Whether nothing stood in its way."""
        return self.done is not None and not self.done.busy and self.weather.calm


class World:
    """One installation. `policies` are those of its files; `pins` what restores need, whoever remembers it, `frozen` what
    people have frozen.
    """

    def __init__(self, begin: datetime) -> None:
        self.aws = FakeClock(begin)
        self.clock = OurClock(self.aws)
        self.cloud = FakeCloud(self.aws)
        self.stacks = FakeStacks(self.aws)
        self.primary = MemoryStore("the primary", self.aws)
        self.replica = MemoryStore("the replica", self.aws)
        self.stores = [self.primary]
        self.policies: dict[str, Policy] = {}
        self.pins: dict[str, tuple[frozenset[str], datetime]] = {}
        self.frozen: set[str] = set()
        self.lost_at: datetime | None = None
        self.untold = False
        self.oracle = Oracle(self)
        self._runs = 0

    # --- what is there --------------------------------------------------------------------------------------------

    def pinned(self) -> frozenset[str]:
        """What restores need now, also where the store has forgotten it."""
        rows = (ids for ids, until in self.pins.values() if until > self.clock.now())
        return frozenset(one for ids in rows for one in ids)

    def sources(self) -> list:
        return [*self.cloud.fleet.values(), *self.stacks.stacks.values()]

    def hopeless(self, source: Source) -> bool:
        """Whether every point of it fails."""
        return bool(self.cloud.doomed & {source.id, *source.volumes})

    def pin(self, restore: str, points: Collection[str]) -> None:
        StoreRecords(self.primary, self.clock).pin(restore, sorted(points))
        self.pins[restore] = (frozenset(points), self.aws.now() + _PIN_LASTS)

    def unpin(self, restore: str) -> None:
        StoreRecords(self.primary, self.clock).unpin(restore)
        del self.pins[restore]

    def freeze(self, policy: str) -> None:
        """A person's word, for all policies where the name is empty."""
        self._freezes.freeze(policy, "a test", "somebody")
        self.frozen.add(policy)

    def thaw(self, policy: str) -> None:
        self._freezes.thaw(policy)
        self.frozen.discard(policy)

    def thaw_everything(self) -> None:
        """What the replica has kept of a store that was lost too."""
        for freeze in self._freezes.read():
            self.thaw(freeze.policy)

    @property
    def _freezes(self) -> StoreFreezes:
        replica = self.replica if self.replica in self.stores else None
        return StoreFreezes(self.primary, replica, self.clock)

    def lose_store(self) -> None:
        """Somebody empties the primary, or another folder is mounted in its place: nobody has to know what was frozen."""
        self.primary.objects.clear()
        self.frozen.clear()
        self.lost_at = self.clock.now()
        self.oracle.lost.forgotten()

    def _claimed_anew(self) -> None:
        """A loss is told by points that are older than the claim: not by a wrong clock, nor within its tolerance."""
        if self.cloud.ahead is None or abs(self.cloud.ahead) > _CLOCKS.total_seconds():
            return  # nobody claims by a clock that is wrong
        times = [one.time for one in (*self.cloud.snapshots.values(), *self.cloud.images.values())]
        oldest = min(times, default=self.clock.now())
        if abs(self.clock.off) > _CLOCKS or oldest > self.clock.now() - _CLOCKS - timedelta(minutes=1):
            self.lost_at = None
            there = self.primary.objects  # what was pinned since the loss is known
            self.pins = {name: row for name, row in self.pins.items() if layout.pin_key(name) in there}
        else:
            self.lost_at = (
                self.clock.now()
            )  # the claim's own time: a clock may have been wrong when it was lost

    # --- runs -----------------------------------------------------------------------------------------------------

    def desk(self, seam: Seam, owner: str, leases: MemoryStore | None = None) -> Desk:
        """What a process works with, every call through its seam; leases in a store of its own are of no use."""
        primary = Through("store", self.primary, seam)
        replica = Through("replica", self.replica, seam) if self.replica in self.stores else None
        hands = Hands(
            installation=INSTALLATION,
            cloud=Through("cloud", self.cloud, seam),
            stacks=Through("stacks", self.stacks, seam),
            store=StoredStacks(primary, replica, self.clock),
            clock=self.clock,
        )
        own = Through("leases", leases, seam) if leases else primary
        return Desk(
            hands=hands,
            records=StoreRecords(primary, self.clock, replica),
            leases=StoreLeases(own, Owner(name=owner), self.clock),
        )

    def run(
        self,
        weather: Weather = CALM,
        *,
        policies: Collection[Policy] | None = None,
        word: bool = False,
        leased: bool = True,
    ) -> Run:
        """`dr apply` once, by a new process; `word` allows what is blocked, `policies` are its own files' ones."""
        mine = tuple(self.policies.values() if policies is None else policies)
        self._runs += 1
        self.untold |= bool(self.clock.off) and not self.cloud.ahead
        watcher = self.oracle.watching(mine, word=word)
        seam = Seam(
            watch=watcher.watch,
            troubles=weather.troubles,
            dark=weather.dark,
            blind=weather.blind,
            once=weather.once,
            moments=dict(weather.acts),
            before_looks=dict(weather.before_looks),
        )
        watcher.log = seam.log
        leases = None if leased else MemoryStore("nobody's", self.clock)
        desk = self.desk(seam, f"process {self._runs}", leases)
        run = Run(seam=seam, watcher=watcher, weather=weather)
        if self.lost_at is not None and "installation.json" not in self.primary.objects:
            self._claimed_anew()
        others = frozenset(self.policies) - {policy.name for policy in mine}
        try:
            run.done = apply_now(mine, desk, _decide(run, others, word=word), lambda _: None)
        except (Killed, Busy, EnvironmentFailed) as error:
            run.error = error
        watcher.ended(run)
        return run

    def settle(self) -> Run:
        """Calm weather until a run changes nothing; the last run. Between two of them what is pending gets good."""
        self.clock.off, self.cloud.ahead = timedelta(0), 0.0
        self.cloud.doomed.clear()
        self.aws.advance(minutes=6)
        for _ in range(40):
            run = self.run()
            if not run.changes and run.clean:
                return run
            if run.done is None or run.done.busy or any("create" in change for change in run.changes):
                self.aws.advance(minutes=6)
        raise AssertionError(f"the runs never come to rest: {run.changes} {run.error}")


def _decide(run: Run, others: Collection[str], *, word: bool) -> Decide:
    def decided(policies: Sequence[Policy], inventory: Inventory, now: datetime) -> Plan:
        plan = decide(policies, inventory, now, others)
        blocked = sum(isinstance(a, Expire) and a.blocked for a in plan.actions)
        run.plan = allow_expire(plan, blocked) if word and blocked else plan
        return run.plan

    return decided


__all__ = ["ACCOUNT", "AWAY", "CALM", "HOME", "Run", "Weather", "World"]
