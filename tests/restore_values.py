"""Stored stacks, points and plans as values."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from dr.model import Kind, Lineage, RecoveryPoint, State
from dr.stacks.bodies import Choices
from dr.stacks.restore import RestorePlan, World, plan_restore
from dr.stored import StackParameter, StackResource, StoredStack

ACCOUNT, REGION = "111111111111", "eu-west-1"
NOON = datetime(2026, 3, 29, 12, tzinfo=UTC)
VOLUME, INSTANCE = "AWS::EC2::Volume", "AWS::EC2::Instance"
TEMPLATE = """\
Parameters:
  Password: {Type: String, NoEcho: true}
Resources:
  Data:
    Type: AWS::EC2::Volume
    Properties: {AvailabilityZone: eu-west-1a, Size: 8}
"""


def hours(number: float) -> datetime:
    """So many hours before noon."""
    return NOON - timedelta(hours=number)


def point(name: str, source: str, time: datetime, **facts: Any) -> RecoveryPoint:
    kind = Kind.IMAGE if name.startswith("ami-") else Kind.SNAPSHOT
    lineage = Lineage(policy=facts.pop("policy", "hourly"), account=ACCOUNT, region=REGION, source=source)
    born = {"kind": kind, "slot": time, "time": time, "state": State.GOOD, "size": 8, **facts}
    return RecoveryPoint(id=name, lineage=lineage, **born)


def resource(logical_id: str, physical_id: str, kind: str = VOLUME, **facts: Any) -> StackResource:
    return StackResource(
        logical_id=logical_id, physical_id=physical_id, type=kind, status="CREATE_COMPLETE", facts=facts
    )


def disks(**devices: str) -> list[dict[str, str]]:
    """Devices of an instance: name after /dev/ -> volume id."""
    return [{"Device": f"/dev/{name}", "VolumeId": volume} for name, volume in devices.items()]


def stored(*resources: StackResource, template: str = TEMPLATE, **facts: Any) -> StoredStack:
    born = {
        "account": ACCOUNT,
        "region": REGION,
        "name": "prod",
        "stack_id": "arn:prod",
        "status": "CREATE_COMPLETE",
        "policy": "stacks",
        "slot": hours(1),
        "time": hours(1),
        "template": template,
        **facts,
    }
    return StoredStack(resources=resources, **born)


def version(stack: StoredStack) -> RecoveryPoint:
    lineage = Lineage(policy=stack.policy, account=stack.account, region=stack.region, source=stack.name)
    return RecoveryPoint(
        id=f"stack/{stack.name}",
        kind=Kind.STACK,
        lineage=lineage,
        slot=stack.slot,
        time=stack.time,
        state=State.GOOD,
    )


def planned(
    stack: StoredStack,
    *points: RecoveryPoint,
    exports: dict[str, str] | None = None,
    begun: bool = False,
    **asked: Any,
) -> RestorePlan:
    choices = Choices(**{"at": NOON, **asked})
    return plan_restore((version(stack), stack), points, choices, World(exports=exports or {}, begun=begun))


SECRET = (StackParameter(name="Password", value=None, no_echo=True),)
