"""Whatever stands in a file: faults with places come out, or a policy; never anything else."""

import string

from hypothesis import example, given
from hypothesis import strategies as st
from policy_texts import NOW, REGIONS, SOUND

from dr.config import check_config
from dr.policy import check_policies

# Pieces that mean something to YAML or to dr, so that random texts get past the first check.
WORDS = st.sampled_from(
    [
        *SOUND,
        *SOUND.values(),
        *("tags", "names", "daily", "within", "last", "regions", "timezone", "limits", "expire_percent"),
        *("name", "store", "primary", "url", "region", "s3://bucket/x", "restore", "parameters", "image_for"),
        *(": ", "- ", "\n", "\n  ", "\n    ", "{", "}", "[", "]", ", ", "? ", "&a ", "*a", "!x ", "!!int ", "<<: "),
        *("'", '"', "#", "|\n", ">-\n ", "---\n", "...\n", "%TAG ", "\\", "\\x00", "\\ud800", "\\UFFFFFFFF", "\t"),
        *("~", "no", "012", "0x_", "0b_", "1:30", "1e999", ".inf", ".nan", "2026-13-45", "2026-01-01T25:00:00", "="),
        *("at(0001-01-01T00:00:00)", "at(9999-12-31T23:59:59)", "rate(99999999999 days)", "cron(0 0 L * ? *)"),
        *("999999999y", "Europe", "../x", "\x00", "\x85", "\u2028", "\ufeff", "\ud800"),
    ]
)  # fmt: skip
TEXTS = st.lists(WORDS | st.text(max_size=5), max_size=40).map("".join)
NAMES = st.sampled_from(
    [*SOUND, *("regions", "timezone", "tags", "names", "daily", "within", "rpo", "name", "store")]
)
LEAVES = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(string.printable, max_size=12) | WORDS
)
NODES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=6),
    max_leaves=20,
)


def assert_told(problems, data):
    """Every fault has a place inside the file, and one printable line of a readable length."""
    lines = data.count(b"\n") + data.count(b"\r") + data.count(b"\xc2\x85") + data.count(b"\xe2\x80") + 1
    for problem in problems:
        assert 1 <= problem.line <= lines
        assert 1 <= problem.column <= len(data) + 1
        assert problem.message.isprintable()
        assert 0 < len(problem.message) <= 600
        str(problem).encode("utf-8")


def assert_sound(data):
    for now in (NOW, None):
        checked = check_policies([("a.yaml", data)], REGIONS, now)
        assert len(checked.policies) == (0 if checked.problems else 1)
        assert_told(checked.problems, data)
    config = check_config(data, "dr.yaml")
    assert (config.config is None) == bool(config.problems)
    assert_told(config.problems, data)


@given(st.binary(max_size=200))
def test_bytes(data):
    assert_sound(data)


@given(TEXTS)
@example("? " * 60)
@example("a: 1\n...\n%YAML " + "9" * 5000)
@example("a: 1\n...\n%YAML 1.1\n%YAML 1.1\n---\n")
@example('a: "\\U00110000"')
@example("keep: {daily: " + "9" * 99 + "}")
@example("a: 1:" + "59:" * 30 + "1.5")
@example("a: !%ff b")
def test_texts(text):
    assert_sound(text.encode("utf-8", "surrogatepass"))


@given(st.dictionaries(NAMES, NODES, max_size=8))
def test_structures(node):
    assert_sound(flow(node).encode("utf-8", "surrogatepass"))


@given(st.sampled_from(sorted(SOUND)), NODES)
def test_one_key_of_a_sound_policy(key, node):
    lines = [f"{name}: {flow(node) if name == key else value}" for name, value in SOUND.items()]
    assert_sound("\n".join(lines).encode("utf-8", "surrogatepass"))


def flow(node):
    match node:
        case dict():
            return "{" + ", ".join(f"{key}: {flow(inner)}" for key, inner in node.items()) + "}"
        case list():
            return "[" + ", ".join(map(flow, node)) + "]"
        case _:
            return str(node)
