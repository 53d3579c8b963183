"""The same targets under atheris, which follows the lines of dr that an input reaches."""

from __future__ import annotations

import pytest
from atheris_sweep import fuzzed
from fuzz_targets import PLANTED, TARGETS


@pytest.mark.long
@pytest.mark.parametrize("target", [target.name for target in TARGETS])
def test_no_fault_is_found(target, tmp_path):
    done = fuzzed(target, tmp_path, seconds=20)
    assert done.ok, done
    assert done.runs > 100
    assert done.reached > 5


@pytest.mark.long
def test_a_planted_fault_is_found(tmp_path):
    done = fuzzed(PLANTED.name, tmp_path, seconds=60, seed=1)
    assert (done.ok, len(done.inputs)) == (False, 1)
    assert done.inputs[0].read_bytes().startswith(b"dr!")
    assert "ZeroDivisionError: planted" in done.log
