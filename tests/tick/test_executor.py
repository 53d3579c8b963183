"""The executor: what each answer of AWS leads to (FAILURES 2 and 2b)."""

from __future__ import annotations

from datetime import timedelta

import pytest
from tick_world import START, Meddled, World, policy

from dr import layout
from dr.actions import Capture, Expire, Result
from dr.errors import (
    Ambiguous,
    CloudError,
    Denied,
    EnvironmentFailed,
    NotFound,
    Taken,
    Throttled,
    Unreachable,
)
from dr.executor.expiries import WORD_LASTS
from dr.limits import decide
from dr.model import Protect, RetentionRule
from dr.tick.applying import apply_now

MACHINES = policy("machines", Protect.INSTANCES)


@pytest.fixture
def world():
    made = World()
    made.cloud.add_volume("vol-1", tags={"Backup": "yes"})
    return made


@pytest.fixture
def machine():
    made = World()
    made.cloud.add_instance("i-1", "vol-root", "vol-data", tags={"Backup": "yes"})
    return made


def results(applying):
    return [(type(o.action).__name__, o.result.value) for o in applying.outcomes]


def test_a_capture_that_is_throttled_is_tried_again_and_made_once(world):
    world.cloud.failures.add("create_snapshot", Throttled("slow down"), Throttled("slow down"))

    assert results(world.apply()) == [("Capture", "done")]
    assert len(world.cloud.snapshots) == 1


def test_the_rate_of_one_volume_is_waited_for_fifteen_seconds(world):
    error = Throttled("rate", code="SnapshotCreationPerVolumeRateExceeded")
    world.cloud.failures.add("create_snapshot", error)

    world.apply()

    assert max(world.clock.slept) >= 15


def test_a_lost_answer_is_looked_after_and_makes_no_second_snapshot(world):
    world.cloud.failures.add("create_snapshot", Ambiguous("reset"), after=True)

    done = world.apply()

    assert results(done) == [("Capture", "done")]
    assert list(done.outcomes[0].created) == list(world.cloud.snapshots)


def test_i19_the_look_after_a_lost_answer_waits_for_what_ec2_shows_late(world):
    world.cloud.failures.add("create_snapshot", Ambiguous("reset"), after=True)

    world.apply()

    assert world.clock.slept == [15.0]


def test_a_lost_call_is_made_again_after_the_look(world):
    world.cloud.failures.add("create_snapshot", Ambiguous("reset"))

    assert results(world.apply()) == [("Capture", "done")]
    assert len(world.cloud.snapshots) == 1


def test_i24_a_capture_is_done_only_with_an_answer_that_says_so(world):
    world.cloud.failures.for_ever["create_snapshot"] = Ambiguous("reset")

    done = world.apply()

    assert results(done) == [("Capture", "failed")]
    assert done.outcomes[0].created == ()
    assert done.exit_code == 1


def test_a_source_that_is_gone_is_skipped_with_a_note(world):
    world.cloud.failures.add("create_snapshot", NotFound("no such volume"))

    done = world.apply()

    assert results(done) == [("Capture", "skipped")]
    assert "vol-1 is gone" in done.outcomes[0].error


def test_i18_one_bad_item_does_not_stop_the_others(world):
    world.cloud.add_volume("vol-2", tags={"Backup": "yes"})
    world.cloud.add_volume("vol-3", tags={"Backup": "yes"})
    world.cloud.failures.add("create_snapshot", Denied("no ec2:CreateSnapshot"))

    done = world.apply()

    assert sorted(results(done)) == [("Capture", "done"), ("Capture", "done"), ("Capture", "failed")]
    assert done.exit_code == 1


def test_a_taken_name_of_our_own_slot_is_success(machine):
    machine.apply(MACHINES)
    (image,) = machine.cloud.images
    for snapshot in machine.cloud.snapshots.values():
        assert snapshot.tags[layout.KIND] == layout.KIND_IMAGE_PART
    machine.cloud.failures.for_ever["points"] = CloudError("listing fails")

    done = machine.apply(MACHINES)

    assert results(done) == [("Capture", "done")]
    assert list(machine.cloud.images) == [image]
    assert done.outcomes[0].created == (image,)


def test_a_taken_name_of_our_failed_image_leads_to_the_next_attempt(machine):
    machine.apply(MACHINES)
    (image,) = machine.cloud.images.values()
    image.failed = True
    machine.clock.advance(minutes=10)

    done = machine.apply(MACHINES)

    captured = [o for o in done.outcomes if isinstance(o.action, Capture)]
    assert [o.result for o in captured] == [Result.DONE]
    assert machine.cloud.images[captured[0].created[0]].name.endswith("-a2")


def test_a_name_that_a_stranger_bears_fails_the_item(machine):
    machine.cloud.failures.for_ever["create_image"] = Taken("in use")

    done = machine.apply(MACHINES)

    assert results(done) == [("Capture", "failed")]


@pytest.mark.parametrize(
    ("tag", "value"), [(layout.SLOT, "20200101T000000Z"), (layout.SOURCE, "i-2"), (layout.MANAGED, "another")]
)
def test_a_taken_name_is_no_success_when_what_bears_it_is_not_ours_of_this_slot(machine, tag, value):
    machine.apply(MACHINES)
    (image,) = machine.cloud.images
    machine.cloud.tag(image, tag, value)

    done = machine.apply(MACHINES)

    captured = [o for o in done.outcomes if isinstance(o.action, Capture)]
    assert [(o.result, o.created) for o in captured] == [(Result.FAILED, ())]
    assert list(machine.cloud.images) == [image]


def test_images_are_taken_without_reboot_unless_the_policy_says_so(machine):
    seen = []
    create = machine.cloud.create_image
    machine.cloud = type("Spy", (), {"__getattr__": lambda _self, name: getattr(spied, name)})()
    spied = World().cloud
    spied.add_instance("i-1", "vol-root", tags={"Backup": "yes"})

    class Spy:
        def __getattr__(self, name):
            return getattr(spied, name)

        def create_image(self, *args, reboot):
            seen.append(reboot)
            return spied.create_image(*args, reboot=reboot)

    assert create is not None
    machine.cloud = Spy()
    machine.apply(MACHINES)
    machine.clock.advance(hours=1)
    machine.apply(policy("machines", Protect.INSTANCES, reboot=True))

    assert seen == [False, True]


def test_i22_an_image_is_deregistered_before_its_own_snapshots_go(machine):
    rule = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=2))
    machine.hours(5, rule)

    deletions = [
        method for method, _ in machine.cloud.calls if method in ("deregister_image", "delete_snapshot")
    ]

    assert deletions[:3] == ["deregister_image", "delete_snapshot", "delete_snapshot"]
    assert {s for i in machine.cloud.images.values() for s in i.parts.values()} == set(
        machine.cloud.snapshots
    )


def test_rule_7_2_nothing_expires_in_a_lineage_whose_own_capture_fails(world):
    world.hours(5)
    before = set(world.cloud.snapshots)
    world.cloud.failures.for_ever["create_snapshot"] = Denied("no")

    done = world.apply()

    assert ("Expire", "skipped") in results(done)
    assert set(world.cloud.snapshots) == before


def test_i3_what_lost_our_tags_since_the_plan_is_not_deleted(world):
    world.hours(4)
    oldest = min(world.cloud.snapshots.values(), key=lambda s: s.time)
    create = world.cloud.create_snapshot

    class Racing:
        def __getattr__(self, name):
            return getattr(world_cloud, name)

        def create_snapshot(self, *args):
            oldest.tags.pop(layout.MANAGED)
            return create(*args)

    world_cloud = world.cloud
    world.cloud = Racing()

    done = world.apply()

    assert ("Expire", "skipped") in results(done)
    assert oldest.id in world_cloud.snapshots


@pytest.mark.parametrize("mark", ["hold", "locked"])
def test_what_is_held_or_locked_since_the_plan_stays(world, mark):
    world.hours(4)
    oldest = min(world.cloud.snapshots.values(), key=lambda s: s.time)
    original = world.cloud
    create = original.create_snapshot

    class Racing:
        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, *args):
            if mark == "hold":
                oldest.tags[layout.HOLD] = "legal"
            else:
                oldest.locked = True
            return create(*args)

    world.cloud = Racing()

    done = world.apply()

    assert ("Expire", "skipped") in results(done)
    assert oldest.id in original.snapshots


def test_a_deletion_that_finds_nothing_is_success(world):
    world.hours(4)
    world.cloud.failures.add("delete_snapshot", CloudError("lost"), after=True)

    first, second = world.apply(), world.apply()

    assert ("Expire", "failed") in results(first)
    assert results(second) == []


def test_i21_a_run_without_time_leaves_the_rest_and_the_next_finishes(world):
    world.cloud.add_volume("vol-2", tags={"Backup": "yes"})
    world.stop_at = START - timedelta(seconds=1)
    assert [r for _, r in results(world.apply())] == ["left", "left"]
    world.stop_at = None

    assert [r for _, r in results(world.apply())] == ["done", "done"]


def test_an_unreachable_aws_in_the_middle_loses_no_outcome(world):
    world.cloud.add_volume("vol-2", tags={"Backup": "yes"})
    world.cloud.failures.add("create_snapshot", EnvironmentFailed("the token has expired"))

    done = world.apply()

    assert [r for _, r in results(done)] == ["failed", "left"]
    assert done.exit_code != 0


def test_blocked_expiries_are_left_and_refused(world):
    long = policy(keep=RetentionRule(last=20))
    world.hours(12, long)

    done = world.apply(policy(keep=RetentionRule(last=2)))

    left = [o for o in done.outcomes if o.result is Result.LEFT]
    assert left
    assert all(isinstance(o.action, Expire) and o.action.blocked for o in left)
    assert done.exit_code == 4


def test_i25_a_region_that_cannot_be_reached_stops_no_other(world):
    both = policy(regions=("eu-central-1", "eu-west-1"))
    world.cloud.add_volume("vol-8", region="eu-central-1", tags={"Backup": "yes"})
    world.cloud.add_volume("vol-9", region="eu-central-1", tags={"Backup": "yes"})
    original = world.cloud

    class HalfDark:
        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, region, *rest):
            if region == "eu-central-1":
                raise Unreachable("ec2.eu-central-1 cannot be reached")
            return original.create_snapshot(region, *rest)

    world.cloud = HalfDark()

    done = world.apply(both)

    ended = {(o.action.lineage.source, o.result.value) for o in done.outcomes}
    assert ended == {("vol-8", "failed"), ("vol-9", "failed"), ("vol-1", "done")}
    assert done.exit_code == 1


def test_a_call_that_was_not_sent_is_made_again(world):
    world.cloud.failures.add("create_snapshot", Unreachable("reset while connecting"))

    assert results(world.apply()) == [("Capture", "done")]


def test_rule_7_1_what_a_restore_has_pinned_since_the_plan_stays(world):
    world.hours(4)
    oldest = min(world.cloud.snapshots.values(), key=lambda s: s.time)
    original = world.cloud

    class Racing:
        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, *args):
            world.records.pin("a-restore", [oldest.id])
            return original.create_snapshot(*args)

    world.cloud = Racing()

    done = world.apply()

    assert ("Expire", "skipped") in results(done)
    assert oldest.id in original.snapshots


@pytest.mark.parametrize("whose", ["", "db"], ids=["all", "its policy"])
def test_rule_7_6_what_somebody_has_frozen_since_the_plan_stays(world, whose):
    world.hours(4)
    before = set(world.cloud.snapshots)
    original = world.cloud
    world.cloud = Meddled(
        original, "create_snapshot", lambda *_: world.records.freeze(whose, "stop", "ann@laptop")
    )

    ends = [o for o in world.apply().outcomes if isinstance(o.action, Expire)]

    assert [(o.result, "frozen since" in o.error) for o in ends] == [(Result.SKIPPED, True)]
    assert before <= set(original.snapshots)


def test_rule_7_6_who_freezes_while_a_run_deletes_stops_it_within_seconds(world):
    """Nobody waits for the end of what may be thousands: the mark is read again every few seconds."""
    for number in range(2, 6):
        world.cloud.add_volume(f"vol-{number}", tags={"Backup": "yes"})
    world.hours(4)
    original, half = world.cloud, WORD_LASTS.total_seconds() / 2

    def meanwhile(*_):
        world.records.freeze("", "stop", "ann@laptop")
        world.clock.advance(seconds=half + 0.1)

    world.cloud = Meddled(original, "delete_snapshot", meanwhile)

    ends = [o.result.value for o in world.apply().outcomes if isinstance(o.action, Expire)]

    assert ends == ["done", "done", "skipped", "skipped", "skipped"]


def test_rule_7_6_the_snapshots_of_an_image_stay_that_was_frozen_after_it_was_deregistered(machine):
    rule = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=2))
    machine.hours(3, rule)
    original = machine.cloud
    before = set(original.snapshots)

    def meanwhile(number, _region):
        machine.records.freeze("", "stop", "ann@laptop")
        machine.clock.advance(seconds=WORD_LASTS.total_seconds())

    machine.cloud = Meddled(original, "deregister_image", meanwhile)

    (ended,) = [o for o in machine.apply(rule).outcomes if isinstance(o.action, Expire)]

    assert (ended.result, "deregistered, but a snapshot of it stays" in ended.error) == (Result.FAILED, True)
    assert "frozen since" in ended.error
    assert before <= set(original.snapshots)


def test_rule_7_6_a_store_that_went_away_in_mid_run_does_not_say_that_nothing_is_frozen(world):
    """An unmounted folder holds no mark, nor the claim."""
    world.hours(4)
    original, before = world.cloud, set(world.cloud.snapshots)
    world.cloud = Meddled(original, "create_snapshot", lambda *_: setattr(world.records, "claimed", ""))

    ends = [o for o in world.apply().outcomes if isinstance(o.action, Expire)]

    assert [(o.result, "is not the store any more" in o.error) for o in ends] == [(Result.FAILED, True)]
    assert before <= set(original.snapshots)


def test_rule_7_6_nothing_goes_where_the_mark_can_no_longer_be_read(world):
    world.hours(4)
    original, before = world.cloud, set(world.cloud.snapshots)
    lost = {"freezes": CloudError("the store says no")}
    world.cloud = Meddled(
        original, "create_snapshot", lambda *_: world.records.failures.for_ever.update(lost)
    )

    done = world.apply()

    assert ("Expire", "failed") in results(done)
    assert before <= set(original.snapshots)


def test_i3_an_image_that_is_built_on_a_point_does_not_take_the_point_with_it(machine):
    rule = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=2))
    machine.hours(3, rule)
    oldest = min(machine.cloud.images.values(), key=lambda i: i.time)
    foreign = next(iter(oldest.parts.values()))
    machine.cloud.snapshots[foreign].tags[layout.KIND] = "snapshot"
    machine.cloud.snapshots[foreign].tags[layout.POLICY] = "another"

    machine.hours(2, rule)

    assert oldest.id not in machine.cloud.images
    assert foreign in machine.cloud.snapshots


def test_a_store_that_is_away_in_the_middle_stops_no_capture(world):
    world.cloud.add_volume("vol-2", tags={"Backup": "yes"})
    lease = world.leases.acquire

    class Failing:
        def __init__(self, held):
            self.held = held

        def renew(self):
            raise CloudError("503 from the store")

        def release(self):
            self.held.release()

    world.leases = type("Leases", (), {"acquire": lambda _self, key: Failing(lease(key))})()
    original = world.cloud

    class Slow:
        def __getattr__(self, name):
            return getattr(original, name)

        def create_snapshot(self, *args):
            world.clock.advance(minutes=2)
            return original.create_snapshot(*args)

    world.cloud = Slow()

    done = world.apply()

    assert [r for _, r in results(done)] == ["done", "done"]
    assert any("without a lease" in w.message for w in done.warnings)


def test_i7_i24_a_stored_stack_that_another_run_has_removed_is_not_told_as_removed_by_this_one(world):
    world.stacks.add("app")
    stacks = policy("stacks", Protect.STACKS, keep=RetentionRule(last=1))
    world.hours(2, stacks)

    def and_another_is_faster(policies, inventory, now):
        plan = decide(policies, inventory, now)
        for action in plan.actions:
            if isinstance(action, Expire):
                del world.store.kept["stacks", action.point_id]
        return plan

    done = apply_now((stacks,), world.desk, and_another_is_faster, lambda _: None)

    ended = {o.result: o.error for o in done.outcomes if isinstance(o.action, Expire)}
    assert ended == {Result.SKIPPED: "is not there any more"}
    assert done.exit_code == 0


@pytest.mark.parametrize("how", ["held", "locked"])
def test_rule_7_1_an_image_whose_snapshot_was_held_or_locked_since_the_plan_stays_whole(machine, how):
    images = policy("machines", Protect.INSTANCES, keep=RetentionRule(last=1))
    machine.hours(2, images)

    def and_somebody_acts(policies, inventory, now):
        plan = decide(policies, inventory, now)
        (part, *_) = next(a.parts for a in plan.actions if isinstance(a, Expire))
        if how == "held":
            machine.cloud.tag(part, layout.HOLD)
        machine.cloud.snapshots[part].locked = how == "locked"
        return plan

    before = set(machine.cloud.images)
    done = apply_now((images,), machine.desk, and_somebody_acts, lambda _: None)

    (ended,) = (o for o in done.outcomes if isinstance(o.action, Expire))
    assert (ended.result, ended.error.endswith(f"is {how}")) == (Result.SKIPPED, True)
    assert before <= set(machine.cloud.images)
