"""What a daemon tells people: what a tick saw, or why there was none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

from dr.app import App
from dr.app.notifying import notifier_of
from dr.daemon.health import Health
from dr.errors import DrError
from dr.notices.conditions import FILES, Observed, Seen, beside, stands_by
from dr.notify.notifier import STORE, Memory, Notifier
from dr.status import Protected
from dr.store.notices import StoreNotices
from dr.telling import tell_trouble
from dr.tick.applying import Applying
from dr.tick.everywhere import Scope


class People:
    """Those whom dr.yaml names, and what could not be told to them; `files` is what is wrong with the files now."""

    def __init__(self, health: Health) -> None:
        self._health = health
        self._memory = Memory()
        self._notifier: Notifier | None = None
        self._untold: Mapping[str, str] = {}
        self.store_is_lost = False
        self._noted: str | None = None
        self.files: DrError | None = None

    def known_of(self, app: App) -> None:
        """Tell those whom dr.yaml names now, by the clients of this tick."""
        self._notifier = notifier_of(app, self._memory)

    def hear_of_another(self) -> None:
        """Another works: let it be known that what kept this one from working is over."""
        if self._memory.unsaved:
            self.tell(stands_by())
        else:
            self._note({})

    def note_files(self, app: App) -> None:
        """Leave word in the store of what is wrong with the files, for `dr status` on other machines."""
        fault = self.files.message if self.files else ""
        if fault == self._noted:
            return
        with suppress(DrError):  # the next tick tries again
            StoreNotices(app.stores.primary).note_files(app.owner.name, fault, app.clock.now())
            self._noted = fault

    def tell(self, observed: Observed, seen: Seen | None = None, *, good: bool = False) -> None:
        """Tell what has changed. What could not be told is told here, once for as long as it is for the same reason."""
        if self._notifier is None:  # nothing was sound yet
            return
        try:
            failed = self._notifier.tell(
                beside(observed, FILES, self.files),
                seen,
                good=good and self.files is None,
                lost=self.store_is_lost,
            )
        except KeyboardInterrupt:  # the tick is done, and who ends it waits for nobody
            return
        self._note(failed)

    def _note(self, failed: Mapping[str, DrError]) -> None:
        untold = {id_: error.message for id_, error in failed.items()}
        for id_, error in failed.items():
            if self._untold.get(id_) != error.message:
                tell_trouble("notify.failed", error)
        self._untold = untold
        self._health.untold = "; ".join(untold.values())
        self._health.metrics.untold(len(untold.keys() - {STORE}))


def seen_in(scope: Scope, done: Applying, sources: Sequence[Protected]) -> Seen:
    """What an apply of all this saw."""
    return Seen(
        now=scope.clock.now(),
        policies=scope.policies,
        outcomes=done.outcomes,
        sources=tuple(sources),
        points=done.inventory.points,
        warnings=done.warnings,
        missed=done.missed,
        shards=frozenset((shard.account, shard.region) for shard in scope.shards) - done.absent,
        looked=done.looked,
        failed=done.failed,
        freezes=done.inventory.freezes,
    )
