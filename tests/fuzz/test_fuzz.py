"""Every reader of foreign bytes: no crash but our own errors, no hang (FAILURES 4.3)."""

from __future__ import annotations

import pytest
from fuzz_targets import BY_NAME, TARGETS, HungError, run, within
from hypothesis import HealthCheck, given, settings
from mutations import anything, mutated
from structures import STRUCTURED

SAMPLED = settings(deadline=None, max_examples=60, suppress_health_check=list(HealthCheck))
WHOLE = settings(SAMPLED, max_examples=1_500)
TABLE = pytest.mark.parametrize("target", TARGETS, ids=lambda target: target.name)


def fuzz(target, how, inputs):
    how(given(inputs)(lambda made: run(target, made.data)))()


@TABLE
def test_the_seeds_are_read(target):
    assert target.seeds
    for seed in target.seeds:
        run(target, seed)


@TABLE
def test_seeds_that_were_tampered_with(target):
    fuzz(target, SAMPLED, mutated(target))


@TABLE
def test_any_bytes(target):
    fuzz(target, SAMPLED, anything())


@pytest.mark.parametrize("name", STRUCTURED)
def test_inputs_with_the_shape_of_the_real_thing(name):
    fuzz(BY_NAME[name], SAMPLED, STRUCTURED[name])


@pytest.mark.long
@pytest.mark.parametrize("name", STRUCTURED)
def test_inputs_with_the_shape_of_the_real_thing_at_length(name):
    fuzz(BY_NAME[name], WHOLE, STRUCTURED[name])


@pytest.mark.long
@TABLE
def test_seeds_that_were_tampered_with_at_length(target):
    fuzz(target, WHOLE, mutated(target))


def without_end():
    while True:
        pass


def test_the_watch_ends_what_does_not_end():
    with pytest.raises(HungError), within(0.05):
        without_end()
