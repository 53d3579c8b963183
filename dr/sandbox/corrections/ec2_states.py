"""States that a test or a person sets: a snapshot or an image that failed, hangs, or is good again."""

from __future__ import annotations

import datetime as dt
from typing import Any

from moto.ec2.models import ec2_backends

from dr.sandbox.clock import clock

SNAPSHOT_STATES = ("pending", "completed", "error")
IMAGE_STATES = ("pending", "available", "failed", "error", "invalid", "transient", "deregistered", "disabled")
WHY = "Set by the sandbox: the given key ID is not accessible"  # StateMessage. Source: EC2 API Reference, Snapshot


def change(identifier: str, state: str) -> None:
    """Set it; raise KeyError for an id that no account has, ValueError for a state that AWS does not have."""
    for accounts in ec2_backends.values():
        for backend in accounts.values():
            if identifier in backend.snapshots:
                return _snapshot(backend.snapshots[identifier], state)
            if identifier in backend.amis:
                return _image(backend.amis[identifier], state)
    raise KeyError(identifier)


def _snapshot(snapshot: Any, state: str) -> None:
    if state not in SNAPSHOT_STATES:
        raise ValueError(f"a snapshot is one of {SNAPSHOT_STATES}")
    snapshot.status = state
    snapshot.state_message = WHY if state == "error" else None
    if state == "pending":
        snapshot.ready_at = dt.datetime.max  # noqa: DTZ901 - moto's times are naive UTC
    elif state == "completed":
        snapshot.ready_at = min(snapshot.ready_at, clock.naive())


def _image(image: Any, state: str) -> None:
    if state not in IMAGE_STATES:
        raise ValueError(f"an image is one of {IMAGE_STATES}")
    image.state = state
    image.state_reason = (
        {"Code": "Client.InternalError", "Message": WHY} if state in ("failed", "error") else None
    )
