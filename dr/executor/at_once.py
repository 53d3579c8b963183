"""Actions that are under way at once: each has one outcome, whatever ends the run among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from dr.actions import Capture, Expire, Outcome, Result, failed
from dr.errors import Busy, DrError, EnvironmentFailed, Interrupted, Unreachable
from dr.executor.hands import Hands
from dr.model import Kind

Report = Callable[[Outcome], None]
"""Told each outcome as it happens: progress and logs."""

A = TypeVar("A", Capture, Expire)


def _unanswered() -> Interrupted:
    return Interrupted("interrupted before AWS had answered: it may be done all the same")


class AtOnce:
    """Several at a time, in the order given. A Region out of reach is dark for the rest of this run (FAILURES, I25)."""

    def __init__(self, hands: Hands, note: Report) -> None:
        self._hands = replace(hands, ended=lambda: self._over)
        self._note = note
        self._dark: dict[str, Unreachable] = {}
        self._stopped: list[Exception] = []
        self._sent: dict[int, Capture | Expire] = {}
        self._over = False

    def all_of(self, actions: Sequence[A], work: Callable[[A, Hands], Outcome]) -> DrError | None:
        """Do all of them; what ends the run, once everything that was under way has ended too and was noted.

        `work` raises `Unreachable` for a Region, and another `DrError` for what ends the run. An interrupt as well waits
        some seconds for the calls that were sent: a run that began before EC2 shows what they have made would make it
        again. They try nothing again, and one without an answer has failed as far as this run knows.
        """
        self._over = False
        try:
            for action, ended in self._hands.together(self._jobs(actions, work), finish=True):
                self._took(action, ended)
        except KeyboardInterrupt:
            for sent in self._sent.values():
                self._note(failed(sent, _unanswered()))
            raise
        finally:
            self._over = True
        for error in self._stopped:
            if not isinstance(error, DrError):
                raise error
        return next((error for error in self._stopped if isinstance(error, DrError)), None)

    def _jobs(
        self, actions: Sequence[A], work: Callable[[A, Hands], Outcome]
    ) -> Iterator[Callable[[], tuple[A, Outcome | Exception]]]:
        """What is begun next, as soon as there is a place for it.

        Stacks have their turn here, one by one: what the store has found wrong with itself is not kept for several
        threads.
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
                    self._took(*self._done(action, work))
                else:
                    self._sent[id(action)] = action
                    yield partial(self._done, action, work)
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

    def _done(self, action: A, work: Callable[[A, Hands], Outcome]) -> tuple[A, Outcome | Exception]:
        try:
            return action, work(action, self._hands)
        except Exception as error:  # noqa: BLE001 - noted with its action; a fault of our own is raised after all others ended
            return action, error

    def _took(self, action: A, ended: Outcome | Exception) -> None:
        self._sent.pop(id(action), None)
        if isinstance(ended, Outcome):
            self._note(ended)
            return
        if isinstance(ended, DrError):
            self._note(failed(action, ended))
        if isinstance(ended, Unreachable):
            self._dark.setdefault(action.lineage.region, ended)
        else:
            self._stopped.append(ended)
