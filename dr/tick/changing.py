"""Capture what has changed: what the function does that CloudFormation's events wake."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from dr.executor.at_once import Report
from dr.executor.run import execute
from dr.model import Policy
from dr.planner.changes import Change, decide_change
from dr.tick.applying import Applying
from dr.tick.claiming import claim, refuse_others
from dr.tick.desk import Desk
from dr.tick.inventory import read_inventory
from dr.tick.leasing import leased


def capture_change(policies: Sequence[Policy], desk: Desk, change: Change, report: Report) -> Applying:
    """Take a point of a changed stack under these policies, which protect stacks of its Region.

    Nothing expires, and nothing is noted of `keep`: that is for a tick, which sees everything. Raises as `apply_now`.
    """
    refuse_others(desk)
    with leased(policies, desk, every=True) as held:
        inventory, claimed = claim(read_inventory(held.policies, desk), desk)
        plan = decide_change(held.policies, inventory, desk.hands.clock.now(), change)
        executed = execute(plan, replace(desk.hands, heartbeat=held.renew), report)
        return Applying(
            inventory=inventory,
            plan=plan,
            outcomes=executed.outcomes,
            warnings=(*plan.warnings, *claimed, *held.warnings),
            busy=held.busy,
        )
