"""What dr.aws asks of EC2: seen in the requests that leave it, and in answers that the shared suite cannot arrange."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from making import (
    REGION,
    SLOT,
    image_of,
    image_tags,
    snapshot_of,
    volume_tags,
)

from dr import layout
from dr.aws.ec2 import Ec2Cloud
from dr.aws.session import Purpose
from dr.errors import CloudError
from dr.model import Kind, Protect, State
from dr.ports import ImageTags


@pytest.fixture
def asked(aws):
    """Every EC2 request of the test, as (operation, parameters)."""
    seen = []
    for purpose in Purpose:
        events = aws.session.ec2(REGION, purpose).meta.events
        events.register(
            "provide-client-params.ec2", lambda params, model, **_: seen.append((model.name, params))
        )
    return seen


def operations(asked):
    return [name for name, _ in asked]


def set_state(aws, resource, state):
    aws.sandbox.control("state", {"id": resource, "state": state})


def test_tags_go_into_the_create_call_itself(aws, asked):
    volume = aws.add_volume({})
    tags = volume_tags(aws.cloud, volume)

    aws.cloud.create_snapshot(REGION, volume, tags)

    (request,) = [params for name, params in asked if name == "CreateSnapshot"]
    assert [
        {"ResourceType": "snapshot", "Tags": [{"Key": k, "Value": v} for k, v in tags.items()]}
    ] == request["TagSpecifications"]
    assert "CreateTags" not in operations(asked)


def test_an_image_and_its_snapshots_are_tagged_by_one_call(aws, asked):
    image_of(aws.cloud, aws.add_instance({}))

    (request,) = [params for name, params in asked if name == "CreateImage"]
    assert [row["ResourceType"] for row in request["TagSpecifications"]] == ["image", "snapshot"]


@pytest.mark.parametrize("reboot", [False, True])
def test_an_instance_restarts_only_when_the_policy_says_so(aws, asked, reboot):
    instance = aws.add_instance({})

    aws.cloud.create_image(REGION, instance, "dr/acme/x", image_tags(aws.cloud, instance), reboot=reboot)

    assert [not reboot] == [params["NoReboot"] for name, params in asked if name == "CreateImage"]


def test_the_description_names_policy_slot_and_source(aws):
    volume = aws.add_volume({})
    snapshot = snapshot_of(aws.cloud, volume)

    found = aws.ec2.describe_snapshots(SnapshotIds=[snapshot])["Snapshots"][0]["Description"]

    assert f"dr nightly {layout.slot_text(SLOT)} {volume}" == found


def test_a_listing_asks_for_a_thousand_a_page(aws, asked):
    Ec2Cloud(aws.session, "acme").points(REGION)

    assert {1000} == {params["MaxResults"] for _, params in asked}


def test_points_cost_a_call_for_each_listing_however_many_there_are(aws, asked):
    volume, instance = aws.add_volume({}), aws.add_instance({})
    for hour in range(4):
        snapshot_of(aws.cloud, volume, SLOT.replace(hour=hour))
        image_of(aws.cloud, instance, SLOT.replace(hour=hour))
    asked.clear()

    Ec2Cloud(aws.session, "acme").points(REGION)

    assert sorted(operations(asked)) == ["DescribeImages", "DescribeLockedSnapshots", "DescribeSnapshots"]


def test_snapshots_are_sifted_on_the_server(aws, asked):
    aws.cloud.points(REGION)

    (request,) = [params for name, params in asked if name == "DescribeSnapshots"]
    assert (
        request["OwnerIds"],
        request["Filters"],
    ) == (["self"], [{"Name": "tag:dr:managed", "Values": ["acme"]}])


def test_volumes_cost_one_call_while_none_is_attached(aws, asked):
    aws.add_volume({"Tier": "db"})

    aws.cloud.sources(Protect.VOLUMES, REGION, {"Tier": ("db",)})

    assert operations(asked) == ["DescribeVolumes"]


def test_attached_volumes_cost_one_more_call(aws, asked):
    for _ in range(3):
        aws.add_instance({})
    asked.clear()

    Ec2Cloud(aws.session, "acme").sources(Protect.VOLUMES, REGION, {})

    assert operations(asked) == ["DescribeVolumes", "DescribeInstances"]


def test_i4_a_page_that_fails_ends_the_whole_listing(aws, asked):
    volume = aws.add_volume({})
    for hour in range(12):
        snapshot_of(aws.cloud, volume, SLOT.replace(hour=hour))
    forget = aws.session.ec2(REGION).meta.events

    def spoil(params, **_):
        if "NextToken" in params:
            params["NextToken"] = "expired"

    forget.register("provide-client-params.ec2.DescribeSnapshots", spoil)

    with pytest.raises(CloudError) as caught:
        aws.cloud.points(REGION)

    assert caught.value.code == "InvalidPaginationToken"


def test_i2_a_failed_snapshot_makes_its_image_a_failed_one(aws):
    image_of(aws.cloud, aws.add_instance({}))
    aws.complete()
    set_state(aws, aws.cloud.points(REGION).points[0].parts[0], "error")

    assert [point.state for point in aws.cloud.points(REGION).points] == [State.FAILED]


def test_i2_an_archived_snapshot_is_archived(aws):
    snapshot = snapshot_of(aws.cloud, aws.add_volume({}))
    aws.complete()
    aws.ec2.modify_snapshot_tier(SnapshotId=snapshot, StorageTier="archive")

    assert [point.state for point in aws.cloud.points(REGION).points] == [State.ARCHIVED]


def test_rule_1_a_locked_snapshot_says_so(aws):
    snapshot = snapshot_of(aws.cloud, aws.add_volume({}))
    aws.complete()
    aws.ec2.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=1)

    assert [point.locked for point in aws.cloud.points(REGION).points] == [True]
    assert aws.cloud.owned(REGION, Kind.SNAPSHOT, [snapshot])[snapshot].locked


def test_a_lock_that_has_run_out_holds_nothing(aws):
    snapshot = snapshot_of(aws.cloud, aws.add_volume({}))
    aws.complete()
    aws.ec2.lock_snapshot(SnapshotId=snapshot, LockMode="governance", LockDuration=1)
    aws.sandbox.advance(2 * 86400)

    assert [point.locked for point in aws.cloud.points(REGION).points] == [False]


def test_an_image_with_a_locked_part_is_locked(aws):
    image = image_of(aws.cloud, aws.add_instance({}))
    aws.complete()
    part = aws.cloud.points(REGION).points[0].parts[0]
    aws.ec2.lock_snapshot(SnapshotId=part, LockMode="governance", LockDuration=1)

    assert [point.locked for point in aws.cloud.points(REGION).points] == [True]
    assert aws.cloud.owned(REGION, Kind.IMAGE, [image])[image].locked


def test_parts_that_lost_their_tags_are_looked_up(aws):
    image = image_of(aws.cloud, aws.add_instance({}))
    aws.complete()
    part = aws.cloud.points(REGION).points[0].parts[0]
    aws.ec2.delete_tags(Resources=[part], Tags=[{"Key": layout.MANAGED}])

    assert [(image, State.GOOD)] == [(p.id, p.state) for p in aws.cloud.points(REGION).points]


def test_the_time_of_a_copy_is_its_originals(aws):
    volume = aws.add_volume({})
    born = datetime(2026, 3, 28, 1, 0, tzinfo=UTC)
    tags = volume_tags(aws.cloud, volume) | {
        layout.TIME: "2026-03-28T01:00:00Z",
        layout.COPY_OF: "snap-1",
    }
    aws.cloud.create_snapshot(REGION, volume, tags)

    assert [(born, "snap-1")] == [(p.time, p.copy_of) for p in aws.cloud.points(REGION).points]


def test_a_point_says_which_stack_and_resource_its_source_is(aws):
    volume = aws.add_volume({})
    tags = volume_tags(aws.cloud, volume) | {
        layout.STACK: "prod",
        layout.LOGICAL_ID: "Data",
    }
    aws.cloud.create_snapshot(REGION, volume, tags)

    assert [(p.stack, p.logical_id) for p in aws.cloud.points(REGION).points] == [("prod", "Data")]


def test_a_member_of_a_set_has_its_own_volume_as_source(aws):
    volume = aws.add_volume({})
    tags = volume_tags(aws.cloud, volume) | {layout.SET: "i-1"}
    del tags[layout.SOURCE]
    aws.cloud.create_snapshot(REGION, volume, tags)

    assert [(volume, "i-1")] == [(p.lineage.source, p.set) for p in aws.cloud.points(REGION).points]


def test_a_tag_that_aws_keeps_for_itself_is_refused_before_anything_is_made(aws):
    volume = aws.add_volume({})

    with pytest.raises(CloudError):
        aws.cloud.create_snapshot(REGION, volume, {"aws:mine": "x"})

    assert aws.ec2.describe_snapshots(OwnerIds=["self"])["Snapshots"] == []


def test_an_image_of_an_instance_that_is_gone_fails_by_name(aws):
    tags = ImageTags(image={"a": "b"}, parts={"a": "b"})

    with pytest.raises(CloudError) as caught:
        aws.cloud.create_image(REGION, "i-0123456789abcdef0", "dr/acme/y", tags, reboot=False)

    assert (caught.value.code, caught.value.action) == ("InvalidInstanceID.NotFound", "ec2:CreateImage")
