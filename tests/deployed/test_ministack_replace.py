"""A correction takes the place only of what ministack has, and adds only what it lacks."""

from __future__ import annotations

import ministack_replace as replace
import pytest


class Owner:
    there = "old"


def test_what_stood_there_is_returned():
    assert (replace.name(Owner, "there", "new"), Owner.there) == ("old", "new")


def test_a_name_that_ministack_lost_is_refused():
    with pytest.raises(replace.MisfitError, match="Owner has no gone any more"):
        replace.name(Owner, "gone", "new")


def test_a_row_keeps_what_is_not_replaced():
    table = {"Type": {"create": 1, "delete": 2}}

    assert replace.entry(table, "Type", create=3) == {"create": 1, "delete": 2}
    assert table == {"Type": {"create": 3, "delete": 2}}


@pytest.mark.parametrize("new", [{"update": 1}, {"create": 1, "update": 1}])
def test_what_is_not_in_a_row_is_refused(new):
    with pytest.raises(replace.MisfitError, match="there is no Type with"):
        replace.entry({"Type": {"create": 1}}, "Type", **new)


def test_a_row_that_ministack_gained_is_refused():
    with pytest.raises(replace.MisfitError, match="there is Type by now"):
        replace.new_entry({"Type": {}}, "Type", {"create": 1})


@pytest.mark.parametrize("script", ["nothing", "a = 1; a = 1"])
def test_a_text_that_does_not_stand_there_once_is_refused(script):
    with pytest.raises(replace.MisfitError, match="'a = 1' stands there"):
        replace.text(script, "a = 1", "a = 2")
