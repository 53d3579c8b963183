"""When to look next. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from dr.model import Policy
from dr.slots import SWEEP, next_slots


def next_wake_up(policies: Sequence[Policy], now: datetime) -> datetime:
    """The next slot of any policy or the next sweep, whichever comes first."""
    sweep = datetime.fromtimestamp((now.timestamp() // SWEEP + 1) * SWEEP, UTC)
    slots = (
        slot
        for policy in policies
        for schedule in policy.schedules
        if (slot := schedule.next_after(now, sweep)) is not None
    )
    return min((sweep, *slots))


def next_slot(policies: Sequence[Policy], now: datetime) -> datetime | None:
    """The next slot of any policy; None where none comes any more."""
    found = next_slots([schedule for policy in policies for schedule in policy.schedules], now, 1)
    return found[0] if found else None


def is_set_back(before: datetime, now: datetime) -> bool:
    """Whether the clock shows less than it has shown: what was to be waited for may be far away now."""
    return now < before - timedelta(seconds=1)
