"""What EC2 sifts for us: never less than the policy asks for."""

from __future__ import annotations

from dr.aws.filters import literal, matching, one_of, tagged


def test_values_and_globs_become_one_filter_a_key():
    assert matching({"Tier": ("db", "cache-*")}) == [{"Name": "tag:Tier", "Values": ["db", "cache-*"]}]


def test_a_backslash_is_doubled_because_ec2_escapes_with_it():
    assert matching({"Path": ("c:\\x",)}) == [{"Name": "tag:Path", "Values": ["c:\\\\x"]}]


def test_any_value_asks_for_the_key():
    assert matching({"Backup": ("*",)}) == [{"Name": "tag-key", "Values": ["Backup"]}]


def test_an_empty_value_asks_for_the_key_and_leaves_the_rest_to_the_planner():
    assert matching({"Backup": ("",)}) == [{"Name": "tag-key", "Values": ["Backup"]}]


def test_a_key_with_a_wildcard_in_it_is_meant_literally():
    assert matching({"a*b": ("*",)}) == [{"Name": "tag-key", "Values": ["a\\*b"]}]


def test_tag_key_stands_once_because_its_values_are_ored():
    found = matching({"A": ("*",), "B": ("*",), "C": ("x",)})

    assert [row["Name"] for row in found] == ["tag:C", "tag-key"]


def test_more_values_than_a_filter_takes_are_left_to_the_planner():
    assert matching({"A": tuple(map(str, range(201)))}) == [{"Name": "tag-key", "Values": ["A"]}]


def test_more_keys_than_a_call_takes_are_left_to_the_planner():
    assert len(matching({f"k{n}": ("x",) for n in range(60)})) == 45


def test_no_patterns_ask_for_everything():
    assert matching({}) == []


def test_exact_values_hold_no_wildcards():
    assert tagged({"k": "a*b?c\\d"}) == [{"Name": "tag:k", "Values": ["a\\*b\\?c\\\\d"]}]
    assert one_of("name", ["a*"]) == [{"Name": "name", "Values": ["a\\*"]}]
    assert literal("plain") == "plain"
