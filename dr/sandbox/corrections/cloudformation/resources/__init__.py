"""Which handler a resource type has: our own, else moto's model, else a record, else none."""

from __future__ import annotations

from dr.sandbox.corrections.cloudformation.resources import (
    compute,
    models,
    network,
    recorded,
    scaling,
    security_groups,
    storage,
)
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made

OWN: dict[str, Kind] = {
    **compute.KINDS,
    **network.KINDS,
    **scaling.KINDS,
    **security_groups.KINDS,
    **storage.KINDS,
}


def kind_of(resource_type: str) -> Kind | None:
    """The handler, or None for a type that the sandbox does not know."""
    if resource_type in OWN:
        return OWN[resource_type]
    if resource_type in recorded.TYPES or resource_type.startswith("Custom::"):
        return recorded.KIND
    return models.KIND if models.known(resource_type) else None


__all__ = ["OWN", "Job", "Kind", "Made", "kind_of"]
