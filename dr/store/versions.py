"""What a listing tells of stored stacks. One that cannot be read is listed too: in an incident it counts what is left."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from dr import layout
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.model import Kind, RecoveryPoint, StackVersion, State
from dr.ports import StackStore
from dr.store.documents import sha256


def read_versions(points: Sequence[RecoveryPoint], store: StackStore) -> tuple[StackVersion, ...]:
    """Read each as a restore would, in their order: what would stop a restore of it is its fault."""
    return tuple(_version(point, store) for point in points)


def stored_point(key: str, written: datetime) -> RecoveryPoint:
    """The recovery point that a manifest's key is, and when it was written at the latest."""
    parsed = layout.parse_manifest_key(key)
    if parsed is None:
        raise ValueError(f"{key} is no manifest's")
    lineage, slot = parsed
    return RecoveryPoint(
        id=layout.stack_point_id(lineage.account, lineage.region, lineage.source, slot),
        kind=Kind.STACK,
        lineage=lineage,
        slot=slot,
        time=max(slot, written),
        state=State.GOOD,
        name=lineage.source,
    )


def _version(point: RecoveryPoint, store: StackStore) -> StackVersion:
    try:
        template = store.read(point).template
    except (Refused, CloudError, EnvironmentFailed) as error:
        return StackVersion(point=point, fault=error)
    return StackVersion(point=point, template_sha256=sha256(template.encode()))
