"""Editing a template: only the named place changes, in the layout that stands around it."""

from __future__ import annotations

import json

import pytest

from dr.stacks.edit import Drop, Prepend, Put, edit, source_text
from dr.stacks.graph import same
from dr.stacks.template import parse_template

HEAD = "Resources:\n  A:\n    Type: T\n"
HOME = ("Resources", "A", "Properties")


def put(body, path, value):
    return edit(parse_template(HEAD + body), [Put(path=(*HOME, *path), value=value)]).text.removeprefix(HEAD)


def drop(body, *path):
    return edit(parse_template(HEAD + body), [Drop(path=(*HOME, *path))]).text.removeprefix(HEAD)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("      K: old\n", "      K: new\n"),
        ("      K:   old   # why\n", "      K: new   # why\n"),
        ("      K: !Ref Old\n", "      K: new\n"),
        ("      K:\n        Ref: Old\n", "      K: new\n"),
        ("      K:  # why\n        Ref: Old  # what\n", "      K: new  # why  # what\n"),
        (
            "      K: !If\n        - C\n        - 1\n        - !Ref X\n      L: 1\n",
            "      K: new\n      L: 1\n",
        ),
        ("      K: |\n        text\n\n      L: 1\n", "      K: new\n\n      L: 1\n"),
        ("      K: >-\n        folded\n        text\n", "      K: new\n"),
        ("      K:\n      L: 1\n", "      K: new\n      L: 1\n"),
        ("      K: [a,\n          b]\n", "      K: new\n"),
        ("      'K' : \"old\"\n", "      'K' : new\n"),
        ("      K: a plain\n        text of two lines # c\n", "      K: new # c\n"),
    ],
)
def test_a_value_of_any_shape_is_replaced_and_its_comments_stay(before, after):
    assert put("    Properties:\n" + before, ("K",), "new") == "    Properties:\n" + after


def test_a_new_key_stands_above_the_comment_of_the_first():
    body = "    Properties:\n      # about L\n      L: 1\n"
    assert put(body, ("K",), "new") == "    Properties:\n      K: new\n      # about L\n      L: 1\n"


def test_missing_mappings_on_the_way_are_made():
    text = edit(
        parse_template(HEAD), [Put(path=(*HOME, "D", "K"), value=1), Put(path=(*HOME, "D", "L"), value=2)]
    )
    assert text.tree["Resources"]["A"]["Properties"] == {"D": {"K": 1, "L": 2}}


def test_a_list_is_written_in_block_style_where_block_style_stands():
    body = "    Properties:\n      K: !Ref Old # c\n      L: 1\n"
    value = [{"DeviceName": "/dev/sdf", "NoDevice": {}}, {"DeviceName": "b", "Ebs": {"SnapshotId": "s"}}]
    assert put(body, ("K",), value) == (
        "    Properties:\n"
        "      K:\n"
        "        - DeviceName: /dev/sdf\n"
        "          NoDevice: {}\n"
        "        - DeviceName: b\n"
        "          Ebs:\n"
        "            SnapshotId: s # c\n"
        "      L: 1\n"
    )


def test_flow_style_stays_flow_style():
    assert put("    Properties: {L: 1, M: [a]}\n", ("K",), ["x: y", 2]) == (
        '    Properties: {K: ["x: y", 2], L: 1, M: [a]}\n'
    )


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("      K: 1 # k\n      L: 2\n", "      L: 2\n"),
        (
            "      # k\n      L: 2\n      K: !If\n        - C\n        - 1\n        - 2\n",
            "      # k\n      L: 2\n",
        ),
        ("      L: 2\n      K: |\n        text\n      M: 3\n", "      L: 2\n      M: 3\n"),
        ("      K: 1\n", "      {}\n"),
    ],
)
def test_a_dropped_key_takes_its_lines_with_it(before, after):
    assert drop("    Properties:\n" + before, "K") == "    Properties:\n" + after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{K: 1, L: 2}", "{L: 2}"),
        ("{L: 2, K: 1}", "{L: 2}"),
        ("{K: 1}", "{}"),
        ("{L: 1, K: {a: b}, M: 2}", "{L: 1, M: 2}"),
    ],
)
def test_a_dropped_key_of_flow_style_takes_its_comma_with_it(before, after):
    assert drop(f"    Properties: {before}\n", "K") == f"    Properties: {after}\n"


def test_the_first_key_of_a_list_item_can_be_dropped():
    body = "    Properties:\n      L:\n      - K: 1 # c\n        M: 2\n"
    assert drop(body, "L", 0, "K") == "    Properties:\n      L:\n      - M: 2\n"


def test_items_go_in_front_of_a_list_in_the_order_given():
    template = parse_template(HEAD + "    Properties:\n      L: # c\n      - x # d\n")
    edits = [Prepend(path=(*HOME, "L"), value={"a": 1, "b": 2}), Prepend(path=(*HOME, "L"), value="y")]
    assert edit(template, edits).text == HEAD + (
        "    Properties:\n      L: # c\n      - a: 1\n        b: 2\n      - y\n      - x # d\n"
    )


def test_all_kinds_of_edits_may_meet_in_one_mapping():
    template = parse_template(HEAD + "    Properties: {L: [x], K: 1, M: 2}\n")
    edits = [
        Drop(path=(*HOME, "K")),
        Prepend(path=(*HOME, "L"), value="w"),
        Put(path=(*HOME, "L", 0), value="z"),
        Put(path=(*HOME, "N"), value=3),
        Drop(path=(*HOME, "M")),
    ]
    assert edit(template, edits).text == HEAD + "    Properties: {N: 3, L: [w, z]}\n"


@pytest.mark.parametrize(
    "value",
    [
        "yes",
        "0755",
        "012345678901",
        "2010-09-09",
        "a: b",
        "# x",
        " x",
        "",
        "null",
        "1e3",
        "*a",
        "&a",
        "!Ref X",
        "é",
        "a\nb",
        "<<",
        "=",
    ],
)
def test_text_that_yaml_would_take_for_something_else_is_quoted(value):
    template = edit(parse_template("# kept\n" + HEAD), [Put(path=(*HOME, "K"), value=value)])
    assert template.tree["Resources"]["A"]["Properties"]["K"] == value
    assert template.text.startswith("# kept\n")


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("20", "'20'"),
        ("!Ref a", "!Sub a"),
        ("0755", "493"),
        ("{a: 1, b: 2}", "{b: 2, a: 1}"),
        ("[a]", "[a, b]"),
        ("a", "[a]"),
    ],
)
def test_two_graphs_are_the_same_only_with_the_same_tags_order_and_text(left, right):
    one, other = (parse_template(HEAD + f"    Properties: {text}\n").root for text in (left, right))
    assert (same(one, one), same(one, other), same(other, one)) == (True, False, False)


def test_windows_line_ends_stay():
    text = (HEAD + "    Properties:\n      K: 1\n").replace("\n", "\r\n")
    edited = edit(parse_template(text), [Put(path=(*HOME, "L"), value=["x"])]).text
    assert edited == text.replace("      K", "      L:\r\n        - x\r\n      K")


def test_what_cannot_be_spliced_is_written_anew_with_the_same_meaning():
    kept = "      L: >+\n        text\n      K: 1\n\n      M: !Sub 'x'  # lost\n      N: 0755\n      O: 012345678901\n"
    before = parse_template(HEAD + "    Properties:\n" + kept)
    after = edit(before, [Drop(path=(*HOME, "K"))])
    expected = {"L": "text\n", "M": {"Fn::Sub": "x"}, "N": "0755", "O": "012345678901"}
    assert "lost" not in after.text
    assert after.tree["Resources"]["A"]["Properties"] == expected
    assert "N: 0755\n" in after.text


def test_json_keeps_its_layout_and_the_spelling_of_its_numbers():
    text = '{\n\t"Resources": {\n\t\t"A": {"Type": "T", "Properties": {\n\t\t\t"N": 1.50e0\n\t\t}}\n\t}\n}\n'
    edited = edit(parse_template(text), [Put(path=(*HOME, "K"), value={"a": ["é"]})]).text
    assert edited == text.replace(
        '"N"', '"K": {\n\t\t\t\t"a": [\n\t\t\t\t\t"é"\n\t\t\t\t]\n\t\t\t},\n\t\t\t"N"'
    )
    assert json.loads(edited)["Resources"]["A"]["Properties"] == {"K": {"a": ["é"]}, "N": 1.5}


def test_a_path_never_leads_into_a_function():
    template = parse_template(HEAD + "    Properties: !Transform {Name: M}\n")
    assert source_text(template, (*HOME, "Name")) is None
    assert source_text(template, HOME) == "!Transform {Name: M}"
