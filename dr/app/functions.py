"""What AWS Lambda calls, over the parts of an installation: an event, checked, becomes the work of `dr.functions`.

Each takes the id of Lambda's request and, where it acts, the seconds until Lambda ends it. All raise `DrError`.
"""

from __future__ import annotations

from functools import partial

from dr.app import App
from dr.events import (
    narrowed,
    read_change,
    read_shards,
    read_summary,
    read_tick,
    require_account,
    require_past,
    require_shard,
)
from dr.executor.at_once import Report
from dr.functions import Document, invocation, stop_at
from dr.functions.changing import run_change
from dr.functions.fanning import Run, run_summary, shards_document
from dr.functions.ticking import Tick, run_shard, run_tick
from dr.model import Policy, Protect
from dr.settings import Settings
from dr.store.shards import ShardRuns
from dr.telling import tell_outcome
from dr.tick.everywhere import Scope

__all__ = ["Settings", "changed", "list_shards", "sum_up", "tick", "tick_of"]


def tick(settings: Settings, event: object, request: str, seconds_left: float) -> Document:
    """A tick: of everything, or of what the event names."""
    app = App(settings)
    with invocation(settings.environ, request):
        asked, end = read_tick(event), stop_at(app.clock.now(), seconds_left)
        policies = narrowed(_asked(app, asked.policies), asked.region)
        require_account(asked.account, app.fleet.ids_near(asked.account))
        require_shard(asked)
        accounts = (asked.account,) if asked.account else None
        scope = app.scope(policies, accounts=accounts, stop_at=end)
        work = tick_of(app, scope, asked.scheduled)
        return run_shard(work, asked.run, _runs(app)) if asked.run else run_tick(work)


def tick_of(app: App, scope: Scope, scheduled: str | None = None, told: Report = tell_outcome) -> Tick:
    """A tick of these policies in these shards; `told` hears of each action as it ends."""
    return Tick(
        installation=app.config.name,
        scope=scope,
        decide=app.stamped(scope.policies),
        stamp=lambda done: app.stamped_whole(done, scope.policies),
        scheduled=scheduled,
        told=told,
    )


def changed(settings: Settings, event: object, request: str, seconds_left: float) -> Document:
    """A capture of a stack that was changed; of an account that is not protected nobody asks for one, whoever sends its events."""
    app = App(settings)
    with invocation(settings.environ, request):
        asked, end = read_change(event), stop_at(app.clock.now(), seconds_left)
        require_past(asked.change.at, app.clock.now())
        region = asked.change.region
        of_stacks = [p for p in app.policies if p.protect is Protect.STACKS and region in p.regions]
        wanted = asked.settled and of_stacks and app.fleet.has(asked.account)
        policies = narrowed(of_stacks, region) if wanted else ()
        return run_change(policies, partial(app.fleet.desk, asked.account, end), asked.change)


def list_shards(settings: Settings, event: object, request: str) -> Document:
    """The accounts and Regions in which the policies work."""
    app = App(settings)
    with invocation(settings.environ, request):
        scope = app.scope(_asked(app, read_shards(event).policies))
        app.remember_accounts()
        return shards_document(scope.shards, app.fleet.unheard)


def sum_up(settings: Settings, event: object, request: str) -> Document:
    """What came of a run of many shards."""
    app = App(settings)
    with invocation(settings.environ, request):
        asked = read_summary(event)
        run = Run(name=asked.run, shards=asked.shards, unheard=asked.unheard)
        return run_summary(app.config.name, run, _runs(app), app.clock.now())


def _asked(app: App, names: tuple[str, ...] | None) -> tuple[Policy, ...]:
    return tuple(policy for name in names or (None,) for policy in app.asked(name))


def _runs(app: App) -> ShardRuns:
    return ShardRuns(app.stores.primary)
