"""The order of a run: captures, then the expiries that the captures allow."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass

from dr.actions import Action, Capture, Cause, Expire, Outcome, Plan, Result, failed
from dr.errors import Busy, DrError, EnvironmentFailed, Interrupted
from dr.executor.at_once import AtOnce, Report
from dr.executor.captures import capture
from dr.executor.expiries import expire
from dr.executor.hands import Hands

Unrecorded = Mapping[tuple[str, str], DrError]
"""Why a change of `keep` could not be recorded, by policy and Region."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """Exactly one outcome for each action of a plan, in the order in which they ended; and what ended the run before all were begun."""

    outcomes: tuple[Outcome, ...]
    stopped: DrError | None = None


def _nothing_to_record() -> Unrecorded:
    return {}


def execute(
    plan: Plan, hands: Hands, report: Report, record: Callable[[], Unrecorded] = _nothing_to_record
) -> Executed:
    """Carry out every action of the plan. An interrupt ends the run as a lost lease does.

    `record` is called between the captures, which need no record, and the first deletion: what it says was not recorded
    lets nothing of a change of `keep` go.
    """
    outcomes: list[Outcome] = []

    def note(outcome: Outcome) -> None:
        outcomes.append(outcome)
        report(outcome)

    with hands.interrupts() as patience:
        crew = AtOnce(hands, note, patience)
        try:
            stopped = crew.all_of([action for action in plan.actions if isinstance(action, Capture)], capture)
            if stopped is None:
                stopped = expire(_free(plan.actions, tuple(outcomes), note, record()), hands, crew, note)
        except (Busy, EnvironmentFailed) as error:
            stopped = error
        except KeyboardInterrupt:
            stopped = Interrupted()
        for outcome in list(_rest(plan.actions, outcomes, crew.begun, stopped)):
            # who has interrupted waits for no line about each of what may be thousands
            quiet = isinstance(stopped, Interrupted) and outcome.result is Result.LEFT
            (outcomes.append if quiet else note)(outcome)
        return Executed(outcomes=tuple(outcomes), stopped=stopped)


def _free(
    actions: Sequence[Action], captured: Sequence[Outcome], note: Report, unrecorded: Unrecorded
) -> list[Expire]:
    """What may expire: blocked expiries are left for a person's word, unrecorded ones for later, and a failed capture closes its lineage."""
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
    return free


def _unrecorded(action: Expire, unrecorded: Unrecorded) -> DrError | None:
    """Without its record a change would have its ration again in the next run (DESIGN 7.4)."""
    lineage = action.lineage
    return unrecorded.get((lineage.policy, lineage.region)) if action.cause is Cause.POLICY_CHANGE else None


def _rest(
    actions: Sequence[Action], outcomes: Sequence[Outcome], begun: Collection[int], stopped: DrError | None
) -> Iterator[Outcome]:
    """Nothing is lost: each action that has no outcome yet gets one. What was begun may be done all the same."""
    seen = {id(outcome.action) for outcome in outcomes}
    if stopped is None:
        return
    for action in actions:
        if id(action) in seen:
            continue
        if id(action) in begun:
            yield failed(action, stopped, "AWS has not answered, and it may be done all the same: ")
        else:
            yield Outcome(action=action, result=Result.LEFT, error=stopped.message, remedy=stopped.remedy)
