"""AWS::EC2::Instance: every disk comes back once, with its data."""

from __future__ import annotations

import pytest
from rewriting import disk, errors, instance, props, rewritten, volume, warnings

HEAD = """
Parameters:
  Image: {Type: String, Default: ami-old}
  Size: {Type: Number, Default: 5}
Mappings:
  M: {a: {b: ami-old}}
Conditions:
  Never: !Equals [a, b]
  Open: !Equals [!ImportValue x, b]
Resources:
  Data: {Type: AWS::EC2::Volume, Properties: {Size: 10}}
  Web:
    Type: AWS::EC2::Instance
    Properties:
      ImageId: !Ref Image
"""
ATTACHED = "  Join: {Type: AWS::EC2::VolumeAttachment, Properties: {InstanceId: !Ref Web, VolumeId: !Ref Data, Device: DEVICE}}\n"
ROOT = disk("/dev/xvda", "snap-root", 8, root=True)
F, G = disk("/dev/sdf", "snap-f"), disk("/dev/sdg", "snap-g")
NO_F = {"DeviceName": "/dev/sdf", "NoDevice": {}}


def attached(device="/dev/sdf"):
    return ATTACHED.replace("DEVICE", device)


def web(body="", *devices, image="ami-new", live=None, tail="", **rebirth):
    text = HEAD + body + tail
    return rewritten(text, instances={"Web": instance(*devices, image=image, live=live)}, **rebirth)


def mappings(result):
    return props(result, "Web").get("BlockDeviceMappings")


@pytest.mark.parametrize(
    "old",
    ["ami-old", "!Ref Image", "!FindInMap [M, a, b]", "!If [Never, a, !Ref Image]", "'{{resolve:ssm:/a}}'"],
)
def test_the_image_is_replaced_as_a_whole(old):
    result = rewritten(HEAD.replace("!Ref Image", old), instances={"Web": instance(ROOT)})
    assert props(result, "Web") == {"ImageId": "ami-new"}
    assert [(c.property, c.old, c.new) for c in result.changes] == [("ImageId", old, "ami-new")]


def test_mappings_are_written_only_when_they_are_needed():
    assert mappings(web("", ROOT, F)) is None


def test_a_mapping_that_would_hide_the_images_data_gets_its_snapshot():
    body = (
        "      BlockDeviceMappings:\n      - DeviceName: /dev/sdf\n        Ebs: {VolumeSize: 30, Iops: 100}\n"
    )
    assert mappings(web(body, ROOT, F)) == [
        {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-f", "VolumeSize": 30, "Iops": 100}}
    ]


def test_a_mapping_with_another_snapshot_gets_the_images():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/sdf, Ebs: {SnapshotId: !Ref Image}}]\n"
    assert mappings(web(body, F)) == [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-f"}}]


@pytest.mark.parametrize("size", ["5", "'5'", "!Ref Size", "!ImportValue x"])
def test_the_size_of_a_mapping_is_never_below_the_snapshots(size):
    body = f"      BlockDeviceMappings: [{{DeviceName: /dev/sdf, Ebs: {{VolumeSize: {size}}}}}]\n"
    assert mappings(web(body, F))[0]["Ebs"]["VolumeSize"] == 10


def test_a_mapping_may_not_ask_for_a_plain_disk_from_an_encrypted_snapshot():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/sdf, Ebs: {Encrypted: false}}]\n"
    result = web(body, disk("/dev/sdf", "snap-f", encrypted=True))
    assert mappings(result) == [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-f"}}]


@pytest.mark.parametrize("entry", ["NoDevice: {}", "VirtualName: ephemeral0", "NoDevice: ''"])
def test_a_device_that_the_template_leaves_out_comes_back_when_the_image_has_data_for_it(entry):
    body = f"      BlockDeviceMappings: [{{DeviceName: /dev/sdf, {entry}}}]\n"
    assert mappings(web(body, F)) == [{"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-f"}}]


def test_another_spelling_of_the_same_device_becomes_the_images():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/xvdf, Ebs: {VolumeSize: 20}}]\n"
    assert mappings(web(body, F)) == [
        {"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 20, "SnapshotId": "snap-f"}}
    ]


def test_a_device_name_made_by_a_function_is_understood_and_left():
    body = "      BlockDeviceMappings:\n      - DeviceName: !Join ['', [/dev/sd, f]]\n        Ebs: {}\n"
    assert mappings(web(body, F)) == [
        {"DeviceName": {"Fn::Join": ["", ["/dev/sd", "f"]]}, "Ebs": {"SnapshotId": "snap-f"}}
    ]


@pytest.mark.parametrize("device", ["/dev/sdf", "/dev/xvdf", "sdf", "xvdf"])
def test_a_disk_that_is_a_volume_of_the_stack_is_suppressed_in_the_image(device):
    result = web("", ROOT, F, G, tail=attached(device), volumes={"Data": volume("snap-own")})
    assert mappings(result) == [NO_F]
    assert props(result, "Data")["SnapshotId"] == "snap-own"
    assert result.from_images == {}


@pytest.mark.parametrize("live", [{"/dev/sdf": "vol-1"}, {"/dev/sdf": "vol-0"}])
def test_the_volume_that_was_attached_decides_over_the_device_name(live):
    result = web(
        "",
        F,
        live=live,
        tail=attached("/dev/sdz"),
        volumes={"Data": volume()},
        volume_ids={"vol-0": "Data", "vol-1": "Data"},
    )
    assert mappings(result) == [NO_F]


def test_a_volume_that_is_where_the_template_puts_it_is_nothing_to_tell():
    result = web("", F, live={"/dev/sdf": "vol-1"}, tail=attached(), volume_ids={"vol-1": "Data"})
    assert (mappings(result), warnings(result)) == ([NO_F], [])


def test_a_volume_from_elsewhere_is_found_by_its_id_whatever_its_device():
    tail = attached("/dev/sdz").replace("!Ref Data", "vol-elsewhere")
    assert mappings(web("", F, live={"/dev/sdf": "vol-elsewhere"}, tail=tail)) == [NO_F]


def test_an_attachment_without_a_device_is_found_by_its_volume():
    tail = attached().replace(", Device: /dev/sdf", "")
    result = web("", F, live={"/dev/sdf": "vol-1"}, tail=tail, volume_ids={"vol-1": "Data"})
    assert mappings(result) == [NO_F]


@pytest.mark.parametrize(
    "volumes",
    [
        "[{Device: /dev/xvdf, VolumeId: !Ref Data}]",
        "!If [Never, [], [{Device: /dev/sdf, VolumeId: !Ref Data}]]",
        "[!If [Never, !Ref AWS::NoValue, {Device: /dev/sdf, VolumeId: !GetAtt Data.VolumeId}]]",
        "[{Device: !Sub '/dev/sdf', VolumeId: !Sub '${Data}'}]",
    ],
)
def test_the_volumes_property_suppresses_as_well(volumes):
    result = web(f"      Volumes: {volumes}\n", F, volumes={"Data": volume()})
    assert mappings(result) == [NO_F]


def test_a_volume_of_another_stack_that_is_attached_is_suppressed_too():
    tail = attached().replace("!Ref Data", "vol-elsewhere")
    assert mappings(web("", F, tail=tail)) == [NO_F]


def test_a_mapping_for_a_disk_that_comes_back_apart_becomes_no_device():
    body = "      BlockDeviceMappings:\n      - DeviceName: /dev/sdf # f\n        Ebs: {VolumeSize: 1}\n"
    assert mappings(web(body, F, tail=attached())) == [NO_F]


def test_no_device_that_is_there_already_stays_as_it_is_written():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/sdf, NoDevice: ''}]\n"
    assert mappings(web(body, F, tail=attached())) == [{"DeviceName": "/dev/sdf", "NoDevice": ""}]


def test_an_attachment_whose_condition_does_not_hold_suppresses_nothing():
    tail = attached().replace("VolumeAttachment,", "VolumeAttachment, Condition: Never,")
    assert mappings(web("", F, tail=tail)) is None


def test_an_attachment_of_another_instance_suppresses_nothing():
    tail = attached().replace("!Ref Web", "!Ref Other")
    assert mappings(web("", F, tail=tail)) is None


def test_a_volume_without_a_snapshot_of_its_own_is_born_from_the_images():
    result = web("", F, tail=attached())
    assert mappings(result) == [NO_F]
    assert props(result, "Data") == {"SnapshotId": "snap-f", "Size": 10}
    assert result.from_images == {"Data": volume("snap-f")}


def test_a_volume_that_was_attached_by_hand_comes_back_once_and_is_told():
    result = web("", F, live={"/dev/sdf": "vol-1"}, volume_ids={"vol-1": "Data"}, volumes={"Data": volume()})
    assert mappings(result) == [NO_F]
    assert "Data was attached by hand at /dev/sdf" in warnings(result)[0]


def test_a_disk_that_took_the_place_of_a_volume_is_told():
    result = web("", F, live={"/dev/sdf": "vol-9"}, tail=attached(), volumes={"Data": volume()})
    assert mappings(result) == [NO_F]
    assert "/dev/sdf held vol-9" in warnings(result)[0]


def test_a_live_volume_of_a_resource_that_the_template_lacks_stays_in_the_image():
    assert mappings(web("", F, live={"/dev/sdf": "vol-1"}, volume_ids={"vol-1": "Gone"})) is None


def test_the_root_disk_is_never_suppressed():
    assert mappings(web("", disk("/dev/xvda", "snap-r"), tail=attached("/dev/xvda"))) is None


@pytest.mark.parametrize(
    "given",
    [
        "!If [Never, [], [{DeviceName: /dev/sdf, Ebs: {VolumeSize: !Ref Size, Iops: !Ref Size}}]]",
        "[!If [Never, !Ref AWS::NoValue, {DeviceName: /dev/sdf, Ebs: {VolumeSize: 1, Iops: !Ref Size}}]]",
        "[{DeviceName: /dev/sdf, Ebs: !If [Never, {}, {VolumeSize: 1, Iops: !Ref Size}]}]",
    ],
)
def test_mappings_given_through_functions_are_decided_and_replaced_as_a_whole(given):
    result = web(f"      BlockDeviceMappings: {given}\n", F)
    ebs = {"VolumeSize": 10, "Iops": {"Ref": "Size"}, "SnapshotId": "snap-f"}
    assert mappings(result) == [{"DeviceName": "/dev/sdf", "Ebs": ebs}]
    assert [c.property for c in result.changes] == ["ImageId", "BlockDeviceMappings"]


def test_mappings_through_functions_that_hide_nothing_stay():
    given = "!If [Never, [], [{DeviceName: /dev/sdz, Ebs: {VolumeSize: 1}}]]"
    result = web(f"      BlockDeviceMappings: {given}\n", ROOT)
    assert [c.property for c in result.changes] == ["ImageId"]


@pytest.mark.parametrize(
    "given", ["!If [Open, [], [{DeviceName: /dev/sdf}]]", "[!If [Open, {}, {DeviceName: a}]]"]
)
def test_mappings_that_cannot_be_told_are_replaced_by_the_disks_that_were(given):
    result = web(f"      BlockDeviceMappings: {given}\n", F, G, tail=attached())
    assert mappings(result) == [NO_F, {"DeviceName": "/dev/sdg", "Ebs": {"SnapshotId": "snap-g"}}]


def test_a_mapping_without_data_is_told_to_come_up_empty():
    result = web("      BlockDeviceMappings: [{DeviceName: /dev/sdz, Ebs: {VolumeSize: 1}}]\n", ROOT)
    assert mappings(result) == [{"DeviceName": "/dev/sdz", "Ebs": {"VolumeSize": 1}}]
    assert "/dev/sdz comes up empty" in warnings(result)[0]


TEMPLATE = """  Shape:
    Type: AWS::EC2::LaunchTemplate
    Properties:
      LaunchTemplateData:
        ImageId: !Ref Image
        BlockDeviceMappings:
        - DeviceName: /dev/xvdg
          Ebs: {VolumeSize: 40, Throughput: 250, DeleteOnTermination: false}
"""


def test_an_instance_with_a_launch_template_maps_every_disk_itself():
    body = "      LaunchTemplate: {LaunchTemplateId: !Ref Shape, Version: '1'}\n"
    result = web(body, ROOT, F, G, tail=TEMPLATE + attached())
    assert props(result, "Web")["ImageId"] == "ami-new"
    assert mappings(result) == [
        {"DeviceName": "/dev/xvda", "Ebs": {"SnapshotId": "snap-root"}},
        NO_F,
        {
            "DeviceName": "/dev/sdg",
            "Ebs": {"VolumeSize": 40, "DeleteOnTermination": False, "SnapshotId": "snap-g"},
        },
    ]
    assert props(result, "Shape")["LaunchTemplateData"]["ImageId"] == {"Ref": "Image"}


def test_an_instance_of_a_launch_template_alone_gets_an_image_id():
    head = HEAD.replace("ImageId: !Ref Image", "LaunchTemplate: {LaunchTemplateName: x, Version: '1'}")
    assert props(rewritten(head, instances={"Web": instance()}), "Web")["ImageId"] == "ami-new"


def test_without_an_image_the_mappings_get_the_volumes_snapshots():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/sdf, Ebs: {VolumeSize: 5}}]\n"
    result = web(body, F, disk("/dev/sdg", "snap-g", kind="gp3"), image=None)
    assert props(result, "Web")["ImageId"] == {"Ref": "Image"}
    assert mappings(result) == [
        {"DeviceName": "/dev/sdg", "Ebs": {"VolumeType": "gp3", "SnapshotId": "snap-g"}},
        {"DeviceName": "/dev/sdf", "Ebs": {"SnapshotId": "snap-f", "VolumeSize": 10}},
    ]


@pytest.mark.parametrize("root", [ROOT, disk("/dev/sda1", "snap-root"), disk("/dev/xvda", "snap-root")])
def test_without_an_image_the_root_disk_is_left_and_told(root):
    body = "      BlockDeviceMappings: [{DeviceName: /dev/xvda, Ebs: {VolumeSize: 5}}]\n"
    result = web(body, root, F, image=None)
    assert {"DeviceName": "/dev/xvda", "Ebs": {"VolumeSize": 5}} in mappings(result)
    assert any("snap-root" in message for message in warnings(result))
    assert errors(result) == []


def test_without_an_image_a_volume_of_the_stack_is_not_mapped_again():
    result = web("", F, G, image=None, tail=attached(), volumes={"Data": volume("snap-own")})
    assert mappings(result) == [{"DeviceName": "/dev/sdg", "Ebs": {"SnapshotId": "snap-g"}}]


def test_without_an_image_a_mapping_for_a_volumes_device_is_left_as_it_is():
    body = "      BlockDeviceMappings: [{DeviceName: /dev/sdf, Ebs: {VolumeSize: 5}}]\n"
    result = web(body, F, image=None, tail=attached(), volumes={"Data": volume("snap-own")})
    assert mappings(result) == [{"DeviceName": "/dev/sdf", "Ebs": {"VolumeSize": 5}}]


def test_an_instance_whose_condition_does_not_hold_is_left_alone():
    text = HEAD.replace("    Type: AWS::EC2::Instance", "    Type: AWS::EC2::Instance\n    Condition: Never")
    result = rewritten(text, instances={"Web": instance(F)})
    assert (result.template.text, [finding.about for finding in result.findings]) == (text, ["data"])


USER_DATA = "      UserData: !Base64 'x'\n"


def test_user_data_is_kept_and_told_by_the_resources_name():
    result = web(USER_DATA, ROOT)
    assert props(result, "Web")["UserData"] == {"Fn::Base64": "x"}
    assert [message.split(":")[0] for message in warnings(result)] == ["Web"]


def test_user_data_is_dropped_on_request_and_shown():
    result = web(USER_DATA, ROOT, user_data="drop")
    assert props(result, "Web") == {"ImageId": "ami-new"}
    assert [(c.property, c.old, c.new) for c in result.changes][-1] == ("UserData", "!Base64 'x'", None)
    assert warnings(result) == []


def test_the_user_data_of_a_machine_that_is_made_anew_is_not_told():
    assert warnings(rewritten(HEAD + USER_DATA, volumes={"Data": volume()})) == []
