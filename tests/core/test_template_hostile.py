"""Templates that nobody wrote to be deployed: refused where they stand, or read and planned in time (FAILURES 4.3)."""

from __future__ import annotations

import time

import pytest

from dr.errors import UsageError
from dr.stacks.template import parse_template

SIZE = 1_000_000
ONE = "Resources:\n  A: {Type: AWS::EC2::Volume}\n"


def many(row, size=SIZE):
    """As many rows as fit; a row may hold its number."""
    return "".join(row.replace("%d", str(number)) for number in range(size // max(len(row), 8)))


LAUGHS = "".join(f"  a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9 if n else ['lol'])}]\n" for n in range(9))
REFUSED = {
    "billion laughs": (f"{ONE}Metadata:\n{LAUGHS}", "aliases"),
    "resources": ("Resources:\n" + many("  V%d: {Type: T}\n", 60_000), "more than 2,000 entries"),
    "outputs": (f"{ONE}Outputs:\n" + many("  O%d: {Value: x}\n", 60_000), "more than 2,000 entries"),
    "conditions": (f"{ONE}Conditions:\n" + many("  C%d: !Not [x]\n", 60_000), "more than 2,000 entries"),
    "items": (f"{ONE}Metadata: [" + "1," * (SIZE // 2) + "]\n", "more than 100,000 keys and values"),
    "keys": (f"{ONE}Metadata: {{" + many("k%d: 1,", 800_000) + "}\n", "more than 100,000 keys and values"),
    "items of JSON": (
        '{"Resources": {"A": {"Type": "T"}}, "M": [' + "1," * (SIZE // 2) + "1]}",
        "more than 100,000",
    ),
    "lists": (f"{ONE}Metadata: " + "[" * SIZE, "deeper than 100"),
    "maps": (f"{ONE}Metadata: " + "{a: " * (SIZE // 4), "deeper than 100"),
    "dashes": (f"{ONE}Metadata:\n  " + "- " * (SIZE // 2), "deeper than 100"),
    "questions": (f"{ONE}Metadata:\n  " + "? " * (SIZE // 2), "deeper than 100"),
    "lists of JSON": ('{"Resources": {"A": {"Type": "T"}}, "M": ' + "[" * SIZE, "deeper than 100"),
    "a string of JSON": ('{"Resources": "' + "\\\\" * (SIZE // 2), "not JSON"),
    "huge": (ONE + "#" * 2 * 1024 * 1024, "larger than 1 MiB"),
}


@pytest.mark.parametrize("bomb", REFUSED)
def test_a_bomb_is_refused_in_time(bomb):
    text, words = REFUSED[bomb]
    begin = time.process_time()
    with pytest.raises(UsageError) as raised:
        parse_template(text, "prod.yaml")
    assert words in raised.value.message
    assert raised.value.message.startswith("prod.yaml:")
    assert len(raised.value.message) < 300
    assert time.process_time() - begin < 12


READ = {
    "2,000 resources": "Resources:\n" + "".join(f"  V{n}: {{Type: T}}\n" for n in range(2_000)),
    "comments": ONE + "#\n" * (SIZE // 2),
    "a long text": ONE + "Metadata: '" + "x" * SIZE + "'\n",
    "a block of lines": ONE + "Metadata: |\n" + "  x\n" * (SIZE // 4),
    "a variable, again and again": ONE + "Metadata: !Sub '" + "${A}" * (SIZE // 4) + "'\n",
    "braces that nobody closes": ONE + "Metadata: !Sub '" + "${" * (SIZE // 2) + "'\n",
}


@pytest.mark.parametrize("large", READ)
def test_what_is_large_and_sound_is_read_in_time(large):
    begin = time.process_time()
    assert parse_template(READ[large]).resources()
    assert time.process_time() - begin < 12
