from __future__ import annotations

import pytest
from plan_values import policy, volume

from dr.model import Protect, Selector
from dr.planner.selection import matches, selected


def chosen(select: Selector, protect=Protect.VOLUMES, **facts) -> bool:
    return matches(policy(select=select, protect=protect), volume(protect=protect, **facts))


def test_every_key_of_the_selector_has_to_match():
    both = Selector(tags={"Tier": ("db",), "Env": ("prod",)})

    assert chosen(both, tags={"Tier": "db", "Env": "prod"})
    assert not chosen(both, tags={"Tier": "db"})


def test_any_value_of_a_list_matches():
    assert chosen(Selector(tags={"Tier": ("db", "cache")}), tags={"Tier": "cache"})


@pytest.mark.parametrize(
    ("glob", "value", "expected"),
    [
        ("*", "", True),
        ("*", "anything", True),
        ("prod-*", "prod-1", True),
        ("prod-*", "my-prod-1", False),
        ("db?", "db1", True),
        ("db?", "db", False),
        ("DB", "db", False),
        ("[a]", "a", False),
        ("[a]", "[a]", True),
        ("!*", "!x", True),
        ("a.c", "abc", False),
    ],
)
def test_globs_know_star_and_question_mark_only_and_case_counts(glob, value, expected):
    assert expected == chosen(Selector(tags={"Name": (glob,)}), tags={"Name": value})


def test_a_star_asks_for_the_key():
    assert not chosen(Selector(tags={"Backup": ("*",)}), tags={"Other": "x"})


def test_any_excluded_tag_excludes():
    select = Selector(tags={"Tier": ("*",)}, exclude_tags={"Backup": ("skip",), "Env": ("test*",)})

    assert not chosen(select, tags={"Tier": "db", "Backup": "skip"})
    assert not chosen(select, tags={"Tier": "db", "Env": "test-3"})
    assert chosen(select, tags={"Tier": "db", "Backup": "yes", "Env": "prod"})


def test_a_volume_is_selected_by_the_tags_of_its_instance():
    select = Selector(instance_tags={"Role": ("db",)})

    assert chosen(select, instance="i-1", instance_tags={"Role": "db"})
    assert not chosen(select)


@pytest.mark.parametrize(
    ("volumes", "boot", "expected"),
    [
        ("all", True, True),
        ("all", False, True),
        ("boot", True, True),
        ("boot", False, False),
        ("data", True, False),
        ("data", False, True),
    ],
)
def test_boot_and_data_volumes_are_told_apart(volumes, boot, expected):
    assert expected == chosen(Selector(tags={"Tier": ("db",)}, volumes=volumes), boot=boot)


def test_stacks_are_selected_by_name():
    def stack(name):
        select = Selector(names=("prod-*", "shared"))
        return matches(
            policy(select=select, protect=Protect.STACKS), volume(name, protect=Protect.STACKS, tags={})
        )

    assert [stack("prod-web"), stack("shared"), stack("test-prod-web")] == [True, True, False]


def test_another_region_and_another_sort_of_source_are_not_selected():
    db = policy()

    assert not matches(db, volume(region="us-east-1"))
    assert not matches(db, volume(protect=Protect.INSTANCES))


def test_each_source_is_selected_once_and_in_order():
    found = selected(policy(), [volume("vol-2"), volume("vol-1"), volume("vol-2")])

    assert [source.id for source in found] == ["vol-1", "vol-2"]
