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
from collections.abc import Callable
from dataclasses import dataclass

from dr import __version__, layout
from dr.aws.deployer import Asking, ChangeRow, StackDeployer
from dr.deploy.stack import Stack
from dr.errors import Busy, CloudError, Denied, NotFound, OutOfTime, Refused
from dr.ports import Clock, LiveStack, StackEvent

_BODY_AT_MOST = 51_200
"""Source: CloudFormation user guide, quotas: bytes of a template in the call itself."""
_EVERY, _PATIENCE = 2.0, 3600.0
"""Seconds between two looks, and in all."""
_STANDS = ("CREATE_COMPLETE", "UPDATE_COMPLETE")
_MAY_CHANGE = (*_STANDS, "UPDATE_ROLLBACK_COMPLETE")
_EMPTY = "REVIEW_IN_PROGRESS"

Watch = Callable[[StackEvent], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposed:
    """What a deployment would change: nothing where there are no rows. `asking` is the change set that is there."""

    stack: Stack
    creates: bool
    asking: Asking
    rows: tuple[ChangeRow, ...]
    staged: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Deployer:
    """The parts: CloudFormation and S3 of the functions' Region, the installation, the bucket of its packages, the clock."""

    aws: StackDeployer
    installation: str
    bucket: str
    clock: Clock


def standing(deployer: Deployer, name: str) -> LiveStack | None:
    """The stack of this name, None when there is none. Raises `Refused` for somebody else's, `Busy` for one in the making."""
    found = deployer.aws.live(name)
    if found is None:
        return None
    if found.tags.get(layout.MANAGED) != deployer.installation and found.status != _EMPTY:
        raise Refused(
            f"there is a stack {name} that is not of the installation {deployer.installation!r}: it lacks the tag {layout.MANAGED}",
            "give this installation another name, or remove that stack",
        )
    if found.status.endswith("_IN_PROGRESS") and found.status != _EMPTY:
        raise Busy(f"{name} is {found.status}", "wait until CloudFormation is done with it")
    return found


def propose(stack: Stack, deployer: Deployer) -> Proposed:
    """Ask CloudFormation what it would change. Raises `Refused` where it must not, or nobody may ask."""
    before = standing(deployer, stack.name)
    creates = before is None or before.status == _EMPTY
    if before is not None and not creates and before.status not in _MAY_CHANGE:
        raise Refused(
            f"{stack.name} is {before.status} and cannot be changed: {before.reason or 'see its events'}",
            "remove it with `dr undeploy`, which leaves points and store, and deploy again",
        )
    try:
        deployer.aws.require_bucket(deployer.bucket)
        staged = None
        if len(stack.template.encode()) > _BODY_AT_MOST:
            staged = deployer.aws.stage(deployer.bucket, stack.template)
        asking = _asking(stack, deployer, staged, creates=creates)
        deployer.aws.ask(asking)
        rows = _made(asking, deployer)
    except Denied as error:
        raise Refused(f"nothing was deployed: {error.message}", error.remedy) from error
    return Proposed(stack=stack, creates=creates, asking=asking, rows=rows, staged=staged)


def _asking(stack: Stack, deployer: Deployer, staged: str | None, *, creates: bool) -> Asking:
    parameters = dict(sorted(stack.parameters.items()))
    digest = hashlib.sha256(json.dumps([stack.template, parameters, creates]).encode()).hexdigest()
    return Asking(
        stack=stack.name,
        token=layout.change_set_name(digest),
        create=creates,
        body=None if staged else stack.template,
        url=staged,
        parameters=parameters,
        tags={layout.MANAGED: deployer.installation, layout.VERSION: __version__},
    )


def _made(asking: Asking, deployer: Deployer) -> tuple[ChangeRow, ...]:
    """What it changes, once CloudFormation has made it; nothing for one that is empty, which is then gone again."""
    waited = 0.0
    while True:
        found = deployer.aws.asked(asking)
        if found is None:
            raise NotFound(f"the change set {asking.token} of {asking.stack} is gone", "deploy again")
        status, why, rows = found
        if status == "CREATE_COMPLETE":
            return rows
        if status == "FAILED":
            deployer.aws.withdraw(asking)
            if rows or not _changes_nothing(why):
                raise CloudError(f"CloudFormation cannot change {asking.stack}: {why}", "see what it says")
            return ()
        if waited >= _PATIENCE:
            raise OutOfTime(f"the change set of {asking.stack} is still {status}", "deploy again later")
        deployer.clock.sleep(_EVERY)
        waited += _EVERY


def _changes_nothing(why: str) -> bool:
    """Source: CloudFormation's only sign of it is its text (FAILURES 2, row 34)."""
    return "didn't contain changes" in why or "No updates are to be performed" in why


def withdraw(proposed: Proposed, deployer: Deployer) -> None:
    """Leave nothing of what was only looked at."""
    if proposed.rows:
        deployer.aws.withdraw(proposed.asking)
    if proposed.staged:
        digest = hashlib.sha256(proposed.stack.template.encode()).hexdigest()
        deployer.aws.remove(deployer.bucket, [layout.staging_key(digest)])


def carry_out(proposed: Proposed, package: bytes, deployer: Deployer, watch: Watch) -> str:
    """Upload the package, execute the change set, follow it; the stack's id. Raises `CloudError` where it fails."""
    deployer.aws.put_package(deployer.bucket, proposed.stack.parameters["PackageKey"], package)
    before = _seen(proposed.stack.name, deployer)
    deployer.aws.execute(proposed.asking)
    found = deployer.aws.live(proposed.stack.name)
    if found is None:
        raise CloudError(f"{proposed.stack.name} is gone while it was deployed", "deploy again")
    status, why = _followed(found.stack_id, before, deployer, watch)
    if status not in _STANDS:
        raise CloudError(
            f"{proposed.stack.name} was not deployed: it is {status}{f' ({why})' if why else ''}",
            "the events above say why; what was there before is there again",
        )
    return found.stack_id


def undeploy(stack: LiveStack, deployer: Deployer, watch: Watch) -> tuple[str, ...]:
    """Delete the stack, then the packages; the keys of those. Never a point, a stored stack or the store."""
    before = frozenset(event.id for event in deployer.aws.events(stack.stack_id))
    deployer.aws.delete(stack.stack_id)
    status, why = _followed(stack.stack_id, before, deployer, watch)
    if status != "DELETE_COMPLETE":
        raise CloudError(
            f"{stack.name} was not removed: it is {status}{f' ({why})' if why else ''}",
            "the events above say why; run it again",
        )
    keys = deployer.aws.packages(deployer.bucket, layout.packages_prefix(deployer.installation))
    deployer.aws.remove(deployer.bucket, keys)
    return keys


def _seen(name: str, deployer: Deployer) -> frozenset[str]:
    found = deployer.aws.live(name)
    return frozenset(event.id for event in deployer.aws.events(found.stack_id)) if found else frozenset()


def _followed(stack_id: str, seen: frozenset[str], deployer: Deployer, watch: Watch) -> tuple[str, str]:
    """How it ended; every event that was not there before is told."""
    known, waited = set(seen), 0.0
    while True:
        status, why = deployer.aws.status(stack_id)
        for event in deployer.aws.events(stack_id):
            if event.id not in known:
                known.add(event.id)
                watch(event)
        if not status.endswith("_IN_PROGRESS"):
            return status, why
        if waited >= _PATIENCE:
            raise OutOfTime(f"the stack is still {status}", "CloudFormation goes on; deploy again to see")
        deployer.clock.sleep(_EVERY)
        waited += _EVERY
