"""`CloudFormationMaker`: ports.StackMaker for one Region of one account.

Every changing call is harmless to repeat, so that the client may: a change set and its execution carry tokens,
setting a policy or a protection sets the same again, and a staged template lies under its own digest.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any
from urllib.parse import quote

from dr import layout
from dr.aws import stacks_read
from dr.aws.ec2_read import Ec2Reader
from dr.aws.errors import field, translated, without_user
from dr.aws.pages import Row
from dr.aws.session import Session
from dr.errors import CloudError, NotFound, Taken
from dr.ports import ChangeSet, LiveStack, NewStack, StackEvent
from dr.stacks import capture
from dr.words import without_credentials

_EXECUTED = ("EXECUTE_IN_PROGRESS", "EXECUTE_COMPLETE")
_DEEPEST = 20
"""Levels of nested stacks that are followed."""


class CloudFormationMaker:
    """CloudFormation, EC2 and SSM of one Region, as a restore needs them.

    `own` is the session of the installation's own account, in which its staging buckets are; None where that is `session`.
    """

    def __init__(self, session: Session, region: str, own: Session | None = None) -> None:
        self._session = session
        self._own = own or session
        self._region = region
        self._ec2 = Ec2Reader(session)

    def live(self, name: str) -> LiveStack | None:
        """The stack of that name or id, None when there is none (or it is deleted)."""
        found = stacks_read.describe(self._session, self._region, name)
        if found is None or found["StackStatus"] == "DELETE_COMPLETE":
            return None
        return LiveStack(
            stack_id=found["StackId"],
            name=found["StackName"],
            status=found["StackStatus"],
            reason=without_credentials(found.get("StackStatusReason", "")),
            tags={tag["Key"]: tag["Value"] for tag in found.get("Tags", ())},
            protected=bool(found.get("EnableTerminationProtection")),
        )

    def started_by(self, stack_id: str) -> str | None:
        """The ClientRequestToken that began the stack's creation; the oldest event of the stack that has one."""
        for event in reversed(stacks_read.events(self._session, self._region, stack_id)):
            if event.get("PhysicalResourceId") == event["StackId"] and event.get("ClientRequestToken"):
                return str(event["ClientRequestToken"])
        return None

    def create_change_set(self, new: NewStack) -> None:
        """Ask for a change set that creates the stack; one of the same name is of the same plan, and success."""
        try:
            with translated("cloudformation:CreateChangeSet", self._region):
                self._session.cloudformation(self._region).create_change_set(**_request(new))
        except Taken:
            if self.change_set(new.name, new.token) is None:
                raise

    def change_set(self, stack: str, name: str) -> ChangeSet | None:
        """It as it is now, None when there is none."""
        try:
            with translated("cloudformation:DescribeChangeSet", self._region):
                found = self._session.cloudformation(self._region).describe_change_set(
                    StackName=stack, ChangeSetName=name
                )
        except NotFound:
            return None
        except CloudError as error:
            if error.code == stacks_read.VALIDATION and self.live(stack) is None:
                return None
            raise
        return ChangeSet(
            name=found["ChangeSetName"],
            status=found["Status"],
            execution_status=found["ExecutionStatus"],
            reason=without_credentials(found.get("StatusReason", "")),
        )

    def execute(self, stack: str, name: str, token: str | None = None) -> None:
        """Execute with the name as token, or another; one that runs already, or has run, is followed (FAILURES 2, rows 33, 36)."""
        try:
            with translated("cloudformation:ExecuteChangeSet", self._region):
                self._session.cloudformation(self._region).execute_change_set(
                    StackName=stack, ChangeSetName=name, ClientRequestToken=token or name
                )
        except CloudError as error:
            if not self._already(error, stack, name):
                raise

    def _already(self, error: CloudError, stack: str, name: str) -> bool:
        """Whether the refusal means that this very change set was executed before."""
        match error.code:
            case "TokenAlreadyExistsException":
                return True
            case "InvalidChangeSetStatus":
                now = self.change_set(stack, name)
                return now is not None and now.execution_status in _EXECUTED
            case "ChangeSetNotFound":
                found = self.live(stack)
                return found is not None and self.started_by(found.stack_id) == name
            case _:
                return False

    def events(self, stack_id: str) -> tuple[StackEvent, ...]:
        """All events of the stack and of its nested stacks, oldest first."""
        return tuple(sorted(self._events(stack_id, _DEEPEST), key=lambda event: event.time))

    def _events(self, stack_id: str, depth: int) -> list[StackEvent]:
        rows = stacks_read.events(self._session, self._region, stack_id)
        nested = {row["PhysicalResourceId"]: None for row in reversed(rows) if _begins_nested(row)}
        below = [event for child in nested for event in self._events(child, depth - 1)] if depth else []
        return [*(_event(row) for row in reversed(rows)), *below]

    def resources(self, stack_id: str) -> Mapping[str, tuple[str, str]]:
        """Logical id -> (physical id, type); nested ones as `Child/Logical`."""
        return self._resources(stack_id, "", _DEEPEST)

    def _resources(self, stack_id: str, prefix: str, depth: int) -> dict[str, tuple[str, str]]:
        found: dict[str, tuple[str, str]] = {}
        for row in capture.existing(stacks_read.resources(self._session, self._region, stack_id)):
            name = prefix + row["LogicalResourceId"]
            found[name] = (row["PhysicalResourceId"], row["ResourceType"])
            if row["ResourceType"] == capture.NESTED and depth:
                found |= self._resources(row["PhysicalResourceId"], f"{name}/", depth - 1)
        return found

    def volumes(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """DescribeVolumes by volume id."""
        return self._ec2.volumes_by_id(self._region, ids)

    def instances(self, ids: Sequence[str]) -> Mapping[str, Mapping[str, Any]]:
        """DescribeInstances by instance id."""
        return self._ec2.instances_by_id(self._region, ids)

    def gone(self, ids: Sequence[str]) -> tuple[str, ...]:
        """DescribeSnapshots and DescribeImages of these ids: those that are not there, or not whole."""
        usable = self._ec2.usable(self._region, ids)
        return tuple(one for one in ids if one not in usable)

    def protect(self, stack_id: str, *, stack_policy: str | None, termination: bool) -> None:
        """Set the stack policy and termination protection that the lost stack had; a new stack has neither."""
        client = self._session.cloudformation(self._region)
        if stack_policy is not None:
            with translated("cloudformation:SetStackPolicy", self._region):
                client.set_stack_policy(StackName=stack_id, StackPolicyBody=stack_policy)
        if termination:
            with translated("cloudformation:UpdateTerminationProtection", self._region):
                client.update_termination_protection(StackName=stack_id, EnableTerminationProtection=True)

    def exports(self) -> Mapping[str, str]:
        """Export name -> the id of the stack that exports it."""
        rows = stacks_read.exports(self._session, self._region)
        return {row["Name"]: row["ExportingStackId"] for row in rows}

    def ssm_parameter(self, name: str) -> str:
        """The value of a parameter, decrypted. Raises `NotFound`."""
        action = "ssm:GetParameter"
        with translated(action, self._region):
            answer = self._session.client("ssm", self._region).get_parameter(Name=name, WithDecryption=True)
        return str(field(answer, "Parameter", action, self._region)["Value"])

    def staged_url(self, bucket: str, digest: str) -> str:
        """The URL that the text of this SHA-256 has once it is staged.

        Path style, which CloudFormation takes and which holds for bucket names with dots.
        """
        endpoint = self._session.client("s3", self._region).meta.endpoint_url
        return f"{without_user(endpoint)}/{bucket}/{quote(layout.staging_key(digest))}"

    def stage(self, bucket: str, body: str) -> str:
        """Put a template where CloudFormation can read it; its URL.

        The bucket has to be ours (FAILURES 4.2): a name that somebody else has taken over gets nothing. CloudFormation reads it
        with the rights of who makes the stack: a bucket of the installation has to let the other accounts read.
        """
        digest = hashlib.sha256(body.encode()).hexdigest()
        client = self._own.client("s3", self._region)
        with translated("s3:PutObject", self._region):
            client.put_object(
                Bucket=bucket,
                Key=layout.staging_key(digest),
                Body=body.encode(),
                ExpectedBucketOwner=self._own.account(),
            )
        return self.staged_url(bucket, digest)

    def validate(self, body: str | None, url: str | None) -> tuple[str, ...]:
        """Capabilities that the template needs (GetTemplateSummary)."""
        with translated("cloudformation:GetTemplateSummary", self._region):
            client = self._session.cloudformation(self._region)
            answer = (
                client.get_template_summary(TemplateURL=url)
                if url is not None
                else client.get_template_summary(TemplateBody=body or "")
            )
        return tuple(answer.get("Capabilities", ()))


def _request(new: NewStack) -> dict[str, Any]:
    """What failed stays as it is, to be looked at and resumed: OnStackFailure (FAILURES 2, row 39)."""
    request: dict[str, Any] = {
        "StackName": new.name,
        "ChangeSetName": new.token,
        "ClientToken": new.token,
        "ChangeSetType": "CREATE",
        "OnStackFailure": "DO_NOTHING",
        "IncludeNestedStacks": False,
        "Parameters": [
            {"ParameterKey": key, "ParameterValue": value} for key, value in new.parameters.items()
        ],
        "Capabilities": list(new.capabilities),
        "Tags": [{"Key": key, "Value": value} for key, value in new.tags.items()],
        "NotificationARNs": list(new.notification_arns),
    }
    if new.url is not None:
        request["TemplateURL"] = new.url
    else:
        request["TemplateBody"] = new.body or ""
    if new.role_arn is not None:
        request["RoleARN"] = new.role_arn
    return request


def _begins_nested(row: Row) -> bool:
    """An event of a nested stack in its parent: its physical id is that stack's."""
    physical = row.get("PhysicalResourceId") or ""
    return (
        row["ResourceType"] == capture.NESTED and physical.startswith("arn:") and physical != row["StackId"]
    )


def _event(row: Row) -> StackEvent:
    return StackEvent(
        id=row["EventId"],
        time=row["Timestamp"].astimezone(UTC),
        stack=row["StackName"],
        logical_id=row["LogicalResourceId"],
        type=row["ResourceType"],
        status=row.get("ResourceStatus", ""),
        reason=without_credentials(row.get("ResourceStatusReason", "")),
    )
