"""Stacks, stored stacks, records and leases as values, beside the cloud of `fakes`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from fake_clock import Failures, FakeClock
from fakes import ACCOUNT

from dr import layout
from dr.errors import Busy, NotFound, Refused
from dr.model import Applied, Begun, Claim, Freeze, Kind, Lineage, Protect, RecoveryPoint, Source, State
from dr.stored import StoredStack

_LEASE = timedelta(minutes=5)


@dataclass(slots=True)
class FakeStacks:
    """CloudFormation, read: stacks by Region and name; `contents` are more facts of what is read of one."""

    clock: FakeClock
    account: str = ACCOUNT
    failures: Failures = field(default_factory=Failures)
    stacks: dict[tuple[str, str], Source] = field(default_factory=dict)
    contents: dict[tuple[str, str], dict[str, object]] = field(default_factory=dict)

    def add(self, name: str, region: str = "eu-west-1", **facts: object) -> Source:
        born = {"created": self.clock.now(), **facts}
        source = Source(id=name, protect=Protect.STACKS, account=self.account, region=region, **born)  # type: ignore[arg-type] # a test's own keywords
        self.stacks[region, name] = source
        return source

    def sources(self, region: str) -> tuple[Source, ...]:
        found = lambda: tuple(s for (place, _), s in self.stacks.items() if place == region)  # noqa: E731 - one seam for failures
        return self.failures.run("sources", found)

    def read(self, region: str, name: str) -> StoredStack:
        return self.failures.run("read", lambda: self._read(region, name))

    def _read(self, region: str, name: str) -> StoredStack:
        if (region, name) not in self.stacks:
            raise NotFound(f"the stack {name} does not exist", code="ValidationError")
        plain: dict[str, object] = {
            "account": self.account,
            "region": region,
            "name": name,
            "stack_id": f"arn:aws:cloudformation:{region}:{self.account}:stack/{name}/1",
            "status": "CREATE_COMPLETE",
            "policy": "",
            "slot": self.clock.now(),
            "time": self.clock.now(),
            "template": "Resources: {}\n",
        }
        return StoredStack(**plain | self.contents.get((region, name), {}))


@dataclass(slots=True)
class FakeStackStore:
    """Stored stacks by their point's id and policy; `behind` is what one of two stores lacks."""

    failures: Failures = field(default_factory=Failures)
    kept: dict[tuple[str, str], StoredStack] = field(default_factory=dict)
    behind: tuple[str, ...] = ()
    calls: list[tuple[str, str]] = field(default_factory=list)

    def points(self, account: str, region: str) -> tuple[RecoveryPoint, ...]:
        return self.failures.run("points", lambda: self._points(account, region))

    def _points(self, account: str, region: str) -> tuple[RecoveryPoint, ...]:
        rows = (s for s in self.kept.values() if (s.account, s.region) == (account, region))
        return tuple(_point(stack) for stack in rows)

    def write(self, stack: StoredStack) -> str:
        return self.failures.run("write", lambda: self._write(stack))

    def _write(self, stack: StoredStack) -> str:
        point = _point(stack).id
        if (stack.policy, point) not in self.kept:
            self.kept[stack.policy, point] = stack
            self.calls.append(("write", point))
        return point

    def read(self, point: RecoveryPoint) -> StoredStack:
        return self.failures.run("read", lambda: self._read(point))

    def _read(self, point: RecoveryPoint) -> StoredStack:
        if (point.lineage.policy, point.id) not in self.kept:
            raise NotFound(f"{point.id} is not in the store")
        return self.kept[point.lineage.policy, point.id]

    def expire(self, point: RecoveryPoint) -> bool:
        return self.failures.run("expire", lambda: self._expire(point))

    def _expire(self, point: RecoveryPoint) -> bool:
        there = self.kept.pop((point.lineage.policy, point.id), None) is not None
        if there:
            self.calls.append(("expire", point.id))
        return there

    def lag(self) -> tuple[str, ...]:
        return self.behind

    def repair(self, account: str, region: str) -> tuple[str, ...]:
        return ()


def _point(stack: StoredStack) -> RecoveryPoint:
    return RecoveryPoint(
        id=layout.stack_point_id(stack.account, stack.region, stack.name, stack.slot),
        kind=Kind.STACK,
        lineage=Lineage(policy=stack.policy, account=stack.account, region=stack.region, source=stack.name),
        slot=stack.slot,
        time=stack.time,
        state=State.GOOD,
    )


@dataclass(slots=True)
class FakeRecords:
    """The shared small facts."""

    failures: Failures = field(default_factory=Failures)
    name: str = "the store of a test"
    claimed: str = ""
    keeps: dict[tuple[str, str, str], Applied] = field(default_factory=dict)
    pinned: dict[str, tuple[str, ...]] = field(default_factory=dict)
    frozen: dict[str, Freeze] = field(default_factory=dict)
    lost: dict[tuple[str, str], dict[str, datetime]] = field(default_factory=dict)
    restores: dict[tuple[str, str, str], Begun] = field(default_factory=dict)

    def refuse_others(self, installation: str) -> None:
        if self.claimed not in {"", installation}:
            raise Refused(f"the store belongs to the installation {self.claimed}")

    def claim(self, installation: str) -> None:
        self.refuse_others(installation)
        self.claimed = installation

    def holder(self) -> Claim | None:
        claim = Claim(installation=self.claimed) if self.claimed else None
        return self.failures.run("holder", lambda: claim)

    def applied(self, account: str, region: str, policy: str) -> Applied | None:
        return self.failures.run("applied", lambda: self.keeps.get((account, region, policy)))

    def record_applied(self, account: str, region: str, policy: str, applied: Applied) -> None:
        self.failures.run("record_applied", lambda: self.keeps.update({(account, region, policy): applied}))

    def orphans(self, account: str, region: str) -> dict[str, datetime]:
        return self.failures.run("orphans", lambda: self.lost.get((account, region), {}))

    def record_orphans(self, account: str, region: str, orphans: Mapping[str, datetime]) -> None:
        self.failures.run("record_orphans", lambda: self.lost.update({(account, region): dict(orphans)}))

    def pins(self) -> frozenset[str]:
        found = lambda: frozenset(point for row in self.pinned.values() for point in row)  # noqa: E731 - one seam for failures
        return self.failures.run("pins", found)

    def freezes(self) -> tuple[Freeze, ...]:
        return self.failures.run("freezes", lambda: tuple(self.frozen.values()))

    def freeze(self, policy: str, why: str, by: str) -> tuple[Freeze, ...]:
        since = datetime(2026, 3, 1, tzinfo=UTC)
        self.frozen[policy] = Freeze(policy=policy, since=since, why=why, by=by)
        return tuple(self.frozen.values())

    def thaw(self, policy: str) -> tuple[Freeze, ...]:
        self.frozen.pop(policy, None)
        return tuple(self.frozen.values())

    def pin(self, restore: str, points: Sequence[str]) -> None:
        self.pinned[restore] = tuple(points)

    def unpin(self, restore: str) -> None:
        self.pinned.pop(restore, None)

    def begun(self, account: str, region: str, stack: str) -> Begun | None:
        return self.failures.run("begun", lambda: self.restores.get((account, region, stack)))

    def record_begun(self, account: str, region: str, stack: str, begun: Begun) -> None:
        self.failures.run("record_begun", lambda: self.restores.update({(account, region, stack): begun}))


@dataclass(slots=True)
class FakeLease:
    leases: FakeLeases
    key: str
    owner: str

    def renew(self) -> None:
        if self.leases.held.get(self.key, ("", None))[0] != self.owner:
            raise Busy(f"the lease {self.key} was taken over")
        self.leases.held[self.key] = (self.owner, self.leases.clock.now() + _LEASE)

    def release(self) -> None:
        if self.leases.held.get(self.key, ("", None))[0] == self.owner:
            del self.leases.held[self.key]


@dataclass(slots=True)
class FakeLeases:
    """Leases of one owner; two that share `held` compete."""

    clock: FakeClock
    owner: str = "test"
    held: dict[str, tuple[str, datetime]] = field(default_factory=dict)

    def acquire(self, key: str) -> FakeLease:
        owner, ends = self.held.get(key, ("", self.clock.now()))
        if ends > self.clock.now():
            raise Busy(f"{key} is held by {owner} until {ends:%H:%M:%S}")
        self.held[key] = (self.owner, self.clock.now() + _LEASE)
        return FakeLease(self, key, self.owner)
