"""`CloudFormationStacks`: ports.Stacks on CloudFormation.

Reading a stack: DescribeStacks, GetTemplate (and once more where macros ran), GetStackPolicy, ListStackResources,
the same for each nested stack, and at most three listings of live facts for each. At the end the stack is described
again: one that changed meanwhile would be stored half old and half new, and is refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC
from typing import Any

from dr.aws import stacks_read
from dr.aws.ec2_read import Ec2Reader
from dr.aws.errors import field, translated
from dr.aws.pages import Row, batches
from dr.aws.session import Session
from dr.errors import CloudError
from dr.model import Protect, Source
from dr.stacks import capture
from dr.stored import StoredStack

_DEEPEST = 20
"""Levels of nested stacks that are followed; real trees have a few."""
_NOT_YET = frozenset({"REVIEW_IN_PROGRESS", "DELETE_COMPLETE"})
"""A change set without a stack, and a stack that is gone: nothing to protect."""
_GROUPS = 50
"""Names in one DescribeAutoScalingGroups. Source: Auto Scaling API reference: 100 groups a page, 50 by default."""


class CloudFormationStacks:
    """CloudFormation of one account, read."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._ec2 = Ec2Reader(session)

    def sources(self, region: str) -> tuple[Source, ...]:
        """Root stacks that exist; one that is not in a stable `*_COMPLETE` state is `unready`."""
        rows = stacks_read.described(self._session, region)
        account = self._session.account()
        return tuple(_source(row, account, region) for row in rows if _is_source(row))

    def read(self, region: str, name: str) -> StoredStack:
        """Everything DESIGN 8 lists. Raises `NotFound`, and `CloudError` for a stack that is being changed."""
        before = stacks_read.existing(self._session, region, name)
        _refuse_unready(before, region)
        stored = self._read(region, before, _DEEPEST)
        after = stacks_read.existing(self._session, region, before["StackId"])
        if _version(before) != _version(after):
            raise CloudError(
                f"the stack {name} in {region} changed while it was read",
                "the next run captures it",
                code="Changed",
            )
        return stored

    def _read(self, region: str, stack: Row, depth: int) -> StoredStack:
        stack_id = stack["StackId"]
        rows = stacks_read.resources(self._session, region, stack_id)
        template = stacks_read.template(self._session, region, stack_id)
        macros = capture.runs_macros(template)
        answers = capture.Answers(
            account=self._session.account(),
            region=region,
            stack=stack,
            template=template,
            processed=stacks_read.template(self._session, region, stack_id, processed=True)
            if macros
            else None,
            policy=stacks_read.stack_policy(self._session, region, stack_id),
            resources=rows,
            live=self._live(region, rows),
            children=self._children(region, rows, depth),
        )
        return capture.stored_stack(answers)

    def _children(self, region: str, rows: Iterable[Row], depth: int) -> dict[str, StoredStack]:
        nested = [row for row in capture.existing(rows) if row["ResourceType"] == capture.NESTED]
        if nested and not depth:
            raise CloudError(f"stacks in {region} are nested deeper than {_DEEPEST} levels", code="TooDeep")
        return {row["LogicalResourceId"]: self._child(region, row, depth) for row in nested}

    def _child(self, region: str, row: Row, depth: int) -> StoredStack:
        stack = stacks_read.existing(self._session, region, row["PhysicalResourceId"])
        return self._read(region, stack, depth - 1)

    def _live(self, region: str, rows: tuple[Row, ...]) -> dict[str, Mapping[str, Any]]:
        """Facts by physical id; a resource that was deleted behind the stack's back has none."""
        volumes = self._ec2.volumes_by_id(region, capture.of_type(rows, capture.VOLUME))
        instances = self._ec2.instances_by_id(region, capture.of_type(rows, capture.INSTANCE))
        groups = self._groups(region, capture.of_type(rows, capture.GROUP))
        return {
            **{key: capture.volume_facts(row) for key, row in volumes.items()},
            **{key: capture.instance_facts(row) for key, row in instances.items()},
            **{key: capture.group_facts(row) for key, row in groups.items()},
        }

    def _groups(self, region: str, names: Iterable[str]) -> dict[str, Row]:
        action = "autoscaling:DescribeAutoScalingGroups"
        found: dict[str, Row] = {}
        for batch in batches(names, _GROUPS):
            with translated(action, region):
                answer = self._session.autoscaling(region).describe_auto_scaling_groups(
                    AutoScalingGroupNames=batch, MaxRecords=100
                )
            rows = field(answer, "AutoScalingGroups", action, region)
            found |= {row["AutoScalingGroupName"]: row for row in rows}
        return found


def _is_source(row: Row) -> bool:
    """A root stack; nested ones are captured with their root."""
    return not row.get("ParentId") and row["StackStatus"] not in _NOT_YET


def _source(row: Row, account: str, region: str) -> Source:
    return Source(
        id=row["StackName"],
        protect=Protect.STACKS,
        account=account,
        region=region,
        tags={tag["Key"]: tag["Value"] for tag in row.get("Tags", ())},
        created=row["CreationTime"].astimezone(UTC),
        unready=capture.unready(row["StackStatus"]),
    )


def _refuse_unready(row: Row, region: str) -> None:
    if why := capture.unready(row["StackStatus"]):
        name = row["StackName"]
        raise CloudError(
            f"{name} in {region} is not captured: {why}", "wait until it is stable", code="NotStable"
        )


def _version(row: Row) -> tuple[Any, ...]:
    """What changes with every operation on a stack."""
    return row["StackId"], row["StackStatus"], row.get("LastUpdatedTime"), row.get("ChangeSetId")
