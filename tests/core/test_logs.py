"""What a line of the log may hold: no secret, and nothing that a terminal obeys (FAILURES 4.3)."""

from __future__ import annotations

import io
import json
from contextlib import redirect_stderr

import pytest

from dr import logs
from dr.errors import UsageError

CANARY = "canary-1"


def logged(**facts):
    """One event as it is written where there is no terminal."""
    err = io.StringIO()
    with redirect_stderr(err):
        logs.configure("debug")
        logs.get("dr").info("thing.done", **facts)
    assert CANARY not in err.getvalue()
    return json.loads(err.getvalue())


@pytest.mark.parametrize("level", ["INFO", " info ", "Debug"])
def test_a_level_may_be_written_in_any_case(level):
    err = io.StringIO()
    with redirect_stderr(err):
        logs.configure(level)
        logs.get("dr").info("thing.done")
    assert "thing.done" in err.getvalue()


def test_a_level_that_there_is_not_is_told_with_those_that_there_are():
    with pytest.raises(UsageError, match="there is no level 'verbose'") as caught:
        logs.configure("verbose")
    assert caught.value.remedy == "there are debug, info, warning, error"


@pytest.mark.parametrize(
    "key",
    ["password", "db_passwd", "Secret", "secret_key", "session_token", "credentials", "X-Amz-Signature"],
)
def test_i23_the_value_of_a_telling_key_is_replaced(key):
    assert logged(**{key: CANARY})[key] == "***"
    assert logged(facts={key: CANARY, "more": 5})["facts"] == {key: "***", "more": 5}
    assert logged(rows=[{key: [CANARY]}])["rows"] == [{key: "***"}]


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (f"see https://b/k?X-Amz-Signature={CANARY}&a=1", "see https://b/k?X-Amz-Signature=***&a=1"),
        (f"http://admin:{CANARY}@host/", "http://***@host/"),
        ("a\x1b[2J\u202eb", "a?[2J?b"),
    ],
)
def test_i23_credentials_and_what_a_terminal_obeys_are_replaced_wherever_they_stand(value, expected):
    assert logged(why=value)["why"] == expected
    assert logged(why=[value])["why"] == [expected]
    assert logged(why=(value, {"in": value}))["why"] == [expected, {"in": expected}]


def test_what_is_no_text_stays_what_it_is():
    found = logged(count=3, none=None, flag=True, created=["snap-1"])
    assert (found["count"], found["none"], found["flag"], found["created"]) == (3, None, True, ["snap-1"])


def test_i23_what_is_no_text_is_told_as_one_and_cleaned_as_one():
    assert logged(why=ValueError(f"http://admin:{CANARY}@host/"))["why"] == "http://***@host/"
    assert logged(facts={f"http://admin:{CANARY}@h\x1b[2J": 1})["facts"] == {"http://***@h?[2J": 1}
    assert CANARY not in repr(logged(urls={f"http://admin:{CANARY}@host/"}))
