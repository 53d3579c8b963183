"""Actions that are under way at once: each has one outcome, whatever ends the run among them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from functools import partial
from typing import TypeVar

from dr.actions import Action, Capture, Expire, Outcome, Result, failed
from dr.errors import Busy, DrError, EnvironmentFailed, Interrupted, Unreachable
from dr.executor.hands import Hands
from dr.interrupts import Patience
from dr.model import Kind

Report = Callable[[Outcome], None]
"""Told each outcome as it happens: progress and logs."""

A = TypeVar("A", Capture, Expire)


class AtOnce:
    """Several at a time, in the order given. A Region out of reach is dark for the rest of this run (FAILURES, I25).

    `begun` holds the actions that may have had an effect, by their `id()`: one without an outcome has no answer yet.
    """

    def __init__(self, hands: Hands, note: Report, patience: Patience) -> None:
        self._given = hands
        self._hands = replace(hands, ended=lambda: self._over or bool(self._stopped) or patience.over)
        self._note = note
        self._patience = patience
        self._dark: dict[str, Unreachable] = {}
        self._stopped: list[Exception] = []
        self._over = False
        self.begun: dict[int, Action] = {}

    def all_of(self, actions: Sequence[A], work: Callable[[A, Hands], Outcome]) -> DrError | None:
        """Do all of them; what ends the run, once everything that was under way has ended too and was noted.

        `work` raises `Unreachable` for a Region, and another `DrError` for what ends the run. An interrupt waits some
        seconds for the calls that were sent: a run that began before EC2 shows what they have made would make it again.
        They try nothing again. Who interrupts twice (KeyboardInterrupt) does not wait.
        """
        try:
            for action, ended in self._hands.together(self._jobs(actions, work), left=self._patience.left):
                self._took(action, ended)
        except BaseException:
            self._over = True
            raise
        finally:
            self._raise_what_is_no_answer()
        return self.stopped

    @property
    def stopped(self) -> DrError | None:
        """What has ended the run; None while it goes on."""
        ends = [error for error in self._stopped if isinstance(error, DrError)]
        return next(iter(ends), Interrupted() if self._patience.over else None)

    def passes_over(self, action: Action) -> bool:
        """Whether there is no time for it or its Region is dark: then it has its outcome."""
        if self._given.out_of_time:
            self._note(Outcome(action=action, result=Result.LEFT, error="no time left in this run"))
        elif (dark := self._dark.get(action.lineage.region)) is not None:
            self._note(failed(action, dark, "its Region is out of reach: "))
        else:
            return False
        return True

    def darken(self, region: str, error: Unreachable) -> None:
        """Nothing more is asked of this Region."""
        self._dark.setdefault(region, error)

    def _jobs(
        self, actions: Sequence[A], work: Callable[[A, Hands], Outcome]
    ) -> Iterator[Callable[[], tuple[A, Outcome | Exception]]]:
        """What is begun next, as soon as there is a place for it.

        Stacks have their turn here, one by one: no bucket of EC2's holds them up, and one thread notes what the store
        learns of itself.
        """
        for action in actions:
            if self._stopped or self._patience.over:
                return
            if self.passes_over(action):
                continue
            if not self._beats():
                return
            self.begun[id(action)] = action
            if action.kind is Kind.STACK:
                self._took(*self._done(action, work))
            else:
                yield partial(self._done, action, work)

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
        if isinstance(ended, Unreachable):
            self.darken(action.lineage.region, ended)
        elif isinstance(ended, Exception):
            self._stopped.append(ended)
        if isinstance(ended, DrError):
            self._note(failed(action, ended))
        elif isinstance(ended, Outcome):
            self._note(ended)

    def _raise_what_is_no_answer(self) -> None:
        """A fault of our own must be seen, whatever else ends the run."""
        for error in self._stopped:
            if not isinstance(error, DrError):
                raise error
