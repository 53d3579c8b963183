"""Reading templates: every spelling that CloudFormation takes, and a place for every fault."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "templates"))

from template_catalogue import CASES

from dr.errors import UsageError
from dr.stacks.template import Parameter, parse_template
from dr.stacks.transforms import has_macros, without_transform


def value_of(text):
    return parse_template(f"Resources:\n  A: {{Type: T}}\nMetadata:\n  V: {text}\n").tree["Metadata"]["V"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("!Ref X", {"Ref": "X"}),
        ("!Condition C", {"Condition": "C"}),
        ("!GetAtt A.B", {"Fn::GetAtt": ["A", "B"]}),
        ("!GetAtt Child.Outputs.Url", {"Fn::GetAtt": ["Child", "Outputs.Url"]}),
        ("!GetAtt [A, B]", {"Fn::GetAtt": ["A", "B"]}),
        ("!Sub '${A}'", {"Fn::Sub": "${A}"}),
        ("!Sub ['${A}', {A: !Ref B}]", {"Fn::Sub": ["${A}", {"A": {"Ref": "B"}}]}),
        ("!If [C, 1, !Ref AWS::NoValue]", {"Fn::If": ["C", 1, {"Ref": "AWS::NoValue"}]}),
        ("!Base64 {'Fn::Sub': x}", {"Fn::Base64": {"Fn::Sub": "x"}}),
        ("!Base64\n    Fn::Sub: |\n      a\n      b", {"Fn::Base64": {"Fn::Sub": "a\nb\n"}}),
        ("!FindInMap [M, !Ref A, b]", {"Fn::FindInMap": ["M", {"Ref": "A"}, "b"]}),
        ("!Join ['', [a, !Ref B]]", {"Fn::Join": ["", ["a", {"Ref": "B"}]]}),
        ("!Select [0, !GetAZs '']", {"Fn::Select": [0, {"Fn::GetAZs": ""}]}),
        ("!Split [',', a]", {"Fn::Split": [",", "a"]}),
        ("!Cidr [a, 1, 8]", {"Fn::Cidr": ["a", 1, 8]}),
        ("!ImportValue x", {"Fn::ImportValue": "x"}),
        ("!Transform {Name: M}", {"Fn::Transform": {"Name": "M"}}),
        (
            "!And [!Condition A, !Not [!Equals [a, b]]]",
            {"Fn::And": [{"Condition": "A"}, {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}]},
        ),
        ("!Or [!Condition A, !Condition B]", {"Fn::Or": [{"Condition": "A"}, {"Condition": "B"}]}),
        ("!Length [a]", {"Fn::Length": ["a"]}),
        ("!ToJsonString {a: 1}", {"Fn::ToJsonString": {"a": 1}}),
    ],
)
def test_every_short_form_is_read_as_its_long_form(text, expected):
    assert value_of(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-09-09", "2010-09-09"),
        ("2010-09-09T00:00:00Z", "2010-09-09T00:00:00Z"),
        ("0755", "0755"),
        ("0o17", "0o17"),
        ("0x1F", "0x1F"),
        ("012345678901", "012345678901"),
        ("0123456701", "0123456701"),
        ("1_000", "1_000"),
        ("1e3", "1e3"),
        ("12:30:45", "12:30:45"),
        (".inf", ".inf"),
        ("20", 20),
        ("-7", -7),
        ("1.5", 1.5),
        ("'20'", "20"),
        ("true", True),
        ("yes", True),
        ("Off", False),
        ("'yes'", "yes"),
        ("y", "y"),
        ("~", None),
        ("", None),
        ("'<<'", "<<"),
    ],
)
def test_a_scalar_keeps_the_text_that_a_number_would_lose(text, expected):
    value = value_of(text)
    assert value == expected
    assert type(value) is type(expected)


def test_keys_are_text_even_where_they_look_like_numbers():
    assert value_of("{0123: a, 80: b, yes: c}") == {"0123": "a", "80": "b", "yes": "c"}


def test_json_knows_tabs_escaped_slashes_and_surrogate_pairs():
    text = '{\t"Resources":\n\t{"A": {"Type": "T", "Properties": {"P": "a\\/b \\ud83d\\ude00", "N": 1.50}}}}'
    template = parse_template(text)
    assert template.is_json
    assert template.tree["Resources"]["A"]["Properties"] == {"P": "a/b 😀", "N": 1.5}


def test_yaml_that_begins_like_json_is_yaml():
    template = parse_template("{Resources: {A: {Type: T}}} # flow")
    assert not template.is_json
    assert template.tree == {"Resources": {"A": {"Type": "T"}}}


def test_json_with_a_trailing_comma_is_taken_as_the_yaml_that_it_is():
    template = parse_template('{"Resources": {"A": {"Type": "T",}}}')
    assert not template.is_json


def test_a_byte_order_mark_is_no_part_of_the_template():
    assert parse_template("\ufeffResources: {A: {Type: T}}").text == "Resources: {A: {Type: T}}"


OK = "Resources:\n  A: {Type: T}\n"
DEEP_FLOW = "Resources: " + "[" * 20_000
DEEP_BLOCK = "\n".join(" " * i + "a:" for i in range(150))


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ("", "1:1", "empty"),
        ("# only a comment\n", "1:1", "empty"),
        ("just text", "1:1", "mapping"),
        ("- a\n", "1:1", "mapping"),
        ("Parameters: {}\n", "1:1", "Resources"),
        ("Resources: []\n", "1:1", "Resources"),
        ("Description: x\nResources: {}\n", "2:1", "Resources"),
        (OK + "  A: {Type: U}\n", "3:3", "A: this key is here twice"),
        (OK + "Metadata: {a: 1, b: 2, 'a': 3}\n", "3:24", "a: this key is here twice"),
        (OK + "Metadata:\n  x: &x 1\n  y: *x\n", "5:6", "aliases"),
        (OK + "Metadata:\n  <<: {a: 1}\n", "4:3", "hash merges"),
        (OK + "Metadata: !Reff x\n", "3:11", "!Reff: not a tag"),
        (OK + "Metadata: !!binary aGk=\n", "3:11", "not a tag"),
        (OK + "Metadata: !!timestamp 2010-09-09\n", "3:11", "not a tag"),
        (OK + "Metadata: !!python/object:os.system x\n", "3:11", "not a tag"),
        (OK + "Metadata: !!set {a, b}\n", "3:11", "not a tag"),
        (OK + "Metadata: {? [a, b] : c}\n", "3:14", "plain text"),
        (OK + "---\nResources: {}\n", "4:1", "second one"),
        (OK + "Metadata: 'open\n", "4:1", "not YAML"),
        (OK + "Metadata:\n\tx: 1\n", "4:1", "not YAML"),
        (OK + "Metadata: a: b\n", "3:12", "not YAML"),
        (OK + "Metadata: \x01\n", "3:11", "not YAML"),
        ('{"Resources": {"A": {"Type": "T"}}} x', "1:37", "not JSON"),
        ('{"Resources": {"A": 1, "A": 2}}', "1:24", "twice"),
        ('{"Resources": {"A": "\\q"}}', "1:22", "not JSON"),
        ('{"Resources": {"A": "\\ud800x"}}', "1:21", "half of a surrogate pair"),
        ("{", "1:2", "not JSON"),
        (DEEP_FLOW, "1:111", "deeper than 100"),
        (DEEP_BLOCK, "101:101", "deeper than 100"),
        ('{"Resources": ' + "[" * 20_000, "1:114", "deeper than 100"),
    ],
)
def test_a_fault_is_a_usage_error_with_line_and_column(text, place, words):
    with pytest.raises(UsageError) as raised:
        parse_template(text, "prod.yaml")
    assert raised.value.message.startswith(f"prod.yaml:{place}: ")
    assert words in raised.value.message
    assert raised.value.remedy != ""


def test_more_than_a_mebibyte_is_refused_before_it_is_read():
    with pytest.raises(UsageError, match="larger than 1 MiB"):
        parse_template(OK + "#" * 1024 * 1024)


@pytest.mark.parametrize(
    "fault",
    [
        "{%s: 1, %s: 2}",
        "*%s",
        "!%s x",
        "!%s {a: b}",
        '"\\%s"',
        "&%s &%s x",
    ],
)
def test_a_fault_is_told_by_the_beginning_of_what_stands_there(fault):
    with pytest.raises(UsageError) as raised:
        parse_template(OK + "Metadata: " + fault.replace("%s", "q" * 100_000) + "\n", "prod.yaml")
    assert len(raised.value.message) < 300


def test_tag_handles_are_taken_and_thousands_of_them_refused_before_they_are_compared_with_each_other():
    handles = "".join(f"%TAG !h{n}! tag:example.org,2026:\n" for n in range(20_000))
    few = "".join(handles.splitlines(keepends=True)[:20])
    assert parse_template(f"{few}---\n{OK}").tree["Resources"] == {"A": {"Type": "T"}}
    begin = time.process_time()
    with pytest.raises(UsageError) as raised:
        parse_template(f"{handles}---\n{OK}", "prod.yaml")
    assert raised.value.message == "prod.yaml:21:1: more than 20 %TAG directives"
    assert time.process_time() - begin < 10


def test_an_anchor_that_nobody_refers_to_is_taken():
    assert value_of("&here {a: 1}") == {"a": 1}


def test_parameters_tell_type_default_and_secrecy():
    text = (
        OK
        + "Parameters:\n  P: {Type: String, NoEcho: true}\n  Q: {Type: Number, Default: 007}\n  R: {Type: String, NoEcho: 'TRUE', Default: x}\n"
    )
    assert parse_template(text).parameters() == (
        Parameter(name="P", type="String", default=None, no_echo=True),
        Parameter(name="Q", type="Number", default="007", no_echo=False),
        Parameter(name="R", type="String", default="x", no_echo=True),
    )


def test_a_processed_template_loses_its_transform_and_nothing_else():
    template = parse_template("Transform: [M, AWS::LanguageExtensions]  # two\n" + OK)
    assert has_macros(template)
    assert without_transform(template).text == OK
    assert not has_macros(parse_template(OK))


def test_an_inline_transform_is_a_macro():
    assert has_macros(parse_template(OK + "Metadata: {a: [!Transform {Name: M}]}\n"))


def test_a_template_without_transform_stays_as_it_is():
    template = parse_template(OK)
    assert without_transform(template) is template


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.id)
def test_every_template_of_the_catalogue_is_read_and_its_parameters_are_given(case):
    template = parse_template(case.text, case.file)
    needed = {p.name for p in template.parameters() if p.default is None}
    assert needed <= set(case.parameters) <= {p.name for p in template.parameters()}


def test_the_catalogue_has_more_than_twenty_shapes_and_one_above_the_body_limit():
    assert len({case.file for case in CASES}) > 20
    assert max(len(case.text.encode()) for case in CASES) > 51_200
