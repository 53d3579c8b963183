"""What is captured when a stack has changed: a point of it now, whatever its schedule says."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from dr.actions import Capture, Plan
from dr.model import Inventory, Policy
from dr.planner.cases import Case, cases
from dr.planner.shelf import ALIVE, shelve
from dr.planner.warnings import source_warnings, unread_warnings

_APART = timedelta(hours=1)
"""Between two captures of one stack for its changes: who updates it all day long does not fill the store."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """A stack that was updated: its name, its Region, and when, in whole seconds: the slot of what is captured."""

    stack: str
    region: str
    at: datetime


def decide_change(policies: Sequence[Policy], inventory: Inventory, now: datetime, change: Change) -> Plan:
    """Capture it under every policy that selects it and has no point since an hour before. Nothing expires.

    An event that comes twice, or late, finds that point, and so does nothing. A stack that is being changed again is
    left to the event of that change.
    """
    shelf = shelve(inventory)
    rows = [(policy, _of_stack(cases(policy, inventory, shelf, now), change)) for policy in policies]
    wanted = (case for _, row in rows for case in row if not case.source.unready and _lacks(case, change))
    warnings = [
        warn
        for policy, row in rows
        for warn in (*unread_warnings(policy, inventory), *source_warnings(row, now))
    ]
    return Plan(now=now, actions=tuple(_capture(case, change) for case in wanted), warnings=tuple(warnings))


def _of_stack(row: Iterable[Case], change: Change) -> list[Case]:
    return [case for case in row if (case.source.id, case.source.region) == (change.stack, change.region)]


def _lacks(case: Case, change: Change) -> bool:
    return not any(point.slot > change.at - _APART and point.state in ALIVE for point in case.points)


def _capture(case: Case, change: Change) -> Capture:
    return Capture(
        lineage=case.lineage,
        kind=case.policy.protect.kind,
        slot=change.at,
        source=case.source,
        reason="the stack was changed",
        look_first=not case.listed,
    )
