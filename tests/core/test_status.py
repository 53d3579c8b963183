from __future__ import annotations

import json

import pytest
from plan_values import HOUR, NOW, SLOT, hourly, point, policy, unread, volume, world

from dr.actions import WarningCode
from dr.model import Kind, Protect, Selector, State
from dr.render.answers import status_text
from dr.status import points_newest_first, status, status_document

DB = policy(rpo=26 * 3600)


def look(*points, policies=(DB,), **facts):
    return status(policies, world(*points, **facts), NOW)


def test_a_source_shows_its_newest_good_data_its_age_and_the_next_slot():
    pending = point(SLOT, state=State.PENDING)
    (row,) = look(pending, *hourly(2, SLOT - HOUR)).sources

    assert (hourly(2, SLOT - HOUR)[0], 89 * 60, SLOT + HOUR) == (row.newest, row.age, row.next_slot)


def test_age_is_of_the_data_and_not_of_the_slot():
    (row,) = look(point(SLOT - 9 * HOUR, time=NOW - HOUR)).sources

    assert row.age == 3600


@pytest.mark.parametrize(("age", "expected"), [(26 * 3600, True), (26 * 3600 + 1, False)])
def test_a_source_is_within_its_rpo_up_to_the_second(age, expected):
    found = look(point(SLOT - 30 * HOUR, time=NOW - age / 3600 * HOUR))

    assert (expected, expected) == (found.sources[0].within_rpo, found.ok)


def test_a_source_without_a_good_point_is_out_of_its_rpo():
    found = look(point(SLOT, state=State.PENDING))

    assert (found.sources[0].age, found.sources[0].within_rpo, found.ok) == (None, False, False)


def test_i2_archived_and_failed_points_are_no_newest_point():
    found = look(point(SLOT, state=State.ARCHIVED), point(SLOT - HOUR, state=State.FAILED))

    assert found.sources[0].newest is None


def test_without_an_objective_nobody_says_within():
    found = look(policies=(policy(),))

    assert (found.sources[0].within_rpo, found.ok) == (None, True)


def test_an_attempt_that_failed_since_the_newest_good_point_is_not_ok():
    failed = point(SLOT, state=State.FAILED)
    found = look(point(SLOT - HOUR), failed)

    assert (failed, False) == (found.sources[0].failed, found.ok)


def test_an_attempt_that_failed_before_a_good_one_is_past():
    assert look(point(SLOT), point(SLOT - HOUR, state=State.FAILED)).ok


@pytest.mark.parametrize("what", ["sources", "points", "pins"])
def test_what_could_not_be_read_is_not_ok(what):
    assert not look(point(SLOT), unread=(unread(what),)).ok


def test_where_points_could_not_be_listed_nobody_says_out_of_the_rpo():
    assert look(unread=(unread("points"),)).sources[0].within_rpo is None


def test_a_policy_that_selects_nothing_is_not_ok():
    found = look(sources=[volume(tags={})])

    assert ([warn.code for warn in found.warnings], found.ok) == ([WarningCode.SELECTS_NOTHING], False)


def test_a_source_under_two_policies_has_a_row_of_each():
    assert [row.policy for row in look(policies=(policy("b"), policy("a"))).sources] == ["a", "b"]


def test_what_no_policy_selects_is_unprotected():
    loose, stack = volume("vol-2", tags={}), volume("shared", protect=Protect.STACKS, tags={})

    assert (stack, loose) == look(sources=[volume(), loose, stack]).unprotected


def test_an_instances_volumes_are_protected_when_the_instance_is():
    images = policy(protect=Protect.INSTANCES)
    instance = volume("i-1", protect=Protect.INSTANCES, volumes=("vol-1",))
    disks = [
        volume("vol-1", tags={}),
        volume("vol-2", tags={}, instance="i-1"),
        volume("vol-3", tags={}, instance="i-2"),
    ]
    found = look(policies=(images,), sources=[instance, *disks])

    assert [source.id for source in found.unprotected] == ["vol-3"]


def test_orphans_are_points_of_unknown_policies_and_of_sources_that_do_not_exist():
    unknown = point(SLOT, policy="gone")
    lost = point(SLOT - HOUR, source="vol-lost")
    deselected = point(SLOT, source="vol-2")
    found = look(point(SLOT), unknown, lost, deselected, sources=[volume(), volume("vol-2", tags={})])

    assert (unknown, lost) == found.orphans


def test_where_sources_could_not_be_listed_no_point_of_them_is_an_orphan():
    found = look(point(SLOT), sources=[], unread=(unread("sources"),))

    assert found.orphans == ()


def test_stacks_are_those_that_exist_and_those_that_are_stored():
    stored = point(SLOT, source="lost", kind=Kind.STACK, policy="stacks")
    stacks = policy("stacks", protect=Protect.STACKS, select=Selector(names=("*",)))
    found = look(stored, policies=(stacks,), sources=[volume("prod", protect=Protect.STACKS)])

    assert found.stacks == ("lost", "prod")


def test_points_are_shown_newest_slot_first():
    rows = [point(SLOT - HOUR, "old"), point(SLOT, "b"), point(SLOT, "a"), point(SLOT, "late", time=NOW)]

    assert [p.id for p in points_newest_first(rows)] == ["late", "a", "b", "old"]


def test_the_document_has_the_keys_of_the_contract():
    found = look(point(SLOT), point(SLOT, policy="gone"), sources=[volume(), volume("vol-2", tags={})])
    document = json.loads(json.dumps(status_document(found)))

    assert {"now", "ok", "frozen", "sources", "unprotected", "stacks", "orphans"} <= set(document)
    assert {
        "source": "vol-1",
        "kind": "volume",
        "policy": "db",
        "account": "111111111111",
        "region": "eu-west-1",
        "age": 29 * 60,
        "rpo": 26 * 3600,
        "within_rpo": True,
        "next_slot": "2026-03-10T13:00:00Z",
        "copies": [],
    }.items() <= document["sources"][0].items()
    assert document["unprotected"] == [
        {"source": "vol-2", "kind": "volume", "account": "111111111111", "region": "eu-west-1"}
    ]


def test_a_point_has_the_keys_of_the_contract():
    document = status_document(look(point(SLOT, hold=True)))["sources"][0]["newest"]

    assert document == {
        "id": "vol-1 2026-03-10T12:00",
        "kind": "snapshot",
        "policy": "db",
        "source": "vol-1",
        "account": "111111111111",
        "region": "eu-west-1",
        "slot": "2026-03-10T12:00:00Z",
        "time": "2026-03-10T12:01:00Z",
        "state": "good",
        "copy_of": None,
        "set": None,
        "hold": True,
    }


def test_the_headline_says_why_it_is_not_all_right():
    nothing = look(sources=())

    assert not nothing.ok
    assert "NOT AS IT WAS ASKED FOR: a policy selects nothing" in status_text(nothing)


def test_what_could_not_be_read_where_no_policy_is_says_so_once():
    dark = [unread("points", region="eu-north-1"), unread("sources", region="eu-north-1")]
    (warn,) = look(point(SLOT), unread=dark).warnings

    assert (warn.code, warn.policy) == (WarningCode.LISTING_INCOMPLETE, None)
    assert warn.message.startswith("eu-north-1: not listed completely")


@pytest.mark.parametrize(
    ("age", "shown"),
    [(26 * 3600, " 1d 2h "), (26 * 3600 + 10, " 1d2h10s LATE "), (28 * 3600 + 10, " 1d 4h LATE ")],
)
def test_an_age_shows_why_it_is_late(age, shown):
    late = point(SLOT - 30 * HOUR, time=NOW - age / 3600 * HOUR)

    assert shown in status_text(look(late))
