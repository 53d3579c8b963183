"""Raw snapshots and images to points: the states that no sandbox can show."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from dr import layout
from dr.aws.ec2_points import Listing, holdings, owned_images
from dr.aws.ec2_sources import instance_sources, volume_sources
from dr.model import State

START = datetime(2026, 3, 29, 1, 0, 5, tzinfo=UTC)
IDENTITY = {
    layout.MANAGED: "acme",
    layout.POLICY: "nightly",
    layout.SLOT: "20260329T010000Z",
    layout.SOURCE: "vol-1",
}


def spelled(tags):
    return [{"Key": key, "Value": value} for key, value in tags.items()]


def snapshot(name="snap-1", state="completed", kind="snapshot", **facts):
    tags = IDENTITY | {layout.KIND: kind}
    return {"SnapshotId": name, "State": state, "StartTime": START, "Tags": spelled(tags), **facts}


def image(state="available", parts=("snap-1",), **facts):
    disks = [
        {"DeviceName": f"/dev/sd{n}", "Ebs": {"SnapshotId": p, "VolumeSize": 8}} for n, p in enumerate(parts)
    ]
    return {
        "ImageId": "ami-1",
        "State": state,
        "CreationDate": "2026-03-29T01:00:07.000Z",
        "RootDeviceName": "/dev/sd0",
        "BlockDeviceMappings": [*disks, {"DeviceName": "/dev/sdz", "VirtualName": "ephemeral0"}],
        "Tags": spelled(IDENTITY | {layout.KIND: "image"}),
        **facts,
    }


def listing(*, snapshots=(), images=(), **facts):
    return Listing(
        installation="acme",
        account="1",
        region="eu-west-1",
        snapshots=tuple(snapshots),
        images=tuple(images),
        **facts,
    )


def states(**rows):
    return [point.state for point in holdings(listing(**rows)).points]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("completed", State.GOOD),
        ("pending", State.PENDING),
        ("error", State.FAILED),
        ("recoverable", State.PENDING),
        ("recovering", State.PENDING),
        ("something-new", State.PENDING),
    ],
)
def test_i2_only_a_completed_snapshot_is_good(state, expected):
    assert states(snapshots=[snapshot(state=state)]) == [expected]


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("available", State.GOOD),
        ("pending", State.PENDING),
        ("transient", State.PENDING),
        ("something-new", State.PENDING),
        ("failed", State.FAILED),
        ("error", State.FAILED),
        ("invalid", State.FAILED),
        ("deregistered", State.FAILED),
        ("disabled", State.ARCHIVED),
    ],
)
def test_i2_only_an_available_image_is_good(state, expected):
    assert states(snapshots=[snapshot(kind="image-part")], images=[image(state)]) == [expected]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"state": "pending"}, State.PENDING),
        ({"state": "error"}, State.FAILED),
        ({"state": "recoverable"}, State.PENDING),
        ({"StorageTier": "archive"}, State.ARCHIVED),
    ],
)
def test_i2_an_image_is_as_good_as_its_worst_part(facts, expected):
    parts = [snapshot("snap-1", kind="image-part"), snapshot("snap-2", kind="image-part", **facts)]

    assert states(snapshots=parts, images=[image(parts=("snap-1", "snap-2"))]) == [expected]


def test_i2_an_image_without_one_of_its_snapshots_has_failed():
    assert states(images=[image()]) == [State.FAILED]


def test_parts_without_our_tags_count_by_what_the_second_look_found():
    asked = []

    def states_of(ids):
        asked.extend(ids)
        return {"snap-1": State.GOOD}

    assert [p.state for p in holdings(listing(images=[image()]), states_of).points] == [State.GOOD]
    assert asked == ["snap-1"]


def test_the_tier_of_a_pending_snapshot_says_nothing():
    assert states(snapshots=[snapshot(state="pending", StorageTier="archive")]) == [State.PENDING]


def test_a_disk_without_a_snapshot_is_no_device():
    (point,) = holdings(listing(snapshots=[snapshot(kind="image-part")], images=[image()])).points

    assert ([d.device for d in point.devices], point.size) == (["/dev/sd0"], 8)


def test_i3_a_kind_that_is_not_ours_is_no_point_and_no_part():
    assert holdings(listing(snapshots=[snapshot(kind="else")])) == holdings(listing())


def test_a_part_that_somebody_elses_image_needs_is_no_orphan():
    theirs = image() | {"ImageId": "ami-theirs", "Tags": []}

    found = holdings(listing(snapshots=[snapshot(kind="image-part")], images=[theirs]))

    assert [part.image for part in found.parts] == ["ami-theirs"]


def test_our_image_comes_before_somebody_elses():
    theirs = image() | {"ImageId": "ami-0", "Tags": []}

    found = holdings(listing(snapshots=[snapshot(kind="image-part")], images=[theirs, image()]))

    assert [part.image for part in found.parts] == ["ami-1"]


@pytest.mark.parametrize(
    ("protection", "expected"),
    [
        (None, False),
        ("", False),
        ("disabled", False),
        ("enabled-with-cooldown", True),
        ("enabled-without-cooldown", True),
        ("something-new", True),
    ],
)
def test_rule_1_an_image_protected_from_deregistering_is_locked(protection, expected):
    facts = {} if protection is None else {"DeregistrationProtection": protection}
    seen = listing(snapshots=[snapshot(kind="image-part")], images=[image(**facts)])

    assert [point.locked for point in holdings(seen).points] == [expected]
    assert [owned.locked for owned in owned_images(seen).values()] == [expected]


def test_the_time_of_a_point_is_when_its_data_is_from():
    found = holdings(listing(snapshots=[snapshot(kind="snapshot")], images=[image(parts=())]))

    assert [p.time for p in found.points] == [START, datetime(2026, 3, 29, 1, 0, 7, tzinfo=UTC)]


@pytest.mark.parametrize("said", ["yesterday", "", "2026-03-29T01:00:00"])
def test_a_time_that_cannot_be_read_is_not_believed(said):
    row = snapshot()
    row["Tags"] = [*row["Tags"], {"Key": layout.TIME, "Value": said}]

    assert [p.time for p in holdings(listing(snapshots=[row])).points] == [START]


@pytest.mark.parametrize("state", ["creating", "deleting", "deleted", "error", ""])
def test_a_volume_that_cannot_be_read_is_not_ready(state):
    (source,) = volume_sources([{"VolumeId": "vol-1", "State": state}], {}, "1", "eu-west-1")

    assert source.unready


@pytest.mark.parametrize("state", ["pending", "stopping"])
def test_an_instance_between_two_states_is_not_ready(state):
    (source,) = instance_sources([{"InstanceId": "i-1", "State": {"Name": state}}], "1", "eu-west-1")

    assert source.unready == f"the instance is {state}"


def test_an_instance_without_an_ebs_root_is_not_ready():
    row = {"InstanceId": "i-1", "State": {"Name": "running"}, "RootDeviceType": "instance-store"}
    (source,) = instance_sources([row], "1", "eu-west-1")

    assert "EBS root" in source.unready


def test_an_instance_is_as_old_as_its_root_volumes_attachment():
    disk = {"DeviceName": "/dev/sda1", "Ebs": {"VolumeId": "vol-1", "AttachTime": START}}
    row = {
        "InstanceId": "i-1",
        "State": {"Name": "running"},
        "LaunchTime": datetime(2026, 5, 1, tzinfo=UTC),
        "RootDeviceName": "/dev/sda1",
        "BlockDeviceMappings": [disk],
    }

    (source,) = instance_sources([row], "1", "eu-west-1")

    assert (source.created, source.volumes, source.unready) == (START, ("vol-1",), "")
