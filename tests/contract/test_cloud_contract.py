"""What every cloud does: dr.aws on the sandbox, and whatever stands in for it in other tests."""

from __future__ import annotations

from datetime import timedelta

import pytest
from making import (
    INSTALLATION,
    REGION,
    SIZE,
    SLOT,
    image_of,
    lineage_of,
    snapshot_of,
)

from dr import layout
from dr.errors import CloudError, InUse, NotFound, Taken
from dr.model import Holdings, Kind, Protect, State


def points(world):
    return {point.id: point for point in world.cloud.points(REGION).points}


def sources(world, protect, **tags):
    return {source.id: source for source in world.cloud.sources(protect, REGION, tags)}


def test_the_account_is_known(world):
    assert (len(world.cloud.account), world.cloud.account.isdigit()) == (12, True)


def test_volumes_are_found_by_their_tags(world):
    wanted = world.add_volume({"Tier": "db"})
    world.add_volume({"Tier": "web"})
    world.add_volume({})

    assert {wanted} == set(sources(world, Protect.VOLUMES, Tier=("db",)))


def test_any_of_several_values_matches(world):
    wanted = {world.add_volume({"Tier": "db"}), world.add_volume({"Tier": "cache"})}
    world.add_volume({"Tier": "web"})

    assert wanted == set(sources(world, Protect.VOLUMES, Tier=("db", "cache")))


def test_all_keys_have_to_match(world):
    wanted = world.add_volume({"Tier": "db", "Env": "prod"})
    world.add_volume({"Tier": "db", "Env": "test"})

    assert {wanted} == set(sources(world, Protect.VOLUMES, Tier=("db",), Env=("prod",)))


def test_globs_match_as_in_the_policy_file(world):
    wanted = {world.add_volume({"Name": "db-1"}), world.add_volume({"Name": "db-2"})}
    world.add_volume({"Name": "web-1"})

    assert wanted == set(sources(world, Protect.VOLUMES, Name=("db-?",)))
    assert wanted == set(sources(world, Protect.VOLUMES, Name=("d*",)))


def test_a_backslash_in_a_value_is_a_character(world):
    wanted = world.add_volume({"Path": "c:\\data"})
    world.add_volume({"Path": "c:data"})

    assert {wanted} == set(sources(world, Protect.VOLUMES, Path=("c:\\data",)))


def test_no_tags_ask_for_all(world):
    made = {world.add_volume({}) for _ in range(7)}

    assert made <= set(sources(world, Protect.VOLUMES))


def test_a_volume_knows_its_instance_the_instances_tags_and_whether_it_boots(world):
    instance = world.add_instance({"Role": "db"})
    loose = world.add_volume({})

    found = sources(world, Protect.VOLUMES)

    assert (found[loose].instance, found[loose].instance_tags, found[loose].boot) == (None, {}, False)
    attached = [source for source in found.values() if source.instance == instance]
    assert sorted((source.boot for source in attached), reverse=True) == [True, False]
    assert [source.instance_tags for source in attached] == [{"Role": "db"}] * 2


def test_an_instance_names_its_volumes(world):
    instance = world.add_instance({"Role": "db"})
    volumes = {s.id for s in sources(world, Protect.VOLUMES).values() if s.instance == instance}

    found = sources(world, Protect.INSTANCES, Role=("db",))

    assert {instance: volumes} == {id_: set(source.volumes) for id_, source in found.items()}


def test_a_terminated_instance_is_no_source(world):
    instance = world.add_instance({})
    world.terminate(instance)

    assert sources(world, Protect.INSTANCES) == {}


def test_sources_say_when_they_were_made(world):
    world.add_instance({})

    made = [s.created for p in (Protect.VOLUMES, Protect.INSTANCES) for s in sources(world, p).values()]

    assert [timedelta(0)] * 3 == [time.utcoffset() for time in made]


def test_a_snapshot_carries_its_identity_from_the_first_moment(world):
    volume = world.add_volume({})
    snapshot = snapshot_of(world.cloud, volume)

    point = points(world)[snapshot]

    assert (Kind.SNAPSHOT, lineage_of(world.cloud, volume), SLOT) == (point.kind, point.lineage, point.slot)
    assert (point.size, point.hold, point.in_use, point.locked) == (SIZE, False, "", False)


def test_i2_a_snapshot_is_pending_before_it_is_good(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))

    before = points(world)[snapshot].state
    world.complete()

    assert (before, points(world)[snapshot].state) == (State.PENDING, State.GOOD)


def test_i2_an_image_is_pending_before_it_is_good(world):
    image = image_of(world.cloud, world.add_instance({}))

    before = points(world)[image].state
    world.complete()

    assert (before, points(world)[image].state) == (State.PENDING, State.GOOD)


@pytest.mark.parametrize(
    ("what", "state"), [("fail", State.FAILED), ("hang", State.PENDING), ("archive", State.ARCHIVED)]
)
def test_i2_a_snapshot_that_failed_hangs_or_is_archived_says_so(world, what, state):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    world.complete()

    getattr(world, what)(snapshot)
    world.complete()

    assert state == points(world)[snapshot].state


@pytest.mark.parametrize(("what", "state"), [("fail", State.FAILED), ("hang", State.PENDING)])
def test_i2_an_image_that_failed_or_hangs_says_so(world, what, state):
    image = image_of(world.cloud, world.add_instance({}))

    getattr(world, what)(image)
    world.complete()

    assert state == points(world)[image].state


@pytest.mark.parametrize(
    ("what", "state"), [("fail", State.FAILED), ("hang", State.PENDING), ("archive", State.ARCHIVED)]
)
def test_i2_an_image_is_worth_what_its_worst_snapshot_is(world, what, state):
    image = image_of(world.cloud, world.add_instance({}))
    world.complete()
    part = points(world)[image].parts[0]

    getattr(world, what)(part)

    assert state == points(world)[image].state


def test_an_image_names_its_devices_and_parts(world):
    instance = world.add_instance({})
    image = image_of(world.cloud, instance)

    holdings = world.cloud.points(REGION)
    (point,) = [p for p in holdings.points if p.id == image]

    assert [d.size for d in point.devices if not d.root] == [SIZE]
    assert sum(d.root for d in point.devices) == 1
    assert {d.snapshot for d in point.devices} == set(point.parts) == {part.id for part in holdings.parts}
    assert {image} == {part.image for part in holdings.parts}
    assert {lineage_of(world.cloud, instance)} == {part.lineage for part in holdings.parts}


def test_a_part_is_never_a_point(world):
    image = image_of(world.cloud, world.add_instance({}))

    assert {image} == set(points(world))


def test_parts_outlive_their_image_and_say_so(world):
    image = image_of(world.cloud, world.add_instance({}))
    world.complete()

    world.cloud.deregister_image(REGION, image)
    holdings = world.cloud.points(REGION)

    assert ((), {""}) == (holdings.points, {part.image for part in holdings.parts})
    assert len(holdings.parts) == 2


def test_i3_points_of_another_installation_are_never_returned(world):
    theirs = world.another("globex")
    volume = world.add_volume({})
    snapshot = snapshot_of(world.cloud, volume)

    assert (
        theirs.points(REGION).points,
        theirs.find(lineage_of(world.cloud, volume), SLOT, Kind.SNAPSHOT),
    ) == ((), ())
    assert theirs.owned(REGION, Kind.SNAPSHOT, [snapshot]) == {}


def test_i3_what_lacks_a_tag_of_identity_is_foreign(world):
    half = {layout.MANAGED: INSTALLATION, layout.POLICY: "nightly", layout.SOURCE: "vol-1"}
    world.cloud.create_snapshot(REGION, world.add_volume({}), half)

    assert points(world) == {}


def test_the_points_of_some_sources_alone_are_found_with_their_parts_and_states(world):
    volume, other, instance = world.add_volume({}), world.add_volume({}), world.add_instance({})
    snapshot, image = snapshot_of(world.cloud, volume), image_of(world.cloud, instance)
    snapshot_of(world.cloud, other)
    world.complete()

    found = world.cloud.points_of(REGION, {volume, instance, "vol-00000000"})

    assert {point.id: point.state for point in found.points} == {snapshot: State.GOOD, image: State.GOOD}
    assert {part.lineage.source for part in found.parts} == {instance}
    assert world.cloud.points_of(REGION, ()) == Holdings()


def test_the_points_of_a_slot_are_found_by_their_tags(world):
    volume = world.add_volume({})
    wanted = {snapshot_of(world.cloud, volume), snapshot_of(world.cloud, volume)}
    snapshot_of(world.cloud, volume, SLOT + timedelta(hours=1))
    snapshot_of(world.cloud, world.add_volume({}))

    found = world.cloud.find(lineage_of(world.cloud, volume), SLOT, Kind.SNAPSHOT)

    assert wanted == {point.id for point in found}


def test_images_of_a_slot_are_found_with_their_state(world):
    instance = world.add_instance({})
    image = image_of(world.cloud, instance)
    world.complete()

    found = world.cloud.find(lineage_of(world.cloud, instance), SLOT, Kind.IMAGE)

    assert [(image, State.GOOD)] == [(point.id, point.state) for point in found]


def test_another_policys_point_is_not_of_this_slot(world):
    volume = world.add_volume({})
    snapshot_of(world.cloud, volume)

    lineage = lineage_of(world.cloud, volume)._replace(policy="hourly")

    assert world.cloud.find(lineage, SLOT, Kind.SNAPSHOT) == ()


def test_a_second_image_of_one_name_is_taken(world):
    instance = world.add_instance({})
    image_of(world.cloud, instance)

    with pytest.raises(Taken):
        image_of(world.cloud, instance)


def test_our_image_is_found_by_its_name(world):
    instance = world.add_instance({})
    image = image_of(world.cloud, instance)
    name = layout.image_name(INSTALLATION, lineage_of(world.cloud, instance), SLOT)

    found = world.cloud.image_named(REGION, name)

    assert (image, lineage_of(world.cloud, instance), SLOT) == (found.id, found.lineage, found.slot)


def test_i3_a_strangers_image_of_our_name_is_not_ours(world):
    instance = world.add_instance({})
    world.name_image(instance, "dr/acme/theirs")

    assert None is world.cloud.image_named(REGION, "dr/acme/theirs")


def test_no_image_of_a_name_is_none(world):
    assert None is world.cloud.image_named(REGION, "dr/acme/nobody")


def test_a_snapshot_of_a_volume_that_is_gone_is_not_found(world):
    with pytest.raises(NotFound):
        snapshot_of(world.cloud, "vol-0123456789abcdef0")


def test_a_deleted_snapshot_is_gone_and_deleting_it_again_is_success(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    world.complete()

    world.cloud.delete_snapshot(REGION, snapshot)
    world.cloud.delete_snapshot(REGION, snapshot)

    assert points(world) == {}


def test_deregistering_twice_is_success(world):
    image = image_of(world.cloud, world.add_instance({}))
    world.complete()

    world.cloud.deregister_image(REGION, image)
    world.cloud.deregister_image(REGION, image)

    assert points(world) == {}


def test_i22_a_snapshot_that_an_image_needs_is_not_deleted(world):
    image = image_of(world.cloud, world.add_instance({}))
    world.complete()
    part = points(world)[image].parts[0]

    with pytest.raises(InUse):
        world.cloud.delete_snapshot(REGION, part)


def test_rule_1_a_snapshot_says_which_image_needs_it(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    world.complete()
    image = world.register_image_on(snapshot)

    assert image == points(world)[snapshot].in_use
    assert image == world.cloud.owned(REGION, Kind.SNAPSHOT, [snapshot])[snapshot].in_use


def test_rule_1_a_hold_is_seen_in_the_listing_and_in_the_last_look(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    world.mark(snapshot, {layout.HOLD: ""})

    assert points(world)[snapshot].hold
    assert world.cloud.owned(REGION, Kind.SNAPSHOT, [snapshot])[snapshot].hold


def test_rule_1_a_lock_is_seen_in_the_listing_and_in_the_last_look_and_refuses_a_deletion(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    world.complete()
    world.lock(snapshot)

    assert points(world)[snapshot].locked
    assert world.cloud.owned(REGION, Kind.SNAPSHOT, [snapshot])[snapshot].locked
    with pytest.raises(CloudError):
        world.cloud.delete_snapshot(REGION, snapshot)


def test_the_last_look_leaves_out_what_is_gone_and_keeps_the_rest(world):
    snapshot = snapshot_of(world.cloud, world.add_volume({}))
    gone = "snap-0123456789abcdef0"

    assert {snapshot} == set(world.cloud.owned(REGION, Kind.SNAPSHOT, [gone, snapshot]))


def test_the_last_look_takes_more_than_one_batch(world):
    volume = world.add_volume({})
    made = [snapshot_of(world.cloud, volume, SLOT + timedelta(hours=n)) for n in range(3)]
    absent = [f"snap-{n:017x}" for n in range(400)]

    found = world.cloud.owned(REGION, Kind.SNAPSHOT, [made[0], *absent, *made[1:]])

    assert set(made) == set(found)


def test_the_last_look_tells_images_by_lineage_and_slot(world):
    instance = world.add_instance({})
    image = image_of(world.cloud, instance)

    found = world.cloud.owned(REGION, Kind.IMAGE, [image])[image]

    assert (lineage_of(world.cloud, instance), SLOT, False) == (found.lineage, found.slot, found.locked)


def test_a_look_at_nothing_finds_nothing(world):
    assert world.cloud.owned(REGION, Kind.SNAPSHOT, []) == {}


def test_a_listing_of_several_pages_is_whole(world):
    volume = world.add_volume({})
    made = {snapshot_of(world.cloud, volume, SLOT + timedelta(hours=n)) for n in range(12)}

    assert made == set(points(world))


def test_a_region_that_needs_no_opting_in_is_enabled(world):
    assert world.cloud.enabled(REGION)


def test_the_clocks_agree(world):
    world.cloud.points(REGION)

    assert abs(world.cloud.skew()) < 5
