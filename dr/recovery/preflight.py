"""Ask AWS, before anything is confirmed, whether a plan would come to its end. Changes nothing.

    exports        which names are taken in the target Region, for the plan itself
    capabilities   GetTemplateSummary of each template that fits into the call: a larger one would have to be staged
    births         that every image and snapshot which the templates name is there: hand-written ones, and those that
                   an earlier restore of the stack left in its template

A check that cannot be made, whatever the reason, is a warning that says so: in an incident half of AWS may be down,
and CloudFormation will tell. What AWS says is masked: it may repeat a secret value (FAILURES I23).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from dr.errors import CloudError, EnvironmentFailed
from dr.ports import StackMaker
from dr.stacks.births import Birth
from dr.stacks.rebirth import Finding
from dr.stacks.recovery_set import INSTANCE, VOLUME
from dr.stacks.restore import BODY_LIMIT, RestorePlan
from dr.stacks.rewrite import IMAGE_PROPERTY

_NAMED, _PLAIN = "CAPABILITY_NAMED_IAM", "CAPABILITY_IAM"
_POLICIES = {INSTANCE: "instances", VOLUME: "volumes"}
"""What a policy has to protect for such a resource to come back from a point of its own."""


def preflight(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    """What would stop the restore half-way, as errors; what could not be asked, as warnings."""
    return tuple(map(plan.masked, (*_capabilities(plan, maker), *_births(plan, maker))))


def taken_exports(maker: StackMaker) -> tuple[Mapping[str, str] | None, tuple[Finding, ...]]:
    """The exports of the Region, None with a warning where they cannot be read."""
    try:
        return maker.exports(), ()
    except (CloudError, EnvironmentFailed) as error:
        return None, (_unchecked("whether exports are taken or missing", error),)


def _unchecked(what: str, error: CloudError | EnvironmentFailed) -> Finding:
    return Finding(
        level="warning",
        message=f"not checked: {what}: {error.message}",
        remedy=error.remedy or "CloudFormation finds out when it creates the stack",
        about="unchecked",
    )


def _capabilities(plan: RestorePlan, maker: StackMaker) -> tuple[Finding, ...]:
    """An error for those that the stored stack was not given: dr grants none that nobody granted before."""
    texts = [text for text in (plan.template, *plan.staged) if len(text.encode()) <= BODY_LIMIT]
    try:
        needed = {one for text in texts for one in maker.validate(text, None)}
    except (CloudError, EnvironmentFailed) as error:
        return (_unchecked("the template", error),)
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
    except (CloudError, EnvironmentFailed) as error:
        return (_unchecked("whether the images and snapshots of the template are there", error),)
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
    kind = birth.id.partition("-")[0]
    if birth.parameter is not None:
        return f"give another: --parameter {birth.parameter}={kind}-..."
    if birth.id in {one for row in plan.data for one in row.expected}:
        return f"plan again: it chooses of the points that are there now; an older one with --at (`dr points --stack {plan.stack}`)"
    if birth.property.endswith("ImageId") and birth.type in IMAGE_PROPERTY:
        logical_id = birth.logical_id.rpartition("/")[2]
        return f"give it another in dr.yaml: restore: {{image_for: {{{logical_id}: ami-...}}}}"
    version = f"choose a version that does not need it: `dr stacks {plan.stack}`, then --at"
    if birth.type in _POLICIES:
        protects = f"protect: {_POLICIES[birth.type]}"
        return f"where {plan.stack} still stands, protect {birth.logical_id} ({protects}) and `dr apply`; else {version}"
    return f"where {plan.stack} still stands, update it to another one and `dr apply`; else {version}"
