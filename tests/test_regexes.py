"""No regular expression of dr needs more than linear time on any text (FAILURES 4.3); nor does a glob of a policy."""

from __future__ import annotations

import time

import pytest
from plan_values import policy, volume
from regex_attacks import PRODUCT, Use, calls, explosion, uses

from dr.model import Selector
from dr.planner.selection import matches

USES = sorted(set(uses()), key=lambda use: (use.place, use.method))
MADE = {
    "dr/deploy/stack.py": "the AllowedPattern of a parameter of functions.yaml: those of places in a store, below",
    "dr/documents/fields.py": "the patterns of `matching` are written out where it is called: _BUCKET and others below",
    "dr/stacks/recovery_set.py": "escaped names with [A-Z0-9]+ between hyphens: see the test of nested stacks",
}
"""Where an expression is made of something else than a text that is written out there, and why that is harmless."""
ELSEWHERE = (
    Use(
        place="dr/deploy/stack.py",
        pattern=r"([A-Za-z0-9!_.'()-]+(/[A-Za-z0-9!_.'()-]+)*)?",
        method="fullmatch",
    ),
    Use(
        place="dr/config/stores.py", pattern=r"(?!.*\.\.)[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]", method="fullmatch"
    ),
    Use(
        place="dr/stacks/recovery_set.py",
        pattern=r"prod-Net-[A-Z0-9]+-Net-[A-Z0-9]+-A0-[A-Z0-9]+-A0-[A-Z0-9]+",
        method="fullmatch",
    ),
)
"""What the patterns of `MADE` come to."""


def test_the_expressions_are_found():
    assert len({use.pattern for use in USES}) > 35
    places = {use.place.partition(":")[0] for use in USES}
    assert {"dr/words.py", "dr/layout.py", "dr/cli/hints.py", "dr/stacks/json_nodes.py"} <= places


def test_every_expression_is_written_out_or_accounted_for():
    made = {call.place.partition(":")[0] for path in PRODUCT for call in calls(path) if call.pattern is None}
    assert {place for place in made if not place.startswith("dr/sandbox/")} == set(MADE)


@pytest.mark.parametrize("use", [*USES, *ELSEWHERE], ids=lambda use: f"{use.place} {use.method}")
def test_an_expression_is_linear(use):
    assert explosion(use) is None


@pytest.mark.parametrize(
    ("pattern", "method"),
    [
        (r"\s+$", "search"),
        (r"[a-z]*x", "search"),
        (r"a*a*b", "fullmatch"),
        (r"prefix:[0-9]*[0-9]*;", "match"),
        (r"([a-z.]*@)?[a-z]*\.[a-z.]*!", "search"),
    ],
)
def test_an_expression_that_is_not_linear_is_found_out(pattern, method):
    assert explosion(Use(place="here", pattern=pattern, method=method))


GLOBS = [
    "*a" * 50 + "b",
    "a*" * 100 + "b",
    "*" * 128,
    "?*" * 60 + "b",
    "[" * 100 + "*" * 100,
    "*a*" * 40 + "[!a]b",
    "\\" * 200,
]


@pytest.mark.parametrize("glob", GLOBS)
@pytest.mark.parametrize("value", ["a" * 256, "ab" * 128, "[" * 256, "\\" * 256])
def test_a_glob_of_a_selector_ends_at_once_on_the_longest_value_of_a_tag(glob, value):
    found = policy(select=Selector(tags={"Tier": (glob,)}, exclude_tags={"Tier": ("x" + glob,)}))
    begin = time.process_time()
    assert matches(found, volume(tags={"Tier": value})) in (True, False)
    assert time.process_time() - begin < 5


@pytest.mark.parametrize(
    ("glob", "value", "expected"),
    [("[ab]", "[ab]", True), ("[ab]", "a", False), ("[!a]*", "[!a]x", True), ("a?c", "abc", True), ("\\*", "\\x", True), ("*[", "x[", True)],
)  # fmt: skip
def test_only_the_star_and_the_question_mark_are_wild(glob, value, expected):
    found = policy(select=Selector(tags={"Tier": (glob,)}))
    assert matches(found, volume(tags={"Tier": value})) is expected
