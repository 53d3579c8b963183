"""What a listing tells of stored stacks. One that cannot be read is listed too: in an incident it counts what is left."""

from __future__ import annotations

from collections.abc import Sequence

from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.model import RecoveryPoint, StackVersion
from dr.ports import StackStore
from dr.store.documents import sha256


def read_versions(points: Sequence[RecoveryPoint], store: StackStore) -> tuple[StackVersion, ...]:
    """Read each as a restore would, in their order: what would stop a restore of it is its fault."""
    return tuple(_version(point, store) for point in points)


def _version(point: RecoveryPoint, store: StackStore) -> StackVersion:
    try:
        template = store.read(point).template
    except (Refused, CloudError, EnvironmentFailed) as error:
        return StackVersion(point=point, fault=error)
    return StackVersion(point=point, template_sha256=sha256(template.encode()))
