"""Ask AWS whether a restored stack holds what was chosen for it, and why one that failed did."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from dr.ports import StackEvent, StackMaker
from dr.stacks.recovery_set import INSTANCE
from dr.stacks.restore import DataRow, RestorePlan

_CONSEQUENCES = ("Resource creation cancelled",)
"""Reasons of resources that fail because another one has failed. Source: CloudFormation user guide, Troubleshooting."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What EC2 says of one data resource: its new id, and whether it was born from the chosen points."""

    row: DataRow
    physical_id: str | None
    verified: bool
    found: str = ""


def unverified(plan: RestorePlan) -> tuple[Verified, ...]:
    """What is to be said of the data of a stack that did not come up."""
    return tuple(Verified(row=row, physical_id=None, verified=False) for row in plan.data)


def verify(plan: RestorePlan, stack_id: str, maker: StackMaker) -> tuple[Verified, ...]:
    """Ask EC2 what each new volume and instance was born from."""
    resources = maker.resources(stack_id)
    ids = {row.logical_id: resources.get(row.logical_id, ("", ""))[0] for row in plan.data}
    instances = maker.instances(
        [ids[r.logical_id] for r in plan.data if _is_instance(r) and ids[r.logical_id]]
    )
    volumes = maker.volumes(_volume_ids(plan, ids, instances))
    return tuple(_verified(row, ids[row.logical_id], instances, volumes) for row in plan.data)


def _is_instance(row: DataRow) -> bool:
    return row.type == INSTANCE


def _volume_ids(
    plan: RestorePlan, ids: Mapping[str, str], instances: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The new volumes: those of the stack, and those that its instances were born with."""
    own = [ids[row.logical_id] for row in plan.data if not _is_instance(row) and ids[row.logical_id]]
    return sorted({*own, *(volume for one in instances.values() for volume in _attached(one))})


def _attached(instance: Mapping[str, Any]) -> list[str]:
    mappings = instance.get("BlockDeviceMappings", ())
    return [mapping["Ebs"]["VolumeId"] for mapping in mappings if "Ebs" in mapping]


def _verified(
    row: DataRow,
    physical_id: str,
    instances: Mapping[str, Mapping[str, Any]],
    volumes: Mapping[str, Mapping[str, Any]],
) -> Verified:
    if not _is_instance(row):
        snapshot = str(volumes.get(physical_id, {}).get("SnapshotId", ""))
        return Verified(
            row=row,
            physical_id=physical_id or None,
            verified=snapshot in row.expected,
            found=snapshot,
        )
    instance = instances.get(physical_id, {})
    image = str(instance.get("ImageId", ""))
    born = {str(volumes.get(volume, {}).get("SnapshotId", "")) for volume in _attached(instance)}
    good = image in row.expected or set(row.expected) <= born
    return Verified(row=row, physical_id=physical_id or None, verified=good, found=image)


def first_failure(events: Sequence[StackEvent]) -> str:
    """The first resource that failed and CloudFormation's reason, of events oldest first; "" when none did.

    The state of the stack itself says only that something failed, and a nested stack fails after what is in it.
    """
    failed = [event for event in events if event.status.endswith("_FAILED") and event.reason]
    causes = [event for event in failed if not event.reason.startswith(_CONSEQUENCES)]
    first = next(iter(causes or failed), None)
    return f"{first.logical_id} ({first.type}): {first.reason}" if first else ""
