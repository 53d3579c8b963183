"""What a daemon tells the service manager that has started it: that it is ready, that it moves, what it does, that it ends.

Datagrams to the socket that NOTIFY_SOCKET names; without one nothing is told. A page of our own: the one library for it on
PyPI has seen no release since 2017. Source: systemd manual, sd_notify(3), sd_watchdog_enabled(3).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Mapping
from contextlib import suppress

from dr.words import one_line, short


class ServiceManager:
    """systemd, or whatever speaks its protocol. `monotonic` reads a clock that is never set, in seconds."""

    def __init__(self, environ: Mapping[str, str], monotonic: Callable[[], float]) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        self._is_watched = _is_watched(environ)
        self._monotonic = monotonic
        self._moved: float | None = None
        self._said = ""

    def ready(self) -> None:
        """The files are sound, and the work begins."""
        self._tell("READY=1")

    def moves(self) -> None:
        """It does not hang: told at most once a second, where a watchdog would end it for its silence."""
        now = self._monotonic()
        if self._is_watched and (self._moved is None or now - self._moved >= 1):
            self._moved = now
            self._tell("WATCHDOG=1")

    def does(self, what: str) -> None:
        """For people, in `systemctl status`; told when it changes."""
        if what != self._said:
            self._said = what
            self._tell(f"STATUS={short(one_line(what))}")

    def ends(self) -> None:
        """It ends because it was asked to."""
        self._tell("STOPPING=1")

    def _tell(self, what: str) -> None:
        """A manager that does not listen is no reason to stop working."""
        if not self._address:
            return
        address = f"\0{self._address[1:]}" if self._address.startswith("@") else self._address
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_CLOEXEC) as to:
            to.setblocking(False)
            to.sendto(what.encode(), address)


def _is_watched(environ: Mapping[str, str]) -> bool:
    """Whether somebody waits for signs of life of this process."""
    told, pid = environ.get("WATCHDOG_USEC", ""), environ.get("WATCHDOG_PID", "")
    return told.isdecimal() and int(told) > 0 and pid in {"", str(os.getpid())}
