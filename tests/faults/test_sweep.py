"""A sample of the sweeps; the whole of them is `make faults`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from faults.operations import OPERATIONS
from faults.sweep import sample, sweep

SHARES = ((0, 2), (1, 2))
"""Two worlds side by side: this file is the last that a parallel run begins."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_i5_i6_i24_a_fault_or_a_kill_at_any_call_and_one_clean_run_end_as_if_nothing_had_been(operation):
    with ThreadPoolExecutor(len(SHARES)) as pool:
        swept = [one for part in pool.map(partial(sweep, operation, sample), SHARES) for one in part]

    assert {one.case.name: one.wrong for one in swept if one.wrong} == {}
    assert len(swept) > 5
