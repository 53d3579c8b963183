"""The day of grace of an image's snapshots, over whole ticks (DESIGN 5)."""

from __future__ import annotations

from tick_world import World, policy

from dr.errors import CloudError
from dr.model import Protect, RetentionRule

IMAGES = policy("images", Protect.INSTANCES, keep=RetentionRule(last=99))


def deregistered() -> tuple[World, set[str]]:
    """A world in which somebody has deregistered an image that is two days old, and the snapshots that it leaves."""
    world = World()
    world.cloud.add_instance("i-1", "vol-root", tags={"Backup": "yes"})
    world.hours(1, IMAGES)
    (image,) = world.cloud.images
    left = set(world.cloud.images[image].parts.values())
    world.clock.advance(hours=48)
    world.apply(IMAGES)
    world.clock.advance(hours=1)
    world.cloud.deregister_image("eu-west-1", image)
    return world, left


def test_the_snapshots_of_an_old_image_that_was_deregistered_stay_for_a_day_and_go_then():
    world, left = deregistered()
    world.hours(24, IMAGES)
    assert left <= set(world.cloud.snapshots)

    world.hours(2, IMAGES)
    assert left.isdisjoint(world.cloud.snapshots)


def test_rule_7_3_they_stay_while_it_cannot_be_read_since_when_they_are_orphans():
    world, left = deregistered()
    world.apply(IMAGES)
    world.clock.advance(hours=30)
    world.records.failures.add("orphans", CloudError("the store is away"))
    done = world.apply(IMAGES)

    assert left <= set(world.cloud.snapshots)
    assert [miss.what for miss in done.unread] == ["orphans"]
