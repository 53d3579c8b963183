"""`dr schedule next` (DESIGN 9)."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from dr.cli import run


def asked(capsys, *arguments):
    """Exit code, standard output and standard error."""
    code = run(["schedule", "next", *arguments])
    told = capsys.readouterr()
    return code, told.out, told.err


def test_the_next_slots_are_one_json_document(capsys):
    code, out, err = asked(
        capsys, "30 2 * * *", "--timezone", "Europe/Vienna", "--from", "2026-03-28T00:00:00Z", "--count", "3", "--json"
    )  # fmt: skip
    slots = ["2026-03-28T01:30:00Z", "2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z"]
    assert (code, json.loads(out), err) == (0, {"next": slots}, "")


def test_the_start_is_left_out_and_five_is_the_default(capsys):
    code, out, _ = asked(capsys, "0 * * * *", "--from", "2026-05-01T12:00:00+02:00", "--json")
    expected = [f"2026-05-01T{hour}:00:00Z" for hour in (11, 12, 13, 14, 15)]
    assert (code, json.loads(out)) == (0, {"next": expected})


def test_there_are_fewer_when_the_expression_ends(capsys):
    code, out, _ = asked(capsys, "at(2026-12-01T02:00:00)", "--from", "2026-01-01T00:00Z", "--json")
    assert (code, json.loads(out)) == (0, {"next": ["2026-12-01T02:00:00Z"]})
    code, out, _ = asked(capsys, "at(2026-12-01T02:00:00)", "--from", "2026-12-01T02:00Z", "--json")
    assert (code, json.loads(out)) == (0, {"next": []})


def test_it_begins_now_when_nothing_else_is_said(capsys):
    before = datetime.now(UTC)
    code, out, _ = asked(capsys, "* * * * *", "--count", "1", "--json")
    (slot,) = json.loads(out)["next"]
    assert code == 0
    assert before < datetime.fromisoformat(slot) <= datetime.now(UTC) + timedelta(minutes=1)


def test_a_person_sees_utc_and_the_zone(capsys):
    code, out, _ = asked(
        capsys, "@daily", "--timezone", "Asia/Tokyo", "--from", "2026-05-01T00:00Z", "--count", "1"
    )
    assert (code, out) == (0, "2026-05-01T15:00:00Z  Sat 2026-05-02 00:00:00 +0900\n")


@pytest.mark.parametrize("start", ["0001-01-01T00:00+14:00", "9999-12-31T23:59-12:00"])
def test_the_ends_of_time_are_no_fault(capsys, start):
    code, out, _ = asked(
        capsys, "0 0 1 1 *", "--timezone", "Asia/Tokyo", "--from", start, "--count", "1", "--json"
    )
    assert code == 0
    assert json.loads(out)["next"] in ([], ["1970-12-31T15:00:00Z"], ["1969-12-31T15:00:00Z"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["0 0 31 2 *"],
        ["cron(0 0 LW * ? *)"],
        ["rate(1 hours)"],
        ["nonsense"],
        [""],
        ["0 * * * *", "--timezone", "Europe/Wien"],
        ["0 * * * *", "--from", "2026-05-01T12:00:00"],
        ["0 * * * *", "--from", "tomorrow"],
        ["0 * * * *", "--count", "0"],
        ["0 * * * *", "--count", "many"],
        ["0 * * * *", "--until", "2026-05-01T12:00:00Z"],
        [],
    ],
)
def test_what_the_user_typed_wrong_is_exit_2_with_a_remedy(capsys, arguments):
    code, out, err = asked(capsys, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "what to do: " in err
    code, out, err = asked(capsys, *arguments, "--json")
    error = json.loads(out)["error"]
    assert (code, error["exit"], err) == (2, 2, "")
    assert error["message"]
    assert error["remedy"]
