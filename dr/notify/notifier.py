"""What has changed is told to each target, once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from dr.clock import SystemClock
from dr.config.notifying import RECOVERY, Target
from dr.errors import DrError, EnvironmentFailed
from dr.notices.changes import News, Told, changes
from dr.notices.conditions import Observed, Seen
from dr.notices.messages import Message, of_changes, of_day, of_test
from dr.notify.targets import Send
from dr.store.notices import StoreNotices
from dr.threads import apart

_SECONDS = 15.0
"""That targets have, all at once; a daemon that is to end has thirty."""
_AHEAD = timedelta(days=2)
"""Of a digest's slot: as far as a clock may have been ahead without its being told twice."""
STORE = "store"
"""What could not be told of no target, but of what they were told."""
_NONE = News()
_PING = Message(title="", body="")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Step:
    """A message, and what its target has heard by it."""

    message: Message
    news: News = _NONE


@dataclass(slots=True, kw_only=True)
class Memory:
    """What one process knows of what targets were told: as it was read last, what the store does not know yet, who is being told."""

    known: Mapping[str, Told] = field(default_factory=dict)
    unsaved: dict[str, News] = field(default_factory=dict)
    under_way: set[Target] = field(default_factory=set)

    def told(self, target: Target) -> Told:
        """What a target was told."""
        return self.unsaved.get(target.id, _NONE).onto(self.known.get(target.id, Told()))

    def heard(self, target: Target, news: News) -> None:
        """It has been told this, too."""
        self.unsaved[target.id] = self.unsaved.get(target.id, _NONE).then(news)


class Notifier:
    """Tells the targets of one installation, and remembers it in the store; in `memory` while that is away.

    `store` opens it, and raises `DrError` where that cannot be done now.
    """

    def __init__(
        self,
        installation: str,
        sends: Mapping[Target, Send],
        store: Callable[[], StoreNotices],
        clock: SystemClock,
        memory: Memory,
    ) -> None:
        self._installation = installation
        self._sends = sends
        self._store = store
        self._clock = clock
        self._memory = memory

    def tell(
        self,
        observed: Observed,
        seen: Seen | None = None,
        *,
        good: bool = False,
        lost: bool = False,
    ) -> Mapping[str, DrError]:
        """Say what has changed, and, where a tick saw something, how the day was; ping after a good tick.

        What came to nothing, by the id of the target, or `STORE`. A store that is `lost` is left alone: an empty one in its place
        would tell that nobody was told anything.
        """
        if not self._sends:
            return {}
        now, troubles = self._clock.now(), {} if lost else self._recall()
        steps = {target: self._steps(target, observed, seen, now, good=good) for target in self._sends}
        try:
            troubles |= self._send(steps)
        finally:  # who ends it has told what it has told
            troubles |= {} if lost else self._save()
        return troubles

    def test(self) -> Mapping[Target, DrError | None]:
        """Send something to every target; what came of it. What targets were told of stays as it is."""
        message = of_test(self._installation, self._clock.now())
        failed = self._send({target: (_Step(message=message),) for target in self._sends})
        return {target: failed.get(target.id) for target in self._sends}

    def _steps(
        self, target: Target, observed: Observed, seen: Seen | None, now: datetime, *, good: bool
    ) -> tuple[_Step, ...]:
        """What is to be sent to a target, in order."""
        if target.way == "ping":
            return (_Step(message=_PING),) if good else ()
        told = self._memory.told(target)
        found = changes(told, observed, target.about)
        if RECOVERY not in target.about:
            self._hear(target, News(over=frozenset((*found.recovered, *found.gone))))
            found = replace(found, recovered={}, gone={})
        first = (
            (_Step(message=of_changes(self._installation, found, now), news=found.news(now)),)
            if found
            else ()
        )
        return (*first, *self._digest(target, told, observed, seen, now))

    def _digest(
        self, target: Target, told: Told, observed: Observed, seen: Seen | None, now: datetime
    ) -> tuple[_Step, ...]:
        """A day's, once, with all that is wrong; who was just added waits for a morning, and so does one whose last one was of a clock that was ahead."""
        if target.digest is None or seen is None or any(miss.what == "clock" for _, miss in seen.missed):
            return ()
        slot = target.digest.latest(now)
        if slot is None:
            return ()
        if told.digest is None or told.digest > now + _AHEAD:
            self._hear(target, News(digest=slot))
            return ()
        if slot <= told.digest:
            return ()
        still = {key: at for key, at in told.since.items() if observed.blind(key)}
        wrong = {**still, **{key: told.since.get(key, now) for key in observed.conditions}}
        return (_Step(message=of_day(self._installation, seen, wrong, now), news=News(digest=slot)),)

    def _hear(self, target: Target, news: News) -> None:
        """Remember it without a message."""
        if news:
            self._memory.heard(target, news)

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
                self._hear(target, step.news)
        finally:
            self._memory.under_way.discard(target)

    def _recall(self) -> dict[str, DrError]:
        """What each target was told of: as the store has it, else as it was known last."""
        try:
            self._memory.known = self._store().read()
        except DrError as error:
            return {STORE: error}
        return {}

    def _save(self) -> dict[str, DrError]:
        """Let the store know, also what an earlier tick could not tell it."""
        saving = dict(self._memory.unsaved)
        if not saving:
            return {}
        try:
            self._store().write(saving, {target.id for target in self._sends})
        except DrError as error:
            return {STORE: error}
        for id_, news in saving.items():
            if (
                self._memory.unsaved.get(id_) == news
            ):  # else somebody was told something meanwhile, which is told again
                del self._memory.unsaved[id_]
        return {}


def _hangs(target: Target) -> DrError:
    return EnvironmentFailed(
        f"{target.name}: no answer within {_SECONDS:.0f} seconds",
        "can it be reached? After a tick, the next one tells it again",
    )
