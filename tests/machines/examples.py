"""How much of the machines is tried. There are four of them, each in a file of its own for pytest's workers.

The sample is the same in every run, so that a change is judged and not chance; the many are new ones each time. A
failing example is printed as the Python that it is.
"""

from __future__ import annotations

from hypothesis import HealthCheck, Phase, settings

_PHASES = (Phase.generate, Phase.shrink)
"""Without `explain`: it traces every line, and takes longer than all the rest."""
_QUIET = (HealthCheck.too_slow, HealthCheck.filter_too_much)

SAMPLE = settings(
    max_examples=40,
    stateful_step_count=20,
    deadline=None,
    derandomize=True,
    database=None,
    phases=_PHASES,
    suppress_health_check=_QUIET,
)
MANY = settings(
    SAMPLE, max_examples=1250, stateful_step_count=30, derandomize=False, phases=_PHASES, database=None
)
