"""Give a restored stack the stack policy and the termination protection that the lost one had.

The data are there and verified by then: a refusal here is something that a person has to mend, and not a reason to
lose the result. Each of the two is tried, whatever becomes of the other. The restore stays open until both are set,
so that running it again sets them.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr.errors import CloudError, EnvironmentFailed
from dr.ports import StackMaker
from dr.stacks.rebirth import Finding
from dr.stacks.restore import RestorePlan


def protect(plan: RestorePlan, stack_id: str, maker: StackMaker) -> tuple[Finding, ...]:
    """Set them; an error finding for each that could not be set."""
    return tuple(_protect(plan, stack_id, maker))


def _protect(plan: RestorePlan, stack_id: str, maker: StackMaker) -> Iterator[Finding]:
    if plan.stack_policy is not None:
        try:
            maker.protect(stack_id, stack_policy=plan.stack_policy, termination=False)
        except (CloudError, EnvironmentFailed) as error:
            yield _unset(plan, "stack policy", error)
    if plan.termination_protection:
        try:
            maker.protect(stack_id, stack_policy=None, termination=True)
        except (CloudError, EnvironmentFailed) as error:
            yield _unset(plan, "termination protection", error)


def _unset(plan: RestorePlan, what: str, error: CloudError | EnvironmentFailed) -> Finding:
    again = "run the same restore again: the stack stays as it is, and this is set"
    return plan.masked(
        Finding(
            level="error",
            message=f"the {what} of {plan.name} could not be set: {error.message}",
            remedy="; ".join(part for part in (error.remedy, again) if part),
        )
    )
