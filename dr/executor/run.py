"""The order of a run: captures, then the expiries that the captures allow."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial

from dr.actions import Action, Capture, Cause, Expire, Outcome, Plan, Result, failed
from dr.errors import Busy, DrError, EnvironmentFailed, Unreachable
from dr.executor.captures import capture
from dr.executor.expiries import expire
from dr.executor.hands import Hands
from dr.model import Kind

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

    captures = [action for action in plan.actions if isinstance(action, Capture)]
    if (stopped := _Captures(hands, note).all_of(captures)) is not None:
        _leave(_unaccounted(plan.actions, outcomes), stopped, note)
        return tuple(outcomes)
    try:
        _expire_all(plan.actions, outcomes, hands, note, record())
    except (Busy, EnvironmentFailed) as error:
        _stop(_unaccounted(plan.actions, outcomes), error, note)
    return tuple(outcomes)


class _Captures:
    """Several at once, the most overdue first. A Region out of reach is dark for the rest of this run (FAILURES, I25)."""

    def __init__(self, hands: Hands, note: Report) -> None:
        self._hands = replace(hands, ended=lambda: self._over)
        self._note = note
        self._dark: dict[str, Unreachable] = {}
        self._stopped: list[Exception] = []
        self._over = False

    def all_of(self, actions: Sequence[Capture]) -> DrError | None:
        """Take every point; what ends the run, once all that was under way has ended too and was noted.

        An interrupt as well waits some seconds for the creates that were sent: a run that began before EC2 shows what they
        have made would make it again. They try nothing again.
        """
        try:
            for action, ended in self._hands.together(self._jobs(actions), finish=True):
                self._took(action, ended)
        finally:
            self._over = True
        for error in self._stopped:
            if not isinstance(error, DrError):
                raise error
        return next((error for error in self._stopped if isinstance(error, DrError)), None)

    def _jobs(
        self, actions: Sequence[Capture]
    ) -> Iterator[Callable[[], tuple[Capture, Outcome | Exception]]]:
        """What is begun next, as soon as there is a place for it.

        Stacks are taken here, one by one: what the store has found wrong with itself is not kept for several threads.
        """
        try:
            for action in actions:
                if self._stopped:
                    return
                if self._hands.out_of_time:
                    self._note(Outcome(action=action, result=Result.LEFT, error="no time left in this run"))
                elif (dark := self._dark.get(action.lineage.region)) is not None:
                    self._note(failed(action, dark))
                elif not self._beats():
                    return
                elif action.kind is Kind.STACK:
                    self._took(*self._take(action))
                else:
                    yield partial(self._take, action)
        except (GeneratorExit, KeyboardInterrupt):
            self._over = True
            raise

    def _beats(self) -> bool:
        """Whether the run goes on: nobody has taken the leases."""
        try:
            self._hands.heartbeat()
        except (Busy, EnvironmentFailed) as error:
            self._stopped.append(error)
        return not self._stopped

    def _take(self, action: Capture) -> tuple[Capture, Outcome | Exception]:
        try:
            return action, capture(action, self._hands)
        except Exception as error:  # noqa: BLE001 - noted with its action; a fault of our own is raised after all others ended
            return action, error

    def _took(self, action: Capture, ended: Outcome | Exception) -> None:
        if isinstance(ended, Outcome):
            self._note(ended)
            return
        if isinstance(ended, DrError):
            self._note(failed(action, ended))
        if isinstance(ended, Unreachable):
            self._dark.setdefault(action.lineage.region, ended)
        else:
            self._stopped.append(ended)


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


def _stop(rest: Sequence[Action], error: DrError, note: Report) -> None:
    """The run ends among its deletions. A lost lease is noticed between two; where AWS is out of reach the one under way failed."""
    if rest and isinstance(error, EnvironmentFailed):
        note(failed(rest[0], error))
        rest = rest[1:]
    _leave(rest, error, note)


def _leave(rest: Sequence[Action], error: DrError, note: Report) -> None:
    """Nothing is lost: each action that has no outcome yet gets one."""
    for action in rest:
        note(Outcome(action=action, result=Result.LEFT, error=error.message, remedy=error.remedy))


def _unaccounted(actions: Sequence[Action], outcomes: Sequence[Outcome]) -> list[Action]:
    seen = {id(o.action) for o in outcomes}
    return [action for action in actions if id(action) not in seen]
