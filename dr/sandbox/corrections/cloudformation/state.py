"""What CloudFormation knows in one account and Region: stacks, their resources and events, change sets.

It lives on moto's CloudFormation backend, so that resetting moto empties it. Plain values only.
"""

from __future__ import annotations

import datetime as dt
import uuid
from dataclasses import dataclass, field
from typing import Any

from moto.cloudformation.models import CloudFormationBackend, cloudformation_backends
from moto.utilities.utils import get_partition

from dr.sandbox.clock import clock
from dr.sandbox.corrections.cloudformation.faults import Fault

STACK_TYPE = "AWS::CloudFormation::Stack"


@dataclass(slots=True, kw_only=True)
class Parameter:
    """A parameter's value as it was given, and what Ref gives for it."""

    key: str
    given: str
    value: Any
    resolved: str | None = None  # of SSM parameter types only
    secret: bool = False

    def shown(self) -> dict[str, str]:
        """As Describe calls give it. Source: template reference, Parameters, NoEcho: shown as asterisks."""
        shown = {"ParameterKey": self.key, "ParameterValue": "****" if self.secret else self.given}
        if self.resolved is not None:
            shown["ResolvedValue"] = "****" if self.secret else self.resolved
        return shown


@dataclass(slots=True, kw_only=True)
class Record:
    """One resource of a stack, as DescribeStackResources gives it, with what is needed to undo it."""

    logical_id: str
    type: str
    definition: dict[str, Any]
    physical_id: str = ""
    status: str = ""
    reason: str | None = None
    at: dt.datetime = field(default_factory=clock.naive)
    properties: dict[str, Any] = field(default_factory=dict)
    attributes: dict[str, Any] = field(default_factory=dict)
    model: Any = None  # moto's object, for the types that moto makes


@dataclass(slots=True, kw_only=True)
class Request:
    """What a caller asked for: the same for CreateStack, UpdateStack and change sets."""

    text: str
    body: dict[str, Any]
    parameters: dict[str, Parameter]
    tags: dict[str, str] = field(default_factory=dict)
    capabilities: list[str] = field(default_factory=list)
    role_arn: str | None = None
    notification_arns: list[str] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Stack:
    """A stack; `asked` is what it was last asked to be."""

    id: str
    name: str
    account: str
    region: str
    asked: Request
    status: str = "CREATE_IN_PROGRESS"
    reason: str | None = None
    on_failure: str = "ROLLBACK"
    token: str | None = None
    tokens: dict[str, str] = field(default_factory=dict)  # client request token -> operation
    created: dt.datetime = field(default_factory=clock.naive)
    updated: dt.datetime | None = None
    deleted: dt.datetime | None = None
    called: dt.datetime | None = None  # when the work was asked for that has not begun yet
    parent_id: str | None = None
    root_id: str | None = None
    change_set_id: str | None = None
    protected: bool = False
    policy: str | None = None
    timeout: int | None = None
    records: dict[str, Record] = field(default_factory=dict)
    events: list[dict[str, Any]] = field(default_factory=list)
    outputs: list[dict[str, Any]] = field(default_factory=list)
    imports: set[str] = field(default_factory=set)

    @property
    def stack_id(self) -> str:
        """The name that moto's tagging API uses."""
        return self.id

    @property
    def tags(self) -> dict[str, str]:
        """The name that moto's tagging API uses."""
        return self.asked.tags


@dataclass(slots=True, kw_only=True)
class ChangeSet:
    """A request that waits for its execution."""

    id: str
    name: str
    stack_id: str
    stack_name: str
    type: str
    asked: Request
    description: str | None = None
    token: str | None = None
    on_failure: str = "ROLLBACK"
    nested: bool = False
    status: str = "CREATE_PENDING"
    execution: str = "UNAVAILABLE"
    reason: str | None = None
    created: dt.datetime = field(default_factory=clock.naive)
    changes: list[dict[str, Any]] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Region:
    """All stacks, living and deleted, and all change sets of one account and Region."""

    account: str
    region: str
    stacks: dict[str, Stack] = field(default_factory=dict)
    change_sets: dict[str, ChangeSet] = field(default_factory=dict)


def of(account: str, region: str) -> Region:
    """The state of one account and Region."""
    return of_backend(cloudformation_backends[account][region])


def of_backend(backend: CloudFormationBackend) -> Region:
    """The state that lies on moto's backend; a reset backend has none yet."""
    kept = backend.__dict__.setdefault("sandbox_region", None)
    if kept is None:
        kept = backend.sandbox_region = Region(account=backend.account_id, region=backend.region_name)
    return kept


def living(region: Region, name_or_id: str) -> Stack | None:
    """The stack of that name or id that is not deleted."""
    for stack in region.stacks.values():
        if stack.deleted is None and name_or_id in (stack.name, stack.id):
            return stack
    return None


def find(region: Region, name_or_id: str) -> Stack:
    """The stack, deleted ones by id only. Source: DescribeStacks, StackName: deleted stacks need the unique stack ID."""
    stack = living(region, name_or_id) or region.stacks.get(name_or_id)
    if stack is None:
        raise Fault(f"Stack with id {name_or_id} does not exist")
    return stack


def arn(account: str, region: str, kind: str, name: str) -> str:
    """A new `stack` or `changeSet` ARN."""
    return f"arn:{get_partition(region)}:cloudformation:{region}:{account}:{kind}/{name}/{uuid.uuid4()}"
