"""A plan's digests of its lineages: made when they are asked for, once each."""

from __future__ import annotations

import pytest

from dr.model import Lineage
from dr.planner.shelf import Digests

ONE, TWO, OTHER = (Lineage("db", "111111111111", "eu-west-1", f"vol-{number}") for number in (1, 2, 3))


class Shelf:
    """Says what it is asked for."""

    def __init__(self):
        self.asked = []

    def digest(self, lineage):
        self.asked.append(lineage)
        return f"of {lineage.source}"


def test_a_digest_is_made_when_it_is_asked_for_and_once():
    shelf = Shelf()
    digests = Digests(shelf, {TWO, ONE})
    assert (len(digests), list(digests), shelf.asked) == (2, [ONE, TWO], [])

    assert [digests[ONE], digests[ONE]] == ["of vol-1"] * 2
    assert shelf.asked == [ONE]
    assert dict(digests) == {ONE: "of vol-1", TWO: "of vol-2"}


def test_a_lineage_that_the_plan_does_not_touch_has_none():
    with pytest.raises(KeyError):
        Digests(Shelf(), {ONE})[OTHER]
