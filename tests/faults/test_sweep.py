"""A sample of the sweeps, in `make test` a few of it; the whole of them is `make faults`."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial

import pytest
from faults.operations import OPERATIONS
from faults.sweep import few, kept, sample, sweep, table

SHARES = ((0, 2), (1, 2))
"""Two worlds side by side: this file takes longer than most."""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_i5_i6_i24_a_fault_or_a_kill_at_any_call_and_one_clean_run_end_as_if_nothing_had_been(
    operation, pytestconfig
):
    chosen = few if pytestconfig.getoption("--sample") else sample
    with ThreadPoolExecutor(len(SHARES)) as pool:
        swept = [one for part in pool.map(partial(sweep, operation, chosen), SHARES) for one in part]

    assert {one.case.name: one.wrong for one in swept if one.wrong} == {}
    assert swept


@pytest.mark.long
@pytest.mark.parametrize("operation", [name for name, operation in OPERATIONS.items() if operation.deploys])
def test_every_call_of_a_deployment_may_fail_in_every_way(operation):
    swept = sweep(operation)

    assert {one.case.name: one.wrong for one in swept if one.wrong} == {}


PAGE = """
| operation | fault | calls tried | survived |
|---|---|---:|---:|
| apply volumes | 500 | 15 | 100 % |
| undeploy | 500 | 9 | 50 % |
| gone since | 500 | 9 | 50 % |
| **all** |  | **24** | **100 %** |
"""


def test_rows_of_one_operation_are_written_beside_those_that_stand():
    """A sweep of one operation keeps what others have measured, and counts all."""
    both = kept(PAGE, [("undeploy", "500", 11, 11), ("undeploy", "storm", 25, 24)])

    assert both == [
        ("apply volumes", "500", 15, 15),
        ("undeploy", "500", 11, 11),
        ("undeploy", "storm", 25, 24),
    ]
    assert table(both).endswith("| undeploy | storm | 25 | 96 % |\n| **all** |  | **51** | **98.04 %** |")
