"""Where processes that race meet: each stops right before a call until all are there, and then all go at once.

A meeting is a folder that the racers share. Who arrives leaves a file and waits for the others'; who ends leaves one
too, so that nobody waits for the dead. Every wait is bounded, and one that is in vain fails loudly.
"""

from __future__ import annotations

import os
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import botocore
from faults.hooks import in_turn

from dr.store.leases import StoreLeases

_AT_MOST = 40.0
"""Seconds; a machine may be busy with other things."""
_PAUSE = 0.002


@dataclass(slots=True, kw_only=True)
class Barrier:
    """One racer's side of it. It stops before each call of `action` to a path that matches; `parties` are all racers."""

    folder: Path
    who: str
    parties: int
    action: str
    path: str = ""
    count: int = 0
    sleep: Any = field(default=time.sleep)

    def meet(self, request: Any, event_name: str, **_: Any) -> None:
        """Stand before the sending of a call; botocore then goes on with the next handler."""
        mine = event_name.rsplit(".", 1)[1] == self.action
        if mine and re.search(self.path, urlsplit(request.url).path):
            self.count += 1
            self.arrive(f"{self.count}")

    def arrive(self, place: str) -> None:
        """Wait for the others at this place."""
        (self.folder / f"at-{place}-{self.who}").touch()
        waited = 0.0
        while self._there(place) < self.parties:
            if waited > _AT_MOST:
                raise AssertionError(f"{self.who} waited in vain for the others at {self.action} {place}")
            self.sleep(_PAUSE)
            waited += _PAUSE
        if len(list(self.folder.glob(f"at-{place}-*"))) == self.parties:
            (self.folder / f"met-{place}").touch()

    def _there(self, place: str) -> int:
        here = {file.name.rsplit("-", 1)[1] for file in self.folder.glob(f"at-{place}-*")}
        return len(here | {file.name.rsplit("-", 1)[1] for file in self.folder.glob("ended-*")})


def ended(folder: Path, who: str) -> None:
    """Nobody waits for this racer any more."""
    (folder / f"ended-{who}").touch()


def met(folder: Path) -> int:
    """At how many places all of them stood at once."""
    return len(list(folder.glob("met-*")))


def register(barrier: Barrier) -> None:
    """Put the barrier before every call that this process makes from now on; before a fault layer, if there is one."""
    in_turn()
    botocore.register_initializer(lambda session: session.register("before-send", barrier.meet))


class _OfNoUse:
    """A lease that everybody gets."""

    def renew(self) -> None:
        pass

    def release(self) -> None:
        pass


def give_leases_to_all() -> None:
    """Switch leases off in this process: correctness must not rest on them (FAILURES 2c)."""
    StoreLeases.acquire = lambda self, key: _OfNoUse()  # type: ignore[method-assign,assignment,return-value]


def from_environment(environ: Mapping[str, str]) -> Barrier | None:
    """The barrier that a process was started with, in `RACE_*`; None when it is to run alone."""
    if environ.get("RACE_LEASES") == "off":
        give_leases_to_all()
    if "RACE_FOLDER" not in environ:
        return None
    barrier = Barrier(
        folder=Path(environ["RACE_FOLDER"]),
        who=environ["RACE_WHO"],
        parties=int(environ["RACE_PARTIES"]),
        action=environ["RACE_ACTION"],
        path=environ.get("RACE_PATH", ""),
    )
    register(barrier)
    return barrier


def as_environment(
    folder: Path, who: str, parties: int, action: str, path: str = "", *, leased: bool = False
) -> dict[str, str]:
    """What `from_environment` reads."""
    return {
        "RACE_FOLDER": os.fspath(folder),
        "RACE_WHO": who,
        "RACE_PARTIES": str(parties),
        "RACE_ACTION": action,
        "RACE_PATH": path,
        "RACE_LEASES": "on" if leased else "off",
    }
