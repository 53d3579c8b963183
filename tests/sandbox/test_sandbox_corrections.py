"""A correction replaces only what moto has, and adds only what moto lacks."""

from __future__ import annotations

import datetime as dt

import pytest

from dr.sandbox.clock import Clock
from dr.sandbox.corrections import replace


class Owner:
    def there(self):
        return "old"


def new(self):
    return "new"


def test_a_replaced_method_is_returned():
    old = replace.method(Owner, "there", new)
    assert (Owner().there(), old(None)) == ("new", "old")


def test_a_name_that_moto_lost_is_refused():
    with pytest.raises(RuntimeError, match=r"no Owner\.gone any more"):
        replace.method(Owner, "gone", new)


def test_an_action_that_moto_gained_is_refused():
    replace.action(Owner, new)
    with pytest.raises(RuntimeError, match=r"has Owner\.new by now"):
        replace.action(Owner, new)


def test_a_clock_only_goes_forward():
    clock = Clock()

    before = clock.now()
    assert clock.advance(dt.timedelta(days=2)) - before >= dt.timedelta(days=2)
    with pytest.raises(ValueError, match="never goes back"):
        clock.advance(dt.timedelta(seconds=-1))
