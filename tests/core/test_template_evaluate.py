"""What values come to: known where the stored parameters tell, UNKNOWN where they do not."""

from __future__ import annotations

import time

import pytest

from dr.stacks.evaluate import NO_VALUE, UNKNOWN, Evaluator, Facts, Reference, as_bool, as_int
from dr.stacks.stateful import comes_up_empty
from dr.stacks.template import parse_template

TEXT = """
Parameters:
  Size: {Type: Number, Default: 5}
  Stage: {Type: String}
  Sizes: {Type: CommaDelimitedList, Default: "1, 2,3"}
  Image: {Type: "AWS::SSM::Parameter::Value<AWS::EC2::Image::Id>", Default: /some/name}
  Zones: {Type: "List<AWS::EC2::AvailabilityZone::Name>"}
  Account: {Type: String, Default: 012345678901}
Mappings:
  M: {prod: {disk: 100}, "012345678901": {disk: 7}}
Conditions:
  IsProd: !Equals [!Ref Stage, prod]
  Small: !Not [!Condition IsProd]
  Five: !Equals [!Ref Size, 5]
  Both: !And [!Condition IsProd, !Condition Five]
  Either: !Or [!Condition IsProd, !Condition Five]
  Alias: {Condition: IsProd}
  Circle: !Not [!Condition Circle]
  Open: !Equals [!Ref Image, ami-1]
  OpenAndFalse: !And [!Condition Open, !Condition Small]
  OpenOrTrue: !Or [!Condition Open, !Condition IsProd]
  Where: !Equals [!Ref "AWS::Region", eu-west-1]
Resources:
  Vol: {Type: AWS::EC2::Volume, Condition: Small}
  Other: {Type: AWS::EC2::Volume, Condition: Open}
Metadata:
  V: VALUE
"""
FACTS = Facts(parameters={"Stage": "prod", "Zones": "a,b"}, pseudo={"AWS::Region": "eu-west-1"})


def evaluator(value="x", facts=FACTS):
    template = parse_template(TEXT.replace("VALUE", value))
    return Evaluator(template, facts), template.tree["Metadata"]["V"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", "plain"),
        ("!Ref Size", "5"),
        ("!Ref Stage", "prod"),
        ("!Ref Sizes", ["1", "2", "3"]),
        ("!Ref Zones", ["a", "b"]),
        ("!Ref Image", UNKNOWN),
        ("!Ref Account", "012345678901"),
        ("!Ref Vol", Reference(logical_id="Vol")),
        ("!GetAtt Vol.VolumeId", Reference(logical_id="Vol")),
        ("{'Fn::GetAtt': Vol.VolumeId}", Reference(logical_id="Vol")),
        ("!GetAtt Vol.Arn", UNKNOWN),
        ("!Ref AWS::Region", "eu-west-1"),
        ("!Ref AWS::AccountId", UNKNOWN),
        ("!Ref AWS::NoValue", NO_VALUE),
        ("!FindInMap [M, !Ref Stage, disk]", 100),
        ("!FindInMap [M, !Ref Account, disk]", 7),
        ("!FindInMap [M, none, disk]", UNKNOWN),
        ("!FindInMap [M, !Ref Image, disk]", UNKNOWN),
        ("!If [IsProd, a, b]", "a"),
        ("!If [Small, a, !Ref Size]", "5"),
        ("!If [Open, a, b]", UNKNOWN),
        ("!If [Open, same, same]", "same"),
        ("!If [Small, a, !Ref AWS::NoValue]", NO_VALUE),
        ("[a, !Ref AWS::NoValue, b]", ["a", "b"]),
        ("{k: !Ref AWS::NoValue, l: !Ref Size}", {"l": "5"}),
        ("!Sub '${Stage}-${Size}-${!Literal}'", "prod-5-${Literal}"),
        ("!Sub '${Vol}'", Reference(logical_id="Vol")),
        ("!Sub 'x-${Vol}'", UNKNOWN),
        ("!Sub ['${A}/${Stage}', {A: !Ref Size}]", "5/prod"),
        ("!Sub '${Vol.VolumeId}'", Reference(logical_id="Vol")),
        ("!Join ['-', [a, !Ref Size, 1, true]]", "a-5-1-true"),
        ("!Join ['-', [a, !Ref Image]]", UNKNOWN),
        ("!Join [',', !Ref Sizes]", "1,2,3"),
        ("!Split ['|', 'a|b']", ["a", "b"]),
        ("!Select [1, !Ref Sizes]", "2"),
        ("!Select ['1', !Split ['|', 'a|b']]", "b"),
        ("!Select [9, !Ref Sizes]", UNKNOWN),
        ("!ImportValue x", UNKNOWN),
        ("'{{resolve:ssm:/a:1}}'", UNKNOWN),
        ("!Select x", UNKNOWN),
        ("!Join x", UNKNOWN),
        ("!FindInMap x", UNKNOWN),
        ("!If x", UNKNOWN),
        ("!Sub [1]", UNKNOWN),
        ("!Split [a]", UNKNOWN),
        ("!GetAtt x", UNKNOWN),
        ("!GetAtt [Vol, [VolumeId]]", UNKNOWN),
        ("!GetAtt [[Vol], VolumeId]", UNKNOWN),
        ("!Ref [Vol]", UNKNOWN),
        ("!Ref {Vol: x}", UNKNOWN),
    ],
)
def test_values(text, expected):
    found, tree = evaluator(text)
    assert found.value(tree) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("IsProd", True),
        ("Small", False),
        ("Five", True),
        ("Both", True),
        ("Either", True),
        ("Alias", True),
        ("Circle", None),
        ("Open", None),
        ("OpenAndFalse", False),
        ("OpenOrTrue", True),
        ("Where", True),
        ("Missing", None),
    ],
)
def test_conditions(name, expected):
    assert evaluator()[0].condition(name) is expected


def test_a_resource_is_absent_only_where_its_condition_is_known_to_fail():
    found, _ = evaluator()
    assert (found.present("Vol"), found.present("Other")) == (False, True)


def test_unfolding_decides_the_shape_and_leaves_the_leaves():
    text = (
        "!If [IsProd, [{a: !Ref Size, b: !If [Small, 1, !Ref AWS::NoValue]}, !If [Small, x, !Ref Image]], []]"
    )
    found, tree = evaluator(text)
    assert found.unfold(tree) == [{"a": {"Ref": "Size"}}, {"Ref": "Image"}]


def test_a_shape_that_cannot_be_told_is_unknown():
    found, tree = evaluator("!If [Open, [1], [2]]")
    assert found.unfold(tree) is UNKNOWN


def test_a_value_that_was_given_wins_over_the_default():
    found, tree = evaluator("!Ref Size", Facts(parameters={"Size": "50"}))
    assert found.value(tree) == "50"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(5, 5), ("5", 5), ("05", None), (True, None), ("x", None), (UNKNOWN, None), ("5.0", None)],
)
def test_whole_numbers(value, expected):
    assert as_int(value) == expected


@pytest.mark.parametrize(
    ("value", "expected"), [(True, True), ("False", False), ("true", True), (1, None), (UNKNOWN, None)]
)
def test_booleans(value, expected):
    assert as_bool(value) is expected


def doubled(text, times):
    """A text with a variable that stands there twice and is itself such a text, so many times over."""
    tree = "lol"
    for _ in range(times):
        tree = {"Fn::Sub": [text, {"x": tree}]}
    return tree


@pytest.mark.parametrize("text", ["${x}${x}", "${x}${ x}", "${x}${x }${  x}"])
def test_functions_around_functions_make_no_text_that_is_larger_than_user_data(text):
    found, _ = evaluator()
    assert found.value(doubled(text, 7)) == "lol" * text.count("$") ** 7
    begin = time.process_time()
    assert found.value(doubled(text, 50)) is UNKNOWN
    assert time.process_time() - begin < 10


def test_joined_text_is_told_up_to_the_size_of_user_data():
    found, _ = evaluator()
    delimiter = "d" * 84
    parts = ["x" * 100] * 88
    assert len(found.value({"Fn::Join": [delimiter, parts]})) == 88 * 184 - 84
    assert found.value({"Fn::Join": [delimiter, [*parts, *parts]]}) is UNKNOWN


def test_a_type_that_is_no_text_is_no_type_of_any_resource():
    template = parse_template('{"Resources": {"A": {"Type": {"Ref": "A"}}}}')
    assert comes_up_empty(template) == ()


def test_a_value_that_nobody_knows_is_not_its_default():
    unknown = Facts(parameters={"Stage": "prod", "Size": None})
    assert evaluator("!Ref Size", unknown)[0].value({"Ref": "Size"}) is UNKNOWN
    assert evaluator("!Ref Size", unknown)[0].condition("Five") is None


@pytest.mark.parametrize(
    "text",
    [
        "'{{resolve:ssm:/x}}'",
        "!Sub '{{resolve:ssm:/${AWS::Region}}}'",
        "!Join ['', ['{{reso', 'lve:ssm:/x}}']]",
        "!Ref Stage",
    ],
)
def test_what_cloudformation_looks_up_is_not_known_however_it_is_put_together(text):
    facts = Facts(parameters={"Stage": "{{resolve:ssm:/stage}}"}, pseudo={"AWS::Region": "eu-west-1"})
    one, tree = evaluator(text, facts)
    assert one.value(tree) is UNKNOWN


def test_a_map_that_is_looked_into_as_deep_as_anything_is_told_is_no_fault():
    text = "Mappings: {M: {a: {b: x}}}\nConditions:\n"
    text += "".join(f"  C{n}: !Not [!Condition C{n + 1}]\n" for n in range(60))
    for depth in range(30, 45):
        last = f"  C{depth}: !Equals [x, !FindInMap [M, a, b]]\nResources: {{A: {{Type: T}}}}\n"
        rows = "".join(text.splitlines(keepends=True)[: depth + 2])
        assert Evaluator(parse_template(rows + last), Facts()).condition("C0") in (None, depth % 2 == 0)


LINKS = ["!Not [!Not [!Condition C%d]]", "{Condition: C%d}", "!Not [" * 20 + "!Condition C%d" + "]" * 20]


def chain(length, link=LINKS[0]):
    """A template with conditions that each refer to the next; the last one holds."""
    rows = [f"  C{n}: {link % (n + 1)}\n" for n in range(length)]
    text = f"Conditions:\n{''.join(rows)}  C{length}: !Equals [a, a]\nResources: {{A: {{Type: T}}}}\n"
    return Evaluator(parse_template(text), Facts())


@pytest.mark.parametrize("link", LINKS, ids=["functions", "aliases", "deep functions"])
def test_conditions_are_followed_through_as_many_as_people_write_and_not_without_end(link):
    assert chain(1, link).condition("C0") is True
    assert chain(20, LINKS[0]).condition("C0") is True
    assert chain(1_900, link).condition("C0") is None


def test_a_chain_that_is_too_long_from_its_beginning_is_told_from_its_middle():
    found = chain(1_900)
    assert found.condition("C1890") is True
    assert found.condition("C1870") is True


def test_lists_inside_lists_are_told_up_to_a_depth_and_a_function_after_them_still_is():
    found, _ = evaluator()
    deep = "x"
    for _ in range(95):
        deep = [deep]
    assert "UNKNOWN" in repr(found.value(deep))
    assert found.value({"Ref": "Stage"}) == "prod"
