"""Ask AWS, before anything is confirmed, whether a plan would come to its end. Changes nothing.

    capabilities   GetTemplateSummary of each template that fits into the call: a larger one would have to be staged
    births         that every image and snapshot which the templates name is there: hand-written ones, and those that
                   an earlier restore of the stack left in its template

Where AWS does not answer, that is a warning: CloudFormation will tell.
"""

from __future__ import annotations

from collections.abc import Iterator

from dr.errors import CloudError
from dr.ports import StackMaker
from dr.stacks.births import Birth
from dr.stacks.rebirth import Finding
from dr.stacks.restore import BODY_LIMIT, RestorePlan
from dr.stacks.rewrite import IMAGE_PROPERTY

_NAMED, _PLAIN = "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"


def preflight(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    """What would stop the restore half-way, as errors; what could not be asked, as warnings."""
    return (*_capabilities(plan, maker), *_births(plan, maker))


def _capabilities(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    """An error for those that the stored stack was not given: dr grants none that nobody granted before."""
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


def _births(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    try:
        gone = frozenset(maker.gone(sorted({birth.id for birth in plan.births})))
    except CloudError as error:
        why = f"whether the images and snapshots of the template are there was not checked: {error.message}"
        return (Finding(level="warning", message=why, remedy=error.remedy or "CloudFormation finds out"),)
    return tuple(
        Finding(
            level="error",
            message=f"{birth.logical_id}: its {birth.property} {birth.id} is not there any more, or not for this account",
            remedy=_instead(plan, birth),
        )
        for birth in plan.births
        if birth.id in gone
    )


def _instead(plan: RestorePlan, birth: Birth) -> str:
    """What gives the resource another one."""
    if birth.parameter is not None and "/" not in birth.logical_id:
        return f"give another: --parameter {birth.parameter}={birth.id.partition('-')[0]}-..."
    if birth.property.endswith("ImageId") and birth.type in IMAGE_PROPERTY:
        logical_id = birth.logical_id.rpartition("/")[2]
        return f"give it another in dr.yaml: restore: {{image_for: {{{logical_id}: newest}}}}, or an ami-... there"
    return (
        f"nothing replaces it: no recovery point of {birth.logical_id} is known. Recover it from the Recycle Bin, or "
        f"choose a version that does not need it: `dr stacks {plan.stack}`, then --at"
    )
