"""Which points to take now: the latest slot of each lineage that lacks it, however late (DESIGN 6)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from math import inf

from dr.actions import Capture
from dr.model import Lineage, State
from dr.planner.cases import Case
from dr.words import instant


def captures(cases: Iterable[Case], now: datetime) -> tuple[Capture, ...]:
    """The most overdue first: age of the newest good point over the RPO or the period, no point at all before that."""
    ordered = sorted(cases, key=lambda case: _urgency(case, now))
    return tuple(capture for case in ordered if (capture := _capture(case)))


def _urgency(case: Case, now: datetime) -> tuple[float, Lineage]:
    newest = case.newest
    overdue = inf if newest is None else (now - newest.time).total_seconds() / case.pace
    return -overdue, case.lineage


def _capture(case: Case) -> Capture | None:
    if case.wanted is None or not case.due or case.source.unready:
        return None
    failed = sum(point.state is State.FAILED and point.slot == case.wanted for point in case.unsettled)
    return Capture(
        lineage=case.lineage,
        kind=case.policy.protect.kind,
        slot=case.wanted,
        source=case.source,
        reason=_reason(case, failed),
        attempt=failed + 1,
        reboot=case.policy.reboot,
        look_first=not case.listed,
    )


def _reason(case: Case, failed: int) -> str:
    if not case.listed:
        return "the points could not be listed: looks for this slot first"
    if failed:
        return f"attempt {failed + 1}: {failed} before it failed"
    newest = case.newest
    if newest is None:
        return "has no good point yet"
    return f"the slot has no point; the newest good data is from {instant(newest.time)}"
