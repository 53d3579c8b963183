"""What is logged of a run, for every shell: one event for each outcome, one for the end (STYLE, Logs)."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from dr import logs
from dr.actions import Capture, Expire, Outcome, Plan, Result, Warn
from dr.errors import DrError
from dr.model import Inventory, Policy
from dr.planner.changes import Change
from dr.ports import StackEvent
from dr.words import one_line

if TYPE_CHECKING:  # a tick is told of without what restores
    from dr.recovery.carrying_out import Restored
    from dr.stacks.restore import RestorePlan


def tell_outcome(outcome: Outcome) -> None:
    """One action as it ends."""
    action = outcome.action
    facts = {
        "policy": action.lineage.policy,
        "source": action.lineage.source,
        "account": action.lineage.account,
        "region": action.lineage.region,
        "slot": action.slot.isoformat(),
    }
    log = logs.get("dr")
    if outcome.result is Result.DONE and isinstance(action, Capture):
        log.info("point.captured", created=list(outcome.created), **facts)
    elif outcome.result is Result.DONE:
        log.info("point.expired", point=action.point_id if not isinstance(action, Capture) else None, **facts)
    else:
        tell = log.error if outcome.result is Result.FAILED else log.info
        tell("action.ended", result=outcome.result.value, error=outcome.error, remedy=outcome.remedy, **facts)


def tell_started(policies: Sequence[Policy], scheduled: str | None) -> None:
    """A tick before it reads anything; `scheduled` is the sender's time, as it came."""
    shards = [f"{policy.name}/{region}" for policy in policies for region in policy.regions]
    logs.get("dr").info("tick.started", shards=shards, scheduled=scheduled)


def tell_change(policies: Sequence[Policy], change: Change) -> None:
    """A stack that was changed, and the policies under which it is captured if they select it."""
    logs.get("dr").info(
        "stack.changed",
        stack=change.stack,
        region=change.region,
        at=change.at.isoformat(),
        policies=[policy.name for policy in policies],
    )


def tell_slow() -> None:
    """That botocore reads the listings, and not dr."""
    logs.get("dr").warning(
        "listings.slow",
        why="this version of botocore does not let dr read EC2's listings itself: plans take much longer, and more memory",
        remedy="an earlier version of botocore helps; please report this one",
    )


def tell_read(regions: Collection[str], inventory: Inventory) -> None:
    """What a plan rests on: the Regions that were read, and what was found there."""
    logs.get("dr").info(
        "inventory.read",
        regions=sorted(regions),
        sources=len(inventory.sources),
        points=len(inventory.points),
        unread=len(inventory.unread),
    )


def tell_planned(plan: Plan) -> None:
    """What a plan came to."""
    captures = sum(isinstance(action, Capture) for action in plan.actions)
    blocked = sum(isinstance(action, Expire) and action.blocked for action in plan.actions)
    logs.get("dr").info(
        "plan.made",
        capture=captures,
        expire=len(plan.actions) - captures - blocked,
        blocked=blocked,
        warnings=len(plan.warnings),
    )


def tell_tick(outcomes: Sequence[Outcome], warnings: Sequence[Warn]) -> None:
    """The end of a tick: each warning, then the counts."""
    log = logs.get("dr")
    for warn in warnings:
        log.warning(
            "tick.warned",
            code=warn.code.value,
            policy=warn.policy,
            source=warn.source,
            why=one_line(warn.message),
        )
    done = [outcome for outcome in outcomes if outcome.result is Result.DONE]
    captured = sum(isinstance(outcome.action, Capture) for outcome in done)
    ended = {
        result.value: sum(outcome.result is result for outcome in outcomes)
        for result in (Result.FAILED, Result.SKIPPED, Result.LEFT)
    }
    log.info(
        "tick.finished", captured=captured, expired=len(done) - captured, warnings=len(warnings), **ended
    )


def tell_daemon(event: str, **facts: str | int) -> None:
    """Something that a daemon has begun or ended."""
    logs.get("dr").info(event, **facts)


def tell_trouble(event: str, error: DrError, *, quiet: bool = False) -> None:
    """What a process that goes on could not do, and what to do about it; `quiet` for what is as it should be."""
    log = logs.get("dr")
    (log.info if quiet else log.error)(event, why=one_line(error.message), remedy=error.remedy)


def tell_run(run: str, done: int, failed: Sequence[Mapping[str, Any]]) -> None:
    """The end of a run of many shards: a line for each that failed, then the counts."""
    log = logs.get("dr")
    for row in failed:
        log.error("shard.failed", run=run, account=row["account"], region=row["region"], why=row["error"])
    log.info("run.finished", run=run, done=done, failed=len(failed))


def tell_metrics(embedded: Mapping[str, Any]) -> None:
    """What CloudWatch counts of a tick (`dr.functions.metrics`)."""
    logs.get("dr").info("tick.metrics", **embedded)


def tell_event(event: StackEvent) -> None:
    """One resource of a stack that is being created."""
    logs.get("dr").info(
        "resource.changed",
        stack=event.stack,
        resource=event.logical_id,
        type=event.type,
        status=event.status,
        why=one_line(event.reason) or None,
    )


def tell_begun(plan: RestorePlan) -> None:
    """A restore that was asked for, before its first changing call."""
    logs.get("dr").info(
        "restore.begun", restore=plan.id, stack=plan.name, region=plan.region, at=plan.at.isoformat()
    )


def tell_restored(restored: Restored) -> None:
    """How a restore ended."""
    log = logs.get("dr")
    tell = log.info if restored.ok else log.error
    tell(
        "restore.finished",
        restore=restored.plan.id,
        stack=restored.plan.name,
        status=restored.status,
        verified=sum(row.verified for row in restored.data),
        unverified=sum(not row.verified for row in restored.data),
        rpo=restored.rpo,
        rto=restored.rto,
    )
