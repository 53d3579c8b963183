"""A daemon's work on an installation: read the files, lead, tick.

    files --broken: the last good ones go on--> App --the leader's lease--> `dr apply` without a person
                                                   |
                                                   +-- another leads: stand by; no lease to be had: nothing is done

What a later tick may mend is told, and ends nothing.
"""

from __future__ import annotations

import os
import threading
from contextlib import suppress
from datetime import datetime, timedelta
from functools import cached_property, partial
from pathlib import Path

from dr import collector, layout
from dr.actions import Outcome, Warn
from dr.app import App
from dr.app.functions import tick_of
from dr.aws.session import Session
from dr.clock import SystemClock
from dr.config import CheckedConfig
from dr.daemon.health import Health
from dr.daemon.manager import ServiceManager
from dr.daemon.metrics import Metrics
from dr.daemon.people import People, seen_in
from dr.daemon.waking import next_slot, next_wake_up
from dr.errors import Busy, DrError, Interrupted, UsageError
from dr.files import looks_like
from dr.functions.metrics import is_good
from dr.functions.ticking import applied
from dr.installation import Files, Installation
from dr.notices.conditions import STANDS_BY, TICK, in_vain, observe
from dr.ports import Lease
from dr.settings import Settings
from dr.status import status
from dr.store.leases import StoreLeases
from dr.telling import tell_daemon, tell_outcome, tell_trouble
from dr.threads import meanwhile, within
from dr.tick.applying import Applying
from dr.words import instant

_GLANCE = 5.0
"""Seconds between two looks of who holds the lease on beside a tick."""
_BEAT = timedelta(seconds=60)
"""Between two renewals of the leader's lease, which lasts five minutes, and between two looks of who has none."""
_GIVEN_BACK = 10.0
"""Seconds for a store to take the lease back: one that hangs keeps no daemon from its end, and the lease runs out by itself."""


class DaemonWork:
    """`loop.Work`. Who is no leader captures and expires nothing."""

    def __init__(self, settings: Settings) -> None:
        self.health = Health(metrics=Metrics(self.now), monotonic=self._monotonic)
        self.people = People(self.health)
        self.manager = ServiceManager(settings.environ, self._monotonic)
        self._settings = settings
        self._good: Files | None = None
        self._lease: Lease | None = None
        self._beaten: datetime | None = None
        self._seen: tuple[object, ...] = ()
        self._told = ""
        self._config: CheckedConfig | None = None
        self._clock: SystemClock | None = None
        self._session: Session | None = None
        self._was_held = self._is_ready = self.has_led = False
        self._asked = (0, 0)
        self._heard: object = None
        self._lock = threading.Lock()

    @cached_property
    def _place(self) -> Installation:
        return Installation(self._settings)

    def now(self) -> datetime:
        """This instant; the sandbox's, which people move, in the sandbox."""
        return Installation(self._settings).clock.now()

    def _monotonic(self) -> float:
        return self._place.clock.monotonic()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        self._place.clock.sleep(seconds)

    def moved(self) -> bool:
        """Whether dr.yaml or a policy has changed since it was read."""
        return self._look() != self._seen

    def _look(self) -> tuple[object, ...]:
        folder = self._good.config.policies_dir if self._good else "."
        return looks_like(self._place.config_file, Path(folder))

    # --- ticks --------------------------------------------------------------------------------------------------

    def once(self) -> Applying | Warn:
        """One tick. Raises `DrError`: for files with faults, while another leads, where no lease is to be had."""
        app = self._as_files_are()
        self.people.known_of(app)
        try:
            self._lead(app)
        except DrError as error:
            self._in_vain(STANDS_BY, error)
            raise
        try:
            return self._applied(app)
        except DrError as error:
            self._in_vain(TICK, error)
            raise
        finally:
            self.leave()

    def tick(self) -> datetime:
        """Do what is due, as the leader; when to look next."""
        self._stamp()
        app = self._read()
        self._begin()
        self.people.known_of(app)
        now = app.clock.now()
        try:
            self._lead(app)
        except DrError as error:
            self._stand_by(error)
            self._in_vain(STANDS_BY, error)
            return now + _BEAT
        self.people.note_files(app)
        try:
            self._applied(app)
        except Interrupted:
            return now
        except DrError as error:
            tell_trouble("tick.failed", error)
            self.health.failed = error.message
            self.health.metrics.failed()
            self._in_vain(TICK, error)
            self._session = None  # its credentials may be those of yesterday
        self.health.next_slot = next_slot(app.policies, app.clock.now())
        if self.health.leading:
            self.manager.does(f"runs the schedules; the next slot is {self._next}")
        leads = self.beat() and self._lease is not None
        return next_wake_up(app.policies, now) if leads else app.clock.now() + _BEAT

    def _applied(self, app: App) -> Applying | Warn:
        """Apply, and note what it came to; when others hold every lease, the work is under way already."""
        scope = app.scope(app.policies)
        with meanwhile(partial(self._keep, app), _GLANCE):
            done = applied(tick_of(app, scope, told=self._went_on))
        self.health.failed = ""
        if isinstance(done, Warn):
            return done
        now, metrics = app.clock.now(), self.health.metrics
        sources = status(app.policies, done.inventory, now).sources
        metrics.ticked(done.outcomes, good=is_good(done))
        metrics.protected(sources)
        own, others = app.session.counted(), app.fleet.asked()
        metrics.asked(own.begun + others[0] - self._asked[0], own.throttled + others[1] - self._asked[1])
        self._asked = (own.begun, own.throttled)
        if is_good(done):
            self.health.last_good = now
        else:
            self._session = None
        if not done.interrupted:
            seen = seen_in(scope, done, sources)
            self.people.tell(observe(seen), seen, good=is_good(done))
            app.remember_accounts()
        return done

    @property
    def _next(self) -> str:
        return instant(self.health.next_slot) if self.health.next_slot else "none"

    def _went_on(self, outcome: Outcome) -> None:
        """An action has ended."""
        tell_outcome(outcome)
        self._stamp()

    def _keep(self, app: App) -> None:
        """Beside a tick, of which one of ten thousand actions takes an hour: hold the lease on for as long as AWS is asked or answers."""
        asked = app.session.counted(), app.fleet.asked()
        if asked != self._heard:
            self._heard = asked
            self._stamp()
        if self.health.alive:
            with suppress(DrError):
                self._hold()

    def _in_vain(self, what: str, error: DrError) -> None:
        """Tell people of a look that came to nothing; that another does the work is as it should be."""
        if isinstance(error, Busy):
            self.people.hear_of_another()
        elif not isinstance(error, Interrupted):
            self.people.tell(in_vain(what, error))

    def _read(self) -> App:
        """The installation as its files are now; while they have faults, as they were before."""
        good, looked = self._good, self._look()
        try:
            app = self._as_files_are()
        except (UsageError, OSError) as error:
            if good is None:
                raise
            broken = error if isinstance(error, UsageError) else UsageError(str(error), "make it readable")
            tell_trouble("files.broken", broken)
            self.people.files = broken
            self.health.files, self._seen = broken.message, looked
            self.health.metrics.files(broken=True)
            return self._anew(good)
        same_place = good is not None and good.config.policies_dir == app.checked_config.policies_dir
        self._seen = looked if same_place else self._look()
        return app

    def _as_files_are(self) -> App:
        """Raises `UsageError` for what is wrong with them."""
        found = Installation(self._settings)
        found.policies  # noqa: B018 - raises
        self._good = found.files
        if self.health.files:
            tell_daemon("files.sound")
        self.health.files = ""
        self.health.metrics.files(broken=False)
        self.people.files = None
        return self._anew(found.files)

    def _anew(self, files: Files) -> App:
        """So that nothing of it is stale but the SDK's session, which knows what EC2's buckets hold and is kept with its dr.yaml."""
        app = App(self._settings, files)
        if self._config is not None and self._config != files.config:
            self.leave()  # the store may be another one now, and the lease is in the one that was
            self._session, self._was_held = None, False
        if self._clock != app.clock:
            self._session = None  # it compares AWS's time with that of the clock that it was made with
        self._config, self._clock = files.config, app.clock
        if self._session is None:
            self._session, self._asked = app.session, (0, 0)
            collector.sweep()
        app.session = self._session
        return app

    # --- leading ------------------------------------------------------------------------------------------------

    def _lead(self, app: App) -> None:
        """Take the leader's lease, or hold it on. Raises `Busy` while another has it, and where a store that held something is empty."""
        lost = app.stores.lost() if self._was_held else None
        self.people.store_is_lost = lost is not None
        if lost:
            raise lost
        if self._lease is not None:
            self._renew(self._lease)
        else:
            leases = StoreLeases(app.stores.primary, app.owner, app.clock)
            self._lease = leases.acquire(layout.LEADER)
        self._beaten = app.clock.now()
        self._was_held = self._was_held or app.stores.lost() is None
        self._led()

    def _led(self) -> None:
        if not self.health.leading:
            tell_daemon("daemon.leading", pid=os.getpid())
        self._told = self.health.standing_by = ""
        self.health.leading = self.has_led = True
        self.health.metrics.led()

    def _renew(self, lease: Lease) -> None:
        """Hold it on. One that another has taken is let go; where nobody says so, it may still be ours."""
        try:
            lease.renew()
        except Busy:
            self._lease = None
            raise

    def beat(self) -> bool:
        """It moves; renew the lease once a minute. False when it could not be."""
        self._stamp()
        return self._hold()

    def _hold(self) -> bool:
        if not self._lock.acquire(blocking=False):
            return True  # the renewal is under way, beside a tick
        try:
            return self._held_on(self.now())
        finally:
            self._lock.release()

    def _held_on(self, now: datetime) -> bool:
        if self._lease is None or self._beaten is None or abs(now - self._beaten) < _BEAT:
            return True
        self._beaten = now
        try:
            self._renew(self._lease)
        except DrError as error:
            self._stand_by(error)
            return False
        if not self.health.leading:
            self._led()
        return True

    def leave(self) -> None:
        """Give the lease back."""
        lease, self._lease = self._lease, None
        if lease is not None:
            within(_GIVEN_BACK, lease.release)
        self.health.leading = False
        self.health.metrics.stands_by()

    def _begin(self) -> None:
        """Once: what was wrong from the start has ended it by now."""
        if not self._is_ready:
            self._is_ready = True
            self.manager.ready()

    def _stamp(self) -> None:
        self.health.moved = self._monotonic()
        self.manager.moves()

    def _stand_by(self, error: DrError) -> None:
        """Do nothing, and say so once for as long as it is for the same reason: the rest of a message is how long it still takes."""
        self.health.leading, self.health.standing_by = False, error.message
        self.manager.does(f"stands by: {error.message}")
        self.health.metrics.stands_by()
        reason = error.message.partition(":")[0]
        if self._told != reason:
            self._told = reason
            tell_trouble("daemon.standing-by", error, quiet=isinstance(error, Busy))
