"""Follow what CloudFormation does with a stack, whoever stops watching.

token --begin--> events --told--> status, which an event of the stack itself bears out
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dr import layout
from dr.aws.deployer import StackDeployer
from dr.errors import CloudError, EnvironmentFailed, Interrupted, OutOfTime, precede
from dr.ports import Clock, LiveStack, StackEvent

EVERY, PATIENCE = 2.0, 3600.0
"""Seconds between two looks, and in all."""
_BEGINS_WITHIN = 30.0
"""Seconds until the first event of what was begun: a status that is seen before it may be that of an earlier change."""
_STACK = "AWS::CloudFormation::Stack"

Watch = Callable[[StackEvent], None]


def token(what: str, before: frozenset[str]) -> str:
    """The token of an operation, by the events that its stack has been through: the same again is another one later."""
    return layout.change_set_name(hashlib.sha256(json.dumps([what, sorted(before)]).encode()).hexdigest())


@contextmanager
def unless_interrupted(what: str) -> Iterator[None]:
    """Who interrupts is told what goes on without them."""
    try:
        yield
    except KeyboardInterrupt:
        remedy = "run the same command again to see how it ended"
        raise Interrupted(f"interrupted; {what}", remedy) from None


@contextmanager
def going_on(name: str) -> Iterator[None]:
    """Who loses sight of the stack is told that CloudFormation needs nobody to watch."""
    with unless_interrupted(f"CloudFormation goes on with {name} by itself"):
        try:
            yield
        except OutOfTime:
            raise
        except (CloudError, EnvironmentFailed) as error:
            lost = f"lost sight of {name}, with which CloudFormation goes on by itself"
            precede(error, lost, "run the same command again to see how it ended")
            raise


def followed(
    stack: LiveStack, seen: frozenset[str], aws: StackDeployer, clock: Clock, watch: Watch
) -> tuple[str, str]:
    """How it ended, and why; every event that was not there before is told.

    It has ended when an event of the stack itself says so too: a status alone may still be that of an earlier change.
    """
    known, waited, failed = set(seen), 0.0, ""
    ended = {"DELETE_COMPLETE"}
    while True:
        status, why = aws.status(stack.stack_id)
        for event in aws.events(stack.stack_id):
            if event.id not in known:
                known.add(event.id)
                watch(event)
                failed = failed or _failure(event)
                if event.type == _STACK and event.logical_id == stack.name:
                    ended.add(event.status)
        if not status.endswith("_IN_PROGRESS") and (status in ended or waited >= _BEGINS_WITHIN):
            return status, failed or why
        if waited >= PATIENCE:
            raise OutOfTime(f"{stack.name} is still {status}", "CloudFormation goes on; run it again to see")
        clock.sleep(EVERY)
        waited += EVERY


def _failure(event: StackEvent) -> str:
    """The first thing that failed is the reason; what follows was only cancelled."""
    return f"{event.logical_id}: {event.reason}" if event.status.endswith("_FAILED") else ""
