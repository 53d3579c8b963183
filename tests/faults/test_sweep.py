"""A sample of the sweeps; the whole of them is `make faults`, and part of `make test-long`."""

from __future__ import annotations

import pytest
from faults.operations import OPERATIONS
from faults.sweep import sample, sweep


@pytest.mark.parametrize("operation", OPERATIONS)
def test_i5_i6_i24_a_fault_or_a_kill_at_any_call_and_one_clean_run_end_as_if_nothing_had_been(operation):
    swept = sweep(operation, sample)
    assert {one.case.name: one.wrong for one in swept if one.wrong} == {}
    assert len(swept) > 20
