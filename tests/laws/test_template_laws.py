"""Laws of reading and rewriting templates, on random texts in every layout that a person or a tool writes."""

from __future__ import annotations

import json

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dr.errors import UsageError
from dr.model import ImageDevice
from dr.stacks.edit import Drop, Prepend, Put, edit
from dr.stacks.evaluate import Facts
from dr.stacks.rebirth import InstanceRebirth, Rebirth, VolumeRebirth
from dr.stacks.rewrite import rewrite
from dr.stacks.template import parse_template

LAWS = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)

PLAIN = [
    "gp3",
    "2010-09-09",
    "0755",
    "0o17",
    "012345678901",
    "1_000",
    "1e3",
    "1.50",
    "12:30:45",
    "yes",
    "Off",
    "null",
    "~",
    "20",
    "-7",
    "arn:aws:iam::012345678901:role/x",
    "a b  c",
    "é ü 漢字",
    "{{resolve:ssm:/a:1}}",
    "=",
]
QUOTED = [
    '"0755"',
    "'it''s'",
    '"tab\\t\\u00e9"',
    "''",
    '"2010-09-09"',
    '"# no comment"',
    '"${A}: {b}"',
    "'<<'",
]
TAGGED = [
    "!Ref Size",
    '!Sub "${AWS::StackName}-x"',
    "!GetAtt Other.Arn",
    "!If [Big, 1, !Ref Size]",
    "!Join ['', [a, !Sub 'b']]",
    "!FindInMap [M, a, b]",
    '!Select [0, !GetAZs ""]',
    "!Base64 {'Fn::Sub': x}",
]
KEYS = ["Alpha", "Beta", "'quo ted'", '"esc\\u0041ped"', "80", "Gamma-1", "012345678901", "Fn"]


def scalars():
    plain = st.sampled_from([p for p in PLAIN if not p.startswith("{{")])
    return st.one_of(plain, st.sampled_from(QUOTED), st.sampled_from(TAGGED))


def flows():
    flow_safe = st.sampled_from([*QUOTED, "20", "0755", "yes", "a b", "null"])
    return st.recursive(
        flow_safe,
        lambda inner: st.one_of(
            st.lists(inner, max_size=3).map(lambda items: "[" + ", ".join(items) + "]"),
            st.lists(inner, max_size=3).map(
                lambda items: "{" + ", ".join(f"{k}: {v}" for k, v in zip(KEYS, items, strict=False)) + "}"
            ),
        ),
        max_leaves=5,
    )


@st.composite
def entries(draw, depth, column):
    """Lines of a block mapping (without its first indent), in one of many layouts."""
    lines = []
    for key in draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=4, unique=True)):
        lines += draw(st.lists(st.sampled_from(["# why", "", "#- x: y"]), max_size=1))
        lines += draw(entry(key, depth, column))
    return lines


@st.composite
def entry(draw, key, depth, column):
    comment = draw(st.sampled_from(["", "", "  # a: comment", " #"]))
    kinds = ["scalar", "flow", "text"] + (["map", "list", "function"] if depth else [])
    match draw(st.sampled_from(kinds)):
        case "scalar":
            return [f"{key}: {draw(scalars())}{comment}"]
        case "flow":
            return [f"{key}: {draw(flows())}{comment}"]
        case "text":
            sign = draw(st.sampled_from(["|", ">", "|-", ">+", "!Sub |", "|2"]))
            return [f"{key}: {sign}", "  first: # not a comment", "", "    deeper ${X}", "  - last"]
        case "map":
            return [f"{key}:{comment}", *("  " + line for line in draw(entries(depth - 1, column + 2)))]
        case "function":
            inner = draw(st.sampled_from(["  - Big", "  - Fn::Sub: x"]))
            return [f"{key}: !If", inner, "  - 1", *(("  - " + draw(scalars())).splitlines())]
        case _:
            indent = draw(st.sampled_from(["", "  "]))
            items = []
            for _ in range(draw(st.integers(1, 3))):
                first, *rest = [
                    line for line in draw(entries(0, column + 4)) if not line.startswith("#") and line
                ]
                items += [f"{indent}- {first}", *(f"{indent}  {line}" for line in rest)]
            return [f"{key}:{comment}", *items]


@st.composite
def templates(draw):
    """A template of which `Resources.Data.Properties` is a random block mapping; and its text."""
    lines = [
        "# head",
        "AWSTemplateFormatVersion: 2010-09-09",
        "Resources:",
        "  Other: {Type: AWS::SQS::Queue}",
    ]
    lines += ["  Data:", "    Type: AWS::EC2::Volume", "    Properties:"]
    lines += ["      " + line if line else "" for line in draw(entries(2, 6))]
    lines += draw(st.sampled_from([[], ["# tail"], ["Outputs:", "  A: {Value: !Ref Data}"]]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    return newline.join(lines) + draw(st.sampled_from([newline, ""]))


VALUES = st.recursive(
    st.one_of(
        st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), max_size=12),
        st.sampled_from(
            ["yes", "0755", "a: b", "# x", "snap-1", "/dev/sdf", "- x", "2010-09-09", "AWS::Region", "<<", ""]
        ),
        st.integers(-5, 10**6),
        st.booleans(),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["A", "b c", "Fn::Sub", "80"]), inner, max_size=3),
    ),
    max_leaves=6,
)
HOME = ("Resources", "Data", "Properties")


def paths_in(tree, path=()):
    """Every path that an edit may name: not through functions."""
    found = [path] if path else []
    if isinstance(tree, dict) and not any(k in ("Ref", "Condition") or k.startswith("Fn::") for k in tree):
        for key, value in tree.items():
            found += paths_in(value, (*path, key))
    if isinstance(tree, list):
        for index, value in enumerate(tree):
            found += paths_in(value, (*path, index))
    return found


def at(tree, path):
    for step in path:
        tree = tree[step]
    return tree


@LAWS
@given(templates(), st.data())
def test_setting_a_value_changes_that_value_and_no_other(text, data):
    before = parse_template(text)
    path = data.draw(st.sampled_from(paths_in(before.tree["Resources"]["Data"]["Properties"])))
    value = data.draw(VALUES)
    after = edit(before, [Put(path=(*HOME, *path), value=value)])
    expected = json.loads(json.dumps(before.tree))
    at(expected, (*HOME, *path[:-1]))[path[-1]] = value
    assert json.dumps(after.tree) == json.dumps(expected)


@LAWS
@given(templates(), VALUES)
def test_a_new_key_stands_in_front_and_the_rest_stays(text, value):
    before = parse_template(text)
    after = edit(before, [Put(path=(*HOME, "SnapshotId"), value=value)])
    found = after.tree["Resources"]["Data"]["Properties"]
    assert found["SnapshotId"] == value
    del found["SnapshotId"]
    assert json.dumps(after.tree) == json.dumps(before.tree)


@LAWS
@given(templates(), st.data())
def test_dropping_a_key_leaves_the_others(text, data):
    before = parse_template(text)
    choices = [p for p in paths_in(before.tree["Resources"]["Data"]["Properties"]) if isinstance(p[-1], str)]
    path = data.draw(st.sampled_from(choices))
    after = edit(before, [Drop(path=(*HOME, *path))])
    expected = json.loads(json.dumps(before.tree))
    del at(expected, (*HOME, *path[:-1]))[path[-1]]
    assert json.dumps(after.tree) == json.dumps(expected)


@LAWS
@given(templates())
def test_what_is_not_edited_keeps_its_text_line_by_line(text):
    before = parse_template(text)
    after = edit(before, [Put(path=(*HOME, "SnapshotId"), value="snap-1")])
    assert [line for line in after.text.splitlines(keepends=True) if "SnapshotId: snap-1" not in line] == (
        text.splitlines(keepends=True)
    )


@LAWS
@given(st.lists(VALUES, max_size=3), VALUES, st.sampled_from([None, 1, 2, "\t"]))
def test_json_is_edited_in_place_whatever_its_indent(items, value, indent):
    tree = {
        "Resources": {"Data": {"Type": "T", "Properties": {"List": items, "Size": 1.50, "Ümlaut": "😀/"}}}
    }
    text = json.dumps(tree, indent=indent).replace("/", "\\/")
    edits = [Put(path=(*HOME, "New"), value=value), Drop(path=(*HOME, "Size"))]
    after = edit(parse_template(text), [*edits, Prepend(path=(*HOME, "List"), value=value)])
    expected = {"List": [value, *items], "Ümlaut": "😀/", "New": value}
    assert json.loads(after.text)["Resources"]["Data"]["Properties"] == expected
    assert '"\\ud83d\\ude00\\/"' in after.text


@LAWS
@given(templates(), st.integers(1, 100), st.booleans())
def test_rewriting_again_changes_nothing(text, size, encrypted):
    volumes = {"Data": VolumeRebirth(snapshot="snap-1", size=size, encrypted=encrypted)}
    once = rewrite(parse_template(text), Facts(), Rebirth(volumes=volumes))
    twice = rewrite(once.template, Facts(), Rebirth(volumes=volumes))
    assert once.changes != ()
    assert twice.changes == ()
    assert twice.template.text == once.template.text


NAMES = ["/dev/sdf", "/dev/xvdg", "/dev/sdh"]


@LAWS
@given(
    st.lists(st.sampled_from([*NAMES, "/dev/sdi"]), unique=True),
    st.lists(st.sampled_from(NAMES), unique=True),
    st.sets(st.sampled_from(NAMES)),
    st.sampled_from(["VolumeSize: 5", "VolumeSize: 500", "Encrypted: false", "SnapshotId: snap-old"]),
)
def test_every_disk_comes_back_exactly_once(mapped, held, apart, ebs):
    lines = [
        "Resources:",
        "  Web:",
        "    Type: AWS::EC2::Instance",
        "    Properties:",
        "      ImageId: ami-old",
    ]
    lines += ["      BlockDeviceMappings:"] if mapped else []
    lines += [f"      - DeviceName: {m}\n        Ebs: {{{ebs}}}" for m in mapped]
    lines += [f"  V{i}: {{Type: AWS::EC2::Volume, Properties: {{}}}}" for i in range(len(NAMES))]
    for i, name in enumerate(NAMES):
        if name in apart:
            joined = f"InstanceId: !Ref Web, VolumeId: !Ref V{i}, Device: {name}"
            lines.append(f"  A{i}: {{Type: AWS::EC2::VolumeAttachment, Properties: {{{joined}}}}}")
    devices = tuple(ImageDevice(device=d, snapshot=f"snap{d}", size=10, encrypted=True) for d in held)
    instances = {"Web": InstanceRebirth(image="ami-new", devices=devices)}
    tree = rewrite(parse_template("\n".join(lines)), Facts(), Rebirth(instances=instances)).template.tree
    resources = tree["Resources"]
    mappings = resources["Web"]["Properties"].get("BlockDeviceMappings", [])
    by_name = {m["DeviceName"]: m for m in mappings}
    assert len(by_name) == len(mappings)
    assert resources["Web"]["Properties"]["ImageId"] == "ami-new"
    for name in held:
        volume = resources[f"V{NAMES.index(name)}"]["Properties"]
        if name in apart:
            assert by_name[name] == {"DeviceName": name, "NoDevice": {}}
            assert volume == {"SnapshotId": f"snap{name}"}
        else:
            assert volume == {}
            assert name not in by_name or by_name[name]["Ebs"]["SnapshotId"] == f"snap{name}"
            assert name not in by_name or by_name[name]["Ebs"].get("VolumeSize", 10) >= 10
            assert name not in by_name or "Encrypted" not in by_name[name]["Ebs"]


@LAWS
@given(st.one_of(st.text(max_size=80), templates().map(lambda t: t[: len(t) // 2] + "]}" + t[len(t) // 2 :])))
def test_any_text_is_a_template_or_a_usage_error_with_its_place(text):
    try:
        parse_template(text, "t.yaml")
    except UsageError as error:
        name, line, column, _ = error.message.split(":", 3)
        assert (name, line.isdigit(), column.isdigit()) == ("t.yaml", True, True)


@pytest.mark.parametrize("value", [*PLAIN, *QUOTED, *TAGGED])
def test_every_spelling_of_a_scalar_survives_a_rewrite(value):
    text = f"Resources:\n  Data:\n    Type: AWS::EC2::Volume\n    Properties:\n      Name: {value}\n"
    if value.startswith("{{"):
        text = text.replace(value, f"'{value}'")
    after = edit(parse_template(text), [Put(path=(*HOME, "SnapshotId"), value="snap-1")])
    assert after.text == text.replace("      Name", "      SnapshotId: snap-1\n      Name")
