"""Volumes under two policies that overlap: a sample of histories in `make test`, many in `make test-long` (FAILURES I1 to I14)."""

from __future__ import annotations

import pytest
from hypothesis.stateful import run_state_machine_as_test
from machines.examples import MANY, SAMPLE
from machines.machine import Machine


def test_i1_to_i14_hold_after_every_step_of_a_sample_of_histories():
    run_state_machine_as_test(Machine, settings=SAMPLE)


@pytest.mark.long
def test_i1_to_i14_hold_after_every_step_of_many_histories():
    run_state_machine_as_test(Machine, settings=MANY)
