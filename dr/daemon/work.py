"""A daemon's work on an installation: read the files, lead, tick.

files --broken: the last good ones go on--> App --the leader's lease--> `dr apply` without a person
                                               |
                                               +-- another leads: stand by; no lease to be had: nothing is done

Whatever a later tick may mend is told and no end of it.
"""

from __future__ import annotations

import os
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

from dr import layout
from dr.actions import Warn
from dr.app import App
from dr.app.functions import tick_of
from dr.aws.session import Session
from dr.config import CheckedConfig
from dr.daemon.health import Health
from dr.daemon.metrics import Metrics
from dr.daemon.waking import next_slot, next_wake_up
from dr.errors import Busy, CloudError, DrError, EnvironmentFailed, Interrupted, UsageError
from dr.files import looks_like
from dr.functions.metrics import is_good
from dr.functions.ticking import applied
from dr.installation import Files, Installation
from dr.ports import Lease
from dr.settings import Settings
from dr.status import status
from dr.store.leases import StoreLeases
from dr.telling import tell_daemon, tell_trouble
from dr.tick.applying import Applying

_BEAT = timedelta(seconds=60)
"""Between two renewals of the leader's lease, which lasts five minutes, and between two looks of who has none."""


class DaemonWork:
    """`loop.Work`. Who is no leader captures and expires nothing."""

    def __init__(self, settings: Settings) -> None:
        self.health = Health(metrics=Metrics(self.now))
        self._settings = settings
        self._good: Files | None = None
        self._lease: Lease | None = None
        self._beaten: datetime | None = None
        self._seen: tuple[object, ...] = ()
        self._told = ""
        self._session: tuple[CheckedConfig, Session] | None = None
        self._asked = (0, 0)

    @cached_property
    def _place(self) -> Installation:
        return Installation(self._settings)

    def now(self) -> datetime:
        """This instant; the sandbox's, which people move, in the sandbox."""
        return Installation(self._settings).clock.now()

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
        app = self._app()
        self._lead(app)
        try:
            return applied(tick_of(app, app.scope(app.policies)))
        finally:
            self.leave()

    def tick(self) -> datetime:
        """Do what is due, as the leader; when to look next."""
        app = self._read()
        now = app.clock.now()
        try:
            self._lead(app)
        except (Busy, CloudError, EnvironmentFailed) as error:
            self._stand_by(error)
            return now + _BEAT
        try:
            self._applied(app)
        except Interrupted:
            return now
        except DrError as error:
            tell_trouble("tick.failed", error)
            self.health.failed = error.message
            self.health.metrics.failed()
        self.beat()
        self.health.next_slot = next_slot(app.policies, app.clock.now())
        return next_wake_up(app.policies, now)

    def _applied(self, app: App) -> None:
        """Apply, and note what it came to; when others hold every lease, the work is under way already."""
        done = applied(tick_of(app, app.scope(app.policies)))
        self.health.failed = ""
        if isinstance(done, Warn):
            return
        now, metrics = app.clock.now(), self.health.metrics
        good = is_good(done)
        metrics.ticked(done.outcomes, good=good)
        metrics.protected(status(app.policies, done.inventory, now).sources)
        own, others = app.session.counted(), app.fleet.asked()
        metrics.asked(own.begun + others[0] - self._asked[0], own.throttled + others[1] - self._asked[1])
        self._asked = (own.begun, own.throttled)
        if good:
            self.health.last_good = now

    def _app(self) -> App:
        """The installation as its files are now. Raises `UsageError` for what is wrong with them."""
        app = self._made(None)
        self._good = app.files
        self._seen = self._look()
        app.policies  # noqa: B018 - raises
        self.health.files = ""
        return app

    def _made(self, files: Files | None) -> App:
        """The installation anew, so that nothing of it is stale but the SDK's session: what EC2's buckets hold is known there."""
        app = App(self._settings, files)
        if self._session is not None and self._session[0] == app.checked_config:
            app.session = self._session[1]
        else:
            self._session, self._asked = None, (0, 0)
        return app

    def _read(self) -> App:
        """The same; while they have faults, as they were before."""
        good = self._good
        try:
            app = self._app()
        except UsageError as error:
            if good is None:
                raise
            self._good = good
            tell_trouble("files.broken", error)
            self.health.files = error.message
            app = self._made(good)
        self._session = (app.checked_config, app.session)
        return app

    # --- leading ------------------------------------------------------------------------------------------------

    def _lead(self, app: App) -> None:
        """Take the leader's lease, or hold it on. Raises `Busy` while another has it."""
        if self._lease is not None:
            self._renew(self._lease)
        else:
            leases = StoreLeases(app.stores.primary, app.owner, app.clock)
            self._lease = leases.acquire(layout.LEADER)
            tell_daemon("daemon.leading", pid=os.getpid())
        self._beaten = app.clock.now()
        self._told = self.health.standing_by = ""
        self.health.leading = True
        self.health.metrics.led(leads=True)

    def _renew(self, lease: Lease) -> None:
        try:
            lease.renew()
        except DrError:
            self._lease = None
            raise

    def beat(self) -> bool:
        """Renew the lease once a minute; False when it is lost."""
        now = self.now()
        if self._lease is None or self._beaten is None or now - self._beaten < _BEAT:
            return True
        self._beaten = now
        try:
            self._renew(self._lease)
        except DrError as error:
            self._stand_by(error)
            return False
        return True

    def leave(self) -> None:
        """Give the lease back."""
        if self._lease is not None:
            self._lease.release()
            self._lease = None

    def _stand_by(self, error: DrError) -> None:
        """Do nothing, and say so once for as long as it is for the same reason."""
        self.health.leading, self.health.standing_by = False, error.message
        self.health.metrics.led(leads=False)
        if self._told != error.message:
            self._told = error.message
            tell_trouble("daemon.standing-by", error)
