from __future__ import annotations

import json
from dataclasses import replace

import pytest
from plan_values import HOUR, NOW, SLOT, expired, hourly, ids, lineage, plan, point, policy, volume

from dr.errors import EXIT_REFUSED, EXIT_USAGE, Refused, UsageError
from dr.limits import allow_expire
from dr.model import RetentionRule
from dr.planfile import Context, from_document, parse, stamp, to_document

CONTEXT = Context(
    installation="acme",
    account="111111111111",
    policies={"db": "p1", "web": "p2"},
    config="c1",
    asked=("db",),
)


def document(found=None, context=CONTEXT):
    """As it comes out of the file."""
    return json.loads(
        json.dumps(to_document(found or plan(*hourly(5, SLOT - HOUR), point(SLOT, policy="gone")), context))
    )


def fingerprint(found, context=CONTEXT) -> str:
    return document(found, context)["fingerprint"]


def test_an_action_has_the_keys_of_the_contract():
    capture, expire, _ = document()["actions"]
    contract = {"do", "policy", "source", "account", "region", "slot", "point", "blocked", "reason"}

    assert contract <= set(capture)
    assert set(capture) == set(expire)
    assert tuple(capture[key] for key in ("do", "source", "slot", "point")) == (
        "capture",
        "vol-1",
        "2026-03-10T12:00:00Z",
        None,
    )
    assert tuple(expire[key] for key in ("do", "point", "blocked")) == (
        "expire",
        "vol-1 2026-03-10T07:00",
        False,
    )


def test_the_summary_tells_blocked_expiries_from_those_that_are_done():
    found = plan(
        *hourly(9, SLOT - HOUR),
        policies=(policy(keep=RetentionRule(last=1)),),
        applied={("db", "eu-west-1"): None},
    )

    assert document(found)["summary"] == {"capture": 1, "copy": 0, "expire": 2, "blocked": 6}


def test_a_plan_file_is_read_back_as_it_was_written():
    found = plan(*hourly(5, SLOT - HOUR))
    saved = parse(json.dumps(document(found), indent=2))

    assert (CONTEXT, found.now, found.warnings) == (saved.context, saved.now, saved.warnings)
    assert [(a.lineage, a.slot) for a in found.actions] == [(a.lineage, a.slot) for a in saved.actions]
    assert [None, *sorted(expired(found))] == [action.point for action in saved.actions]
    assert {found.lineages[lineage()]} == {action.digest for action in saved.actions}


def test_an_empty_plan_is_a_plan():
    assert parse(json.dumps(document(plan(point(SLOT))))).actions == ()


# --- the fingerprint ----------------------------------------------------------------------------------------------------


def test_the_fingerprint_of_the_file_is_that_of_the_plan():
    found = plan(*hourly(5, SLOT - HOUR))

    assert stamp(found, CONTEXT).fingerprint == fingerprint(found)


def test_time_passing_alone_changes_no_fingerprint():
    points = hourly(5, SLOT - HOUR)

    assert fingerprint(plan(*points, now=NOW)) == fingerprint(plan(*points, now=NOW + HOUR / 3))


@pytest.mark.parametrize(
    "facts",
    [
        {"installation": "other"},
        {"account": "222222222222"},
        {"policies": {"db": "p1"}},
        {"policies": {"db": "p1", "web": "changed"}},
        {"config": "c2"},
        {"asked": ("db", "web")},
    ],
    ids=lambda facts: next(iter(facts)),
)
def test_the_ground_is_part_of_the_fingerprint(facts):
    found = plan(*hourly(5))

    assert fingerprint(found) != fingerprint(found, replace(CONTEXT, **facts))


def test_the_state_of_a_lineage_is_part_of_the_fingerprint():
    points = hourly(5, SLOT - HOUR)

    assert fingerprint(plan(*points)) != fingerprint(
        plan(*points[:2], replace(points[2], hold=True), *points[3:])
    )


def test_what_is_blocked_is_part_of_the_fingerprint():
    found = plan(
        *hourly(9), policies=(policy(keep=RetentionRule(last=1)),), applied={("db", "eu-west-1"): None}
    )

    assert fingerprint(found) != fingerprint(allow_expire(found, 6))


# --- not a plan ---------------------------------------------------------------------------------------------------------


def refusal(error, content):
    with pytest.raises(error) as caught:
        parse(content)
    return caught.value


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "null",
        "[]",
        '"plan"',
        "{}",
        "{",
        "\x00",
        '{"format": 2}',
        '{"format": true}',
        '{"format": 1}',
        '{"format": 1.0}',
        '{"format": NaN}',
        '{"format": Infinity}',
        '{"format": 1, "format": 1}',
        '{"format": ' + "1" * 5000 + "}",
        "[" * 100_000,
        '{"format": 1, "actions": ' + "[" * 100_000,
        "\ud800",
        '"\\ud800"',
    ],
    ids=range(20),
)
def test_what_is_no_plan_is_a_usage_error(content):
    assert refusal(UsageError, content).exit_code == EXIT_USAGE


def test_a_file_larger_than_any_plan_is_a_usage_error():
    assert "larger than 64 MiB" in refusal(UsageError, " " * (64 * 2**20 + 1)).message


KEYS = sorted(document())
ACTION_KEYS = sorted(document()["actions"][0])


def changed(*path_and_value):
    *path, key, value = path_and_value
    data = inner = document()
    for step in path:
        inner = inner[step]
    inner[key] = value
    return data


@pytest.mark.parametrize("key", KEYS)
def test_a_plan_without_one_of_its_keys_is_a_usage_error(key):
    data = document()
    del data[key]

    assert f"{key} is missing" in refusal(UsageError, json.dumps(data)).message


@pytest.mark.parametrize("key", ACTION_KEYS)
def test_an_action_without_one_of_its_keys_is_a_usage_error(key):
    data = document()
    del data["actions"][1][key]

    assert f"actions[1]: {key} is missing" in refusal(UsageError, json.dumps(data)).message


HOSTILE = [None, True, 0, -1, 1.5, [], {}, [[]], "\x1b[31m", "a\nb", "\u202e", "\ud800", "x" * 20_000]
TYPED = [
    *((key,) for key in KEYS if key not in {"summary", "digest"}),
    *(("actions", 1, key) for key in ACTION_KEYS if key not in {"cause", "attempt"}),
    ("actions", 0, "attempt"),
]


@pytest.mark.parametrize("value", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("path", TYPED, ids=lambda path: ".".join(map(str, path)))
def test_a_value_of_the_wrong_type_is_never_a_traceback(path, value):
    """Exit 2; a value of the right type may pass as one of an edited plan (4)."""
    original = document()
    for step in path:
        original = original[step]
    errors = (UsageError, Refused) if type(original) is type(value) else UsageError
    with pytest.raises(errors):
        from_document(changed(*path, value))


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-02-30T00:00:00Z", "2026-03-10T12:00:00", "\uff12\uff1026-03-10T12:00:00Z", ""]
)
def test_a_time_that_is_none_is_a_usage_error(text):
    assert refusal(UsageError, json.dumps(changed("now", text))).exit_code == EXIT_USAGE


def test_an_action_that_is_not_known_is_a_usage_error():
    assert (
        "neither capture nor expire"
        in refusal(UsageError, json.dumps(changed("actions", 0, "do", "copy"))).message
    )


def test_an_expiry_without_a_point_is_a_usage_error():
    assert (
        "an expiry names one" in refusal(UsageError, json.dumps(changed("actions", 1, "point", None))).message
    )


def test_a_further_key_of_any_depth_is_no_traceback():
    deep = current = {}
    for _ in range(5000):
        current["x"] = current = {}

    with pytest.raises((UsageError, Refused)):
        from_document({**document(), "more": deep})


# --- edited -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path_and_value",
    [
        ("now", "2026-03-10T12:31:00Z"),
        ("actions", 1, "point", "snap-other"),
        ("actions", 1, "blocked", True),
        ("actions", 1, "reason", "because"),
        ("actions", 0, "slot", "2026-03-10T13:00:00Z"),
        ("actions", 1, "lineage", "0" * 64),
        ("account", "222222222222"),
        ("asked", ["web"]),
        ("warnings", []),
        ("summary", {"capture": 0, "copy": 0, "expire": 0, "blocked": 0}),
        ("fingerprint", "0" * 64),
        ("digest", "0" * 64),
        ("more", 1),
    ],
    ids=lambda row: str(row[-2]),
)
def test_i16_an_edited_plan_is_refused(path_and_value):
    assert refusal(Refused, json.dumps(changed(*path_and_value))).exit_code == EXIT_REFUSED


def test_a_plan_file_holds_no_line_breaks_and_no_control_characters():
    found = plan(sources=[volume(unready="it says:\n\x1b[31mno")])

    assert "it says: ?[31mno" in parse(json.dumps(document(found))).warnings[0].message


def test_points_of_the_plan_are_named(  # the ids that a person reads in the file are those that will go
):
    found = plan(*hourly(5))

    assert ids(hourly(5)[3:]) == {row["point"] for row in document(found)["actions"]}
