"""Wait until the captures of an apply are good: before a risky change (`dr apply --wait`)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from dr.actions import Capture, Outcome, Result
from dr.errors import CloudError, EnvironmentFailed
from dr.model import Kind, RecoveryPoint, State
from dr.tick.desk import Desk

_FIRST, _LONGEST = 1.0, 15.0
"""Seconds between two looks: short at first, then as often as a snapshot is worth asking for."""
_PATIENCE = 6 * 3600.0
"""Seconds; the first snapshot of a large volume takes hours [K]."""
_UNDECIDED = (None, State.PENDING)
_WORTH = (State.GOOD, State.ARCHIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Waited:
    """What became of the captures, and the ids of points of other runs that are not good either."""

    outcomes: tuple[Outcome, ...]
    not_good: tuple[str, ...]


def wait_for_captures(
    outcomes: Sequence[Outcome], found: Sequence[RecoveryPoint], desk: Desk, progress: Callable[[int], None]
) -> Waited:
    """Wait until every captured point is good or failed; `progress` hears how many are still pending.

    Also until those of `found` are that another run has begun: who waits asks for good points, whoever takes them. A
    point that fails, or is still pending after six hours, makes its outcome failed.
    """
    waited, pause = 0.0, _FIRST
    others = [point for point in found if point.state is State.PENDING]
    own = [outcome.created[0] for outcome in outcomes if _captured(outcome)]
    regions = sorted(
        {o.action.lineage.region for o in outcomes if _captured(o)} | {p.lineage.region for p in others}
    )
    states: Mapping[str, State] = {}
    while True:
        states = _states(regions, desk) or states
        pending = [id_ for id_ in own if states.get(id_) in _UNDECIDED]
        pending += [p.id for p in others if not states or states.get(p.id) is State.PENDING]
        progress(len(pending))
        if not pending or waited >= _PATIENCE:
            return Waited(
                outcomes=tuple(_judged(outcome, states) for outcome in outcomes),
                not_good=tuple(p.id for p in others if states.get(p.id, State.GOOD) not in _WORTH),
            )
        desk.hands.clock.sleep(pause)
        waited, pause = waited + pause, min(_LONGEST, pause * 2)


def _captured(outcome: Outcome) -> bool:
    """Whether it took a point that AWS completes later; a stored stack is whole at once."""
    capture = isinstance(outcome.action, Capture) and outcome.action.kind is not Kind.STACK
    return capture and outcome.result is Result.DONE


def _states(regions: Sequence[str], desk: Desk) -> Mapping[str, State] | None:
    """The state of every point of these Regions; None when a listing fails: the next look may succeed."""
    try:
        return {p.id: p.state for region in regions for p in desk.hands.cloud.points(region).points}
    except (CloudError, EnvironmentFailed):
        return None


def _judged(outcome: Outcome, states: Mapping[str, State]) -> Outcome:
    if not _captured(outcome) or states.get(outcome.created[0]) in _WORTH:
        return outcome
    state = states.get(outcome.created[0])
    why = f"{outcome.created[0]} is {state or 'not to be seen'}, not good"
    return replace(outcome, result=Result.FAILED, error=why)
