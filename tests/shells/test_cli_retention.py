"""`dr retention` (DESIGN 9)."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from dr.cli import run

TIMES = ["2026-05-03T12:00:00+02:00", "2026-05-01T10:00Z", "2026-05-03T10:00:00Z", "2026-05-02T10:00Z"]
ANSWER = {
    "keep": [
        {"time": "2026-05-03T12:00:00+02:00", "reasons": ["last", "daily", "within"]},
        {"time": "2026-05-02T10:00Z", "reasons": ["daily"]},
    ],
    "expire": ["2026-05-01T10:00Z", "2026-05-03T10:00:00Z"],
}
KEEP = "last=1,daily=2,within=1d"


@pytest.fixture
def asked(capsys, tmp_path):
    """Ask with the bytes of a file; exit code, standard output and standard error."""

    def ask(body, *arguments):
        file = tmp_path / "times"
        file.write_bytes(body)
        code = run(["retention", "--points", str(file), *arguments])
        told = capsys.readouterr()
        return code, told.out, told.err

    return ask


@pytest.mark.parametrize(
    "body",
    [
        "\n".join(TIMES),
        "\r\n".join([*TIMES, "", ""]),
        json.dumps(TIMES),
        "\ufeff" + json.dumps(TIMES, indent=1),
    ],
)
def test_lines_and_a_json_list_have_the_same_answer(asked, body):
    code, out, err = asked(body.encode(), "--keep", KEEP, "--json")
    assert (code, json.loads(out), err) == (0, ANSWER, "")


def test_standard_input_is_a_minus():
    command = [sys.executable, "-m", "dr", "--json", "retention", "--keep", KEEP, "--points", "-"]
    done = subprocess.run(
        command, input="\n".join(TIMES), capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, json.loads(done.stdout), done.stderr) == (0, ANSWER, "")


def test_periods_are_those_of_the_zone(asked):
    body = b"2026-05-02T21:00Z\n2026-05-02T23:00Z"
    code, out, _ = asked(body, "--keep", "daily=1", "--json")
    assert (code, json.loads(out)["expire"]) == (0, ["2026-05-02T21:00Z"])
    code, out, _ = asked(body, "--keep", "daily=2", "--timezone", "Europe/Vienna", "--json")
    assert (code, json.loads(out)["expire"]) == (0, [])


def test_a_person_sees_what_stays_and_why(asked):
    code, out, _ = asked(b"2026-05-02T21:00Z\n2026-05-01T21:00Z", "--keep", "last=1,daily=1")
    assert (code, out) == (0, "keep    2026-05-02T21:00Z  last, daily\nexpire  2026-05-01T21:00Z\n")


def test_an_empty_list_is_no_fault(asked):
    code, out, _ = asked(b"", "--keep", "last=1", "--json")
    assert (code, json.loads(out)) == (0, {"keep": [], "expire": []})


@pytest.mark.parametrize(
    ("body", "arguments"),
    [
        (b"2026-05-01T12:00:00", ["--keep", "last=1"]),
        (b"2026-05-01T12:00:00Z\nyesterday", ["--keep", "last=1"]),
        (b"[1]", ["--keep", "last=1"]),
        (b'["2026-05-01T12:00:00Z"', ["--keep", "last=1"]),
        (b"\xff\xfe", ["--keep", "last=1"]),
        (b"", ["--keep", "last=1,last=2"]),
        (b"", ["--keep", "last=0"]),
        (b"", ["--keep", "dayly=1"]),
        (b"", ["--keep", ""]),
        (b"", ["--keep", "within=5m"]),
        (b"", ["--keep", "last=1", "--timezone", "Mars"]),
        (b"", ["--keep", "last=1", "--points", "/nowhere/at/all"]),
        (b"", ["--keep", "last=1", "--points", "/"]),
        (b"", []),
    ],
)
def test_what_the_user_typed_wrong_is_exit_2_with_a_remedy(asked, body, arguments):
    code, out, err = asked(body, *arguments)
    assert (code, out) == (2, "")
    assert err.startswith("error: ")
    assert "what to do: " in err
    code, out, err = asked(body, *arguments, "--json")
    error = json.loads(out)["error"]
    assert (code, error["exit"], err) == (2, 2, "")
    assert error["message"]
    assert error["remedy"]


def test_points_have_to_be_named(capsys):
    assert run(["retention", "--keep", "last=1"]) == 2
    assert "--points" in capsys.readouterr().err
