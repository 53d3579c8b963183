"""The order of a run: captures, then the expiries that the captures allow."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from dr.actions import Action, Capture, Cause, Expire, Outcome, Plan, Result, failed
from dr.errors import Busy, DrError, EnvironmentFailed, Unreachable
from dr.executor.captures import capture
from dr.executor.expiries import expire
from dr.executor.hands import Hands

Report = Callable[[Outcome], None]
"""Told each outcome as it happens: progress and logs."""

Unrecorded = Mapping[tuple[str, str], DrError]
"""Why a change of `keep` could not be recorded, by policy and Region."""


def _nothing_to_record() -> Unrecorded:
    return {}


def execute(
    plan: Plan, hands: Hands, report: Report, record: Callable[[], Unrecorded] = _nothing_to_record
) -> tuple[Outcome, ...]:
    """Carry out every action of the plan; exactly one outcome for each, in the order in which they ended.

    `record` is called between the captures, which need no record, and the first deletion: what it says was not recorded
    lets nothing of a change of `keep` go.
    """
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        report(outcome)

    dark: dict[str, Unreachable] = {}
    try:
        for action in plan.actions:
            if isinstance(action, Capture):
                note(_capture(action, hands, dark))
        _expire_all(plan.actions, outcomes, hands, note, record())
    except (Busy, EnvironmentFailed) as error:
        _stop(plan.actions, outcomes, error, note)
    return tuple(outcomes)


def _capture(action: Capture, hands: Hands, dark: dict[str, Unreachable]) -> Outcome:
    """Take one point. A Region that could not be reached is dark for the rest of this run (FAILURES, I25)."""
    if hands.out_of_time:
        return Outcome(action=action, result=Result.LEFT, error="no time left in this run")
    region = action.lineage.region
    if region not in dark:
        hands.heartbeat()
        try:
            return capture(action, hands)
        except Unreachable as error:
            dark[region] = error
    return failed(action, dark[region])


def _expire_all(
    actions: Sequence[Action], captured: list[Outcome], hands: Hands, note: Report, unrecorded: Unrecorded
) -> None:
    """Expire what no failed capture closes; blocked expiries are left for a person's word, unrecorded ones for later."""
    closed = {o.action.lineage for o in captured if o.result is not Result.DONE}
    free = []
    for action in actions:
        if not isinstance(action, Expire):
            continue
        if action.blocked:
            why = "blocked: expires only with a person's word (--allow-expire)"
            note(Outcome(action=action, result=Result.LEFT, error=why))
        elif (error := _unrecorded(action, unrecorded)) is not None:
            why = f"the change of `keep` could not be recorded: {error.message}"
            note(Outcome(action=action, result=Result.LEFT, error=why, remedy=error.remedy))
        elif action.lineage in closed:
            why = "its own capture did not succeed in this run"
            note(Outcome(action=action, result=Result.SKIPPED, error=why))
        else:
            free.append(action)
    for outcome in expire(free, hands):
        note(outcome)


def _unrecorded(action: Expire, unrecorded: Unrecorded) -> DrError | None:
    """Without its record a change would have its ration again in the next run (DESIGN 7.4)."""
    lineage = action.lineage
    return unrecorded.get((lineage.policy, lineage.region)) if action.cause is Cause.POLICY_CHANGE else None


def _stop(actions: Sequence[Action], outcomes: Sequence[Outcome], error: DrError, note: Report) -> None:
    """The run ends here: nothing is lost, each action that has no outcome yet gets one.

    A lost lease is noticed between two actions. Where AWS is out of reach the action under way has failed.
    """
    rest = _unaccounted(actions, outcomes)
    if rest and isinstance(error, EnvironmentFailed):
        note(failed(rest.pop(0), error))
    for action in rest:
        note(Outcome(action=action, result=Result.LEFT, error=error.message, remedy=error.remedy))


def _unaccounted(actions: Sequence[Action], outcomes: Sequence[Outcome]) -> list[Action]:
    seen = {id(o.action) for o in outcomes}
    return [action for action in actions if id(action) not in seen]
