"""Ask CloudFormation, before anything is confirmed, whether it would take the templates of a plan. Changes nothing.

Only templates that fit into the call are asked about: a larger one would have to be staged first.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr.errors import CloudError
from dr.ports import StackMaker
from dr.stacks.rebirth import Finding
from dr.stacks.restore import BODY_LIMIT, RestorePlan

_NAMED, _PLAIN = "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"


def preflight(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    """An error for capabilities that the stored stack was not given: dr grants none that nobody granted before.

    A warning where CloudFormation does not answer: its change set will.
    """
    texts = [text for text in (plan.template, *plan.staged) if len(text.encode()) <= BODY_LIMIT]
    try:
        needed = {one for text in texts for one in maker.validate(text, None)}
    except CloudError as error:
        why = plan.without_secrets(f"the template was not checked beforehand: {error.message}")
        return (
            Finding(level="warning", message=why, remedy=error.remedy or "CloudFormation checks it again"),
        )
    return tuple(_lacking(plan, needed))


def _lacking(plan: RestorePlan, needed: set[str]) -> Iterator[Finding]:
    """`CAPABILITY_NAMED_IAM` holds the plain one. Source: CloudFormation API reference, CreateStack, Capabilities."""
    given = {*plan.capabilities, *([_PLAIN] if _NAMED in plan.capabilities else [])}
    if lacking := sorted(needed - given):
        yield Finding(
            level="error",
            message=f"the template needs {', '.join(lacking)}, which the stored stack was not given",
            remedy="choose a version that was, with --at; one that is captured after an update with them has them too",
        )
