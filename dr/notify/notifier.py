"""What has changed is told to each target, once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial

from dr.clock import SystemClock
from dr.config.notifying import RECOVERY, Target
from dr.errors import CloudError, DrError, EnvironmentFailed
from dr.notices.changes import Told, changes
from dr.notices.conditions import Observed, Seen, Trouble
from dr.notices.messages import Message, of_changes, of_day, of_test
from dr.notify.targets import Send
from dr.store.notices import StoreNotices
from dr.threads import apart

_SECONDS = 15.0
"""That targets have, all at once; a daemon that is to end has thirty."""
_STORE = "store"
_PING = Message(title="", body="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A message, and what its target has been told of once it is sent; None where that changes nothing."""

    message: Message
    told: Told | None = None


@dataclass(slots=True, kw_only=True)
class Memory:
    """What one process knows of what targets were told: as it was read last, what the store does not know yet, who is being told."""

    known: dict[str, Told] = field(default_factory=dict)
    unsaved: dict[str, Told] = field(default_factory=dict)
    under_way: set[Target] = field(default_factory=set)


class Notifier:
    """Tells the targets of one installation, and remembers it in the store; in `memory` while that is away."""

    def __init__(
        self,
        installation: str,
        sends: Mapping[Target, Send],
        store: StoreNotices,
        clock: SystemClock,
        memory: Memory,
    ) -> None:
        self._installation = installation
        self._sends = sends
        self._store = store
        self._clock = clock
        self._memory = memory

    def tell(
        self, observed: Observed, seen: Seen | None = None, *, good: bool = False
    ) -> Mapping[str, DrError]:
        """Say what has changed, and, where a tick saw something, how the day was; ping after a good tick.

        What came to nothing, by the id of the target, or `store`.
        """
        now, troubles = self._clock.now(), self._recall()
        steps: dict[Target, tuple[_Step, ...]] = {}
        for target in self._sends:
            if target.way == "ping":
                steps[target] = (_Step(message=_PING),) if good else ()
                continue
            before = self._memory.known.get(target.id, Told())
            steps[target], after = self._steps(target, before, observed, seen, now)
            if not steps[target] and after != before:
                self._memory.unsaved[target.id] = after
        troubles |= self._send(steps)
        return troubles | self._save()

    def test(self) -> Mapping[Target, DrError | None]:
        """Send something to every target; what came of it. What targets were told of stays as it is."""
        message = of_test(self._installation, self._clock.now())
        failed = self._send({target: (_Step(message=message),) for target in self._sends})
        return {target: failed.get(target.id) for target in self._sends}

    def _steps(
        self, target: Target, told: Told, observed: Observed, seen: Seen | None, now: datetime
    ) -> tuple[tuple[_Step, ...], Told]:
        """What is to be sent, in order; and what the target is to have been told of then."""
        found = changes(told, observed, now)
        after = replace(told, since=found.since)
        steps: list[_Step] = []
        troubles = frozenset(trouble for trouble in Trouble if trouble.value in target.about)
        if wanted := found.of(troubles, recoveries=RECOVERY in target.about):
            steps.append(_Step(message=of_changes(self._installation, wanted, now), told=after))
        slot = target.digest.latest(now) if target.digest and seen else None
        if seen and slot and (told.digest is None or slot > told.digest):
            begins = told.digest is None  # who was just added waits for a morning
            after = replace(after, digest=slot)
            if not begins:
                message = of_day(self._installation, seen, found.since, now)
                steps.append(_Step(message=message, told=after))
        return tuple(steps), after

    def _send(self, steps: Mapping[Target, tuple[_Step, ...]]) -> dict[str, DrError]:
        """All at once, for some seconds. Who is still at the last one is asked nothing new."""
        failed: dict[str, DrError] = {}
        jobs = {}
        for target, those in steps.items():
            if those and target in self._memory.under_way:
                failed[target.id] = _hangs(target)
            elif those:
                self._memory.under_way.add(target)
                jobs[target] = partial(self._take, target, those)
        end = self._clock.monotonic() + _SECONDS
        left = partial(self._left, end)
        for target, done in apart(jobs, at_once=max(1, len(jobs)), lost=lambda _: False, left=left):
            try:
                failed |= {} if done and done.result() is None else {target.id: _hangs(target)}
            except DrError as error:
                failed[target.id] = error
        return failed

    def _left(self, end: float) -> float:
        return max(0.0, end - self._clock.monotonic())

    def _take(self, target: Target, steps: tuple[_Step, ...]) -> None:
        """Send them in order; each that was sent is remembered, also when nobody waits for it any more."""
        try:
            for step in steps:
                self._sends[target](step.message)
                if step.told is not None:
                    self._memory.unsaved[target.id] = step.told
        finally:
            self._memory.under_way.discard(target)

    def _recall(self) -> dict[str, DrError]:
        """What each target was told of: as the store has it, else as it was known last."""
        troubles: dict[str, DrError] = {}
        try:
            self._memory.known = dict(self._store.read())
        except (CloudError, EnvironmentFailed) as error:
            troubles[_STORE] = error
        self._memory.known |= self._memory.unsaved
        return troubles

    def _save(self) -> dict[str, DrError]:
        saving = dict(self._memory.unsaved)
        if not saving:
            return {}
        self._memory.known |= saving
        try:
            self._store.write(saving)
        except (CloudError, EnvironmentFailed) as error:
            return {_STORE: error}
        for id_, told in saving.items():
            if self._memory.unsaved.get(id_) == told:
                del self._memory.unsaved[id_]
        return {}


def _hangs(target: Target) -> DrError:
    return EnvironmentFailed(
        f"{target.name}: no answer within {_SECONDS:.0f} seconds",
        "is it reachable? The next tick tells it again",
    )
