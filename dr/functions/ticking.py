"""The work of the scheduled function and of the daemon: `dr apply` without a person."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

from dr.actions import Expire, Outcome, Warn, WarningCode
from dr.errors import Busy, DrError, NotEnabled, Refused
from dr.executor.at_once import Report
from dr.functions import Document
from dr.functions.metrics import embedded, tick_metrics
from dr.model import ACCOUNTS, ShardRun, Unread
from dr.store.shards import ShardRuns
from dr.telling import tell_metrics, tell_outcome, tell_started, tell_tick
from dr.tick.applying import Applying, Decide
from dr.tick.everywhere import Scope, apply_everywhere
from dr.wire import apply_document, outcomes_summary


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """What a tick is asked for. `stamp` gives what several shards did its fingerprint; `scheduled` is the sender's word.

    `told` hears of each action as it ends.
    """

    installation: str
    scope: Scope
    decide: Decide
    stamp: Callable[[Applying], Applying]
    told: Report = tell_outcome
    scheduled: str | None = None


def run_tick(tick: Tick) -> Document:
    """Plan and apply; the JSON of `dr apply`.

    When others hold every lease the work is under way already: a success with a note (FAILURES 2, row 44).
    """
    done = applied(tick)
    if isinstance(done, Warn):
        return apply_document(None, (), (done,))
    metrics = tick_metrics(tick.scope.policies, done, tick.scope.clock.now())
    _tell(tick, metrics)
    return apply_document(done.plan.fingerprint, done.outcomes, done.warnings)


def run_shard(tick: Tick, run: str, runs: ShardRuns) -> Document:
    """A tick that is one of many: its answer holds numbers only, what came of it is recorded for the run's summary.

    The state machine keeps each answer, and takes 256 KiB of all of them. Whether the tick succeeded is the summary's word.
    """
    (shard,) = tick.scope.shards
    try:
        done = applied(tick)
    except NotEnabled as error:  # nothing can be there: a warning, as it is beside others
        done = Warn(code=WarningCode.REGION_NOT_ENABLED, message=error.message)
        tell_tick((), (done,))
    except Refused:  # the store is another installation's: nothing is written there
        raise
    except DrError as error:
        with suppress(DrError):  # the error itself is what has to be seen
            runs.record(shard.account, shard.region, ShardRun(run=run, error=error.message))
        raise
    if isinstance(done, Warn):
        summary = _numbers(())
        ended = ShardRun(run=run)
    else:
        summary = _numbers(done.outcomes)
        metrics = dict(tick_metrics(tick.scope.policies, done, tick.scope.clock.now()))
        del metrics["TickSucceeded"]
        _tell(tick, metrics)
        ended = ShardRun(
            run=run,
            failed=summary["failed"],
            left=summary["left"],
            error=_told(miss for miss in done.unread if miss.what != ACCOUNTS),
            unheard=_told(miss for miss in done.unread if miss.what == ACCOUNTS),
        )
    runs.record(shard.account, shard.region, ended)
    return {"account": shard.account, "region": shard.region, "summary": summary}


def _told(missed: Iterable[Unread]) -> str:
    return "; ".join(dict.fromkeys(miss.message for miss in missed))


def _numbers(outcomes: Sequence[Outcome]) -> dict[str, int]:
    """How many ended in which way; what waits for a person's word is not left for another round."""
    blocked = sum(isinstance(o.action, Expire) and o.action.blocked for o in outcomes)
    counted = outcomes_summary(outcomes)
    return {**counted, "left": counted["left"] - blocked, "blocked": blocked}


def applied(tick: Tick) -> Applying | Warn:
    """Plan and apply, and tell it; a warning when others are at it. Raises `DrError` where it came to nothing."""
    tell_started(tick.scope.policies, tick.scheduled)
    try:
        done = apply_everywhere(tick.scope, lambda _shard: tick.decide, tick.told)
    except Busy as error:
        busy = Warn(code=WarningCode.BUSY, message=error.message)
        tell_tick((), (busy,))
        return busy
    tell_tick(done.outcomes, done.warnings)
    return tick.stamp(done)


def _tell(tick: Tick, metrics: Mapping[str, int]) -> None:
    tell_metrics(embedded(tick.installation, metrics, tick.scope.clock.now()))
