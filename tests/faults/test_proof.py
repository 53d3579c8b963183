"""Guards that are switched off are missed; the whole list is part of `make test-long`, and of `make faults`."""

from __future__ import annotations

import pytest
from faults.proof import verdict
from faults.switched_off import GUARDS

SAMPLE = list(GUARDS)[::12]


@pytest.mark.parametrize("name", SAMPLE)
def test_a_guard_that_is_switched_off_makes_its_test_fail(name):
    assert verdict(GUARDS[name]) == ""


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in GUARDS if name not in SAMPLE])
def test_every_guard_that_is_switched_off_makes_its_test_fail(name):
    assert verdict(GUARDS[name]) == ""
