"""Create or update the stack of the functions, and take it away again.

    Stack --ask--> change set: shown --execute--> CloudFormation's events --> it stands
                      |
                      +-- nothing to change, or only looked at: withdrawn, as if it had never been

Nothing is made before the change set is there: who may not, is told then. What is there already has to be this installation's
own, by its tag.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace

from dr import __version__, layout
from dr.aws.deployer import Asking, ChangeRow, StackDeployer
from dr.deploy.following import EVERY, PATIENCE, Watch, followed, going_on, token, unless_interrupted
from dr.deploy.stack import Stack
from dr.errors import (
    Ambiguous,
    Busy,
    CloudError,
    Denied,
    DrError,
    NotFound,
    OutOfTime,
    Refused,
)
from dr.ports import Clock, LiveStack

_BODY_AT_MOST = 51_200
"""Source: CloudFormation user guide, quotas: bytes of a template in the call itself."""
_STANDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_MAY_CHANGE = (*_STANDS, "UPDATE_ROLLBACK_COMPLETE")
_EMPTY = "REVIEW_IN_PROGRESS"
_REMOVE = "remove it with `dr undeploy`, which leaves points and store, and deploy again"
_STUCK = {
    "UPDATE_ROLLBACK_FAILED": (
        "mend what its events name, then let it end: aws cloudformation continue-update-rollback --stack-name {name} "
        f"--region {{region}}; or {_REMOVE}"
    ),
    "DELETE_FAILED": "mend what its events name, then run `dr undeploy` again",
}
"""What to do about a stack that cannot be changed. Source: CloudFormation user guide, Stack status codes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a deployment would change. `asking` is the change set that is there; none is where it is `unchanged`."""

    stack: Stack
    creates: bool
    asking: Asking
    rows: tuple[ChangeRow, ...] = ()
    unchanged: bool = False

    @property
    def staged(self) -> str | None:
        """Where its template lies for CloudFormation to read, when it is too long for a call."""
        return layout.staging_key(_digest(self.stack.template)) if self.asking.url else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """The parts: CloudFormation and S3 of the functions' Region, the installation, the bucket of its packages, the clock.

    Who removes a stack may have none, and names it empty.
    """

    aws: StackDeployer
    region: str
    installation: str
    bucket: str
    clock: Clock


def standing(deployer: Deployer, name: str) -> LiveStack | None:
    """The stack of this name, None when there is none. Raises `Refused` for somebody else's, `Busy` for one in the making."""
    found = deployer.aws.live(name)
    if found is None:
        return None
    if not _is_ours(found, deployer):
        what = "under review that was" if found.status == _EMPTY else "that is"
        raise Refused(
            f"there is a stack {name} {what} not of the installation {deployer.installation!r}: it lacks the tag {layout.MANAGED}",
            "give this installation another name, or remove that stack",
        )
    if found.status.endswith("_IN_PROGRESS") and found.status != _EMPTY:
        raise Busy(f"{name} is {found.status}", "wait until CloudFormation is done with it")
    return found


def deployed_template(deployer: Deployer, name: str) -> str | None:
    """The template that is deployed; None where there is no stack, or nothing of it yet. Raises as `standing`."""
    found = standing(deployer, name)
    return None if found is None or found.status == _EMPTY else deployer.aws.template(name)


def _is_ours(found: LiveStack, deployer: Deployer) -> bool:
    """By its tag; a stack under review has none yet, and its change sets say what it will have."""
    tags = deployer.aws.asked_with(found.stack_id) if found.status == _EMPTY else (found.tags,)
    return all(each.get(layout.MANAGED) == deployer.installation for each in tags)


def propose(stack: Stack, deployer: Deployer) -> Proposed:
    """Ask CloudFormation what it would change; what fails or is interrupted leaves nothing behind.

    Raises `Refused` where the stack must not be changed, or who asks may not.
    """
    before = standing(deployer, stack.name)
    creates = before is None or before.status == _EMPTY
    if before is not None and not creates and before.status not in _MAY_CHANGE:
        raise Refused(
            f"{stack.name} is {before.status} and cannot be changed: {before.reason or 'see its events'}",
            _STUCK.get(before.status, _REMOVE).format(name=stack.name, region=stack.region),
        )
    with _or_refused():
        deployer.aws.require_bucket(deployer.bucket)
        proposed = Proposed(stack=stack, creates=creates, asking=_asking(stack, deployer, creates=creates))
        with _or_nothing(proposed, deployer):
            if proposed.staged:
                deployer.aws.stage(deployer.bucket, stack.template)
            deployer.aws.ask(proposed.asking)
            rows = _made(proposed.asking, deployer)
            _unstage(proposed, deployer)
    return replace(proposed, rows=rows or (), unchanged=rows is None)


@contextmanager
def _or_refused() -> Iterator[None]:
    """Who may not is told so before anything is made."""
    try:
        yield
    except Denied as error:
        raise Refused(f"nothing was deployed: {error.message}", error.remedy) from error


@contextmanager
def _or_nothing(proposed: Proposed, deployer: Deployer) -> Iterator[None]:
    """Take back what was only asked for, as far as AWS lets it, whatever ends this."""
    try:
        yield
    except BaseException:
        abandon(proposed, deployer)
        raise


def _asking(stack: Stack, deployer: Deployer, *, creates: bool) -> Asking:
    parameters = dict(sorted(stack.parameters.items()))
    long = len(stack.template.encode()) > _BODY_AT_MOST
    return Asking(
        stack=stack.name,
        token=layout.change_set_name(_digest(json.dumps([stack.template, parameters, creates]))),
        create=creates,
        body=None if long else stack.template,
        url=deployer.aws.staged_url(deployer.bucket, _digest(stack.template)) if long else None,
        parameters=parameters,
        tags={layout.MANAGED: deployer.installation, layout.VERSION: __version__},
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _made(asking: Asking, deployer: Deployer) -> tuple[ChangeRow, ...] | None:
    """What it changes, once CloudFormation has made it; None for one that is empty, which is then gone again.

    No rows are no sign of that: tags of the stack and outputs are no resources.
    """
    waited = 0.0
    while True:
        found = deployer.aws.asked(asking)
        if found is None:
            raise NotFound(f"the change set {asking.token} of {asking.stack} is gone", "deploy again")
        status, why, rows = found
        if status == "CREATE_COMPLETE":
            return rows
        if status == "FAILED":
            if rows or not _changes_nothing(why):
                raise CloudError(f"CloudFormation cannot change {asking.stack}: {why}", "see what it says")
            deployer.aws.withdraw(asking)
            return None
        if waited >= PATIENCE:
            raise OutOfTime(f"the change set of {asking.stack} is still {status}", "deploy again later")
        deployer.clock.sleep(EVERY)
        waited += EVERY


def _changes_nothing(why: str) -> bool:
    """Source: CloudFormation's only sign of it is its text (FAILURES 2, row 34)."""
    return "didn't contain changes" in why or "No updates are to be performed" in why


def withdraw(proposed: Proposed, deployer: Deployer) -> None:
    """Leave nothing of what was only looked at."""
    if not proposed.unchanged:
        deployer.aws.withdraw(proposed.asking)


def abandon(proposed: Proposed, deployer: Deployer) -> None:
    """The same, for who has a fault to tell already: what cannot be taken back, the next deployment takes over."""
    with suppress(DrError):
        deployer.aws.withdraw(proposed.asking)
    with suppress(DrError):
        _unstage(proposed, deployer)


def _unstage(proposed: Proposed, deployer: Deployer) -> None:
    """CloudFormation has read the template when the change set is there."""
    if proposed.staged:
        deployer.aws.remove(deployer.bucket, [proposed.staged])


def carry_out(proposed: Proposed, package: bytes, deployer: Deployer, watch: Watch) -> str:
    """Upload the package, execute the change set, follow it; the stack's id. Raises `CloudError` where it fails."""
    name = proposed.stack.name
    with _or_nothing(proposed, deployer), _or_refused():
        deployer.aws.put_package(deployer.bucket, proposed.stack.parameters["PackageKey"], package)
        before = _seen(name, deployer)
    with unless_interrupted(f"CloudFormation may have begun with {name}"):
        _execute(proposed, before, deployer)
        with going_on(name):
            found = deployer.aws.live(name)
            ended = followed(found, before, deployer.aws, deployer.clock, watch) if found else None
    if found is None or ended is None:
        raise CloudError(f"{name} is gone while it was deployed", "deploy again")
    status, why = ended
    if status not in _STANDS:
        raise CloudError(
            f"{name} was not deployed: it is {status}{f' ({why})' if why else ''}",
            _after(status).format(name=name, region=proposed.stack.region),
        )
    return found.stack_id


def _after(status: str) -> str:
    """What to do about a deployment that ended so."""
    back = "; what was there before is there again" if status == "UPDATE_ROLLBACK_COMPLETE" else ""
    return _STUCK.get(status, f"mend what its events name, and deploy again{back}")


def _execute(proposed: Proposed, before: frozenset[str], deployer: Deployer) -> None:
    """Have CloudFormation begin. What it refused is taken back; where an answer was lost it may have begun: that is left."""
    try:
        with _or_refused():
            deployer.aws.execute(proposed.asking, token(proposed.asking.token, before))
    except Ambiguous:
        raise
    except NotFound as error:
        why = f"the change set of {proposed.stack.name} is gone: another deployment of the same has taken it away"
        raise CloudError(f"{why} ({error.message})", "nothing was changed: deploy again") from error
    except DrError:
        abandon(proposed, deployer)
        raise


def removable(deployer: Deployer, name: str) -> LiveStack | None:
    """The stack to remove, None when there is none. Raises as `standing`, and `Refused` for one that is protected."""
    found = standing(deployer, name)
    if found is not None and found.protected:
        raise Refused(
            f"{name} has termination protection, and CloudFormation would not remove it",
            "aws cloudformation update-termination-protection --no-enable-termination-protection "
            f"--stack-name {name} --region {deployer.region}",
        )
    return found


def left_packages(deployer: Deployer) -> tuple[str, ...]:
    """The keys of this installation's packages; none where their bucket is gone, or none is named."""
    if not deployer.bucket:
        return ()
    try:
        return deployer.aws.packages(deployer.bucket, layout.packages_prefix(deployer.installation))
    except NotFound:
        return ()


def undeploy(stack: LiveStack | None, deployer: Deployer, watch: Watch) -> tuple[str, ...]:
    """Delete the stack, then the packages; the keys of those. Never a point, a stored stack or the store.

    Raises `Refused` for a stack that somebody has deployed since it was looked for: its package stays.
    """
    if stack is not None:
        _remove(stack, deployer, watch)
    name = layout.functions_stack(deployer.installation)
    if standing(deployer, name) is not None:
        raise Refused(
            f"{name} was deployed meanwhile: it stands, and so do its packages",
            "if it shall go, run it again",
        )
    keys = left_packages(deployer)
    deployer.aws.remove(deployer.bucket, keys)
    return keys


def _remove(stack: LiveStack, deployer: Deployer, watch: Watch) -> None:
    before = frozenset(event.id for event in deployer.aws.events(stack.stack_id))
    with unless_interrupted(f"CloudFormation may have begun to remove {stack.name}"):
        deployer.aws.delete(stack.stack_id, token(stack.stack_id, before))
        with going_on(stack.name):
            status, why = followed(stack, before, deployer.aws, deployer.clock, watch)
    if status != "DELETE_COMPLETE":
        raise CloudError(
            f"{stack.name} was not removed: it is {status}{f' ({why})' if why else ''}",
            "mend what its events name, and run it again",
        )


def _seen(name: str, deployer: Deployer) -> frozenset[str]:
    found = deployer.aws.live(name)
    return frozenset(event.id for event in deployer.aws.events(found.stack_id)) if found else frozenset()
