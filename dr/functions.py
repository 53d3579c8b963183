"""What the Lambda functions do with the parts that `dr.app` builds: `dr apply` and `dr restore` without a person.

    event -> dr.events -> policies / Asked -> the same core as the command line -> the JSON of `--json`

Lambda ends a function at its deadline as SIGKILL would (FAILURES 2, row 45). So no action begins in the last minute,
what is left is said, and doing it again goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from dr import logs
from dr.actions import Warn, WarningCode
from dr.errors import Busy, CloudError, DrError, Refused
from dr.model import Policy
from dr.recovery.carrying_out import Kit, carry_out, refuse_existing
from dr.render.restores import findings, restore_document
from dr.stacks.rebirth import Finding
from dr.stacks.restore import RestorePlan
from dr.telling import tell_begun, tell_event, tell_outcome, tell_restored, tell_started, tell_tick
from dr.tick.applying import Decide, apply_now
from dr.tick.desk import Desk
from dr.wire import apply_document
from dr.words import one_line

Document = dict[str, Any]

_MARGIN = timedelta(seconds=60)
"""FAILURES 2, row 45: no item is begun with less than this to go; one create with its retries fits in."""


def stop_at(now: datetime, seconds_left: float) -> datetime:
    """When nothing more may begin, for a function that Lambda ends in so many seconds."""
    return now + timedelta(seconds=seconds_left) - _MARGIN


@contextmanager
def invocation(environ: Mapping[str, str], request: str) -> Iterator[None]:
    """Log every line of one invocation with its request id; what it raises is logged and says what to do.

    Lambda shows the type and the text of an error and nothing else of it, so the remedy goes into the text.
    """
    logs.configure(environ.get("DR_LOG", "info"))
    with logs.bound(request=request):
        try:
            yield
        except DrError as error:
            name = type(error).__name__
            logs.get("dr").error("invocation.failed", type=name, why=error.message, remedy=error.remedy)
            error.args = (f"{error.message} (what to do: {error.remedy})" if error.remedy else error.message,)
            raise


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
    tell_tick(done.outcomes, done.warnings)
    return apply_document(done.plan.fingerprint, done.outcomes, done.warnings)


def run_restore(plan: RestorePlan, kit: Kit, *, plan_only: bool) -> Document:
    """Carry out the plan of a restore, or show it; the JSON of `dr restore`. What did not end well is raised.

    Raises `Refused` before any changing call, `OutOfTime` when the stack needs longer than the function has,
    `CloudError` when it failed or does not hold the chosen data.
    """
    refuse_existing(plan, kit)
    if plan_only:
        return restore_document(plan, None)
    if errors := _errors(plan.findings):
        raise Refused(*_told(errors))
    tell_begun(plan)
    restored = carry_out(plan, kit, tell_event)
    tell_restored(restored)
    if not restored.ok:
        raise CloudError(*_told(_errors(findings(plan, restored))))
    return restore_document(plan, restored)


def _errors(found: Sequence[Finding]) -> list[Finding]:
    return [finding for finding in found if finding.level == "error"]


def _told(errors: Sequence[Finding]) -> tuple[str, str]:
    """Message and remedy of an error that stands for all of these."""
    return (
        "; ".join(one_line(finding.message) for finding in errors),
        "; ".join(dict.fromkeys(one_line(finding.remedy) for finding in errors)),
    )
