"""Foreign text: what a terminal would obey is never shown, and JSON stays the same JSON (FAILURES 4.3)."""

from __future__ import annotations

import json
import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.words import clean, escaped, lines, one_line, short

OBEYED = [
    *("\x00", "\x07", "\x08", "\r", "\t", "\x1b", "\x7f", "\x85", "\x9b"),
    *("\u00ad", "\u200b", "\u200f", "\u202e", "\u2028", "\u2029", "\u2066", "\ufeff", "\ud800", "\U000e0041"),
]
SHOWN = ["plain", "ä ö", "日本", "😀", "a-b_c.d/e", "~"]


def obeyed(text):
    """What of it a terminal would obey."""
    return {char for char in text if unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp")}


@pytest.mark.parametrize("char", OBEYED, ids=ascii)
def test_what_a_terminal_would_obey_becomes_a_question_mark(char):
    assert (clean(f"a{char}b"), clean(f"ä{char}b")) == ("a?b", "ä?b")
    assert lines(f"a{char}b\nc") == "a?b\nc"


@pytest.mark.parametrize("text", SHOWN)
def test_what_people_write_is_shown_as_it_is(text):
    assert (clean(text), one_line(text), lines(text), short(text), escaped(text)) == (text,) * 5


def test_a_line_end_is_obeyed_too_where_one_line_is_shown():
    assert (clean("a\nb"), one_line("a\r\n b"), lines("a\nb\n")) == ("a?b", "a b", "a\nb\n")


@given(st.text())
def test_nothing_that_a_terminal_would_obey_is_left(text):
    assert obeyed(clean(text)) == obeyed(one_line(text)) == set()
    assert obeyed(lines(text)) <= {"\n"}
    assert lines(text).count("\n") == text.count("\n")


def test_plain_text_is_not_looked_at_letter_by_letter():
    plain, other = "a" * 400_000, "ä" * 400_000
    assert seconds(lambda: clean(plain)) * 5 < seconds(lambda: clean(other))
    assert seconds(lambda: escaped(plain)) * 5 < seconds(lambda: escaped(other))


def seconds(call):
    def once():
        begin = time.process_time()
        call()
        return time.process_time() - begin

    return min(once() for _ in range(3))


def test_a_long_text_is_shown_by_its_beginning():
    assert short("x" * 200) == "x" * 200
    assert short("x" * 201) == "x" * 197 + "..."


@given(st.recursive(st.text() | st.integers(), lambda one: st.lists(one) | st.dictionaries(st.text(), one)))
def test_escaped_json_is_the_same_json_and_steers_no_terminal(value):
    for indent in (None, 2):
        document = escaped(json.dumps(value, indent=indent, ensure_ascii=False))
        assert obeyed(document) <= {"\n"}
        assert json.loads(document) == value


@pytest.mark.parametrize(
    ("char", "expected"),
    [
        ("\x7f", '"\\u007f"'),
        ("\x9b", '"\\u009b"'),
        ("\u202e", '"\\u202e"'),
        ("\ud800", '"\\ud800"'),
        ("\U000e0041", '"\\udb40\\udc41"'),
        ("ä😀", '"ä😀"'),
    ],
    ids=ascii,
)
def test_an_escape_is_that_of_json(char, expected):
    assert escaped(json.dumps(char, ensure_ascii=False)) == expected
