"""AWS::EC2::Volume: born from its snapshot, and otherwise what the template says."""

from __future__ import annotations

import pytest
from rewriting import errors, props, rewritten, volume

HEAD = """
Parameters:
  Size: {Type: Number, Default: 5}
  Snap: {Type: String, Default: snap-old}
Conditions:
  Never: !Equals [a, b]
  Always: !Equals [a, a]
Resources:
  Data:
    Type: AWS::EC2::Volume
"""


def born(properties, *, size=10, encrypted=False, parameters=None):
    text = f"{HEAD}    Properties: {properties}\n"
    return rewritten(text, parameters=parameters, volumes={"Data": volume(size=size, encrypted=encrypted)})


def test_type_iops_throughput_key_and_tags_are_kept():
    kept = "VolumeType: gp3, Iops: 4000, Throughput: 250, KmsKeyId: !Ref Size, AutoEnableIO: true, Tags: [{Key: a, Value: b}]"
    result = born("{" + kept + "}", encrypted=True)
    assert f"{{SnapshotId: snap-new, {kept}}}" in result.template.text


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ("{Size: 5}", 10),
        ("{Size: '5'}", 10),
        ("{Size: 10}", 10),
        ("{Size: 50}", 50),
        ("{Size: !Ref Size}", 10),
        ("{Size: !If [Never, 500, 5]}", 10),
        ("{Size: !If [Always, 500, 5]}", {"Fn::If": ["Always", 500, 5]}),
        ("{Size: !ImportValue s}", 10),
        ("{Size: '{{resolve:ssm:/a:1}}'}", 10),
    ],
)
def test_the_size_is_never_below_the_snapshots(properties, expected):
    assert props(born(properties), "Data")["Size"] == expected


def test_a_size_that_a_parameter_makes_large_enough_stays_a_reference():
    assert props(born("{Size: !Ref Size}", parameters={"Size": "20"}), "Data")["Size"] == {"Ref": "Size"}


def test_no_size_is_needed():
    assert props(born("{AvailabilityZone: a}"), "Data") == {"SnapshotId": "snap-new", "AvailabilityZone": "a"}


@pytest.mark.parametrize("old", ["snap-old", "!Ref Snap", "!If [Never, snap-a, !Ref AWS::NoValue]"])
def test_a_snapshot_that_is_there_is_replaced_as_a_whole(old):
    result = born(f"{{SnapshotId: {old}, Size: 10}}")
    assert props(result, "Data") == {"SnapshotId": "snap-new", "Size": 10}
    (change,) = result.changes
    assert (change.logical_id, change.property, change.old, change.new) == (
        "Data",
        "SnapshotId",
        old,
        "snap-new",
    )


@pytest.mark.parametrize("plain", ["false", "no", "'false'", "!If [Never, true, false]", "!ImportValue e"])
def test_encrypted_false_gives_way_to_an_encrypted_snapshot_and_is_shown(plain):
    result = born(f"{{Encrypted: {plain}, Size: 10}}", encrypted=True)
    assert props(result, "Data") == {"SnapshotId": "snap-new", "Size": 10}
    assert [(c.property, c.old, c.new) for c in result.changes][1] == ("Encrypted", plain, None)


def test_encrypted_false_beside_a_key_becomes_true():
    result = born("{Encrypted: false, KmsKeyId: k}", encrypted=True)
    assert props(result, "Data") == {"SnapshotId": "snap-new", "Encrypted": True, "KmsKeyId": "k"}


@pytest.mark.parametrize(("plain", "encrypted"), [("true", True), ("true", False), ("false", False)])
def test_encrypted_stays_where_nothing_contradicts_it(plain, encrypted):
    result = born(f"{{Encrypted: {plain}}}", encrypted=encrypted)
    assert props(result, "Data")["Encrypted"] is (plain == "true")


def test_a_copy_of_another_volume_becomes_a_volume_from_the_snapshot():
    assert props(born("{SourceVolumeId: vol-1}"), "Data") == {"SnapshotId": "snap-new"}


def test_a_volume_whose_condition_does_not_hold_is_left_alone_and_told():
    text = HEAD + "    Condition: Never\n    Properties: {Size: 1}\n"
    result = rewritten(text, volumes={"Data": volume()})
    assert (result.template.text, result.changes, result.absent) == (text, (), {"Data"})
    assert [(f.level, f.about, "does not hold in this restore" in f.message) for f in result.findings] == [
        ("warning", "data", True)
    ]


def test_a_volume_without_properties_gets_them():
    assert props(rewritten(HEAD, volumes={"Data": volume()}), "Data") == {"SnapshotId": "snap-new"}


def test_data_for_a_resource_that_the_template_lacks_is_an_error():
    result = rewritten(HEAD, volumes={"Gone": volume(), "Size": volume()})
    assert [e.split(":")[0] for e in errors(result)] == ["Gone", "Size"]


def test_parameters_that_become_unused_stay():
    result = born("{SnapshotId: !Ref Snap, Size: !Ref Size}")
    assert set(result.template.tree["Parameters"]) == {"Size", "Snap"}


def test_each_change_says_why():
    result = born("{Size: 5, Encrypted: false}", encrypted=True)
    assert [change.why for change in result.changes] == [
        "its data",
        "5 GiB is less than the snapshot's 10 GiB",
        "the snapshot is encrypted, and so is what is born from it",
    ]
