"""The scheduled function's work: `dr apply` without a person."""

from __future__ import annotations

from collections.abc import Sequence

from dr.actions import Warn, WarningCode
from dr.errors import Busy
from dr.functions import Document
from dr.functions.metrics import embedded, tick_metrics
from dr.model import Policy
from dr.telling import tell_metrics, tell_outcome, tell_started, tell_tick
from dr.tick.applying import Decide, apply_now
from dr.tick.desk import Desk
from dr.wire import apply_document


def run_tick(policies: Sequence[Policy], desk: Desk, decide: Decide, scheduled: str | None) -> Document:
    """Plan and apply; the JSON of `dr apply`. `scheduled` is the sender's word, for the log only.

    When others hold every lease the work is under way already: a success with a note (FAILURES 2, row 44).
    """
    tell_started(policies, scheduled)
    try:
        done = apply_now(policies, desk, decide, tell_outcome)
    except Busy as error:
        warnings = (Warn(code=WarningCode.BUSY, message=error.message),)
        tell_tick((), warnings)
        return apply_document(None, (), warnings)
    now = desk.hands.clock.now()
    tell_tick(done.outcomes, done.warnings)
    tell_metrics(embedded(desk.hands.installation, tick_metrics(policies, done, now), now))
    return apply_document(done.plan.fingerprint, done.outcomes, done.warnings)
