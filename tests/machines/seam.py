"""Where a run meets its world: every call of a port passes here, is logged, and may fail, die or be interrupted.

    product --> Through(port) --> Seam.call --> what happens at that very moment: another tick, a person
                                            --> the trouble of this run: refused, lost, unreachable, killed
                                            --> the watcher (the oracle), then the effect

A killed run makes no call any more: what its `finally` tries is not done, as after kill -9.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from typing import Any

from dr.errors import Ambiguous, CloudError, Denied, DrError, InUse, NotFound, Throttled, Unreachable

CREATES = {"create_snapshot", "create_image"}
DELETES = {"delete_snapshot", "deregister_image"}
_CODES = {
    "points": "BrokenListing",
    "sources": "BrokenListing",
    "create_snapshot": "ConcurrentSnapshotLimitExceeded",
    "create_image": "ConcurrentCreateImageNoRebootLimitExceeded",
}
_QUIET = ("leases/", "installation.json")
"""Keys that every run writes, whatever there is to do."""


class Killed(BaseException):
    """The process ended here."""


class Trouble(Enum):
    """What befalls one call of a run."""

    THROTTLED = "throttled"
    DENIED = "denied"
    REFUSED = "refused with another code"
    UNREACHABLE = "never sent"
    LOST_BEFORE = "lost before its effect"
    LOST_AFTER = "lost after its effect"
    KILLED_BEFORE = "killed before its effect"
    KILLED_AFTER = "killed after its effect"


_AFTER = {Trouble.LOST_AFTER, Trouble.KILLED_AFTER}
_KILLS = {Trouble.KILLED_BEFORE, Trouble.KILLED_AFTER}


@dataclass(slots=True, kw_only=True)
class Call:
    """One call as it was. `answer` is what it gave; `error` what its caller was told instead."""

    port: str
    method: str
    args: tuple[Any, ...]
    effect: bool = False
    answer: Any = None
    error: BaseException | None = None

    @property
    def changes(self) -> bool:
        """Whether it changed anything that a second run would not have to change."""
        if not self.effect:
            return False
        if self.port == "cloud":
            return self.method in CREATES | DELETES
        return self.method in {"put", "delete"} and not self.args[0].startswith(_QUIET)


@dataclass(slots=True, kw_only=True)
class Seam:
    """The calls of one run. `troubles` are by the call's number; `dark` are Regions and stores that do not answer.

    `blind` names listings that break: "points", "sources", "pins/", ..., each time or `once`. `moments` are what others do right before a
    call of a number or a method, `before_looks` what they do before the last look, told what is about to go.
    """

    watch: Callable[[Call], None]
    troubles: dict[int, Trouble] = field(default_factory=dict)
    dark: Collection[str] = ()
    blind: Collection[str] = ()
    once: bool = False
    moments: dict[int | str, Callable[[], None]] = field(default_factory=dict)
    before_looks: dict[str, Callable[[Sequence[str]], None]] = field(default_factory=dict)
    log: list[Call] = field(default_factory=list)
    dead: bool = False

    def call(self, port: str, method: str, args: tuple[Any, ...], effect: Callable[[], Any]) -> Any:
        """Make one call, or fail as it is to fail."""
        if self.dead:
            raise Killed
        call = Call(port=port, method=method, args=args)
        self.log.append(call)
        self._meanwhile(call)
        trouble = self._trouble(call)
        if trouble is not None and trouble not in _AFTER:
            self._fail(call, trouble)
        try:
            self.watch(call)
            call.answer = effect()
        except DrError as error:
            call.error = error
            raise
        call.effect = True
        if trouble is not None:
            self._fail(call, trouble)
        return call.answer

    def _meanwhile(self, call: Call) -> None:
        """What others do right before this call."""
        for when in (len(self.log), call.method):
            if moment := self.moments.pop(when, None):
                moment()
        if call.method == "owned" and (act := self.before_looks.pop("owned", None)):
            act(call.args[2])
        for look, asked in _LOOKS.items():
            if _second_look(self.log, *asked) and (act := self.before_looks.pop(look, None)):
                act(())

    def _trouble(self, call: Call) -> Trouble | None:
        if call.port in self.dark or (call.args and str(call.args[0]) in self.dark):
            return Trouble.UNREACHABLE
        if call.port == "cloud" and call.method == "sources" and call.args[1] in self.dark:
            return Trouble.UNREACHABLE
        for one in self.blind:
            if call.method == one or (call.port == "store" and _about(call, one)):
                self.blind = [other for other in self.blind if other != one or not self.once]
                return Trouble.REFUSED
        return self.troubles.get(len(self.log))

    def _fail(self, call: Call, trouble: Trouble) -> None:
        if trouble in _KILLS:
            self.dead, call.error = True, Killed()
        else:
            call.error = _error(trouble, call)
        raise call.error


def _about(call: Call, prefix: str) -> bool:
    return call.method in {"get", "keys"} and str(call.args[0]).startswith(prefix)


_LOOKS = {"pins": ("keys", "pins/"), "freezes": ("get", "words/freezes.json")}
"""What is read once more right before a deletion."""


def _second_look(log: list[Call], method: str, key: str) -> bool:
    if (log[-1].method, log[-1].args) != (method, (key,)):
        return False
    return sum((call.method, call.args) == (method, (key,)) for call in log) > 1


def _error(trouble: Trouble, call: Call) -> DrError:
    said = f"a test's trouble: {trouble.value}"
    match trouble:
        case Trouble.THROTTLED:
            return Throttled(said, code="RequestLimitExceeded")
        case Trouble.DENIED:
            return Denied(said, code="UnauthorizedOperation")
        case Trouble.UNREACHABLE:
            return Unreachable(said)
        case Trouble.REFUSED if call.method == "delete_snapshot":
            return InUse(said, code="InvalidSnapshot.InUse")
        case Trouble.REFUSED if call.method in {"create_snapshot", "create_image", "points", "sources"}:
            return CloudError(said, code=_CODES[call.method])
        case Trouble.REFUSED if call.method == "read":
            return NotFound(said, code="ValidationError")
        case Trouble.REFUSED:
            return CloudError(said, code="OperationNotPermitted")
        case _:
            return Ambiguous(said, code="InternalError")


class Through:
    """A port behind the seam; what is no method of it, and `skew`, is asked directly."""

    def __init__(self, port: str, inner: Any, seam: Seam) -> None:
        self._port, self._inner, self._seam = port, inner, seam

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not callable(found) or name == "skew":
            return found
        return partial(self._called, name, found)

    def _called(self, name: str, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        return self._seam.call(self._port, name, args, lambda: method(*args, **options))
