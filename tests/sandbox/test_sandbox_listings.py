"""Tags, filters and paging of listings as AWS documents them."""

from __future__ import annotations

import pytest
from ec2_helpers import launch, one_snapshot, refused, snapshot, tags, unique, volume


@pytest.fixture
def far(slow):
    """A Region of its own: listings of everything are exact."""
    return slow.client("ec2", "ap-southeast-2")


def pages(call, key, size, **request):
    """The ids of each page, following the tokens."""
    token, found = {}, []
    while True:
        answer = call(MaxResults=size, **request, **token)
        found.append(answer[key])
        if not answer.get("NextToken"):
            return found
        token = {"NextToken": answer["NextToken"]}


def test_snapshots_are_paged(far):
    source, mark = volume(far), unique()
    made = [snapshot(far, source, TagSpecifications=[tags("snapshot", mark=mark)]) for _ in range(12)]
    by = [{"Name": "tag:mark", "Values": [mark]}]
    found = pages(far.describe_snapshots, "Snapshots", 5, Filters=by)
    assert [len(page) for page in found] == [5, 5, 2]
    assert [s["SnapshotId"] for page in found for s in page] == made


def test_an_exact_last_page_has_no_token(far):
    source, mark = volume(far), unique()
    for _ in range(10):
        snapshot(far, source, TagSpecifications=[tags("snapshot", mark=mark)])
    found = pages(far.describe_snapshots, "Snapshots", 5, Filters=[{"Name": "tag:mark", "Values": [mark]}])
    assert [len(page) for page in found] == [5, 5]


def test_deleting_between_two_pages_skips_nothing(far):
    source, mark = volume(far), unique()
    made = [snapshot(far, source, TagSpecifications=[tags("snapshot", mark=mark)]) for _ in range(8)]
    by = [{"Name": "tag:mark", "Values": [mark]}]
    first = far.describe_snapshots(MaxResults=5, Filters=by)
    for one in first["Snapshots"][:3]:
        far.delete_snapshot(SnapshotId=one["SnapshotId"])
    second = far.describe_snapshots(MaxResults=5, Filters=by, NextToken=first["NextToken"])
    assert [s["SnapshotId"] for s in first["Snapshots"] + second["Snapshots"]] == made


def test_volumes_images_and_instances_are_paged(far):
    mark = unique()
    by = [{"Name": "tag:mark", "Values": [mark]}]
    for _ in range(7):
        volume(far, TagSpecifications=[tags("volume", mark=mark)])
        instance = launch(far, TagSpecifications=[tags("instance", mark=mark)])
        far.create_image(InstanceId=instance, Name=unique(), TagSpecifications=[tags("image", mark=mark)])
    for call, key in (
        (far.describe_volumes, "Volumes"),
        (far.describe_images, "Images"),
        (far.describe_instances, "Reservations"),
    ):
        assert [len(page) for page in pages(call, key, 5, Filters=by)] == [5, 2]


def test_max_results_goes_neither_with_ids_nor_below_five(far):
    source = volume(far)
    made = snapshot(far, source)
    with refused("InvalidParameterCombination"):
        far.describe_snapshots(SnapshotIds=[made], MaxResults=5)
    with refused("InvalidParameterCombination"):
        far.describe_volumes(VolumeIds=[source], MaxResults=5)
    with refused("InvalidParameterCombination"):
        far.describe_instances(InstanceIds=[launch(far)], MaxResults=5)
    with refused("InvalidParameterValue"):
        far.describe_snapshots(MaxResults=4)


def test_a_token_that_was_never_given_is_refused(far):
    with refused("InvalidPaginationToken"):
        far.describe_snapshots(MaxResults=5, NextToken="made-up")


def test_a_token_may_be_used_again(far):
    source, mark = volume(far), unique()
    for _ in range(6):
        snapshot(far, source, TagSpecifications=[tags("snapshot", mark=mark)])
    by = [{"Name": "tag:mark", "Values": [mark]}]
    token = far.describe_snapshots(MaxResults=5, Filters=by)["NextToken"]
    again = [far.describe_snapshots(MaxResults=5, Filters=by, NextToken=token)["Snapshots"] for _ in range(2)]
    assert again[0] == again[1]
    assert len(again[0]) == 1


def test_values_of_a_filter_are_alternatives_and_filters_add_up(ec2):
    group = unique()
    red, blue, plain = (
        snapshot(ec2, TagSpecifications=[tags("snapshot", group=group, **more)])
        for more in ({"colour": "red"}, {"colour": "blue"}, {})
    )

    def found(**filters):
        asked = [
            {"Name": name.replace("__", ":").replace("_", "-"), "Values": values}
            for name, values in filters.items()
        ]
        return {
            s["SnapshotId"]
            for s in ec2.describe_snapshots(Filters=[{"Name": "tag:group", "Values": [group]}, *asked])[
                "Snapshots"
            ]
        }

    assert found(tag__colour=["red"]) == {red}
    assert found(tag__colour=["red", "blue"]) == {red, blue}
    assert found(tag__colour=["r*"]) == {red}
    assert found(tag__colour=["[rb]*"]) == set()
    assert found(tag_key=["colour", "shape"]) == {red, blue}
    assert found(tag_key=["group"]) == {red, blue, plain}
    assert found(tag__colour=["red"], status=["completed"]) == set()


def test_instances_are_filtered_by_tag_and_state(ec2):
    mark = unique()
    instance = launch(ec2, TagSpecifications=[tags("instance", mark=mark)])
    by = [
        {"Name": "tag:mark", "Values": [mark]},
        {"Name": "instance-state-name", "Values": ["running", "stopped"]},
    ]
    assert [
        i["InstanceId"] for r in ec2.describe_instances(Filters=by)["Reservations"] for i in r["Instances"]
    ] == [instance]
    ec2.terminate_instances(InstanceIds=[instance])
    assert ec2.describe_instances(Filters=by)["Reservations"] == []
    with refused("InvalidParameterValue"):
        ec2.describe_instances(Filters=[{"Name": "no-such-filter", "Values": ["x"]}])


def test_keys_that_start_with_aws_are_refused_and_nothing_is_made(ec2):
    source = volume(ec2)
    reserved = [{"Key": "aws:mine", "Value": "x"}]
    with refused("InvalidParameterValue"):
        ec2.create_tags(Resources=[source], Tags=reserved)
    with refused("InvalidParameterValue"):
        ec2.delete_tags(Resources=[source], Tags=reserved)
    with refused("InvalidParameterValue"):
        ec2.create_snapshot(
            VolumeId=source, TagSpecifications=[{"ResourceType": "snapshot", "Tags": reserved}]
        )
    with refused("InvalidParameterValue"):
        ec2.create_image(
            InstanceId=launch(ec2),
            Name=unique(),
            TagSpecifications=[{"ResourceType": "snapshot", "Tags": reserved}],
        )
    assert ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": [source]}])["Snapshots"] == []


def test_a_resource_takes_fifty_tags_and_no_more(ec2):
    source = volume(ec2)
    fifty = {f"k{n}": "v" for n in range(50)}
    made = snapshot(ec2, source, TagSpecifications=[tags("snapshot", **fifty)])
    assert len(one_snapshot(ec2, made)["Tags"]) == 50
    with refused("TagLimitExceeded"):
        ec2.create_tags(Resources=[made], Tags=[{"Key": "more", "Value": "v"}])
    ec2.create_tags(Resources=[made], Tags=[{"Key": "k0", "Value": "changed"}])
    with refused("TagLimitExceeded"):
        snapshot(ec2, source, TagSpecifications=[tags("snapshot", more="v", **fifty)])
    assert len(ec2.describe_snapshots(Filters=[{"Name": "volume-id", "Values": [source]}])["Snapshots"]) == 1
