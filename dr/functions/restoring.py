"""The restoring function's work: `dr restore` without a person."""

from __future__ import annotations

from collections.abc import Sequence

from dr.errors import CloudError, OutOfTime, Refused
from dr.functions import Document
from dr.recovery.carrying_out import Kit, carry_out, refuse_existing
from dr.render.restores import findings, restore_document
from dr.stacks.rebirth import Finding
from dr.stacks.restore import RestorePlan
from dr.telling import tell_begun, tell_event, tell_restored
from dr.words import one_line


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
    if kit.stop_at is not None and kit.clock.now() >= kit.stop_at:
        raise OutOfTime(f"no time is left to begin with {plan.name}", "run the same restore again")
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
