"""Stacks: what is stored of them in two stores, and restores from what is stored (FAILURES I13, I14)."""

from __future__ import annotations

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import rule
from machines.happenings import PICK, picked
from machines.laws import require
from machines.machine import Machine
from machines.truth import Thing, look, standing
from machines.world import HOME
from restore.fake_maker import FakeMaker

from dr.errors import CloudError, DrError, Refused, UsageError
from dr.recovery.asked import Asked, Configured
from dr.recovery.carrying_out import Kit, carry_out
from dr.recovery.preparing import Looks, Reader, choose_version, prepare
from dr.stacks.restore import RestorePlan
from dr.store.leases import Owner, StoreLeases
from dr.store.records import StoreRecords
from dr.store.stacks import StoredStacks
from dr.stored import StackResource

TEMPLATE = """\
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
  Server:
    Type: AWS::EC2::Instance
    Properties: {ImageId: ami-11111111, InstanceType: t3.micro}
"""
_DISKS = {"/dev/sdf": "vol-2", "/dev/sdg": "vol-3"}
_SEEN_BY_A_RESTORE = ("good",)


class StacksMachine(Machine):
    """Two stacks whose volume and machine are protected by snapshots, stored in two stores."""

    names = ("stacks", "db")

    def _fleet(self) -> None:
        world = self.world
        world.stores = [world.primary, world.replica]
        for name in ("app", "app-2"):
            world.stacks.add(name)
            world.stacks.contents[HOME, name] = {"template": TEMPLATE, "resources": _resources()}
        tags = {"aws:cloudformation:stack-name": "app", "aws:cloudformation:logical-id": "Data"}
        world.cloud.add_volume("vol-1", tags={"Backup": "yes", **tags})
        for volume in _DISKS.values():
            world.cloud.add_volume(volume, tags={"Backup": "yes"})

    # --- what happens to stacks -----------------------------------------------------------------------------------

    @rule(name=st.sampled_from(["app", "app-2"]), change=st.booleans())
    def a_stack_comes_or_changes(self, name: str, change: bool) -> None:
        self.world.stacks.add(name)
        facts = self.world.stacks.contents[HOME, name]
        facts["template"] = TEMPLATE + ("# changed\n" if change else "")

    @rule(pick=PICK, why=st.sampled_from(["", "UPDATE_IN_PROGRESS"]))
    def a_stack_is_updated_or_stable(self, pick: int, why: str) -> None:
        stacks = self.world.stacks.stacks
        if stacks:
            key = picked(list(stacks), pick)
            stacks[key] = replace(stacks[key], unready=why)

    @rule()
    def the_replica_is_lost(self) -> None:
        self.world.replica.objects.clear()

    # --- restores -------------------------------------------------------------------------------------------------

    @rule(name=st.sampled_from(["app", "app-2"]), back=st.integers(0, 5))
    def a_restore_is_planned(self, name: str, back: int) -> None:
        """I14; and planning changes nothing."""
        before = self._originals()
        self._plan(name, back, FakeMaker())
        require(before == self._originals(), "I13", "a plan has changed something")

    @rule(name=st.sampled_from(["app", "app-2"]), ends=st.sampled_from(["CREATE_COMPLETE", "CREATE_FAILED"]))
    def a_restore_is_carried_out(self, name: str, ends: str) -> None:
        """I13: a stack comes up beside the original, which stays as it is; the pins of one that failed stay."""
        maker = FakeMaker(ends_as=ends)
        maker.add(name, "CREATE_COMPLETE", "somebody")
        before, pins = self._originals(), StoreRecords(self.world.primary, self.world.clock).pins()
        plan = self._plan(name, 0, maker, as_name=f"{name}-back")
        if plan is not None:
            self._carry_out(plan, maker)
            require(before == self._originals(), "I13", "a restore has changed an original")
            require(maker.live(name).status == "CREATE_COMPLETE", "I13", f"{name} is no longer what it was")
            touched = {new.name for new in maker.asked_for} - {f"{name}-back"}
            require(not touched, "I13", f"a restore beside {name} asks for {touched}")
            lost = pins - StoreRecords(self.world.primary, self.world.clock).pins()
            own = set(plan.pins) - self.world.pinned()  # those of an attempt before this one
            require(lost <= own, "I13", f"the pins {lost} of others are lost")

    @rule(name=st.sampled_from(["app", "app-2"]))
    def a_restore_over_a_stack_that_exists_is_refused(self, name: str) -> None:
        maker = FakeMaker()
        maker.add(name, "CREATE_COMPLETE", "somebody")
        plan = self._plan(name, 0, maker)
        if plan is not None:
            calls = list(maker.calls)
            refused = False
            try:
                self._kit_run(plan, maker)
            except Refused:
                refused = True
            require(refused and calls == maker.calls, "I13", f"{name} exists, and a restore did not stop")

    def _plan(self, name: str, back: int, maker: FakeMaker, as_name: str | None = None) -> RestorePlan | None:
        """A plan, judged; None where dr says what is missing."""
        world, store = self.world, self._store()
        now = world.clock.now()
        at = now - timedelta(hours=back) if back else None
        asked = Asked(stack=name, at=at, as_name=as_name)
        maker.expired = _Gone(world)
        try:
            stored = store.points(world.cloud.account, HOME)
            version = choose_version(stored, asked, now, store)
            records = StoreRecords(world.primary, world.clock)
            reader = Reader(
                account=world.cloud.account,
                looks=Looks(points=world.cloud.points, again=world.cloud.points_of),
                store=store,
                stored=stored,
                records=records,
                maker=maker,
                bucket=None,
            )
            plan = prepare(version, asked, Configured(), reader, now)
        except (UsageError, CloudError):
            return None
        except Refused as error:
            self._refused_rightly(error.message, at or now)
            return None
        self._judged(plan, at or now)
        return plan

    def _refused_rightly(self, message: str, at: datetime) -> None:
        """`no good point` is said only where a disk has none; stores that disagree are refused too."""
        missing = [v for v in ("vol-1", *_DISKS.values()) if not _good(self.world, v, at)]
        wrong = message.startswith("no good point") and not missing
        require(not wrong, "I14", f"every disk has a good point, and yet: {message}")

    def _judged(self, plan: RestorePlan, at: datetime) -> None:
        rows = {row.logical_id: row for row in plan.data}
        newest = _good(self.world, "vol-1", at)
        if "Data" in rows:
            chosen = rows["Data"].point.id
            require(
                bool(newest) and chosen in _tied(newest), "I14", f"{chosen} is not the newest good of vol-1"
            )
        if "Server" in rows:
            self._consistent(rows["Server"], at)

    def _consistent(self, row: Any, at: datetime) -> None:
        """All disks of one machine from one slot where one is good for all of them; else the newest of each."""
        by_disk = {volume: _good(self.world, volume, at) for volume in _DISKS.values()}
        slots = set.intersection(*({t.slot for t in things} for things in by_disk.values()))
        chosen = [t for things in by_disk.values() for t in things if t.id in row.expected]
        require(
            len(chosen) == len(row.expected),
            "I14",
            f"{row.expected}: one of them is not good, or not of a disk",
        )
        if slots:
            require(len({t.slot for t in chosen}) == 1, "I14", f"the disks of one machine from {chosen}")

    def _carry_out(self, plan: RestorePlan, maker: FakeMaker) -> None:
        maker.born = {
            row.logical_id: (f"new-{row.logical_id}", row.point.id)
            for row in plan.data
            if row.type.endswith("Volume")
        }
        began = self.world.aws.now()  # a pin lasts by the store's clock
        try:
            done = self._kit_run(plan, maker)
        except DrError:
            return
        if not done.ok:
            self.world.pins[plan.id] = (frozenset(plan.pins), began + timedelta(days=7))

    def _kit_run(self, plan: RestorePlan, maker: FakeMaker) -> Any:
        world = self.world
        kit = Kit(
            account=world.cloud.account,
            maker=maker,
            store=self._store(),
            records=StoreRecords(world.primary, world.clock),
            leases=StoreLeases(world.primary, Owner(name="a restore"), world.clock),
            clock=world.clock,
        )
        return carry_out(plan, kit, lambda _: None)

    def _store(self) -> StoredStacks:
        return StoredStacks(self.world.primary, self.world.replica, self.world.clock)

    def _originals(self) -> Any:
        cloud = self.world.cloud
        return copy.deepcopy((cloud.fleet, cloud.snapshots, cloud.images, self.world.stacks.stacks))


class _Gone(set[str]):
    """Points that are not there any more, asked of the world."""

    def __init__(self, world: Any) -> None:
        super().__init__()
        self._world = world

    def __contains__(self, name: object) -> bool:
        return name not in self._world.cloud.snapshots and name not in self._world.cloud.images


def _resources() -> tuple[StackResource, ...]:
    disks = [{"Device": device, "VolumeId": volume} for device, volume in _DISKS.items()]
    rows = (("Data", "vol-1", "Volume", {}), ("Server", "i-1", "Instance", {"Devices": disks}))
    return tuple(
        StackResource(
            logical_id=logical,
            physical_id=physical,
            type=f"AWS::EC2::{kind}",
            status="CREATE_COMPLETE",
            facts=facts,
        )
        for logical, physical, kind, facts in rows
    )


def _good(world: Any, volume: str, at: datetime) -> list[Thing]:
    """The good snapshots of a volume from then or before, of whatever policy."""
    shelf = look(world)
    rows = (t for key in shelf if key[2] == volume for t in standing(shelf, key))
    return [t for t in rows if t.state in _SEEN_BY_A_RESTORE and t.kind == "snapshot" and t.time <= at]


def _tied(things: list[Thing]) -> set[str]:
    newest = max(t.time for t in things)
    return {t.id for t in things if t.time == newest}
