"""An interrupt as a word and not an exception, for work that must not end between two of its lines, and for who waits."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from types import FrameType
from typing import TypeVar

_Made = TypeVar("_Made")
_PATIENCE = 5.0
"""Seconds. EC2 answers a create within one or two."""
_SAID = (
    b"\ninterrupted: what was sent has five seconds to be answered; once more, and nothing is waited for\n"
)
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""Somebody presses Ctrl-C; a service manager, a container or a CI job ends dr; its terminal or ssh session is gone."""


class Patience:
    """Whether somebody has interrupted, and how long what is under way may still take."""

    def __init__(self) -> None:
        self._asked: float | None = None

    @property
    def over(self) -> bool:
        """Whether nothing more is to begin."""
        return self._asked is not None

    def left(self) -> float | None:
        """Seconds for what is under way; None while nobody has interrupted."""
        return None if self._asked is None else max(0.0, self._asked + _PATIENCE - time.monotonic())

    def begin(self) -> None:
        """Nothing more is to begin, and nothing is waited for."""
        self._asked = time.monotonic() - _PATIENCE

    def interrupt(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Somebody does. Raises `KeyboardInterrupt` the second time."""
        if self.over:
            raise KeyboardInterrupt
        self._asked = time.monotonic()
        if sys.stderr is not None and sys.stderr.isatty():
            with suppress(OSError):  # not by the stream: whom this interrupts may be writing there
                os.write(sys.stderr.fileno(), _SAID)


class Words:
    """What signals have said to a process that goes on until it is asked to end."""

    def __init__(self) -> None:
        self.ended = False
        self.again = False
        self._interrupts = False

    def end(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """It is to end. Raises `KeyboardInterrupt` where that is for the work in hand to hear, and whenever it is said again."""
        again, self.ended = self.ended, True
        if again or self._interrupts:
            raise KeyboardInterrupt

    def look(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """It is to look at its files again."""
        self.again = True

    def unless_ended(self, work: Callable[[], _Made]) -> _Made | None:
        """What the work makes, for which a word to end is an interrupt, as Ctrl-C is of a command; None where it came."""
        try:
            self._interrupts = True
            return None if self.ended else work()
        except KeyboardInterrupt:
            self.ended = True
            return None
        finally:
            self._interrupts = False


@contextmanager
def listening() -> Iterator[Words]:
    """Inside, SIGINT and SIGTERM are words to end, and SIGHUP is one to look again. For the main thread."""
    words = Words()
    handlers = {signal.SIGINT: words.end, signal.SIGTERM: words.end, signal.SIGHUP: words.look}
    before = {number: signal.signal(number, handler) for number, handler in handlers.items()}
    try:
        yield words
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def heeded() -> Iterator[Patience]:
    """Inside, the first of these signals is told by the patience, and the second is `KeyboardInterrupt`.

    Signals that the process was started to ignore are ignored; in another thread than the main one none ever comes. To who
    listens, a word to end is passed on, and one to look again is left.
    """
    patience, before = Patience(), {number: signal.getsignal(number) for number in _SIGNALS}
    words = {
        id(one): one
        for one in (getattr(each, "__self__", None) for each in before.values())
        if isinstance(one, Words)
    }
    heard = [number for number in _SIGNALS if before[number] not in (signal.SIG_IGN, None)]
    if words:
        heard.remove(signal.SIGHUP)
    if threading.current_thread() is not threading.main_thread():
        heard = []
    for number in heard:
        signal.signal(number, patience.interrupt)
    try:
        yield patience
    finally:
        for number in heard:
            signal.signal(number, before[number])
        if patience.over:
            for one in words.values():
                one.ended = True
