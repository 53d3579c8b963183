"""The work of the function that CloudFormation's events wake: a changed stack is stored at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from dr.actions import Result
from dr.errors import CloudError
from dr.functions import Document
from dr.model import Policy
from dr.planner.changes import Change
from dr.telling import tell_change, tell_outcome, tell_tick
from dr.tick.changing import capture_change
from dr.tick.desk import Desk
from dr.wire import apply_document


def run_change(policies: Sequence[Policy], desk: Callable[[], Desk], change: Change) -> Document:
    """Capture it under these policies, none for a change that nobody asks for; the JSON of `dr apply`. `desk` is made if need be.

    Raises `Busy` while a tick holds the lease of one of the policies, and `CloudError` for what was not captured: an event
    comes once, and Lambda sends it again only where it was refused.
    """
    tell_change(policies, change)
    if not policies:
        return apply_document(None, (), ())
    done = capture_change(policies, desk(), change, tell_outcome)
    tell_tick(done.outcomes, done.warnings)
    missed = [miss.message for miss in done.unread if miss.what == "sources"]
    missed += [
        outcome.error or outcome.result for outcome in done.outcomes if outcome.result is not Result.DONE
    ]
    if missed:
        raise CloudError(f"{change.stack} was not captured: {'; '.join(missed)}", "send the event again")
    return apply_document(None, done.outcomes, done.warnings)
