"""What may happen to an installation between its runs, in any order: sources, points, people, clocks.

Things are picked by a number, so that a failing example shrinks to few and small ones.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from fakes import FakeImage
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule
from machines import truth
from machines.policies import BEGINS, JUMPS, KEEPS, PROTECTED, SCHEDULES, WAITS, a_policy
from machines.world import AWAY, HOME, World

from dr.model import Policy, Protect, Selector, Source

PICK = st.integers(0, 30)


def picked(rows: list[Any], pick: int) -> Any:
    """One of them, by a number."""
    return rows[pick % len(rows)]


class Happenings(RuleBasedStateMachine):
    """`names` are the policies of this machine's installation, `regions` where they work."""

    names: tuple[str, ...] = ("db", "overlap")
    regions: tuple[str, ...] = (HOME,)

    def __init__(self) -> None:
        super().__init__()
        self.world: World = World(BEGINS[0])
        self.former: list[Policy] = []

    # --- the beginning --------------------------------------------------------------------------------------------

    @initialize(
        begin=st.sampled_from(BEGINS),
        keeps=st.lists(PICK, min_size=4, max_size=4),
        schedule=st.integers(0, 2),
        percent=st.sampled_from([30, 30, 100, 10]),
        hours=st.sampled_from([0, 3, 5, 7, 14]),
    )
    def begin(self, begin: datetime, keeps: list[int], schedule: int, percent: int, hours: int) -> None:
        """A fleet, its policies, and some hours of ticks."""
        self.world = World(begin)
        self._fleet()
        for number, name in enumerate(self.names):
            kind = schedule if number else 0
            self.world.policies[name] = a_policy(name, keeps[number], kind, self.regions, percent)
        for _ in range(hours):
            self.world.run()
            self.world.aws.advance(hours=1)

    def _fleet(self) -> None:
        cloud = self.world.cloud
        cloud.add_volume("vol-1", tags={"Backup": "yes", "Tier": "db"})
        cloud.add_volume("vol-2", tags={"Backup": "yes"})
        if AWAY in self.regions:
            cloud.add_volume("vol-3", AWAY, tags={"Backup": "yes"})

    # --- time -----------------------------------------------------------------------------------------------------

    @rule(wait=st.sampled_from(WAITS))
    def time_passes(self, wait: timedelta) -> None:
        self.world.aws.at += wait

    @rule(jump=st.sampled_from(JUMPS), told=st.booleans())
    def a_clock_is_wrong(self, jump: timedelta, told: bool) -> None:
        """I9. Mostly AWS's `Date` tells; where it lies as well, points alone have to hold."""
        self.world.clock.off = jump
        self.world.cloud.ahead = jump.total_seconds() if told else 0.0

    @rule()
    def the_clock_is_right(self) -> None:
        self.world.clock.off, self.world.cloud.ahead = timedelta(0), 0.0

    # --- sources --------------------------------------------------------------------------------------------------

    @rule(pick=PICK, lasting=st.booleans())
    def a_source_goes(self, pick: int, lasting: bool) -> None:
        if self.world.sources():
            self._remove(picked(self.world.sources(), pick))
            self._only_for_a_run(lasting)

    def _only_for_a_run(self, lasting: bool) -> None:
        """A mistake that does not last: one run, and all is as it should be."""
        if not lasting:
            self.world.run()
            self.everything_is_put_right()

    def everything_is_put_right(self) -> None:
        """Every source is there, every policy has its name and selects it, nothing is frozen; keeps and schedules stay."""
        self.world.thaw_everything()
        for name in self.names:
            versions = (*reversed(self.former), *self.policies_now())
            latest = [p for p in versions if p.name.removesuffix("-2") == name]
            here = [p for p in self.policies_now() if p.name.removesuffix("-2") == name]
            policy = (here or latest)[0]
            self.world.policies.pop(f"{name}-2", None)
            self.world.policies[name] = replace(policy, name=name, select=PROTECTED[name][1])
        self._fleet()

    def policies_now(self) -> list[Policy]:
        return list(self.world.policies.values())

    def _remove(self, source: Source) -> None:
        if source.protect is Protect.STACKS:
            del self.world.stacks.stacks[source.region, source.id]
        else:
            self.world.cloud.remove(source)

    @rule(number=st.integers(1, 3), both=st.booleans())
    def a_volume_comes(self, number: int, both: bool) -> None:
        tags = {"Backup": "yes", **({"Tier": "db"} if both else {})}
        self.world.cloud.add_volume(f"vol-{number}", HOME if number < 3 else self.regions[-1], tags=tags)

    @rule(pick=PICK, back=st.booleans())
    def a_source_is_retagged(self, pick: int, back: bool) -> None:
        volumes = list(self.world.cloud.fleet.values())
        if volumes:
            tags = {"Backup": "yes", "Tier": "db"} if back else {"Owner": "me"}
            self.world.cloud.change(picked(volumes, pick), tags=tags)

    @rule(pick=PICK)
    def points_of_a_source_begin_to_fail_or_cease_to(self, pick: int) -> None:
        volumes = [s.id for s in self.world.cloud.fleet.values()]
        if volumes:
            self.world.cloud.doomed ^= {picked(volumes, pick)}

    # --- points ---------------------------------------------------------------------------------------------------

    def _points(self) -> list[Any]:
        cloud = self.world.cloud
        return [*cloud.snapshots.values(), *cloud.images.values()]

    @rule(pick=PICK, how=st.sampled_from(["fail", "stick", "good", "archive", "lock", "hold", "release"]))
    def a_point_changes(self, pick: int, how: str) -> None:
        if self._points():
            self._change(picked(self._points(), -1 - pick), how)

    def _change(self, point: Any, how: str) -> None:
        pending = truth.snapshot_state(self.world, point) == "pending" if hasattr(point, "archived") else True
        match how:
            case "fail" if pending:
                point.failed = True
            case "stick" if pending:
                point.stuck = True
            case "good":
                point.stuck = False
            case "archive" if not pending and not point.failed:
                point.archived = True
            case "lock" if hasattr(point, "locked"):
                point.locked = not point.locked
            case "hold":
                point.tags["dr:hold"] = ""
            case "release":
                point.tags.pop("dr:hold", None)

    @rule(pick=PICK, but=st.integers(0, 2))
    def somebody_archives_all_of_a_source(self, pick: int, but: int) -> None:
        """But for the newest few."""
        sources = sorted({one.volume for one in self.world.cloud.snapshots.values()})
        if sources:
            source = picked(sources, pick)
            rows = [one for one in self.world.cloud.snapshots.values() if one.volume == source]
            for one in rows[: len(rows) - but]:
                self._change(one, "archive")

    @rule(pick=PICK)
    def somebody_deletes_a_point(self, pick: int) -> None:
        if self._points():
            self._delete(picked(self._points(), pick).id)
            self.world.oracle.note_orphans()

    def _delete(self, name: str) -> None:
        cloud = self.world.cloud
        if not any(name in image.parts.values() for image in cloud.images.values()):
            cloud.snapshots.pop(name, None)
            cloud.images.pop(name, None)

    @rule(pick=PICK)
    def somebody_builds_an_image_on_a_snapshot(self, pick: int) -> None:
        if self.world.cloud.snapshots:
            self._build_on(picked(list(self.world.cloud.snapshots), pick))

    def _build_on(self, snapshot: str) -> None:
        image = FakeImage(
            id=f"ami-foreign{len(self.world.cloud.images)}",
            region=HOME,
            instance="",
            name=f"somebody's of {snapshot}",
            time=self.world.aws.at,
            tags={},
            parts={"/dev/sda": snapshot},
        )
        self.world.cloud.images[image.id] = image

    @rule(pick=PICK, who=st.sampled_from([{}, {"dr:managed": "globex"}, {"dr:slot": "yesterday"}]))
    def a_foreign_snapshot_is_there(self, pick: int, who: dict[str, str]) -> None:
        """Somebody else's, another installation's, or one of ours that lacks an identity tag."""
        ours = [one.tags for one in self.world.cloud.snapshots.values() if "dr:managed" in one.tags]
        tags = {**picked(ours, pick), **who} if ours and who else {}
        self.world.cloud._snapshot(HOME, "vol-1", tags)
        self.world.aws.advance(minutes=10)
        self.world.run()

    # --- people ---------------------------------------------------------------------------------------------------

    @rule(pick=PICK, keep=PICK)
    def a_keep_is_edited(self, pick: int, keep: int) -> None:
        self._edit(pick, keep=KEEPS[keep % len(KEEPS)])

    @rule(pick=PICK, schedule=PICK)
    def a_schedule_is_edited(self, pick: int, schedule: int) -> None:
        self._edit(pick, schedules=(picked(SCHEDULES, schedule)[0],))

    @rule(pick=PICK, typo=st.booleans(), lasting=st.booleans())
    def a_selector_is_mistyped_or_mended(self, pick: int, typo: bool, lasting: bool) -> None:
        policy = self._policy(pick)
        if policy is not None:
            wrong = Selector(tags={"Bakcup": ("*",)}, names=("ap-*",) if policy.select.names else ())
            name = policy.name.removesuffix("-2")
            self._edit(pick, select=wrong if typo else PROTECTED[name][1])
            self._only_for_a_run(lasting)

    @rule(pick=PICK, lasting=st.booleans())
    def a_policy_is_renamed(self, pick: int, lasting: bool) -> None:
        policy = self._policy(pick)
        if policy is not None:
            name = policy.name.removesuffix("-2") if policy.name.endswith("-2") else f"{policy.name}-2"
            self.former.append(self.world.policies.pop(policy.name))
            self.world.policies[name] = replace(policy, name=name)
            self._only_for_a_run(lasting)

    @rule(pick=PICK, lasting=st.booleans())
    def a_policy_is_removed(self, pick: int, lasting: bool) -> None:
        policy = self._policy(pick)
        if policy is not None:
            self.former.append(self.world.policies.pop(policy.name))
            self._only_for_a_run(lasting)

    @rule(pick=PICK)
    def a_former_policy_comes_back(self, pick: int) -> None:
        if self.former:
            policy = picked(self.former, pick)
            self.world.policies[policy.name] = policy

    def _policy(self, pick: int) -> Policy | None:
        return picked(list(self.world.policies.values()), pick) if self.world.policies else None

    def _edit(self, pick: int, **facts: Any) -> None:
        policy = self._policy(pick)
        if policy is not None:
            self.former.append(policy)
            self.world.policies[policy.name] = replace(policy, **facts)

    @rule(pick=PICK, whole=st.booleans())
    def a_person_freezes_or_thaws(self, pick: int, whole: bool) -> None:
        """DESIGN 7.6."""
        name = "" if whole else picked(list(self.names), pick)
        (self.world.thaw if name in self.world.frozen else self.world.freeze)(name)

    @rule(pick=PICK, restore=st.integers(1, 2))
    def a_restore_pins_or_ends(self, pick: int, restore: int) -> None:
        name = f"restore-{restore}"
        if name in self.world.pins:
            self.world.unpin(name)
        elif self._points():
            self.world.pin(name, {picked(self._points(), pick).id})
