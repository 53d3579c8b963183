"""Wait until the captures of an apply are good: before a risky change (`dr apply --wait`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from dr.actions import Capture, Outcome, Result
from dr.errors import CloudError, EnvironmentFailed
from dr.model import Kind, State
from dr.tick.desk import Desk

_FIRST, _LONGEST = 1.0, 15.0
"""Seconds between two looks: short at first, then as often as a snapshot is worth asking for."""
_PATIENCE = 6 * 3600.0
"""Seconds; the first snapshot of a large volume takes hours [K]."""


def wait_for_captures(
    outcomes: Sequence[Outcome], desk: Desk, progress: Callable[[int], None]
) -> tuple[Outcome, ...]:
    """The outcomes once every captured point is good or failed; `progress` hears how many are still pending.

    A point that fails, or is still pending after six hours, makes its outcome failed.
    """
    waited, pause = 0.0, _FIRST
    states: Mapping[str, State] = {}
    while True:
        states = _states(outcomes, desk) or states
        pending = [o for o in outcomes if _captured(o) and states.get(o.created[0]) in (None, State.PENDING)]
        progress(len(pending))
        if not pending or waited >= _PATIENCE:
            return tuple(_judged(outcome, states) for outcome in outcomes)
        desk.hands.clock.sleep(pause)
        waited, pause = waited + pause, min(_LONGEST, pause * 2)


def _captured(outcome: Outcome) -> bool:
    """Whether it took a point that AWS completes later; a stored stack is whole at once."""
    capture = isinstance(outcome.action, Capture) and outcome.action.kind is not Kind.STACK
    return capture and outcome.result is Result.DONE


def _states(outcomes: Sequence[Outcome], desk: Desk) -> Mapping[str, State] | None:
    """The state of every point of the Regions concerned; None when a listing fails: the next look may succeed."""
    regions = sorted({o.action.lineage.region for o in outcomes if _captured(o)})
    try:
        return {p.id: p.state for region in regions for p in desk.hands.cloud.points(region).points}
    except (CloudError, EnvironmentFailed):
        return None


def _judged(outcome: Outcome, states: Mapping[str, State]) -> Outcome:
    if not _captured(outcome) or states.get(outcome.created[0]) in (State.GOOD, State.ARCHIVED):
        return outcome
    state = states.get(outcome.created[0])
    why = f"{outcome.created[0]} is {state or 'not to be seen'}, not good"
    return replace(outcome, result=Result.FAILED, error=why)
