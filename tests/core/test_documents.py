"""Reading YAML: what is refused, where, and how fast."""

import time
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dr.documents import read, read_bytes
from dr.documents.nodes import Broken, Items, Position, Scalar, Table
from dr.documents.reader import BYTES_AT_MOST


def faults(text):
    return [f"{p.line}:{p.column}: {p.message}" for p in read(text, "x.yaml").problems]


def value(text):
    document = read(f"key: {text}", "x.yaml")
    assert document.problems == ()
    return document.root.entries[0].value.value


def plain(node):
    match node:
        case Table(entries=entries):
            return {entry.key: plain(entry.value) for entry in entries}
        case Items(items=items):
            return [plain(item) for item in items]
        case Scalar(value=found):
            return found


def test_every_key_and_value_has_its_place_counted_from_one():
    table = read("a: 1\nbb:\n  - x\n  - c: [y]\n", "x.yaml").root

    first, second = table.entries
    assert [Position(1, 1), Position(1, 4)] == [first.position, first.value.position]
    assert [Position(2, 1), Position(3, 3)] == [second.position, second.value.position]
    x, inner = second.value.items
    assert Position(3, 5) == x.position
    assert [Position(4, 5), Position(4, 8)] == [inner.entries[0].position, inner.entries[0].value.position]


def test_a_value_that_is_not_there_is_placed_at_its_key():
    (entry,) = read("\n\nselect:\n", "x.yaml").root.entries
    assert Scalar(position=Position(3, 1), value=None, text="") == entry.value


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("no", False),
        ("'no'", "no"),
        ("012", 10),
        ("0x1F", 31),
        ("1:30", 90),
        ("1.5", 1.5),
        ("2026-12-01", date(2026, 12, 1)),
        ("~", None),
        ("=", "="),
        ("0 * * * *", "0 * * * *"),
        ("rate(1 hour)", "rate(1 hour)"),
        ("26h", "26h"),
    ],
)
def test_values_are_what_yaml_1_1_makes_of_them(text, expected):
    assert expected == value(text)
    assert type(expected) is type(value(text))


def test_a_scalar_remembers_how_it_was_written():
    (entry,) = read("account: 012345678901", "x.yaml").root.entries
    assert entry.value.text == "012345678901"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: 1\nb: 2\na: 3", ["3:1: a: duplicate key; remove this one or the one in line 1"]),
        ("a:\n  b: 1\n  b: 1", ["3:3: a.b: duplicate key; remove this one or the one in line 2"]),
        ("a: &x 1", ['1:4: a: anchors are not supported; write the value out, or quote it: "&x"']),
        ("a: [*x]", ['1:5: a[0]: aliases are not supported; quote text that starts with *: "*x"']),
        ("a: !x 1", ["1:4: a: tags such as !x are not supported; quote text instead"]),
        (
            "a: !!python/object:os.system x",
            [
                "1:4: a: tags such as tag:yaml.org,2002:python/object:os.system are not supported; quote text instead"
            ],
        ),
        (
            "a: !!str 012",
            ["1:4: a: tags such as tag:yaml.org,2002:str are not supported; quote text instead"],
        ),
        ("b: {<<: {a: 1}}", ["1:5: b.<<: merge keys (<<) are not supported; write the keys out"]),
        ("1: x", ['1:1: a key must be text, found 1; quote it: "1"']),
        ("a: {yes: x}", ['1:5: a: a key must be text, found yes; quote it: "yes"']),
        ("[a]: x", ["1:1: a key must be text, not a list or mapping"]),
        ("a: 1\n---\nb: 2", ["2:1: a second document starts here; one document per file"]),
        ("%YAML 1.1\n---\na: 1", ["1:1: directives (%) are not supported; remove the line"]),
        ("# note\n%TAG ! x\n---\na: 1", ["2:1: directives (%) are not supported; remove the line"]),
        ("a: 2026-13-45", ['1:4: a: not a date: 2026-13-45; quote it: "2026-13-45"']),
        ("a: 0x_", ['1:4: a: not a number: 0x_; quote it: "0x_"']),
        ("a: b\x07", ["1:5: control character U+0007; remove it"]),
        ("a: b\n\ud800", ["2:1: control character U+D800; remove it"]),
        ('a: "\\ud800"', ["1:4: a: control character in \\ud800; remove it"]),
        ('a: "\\x1b[31m"', ["1:4: a: control character in \\x1b[31m; remove it"]),
        ('a: "\\UFFFFFFFF"', ["1:7: not YAML: an escape that is no character"]),
        ("", ["1:1: empty file; write it, or delete it"]),
        ("# only this\n", ["1:1: empty file; write it, or delete it"]),
        ("---\n...\n", ["1:1: empty file; write it, or delete it"]),
    ],
)
def test_what_is_refused_is_named_with_its_place(text, expected):
    assert expected == faults(text)


@pytest.mark.parametrize(
    ("text", "place", "hint"),
    [
        ("a:\n\t- b", "2:1", "indent with spaces, not tabs"),
        ("schedule: * * * * *", "1:12", "quote text that starts with *"),
        ("schedule: @daily", "1:11", "quote text that starts with a special character"),
        ("a: b: c", "1:5", "quote text that contains a colon and a space"),
        ("a: {b: 1", "1:9", "close the bracket"),
        ("a: 'b", "1:6", "close the quotes"),
        ("a: 1\n b: 2", "2:3", "mend the indentation"),
        ('a: "C:\\dir"', "1:8", "in double quotes write"),
    ],
)
def test_a_syntax_error_has_its_place_and_what_usually_helps(text, place, hint):
    (fault,) = faults(text)
    assert fault.startswith(f"{place}: not YAML: ")
    assert hint in fault


def test_reading_goes_on_behind_a_fault():
    assert [fault[:3] for fault in faults("a: &x 1\na: 2\nb: *x\nc: 3")] == ["1:4", "2:1", "3:4"]


def test_a_refused_value_is_left_out_and_nothing_else():
    document = read("a: *x\nb: 1\n1: c", "x.yaml")
    a, b = document.root.entries
    assert Broken(position=Position(1, 4)) == a.value
    assert b.value.value == 1
    assert document.root.whole is False


def test_of_two_equal_keys_the_first_stays():
    assert plain(read("a: 1\na: 2", "x.yaml").root) == {"a": 1}


def test_a_byte_order_mark_and_windows_line_ends_are_read():
    document = read_bytes(b"\xef\xbb\xbfa: 1\r\nb: 2\r\n", "x.yaml")
    assert (plain(document.root), document.problems) == ({"a": 1, "b": 2}, ())


def test_bytes_that_are_not_utf_8_are_refused_at_their_place():
    (problem,) = read_bytes("a: 1\nb: ä".encode("latin-1"), "x.yaml").problems
    assert str(problem) == "x.yaml:2:4: not UTF-8: byte 0xe4; save the file as UTF-8"


def test_a_mebibyte_is_read_and_a_byte_more_is_refused():
    whole = b"a: 1 #" + b"x" * (BYTES_AT_MOST - 6)
    assert read_bytes(whole, "x.yaml").problems == ()
    (problem,) = read_bytes(whole + b"x", "x.yaml").problems
    assert str(problem) == "x.yaml:1:1: larger than 1 MiB (1048577 bytes); split the file"


def test_the_size_of_text_is_counted_in_bytes():
    assert faults("a: 1 #" + "ä" * (BYTES_AT_MOST // 2)) == ["1:1: larger than 1 MiB; split the file"]


def test_fifty_levels_are_read_and_one_more_is_refused():
    assert faults("[" * 50 + "]" * 50) == []
    assert faults("[" * 51 + "]" * 51) == ["1:51: nested deeper than 50 levels"]


def test_ten_thousand_nodes_are_read_and_one_more_is_refused():
    assert faults("[" + "1," * 9_999 + "]") == []
    (fault,) = faults("[" + "1," * 10_000 + "]")
    assert "more than 10,000 keys and values; split the file" in fault


LAUGHS = "\n".join(["a0: &a0 lol"] + [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)])


@pytest.mark.parametrize(
    "bomb",
    [
        LAUGHS,
        "[" * BYTES_AT_MOST,
        "{a: " * (BYTES_AT_MOST // 4),
        "- " * (BYTES_AT_MOST // 2),
        "? " * (BYTES_AT_MOST // 2),
        "[" + "1," * (BYTES_AT_MOST // 2 - 1),
        "%A\n" * (BYTES_AT_MOST // 3),
        "a: " + "1" * (BYTES_AT_MOST - 3),
        "a: 1" + ":1" * (BYTES_AT_MOST // 2 - 2),
        "x" * (10 * BYTES_AT_MOST),
    ],
    ids=["laughs", "lists", "maps", "dashes", "keys", "items", "directives", "digits", "sexagesimal", "huge"],
)
def test_a_bomb_costs_no_more_than_a_large_document(bomb):
    assert _cost(bomb, sound=False) < 10 * _cost("[" + "1," * 9_999 + "]", sound=True)


def _cost(text, *, sound):
    start = time.process_time()
    assert (faults(text) == []) is sound
    return time.process_time() - start


def json_like():
    keys = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), max_size=8)
    leaves = st.none() | st.booleans() | st.integers(-(10**9), 10**9) | keys
    return st.recursive(
        leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4)
    )


def spelt(node):
    """YAML in flow style; JSON would do for all but what its escapes allow."""
    match node:
        case dict():
            return "{" + ", ".join(f"{spelt(key)} : {spelt(inner)}" for key, inner in node.items()) + "}"
        case list():
            return "[" + ", ".join(map(spelt, node)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(letter):08x}" for letter in node) + '"'
        case None:
            return "null"
        case _:
            return str(node).lower()


@given(json_like())
def test_what_is_written_is_what_is_read(node):
    document = read(spelt(node), "x.yaml")
    if document.problems == ():
        assert node == plain(document.root)
    else:
        assert any(0xFFFE <= ord(letter) <= 0xFFFF for letter in repr(node))
