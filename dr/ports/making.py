"""What a restore makes stacks with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StackEvent:
    """One event of a stack that is being created."""

    id: str
    time: datetime
    stack: str
    logical_id: str
    type: str
    status: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveStack:
    """A stack as DescribeStacks shows it now; `protected` is its termination protection."""

    stack_id: str
    name: str
    status: str
    reason: str = ""
    tags: Mapping[str, str]
    protected: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeSet:
    """A change set: its own status and whether it can be executed."""

    name: str
    status: str
    execution_status: str
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewStack:
    """What a change set of type CREATE is made of. Exactly one of `body` and `url` is set."""

    name: str
    token: str
    body: str | None
    url: str | None
    parameters: Mapping[str, str]
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()


class StackMaker(Protocol):
    """CloudFormation, EC2 and SSM of one Region of one account, as a restore needs them."""

    def live(self, name: str) -> LiveStack | None:
        """The stack of that name or id, None when there is none (or it is deleted)."""

    def started_by(self, stack_id: str) -> str | None:
        """The ClientRequestToken that began the stack's creation, from its events."""

    def create_change_set(self, new: NewStack) -> None:
        """Ask for a change set that creates the stack; one of the same name and token is success."""

    def change_set(self, stack: str, name: str) -> ChangeSet | None:
        """It as it is now, None when there is none."""

    def execute(self, stack: str, name: str) -> None:
        """Execute with the name as token, keeping what was created when something fails (FAILURES 2, row 39)."""

    def events(self, stack_id: str) -> tuple[StackEvent, ...]:
        """All events of the stack and of its nested stacks, oldest first."""

    def resources(self, stack_id: str) -> Mapping[str, tuple[str, str]]:
        """Logical id -> (physical id, type); nested ones as `Child/Logical`."""

    def volumes(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """DescribeVolumes by volume id."""

    def instances(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """DescribeInstances by instance id."""

    def gone(self, ids: Sequence[str]) -> tuple[str, ...]:
        """Those of these snapshots and images, anybody's, that nothing can be born from any more."""

    def protect(self, stack_id: str, *, stack_policy: str | None, termination: bool) -> None:
        """Set the stack policy and termination protection that the lost stack had."""

    def exports(self) -> Mapping[str, str]:
        """Export name -> the id of the stack that exports it."""

    def ssm_parameter(self, name: str) -> str:
        """The value of a parameter, decrypted. Raises `NotFound`."""

    def stage(self, bucket: str, body: str) -> str:
        """Put a template where CloudFormation can read it; its URL, that of `staged_url`."""

    def staged_url(self, bucket: str, digest: str) -> str:
        """The URL that the text of this SHA-256 has once it is staged."""

    def validate(self, body: str | None, url: str | None) -> tuple[str, ...]:
        """Capabilities that the template needs (GetTemplateSummary)."""
