"""A stored stack: everything of a CloudFormation stack that a restore needs, as values (DESIGN 8).

Only values: how they are read from CloudFormation is `stacks/capture`, how they are kept is `store/`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class StackParameter:
    """A parameter as CloudFormation shows it. The value of a NoEcho parameter is never known and never stored."""

    name: str
    value: str | None
    resolved: str | None = None
    no_echo: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StackOutput:
    """An output, with the name that it is exported under, if it is. The value is `****` where it shows a secret."""

    key: str
    value: str
    export: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StackResource:
    """One row of the resource map.

    `facts` are what a restore needs of the live resource, under AWS's own key names.
    AWS::EC2::Volume: AvailabilityZone, VolumeType, Size, Iops, Throughput, Encrypted, KmsKeyId, SnapshotId,
    Attachments [{InstanceId, Device, DeleteOnTermination}];
    AWS::EC2::Instance: ImageId, InstanceType, AvailabilityZone, SubnetId, RootDeviceName,
    Devices [{Device, VolumeId, DeleteOnTermination}]; AWS::AutoScaling::AutoScalingGroup: Instances [id].
    """

    logical_id: str
    physical_id: str
    type: str
    status: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredStack:
    """One capture of a stack. `template` and `processed` are texts; `children` are nested stacks by logical id.

    `predecessor` is the SHA-256 of the manifest before this one in its lineage, "" for the first.
    """

    account: str
    region: str
    name: str
    stack_id: str
    status: str
    policy: str
    slot: datetime
    time: datetime
    template: str
    processed: str | None = None
    parameters: tuple[StackParameter, ...] = ()
    capabilities: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    role_arn: str | None = None
    notification_arns: tuple[str, ...] = ()
    stack_policy: str | None = None
    termination_protection: bool = False
    description: str | None = None
    outputs: tuple[StackOutput, ...] = ()
    imports: tuple[str, ...] = ()
    resources: tuple[StackResource, ...] = ()
    children: Mapping[str, StoredStack] = field(default_factory=dict)
    predecessor: str = ""

    @property
    def exports(self) -> tuple[str, ...]:
        """Names under which this stack exports outputs."""
        return tuple(o.export for o in self.outputs if o.export)
