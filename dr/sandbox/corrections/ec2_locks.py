"""LockSnapshot, UnlockSnapshot and DescribeLockedSnapshots, which moto lacks. Source: EBS User Guide, "Amazon EBS snapshot lock"."""

from __future__ import annotations

import datetime as dt
from typing import Any

from moto.core.responses import ActionResult
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response

from dr.sandbox.clock import clock
from dr.sandbox.corrections import replace

MAX_COOL_OFF = 72  # hours. Source: EC2 API Reference, LockSnapshot, CoolOffPeriod


def install() -> None:
    """Add the actions."""
    for action in (lock_snapshot, unlock_snapshot, describe_locked_snapshots):
        replace.action(EC2Response, action)


def lock_snapshot(self: Any) -> ActionResult:
    """Source: EC2 API Reference, LockSnapshot: a mode, and either a duration in days or an expiration date."""
    self.error_on_dryrun()
    snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
    mode, cool = self._get_param("LockMode"), int(self._get_param("CoolOffPeriod") or 0)
    days, until = self._get_param("LockDuration"), self._get_param("ExpirationDate")
    if (days is None) == (until is None):
        raise EC2ClientError(
            "InvalidParameterCombination", "Specify either a lock duration or an expiration date"
        )
    if cool > MAX_COOL_OFF or (cool and mode == "governance"):
        raise EC2ClientError(
            "InvalidParameterValue", "A cool-off period is 1 to 72 hours, in compliance mode only"
        )
    if state(snapshot) == "compliance" and mode == "governance":
        raise EC2ClientError("SnapshotLocked", f"The snapshot {snapshot.id} is locked in compliance mode")
    now = clock.naive()
    ends = until.replace(tzinfo=None) if until else now + dt.timedelta(days=int(days))
    snapshot.lock = {
        "mode": mode,
        "cool": cool,
        "created": now,
        "cooled": now + dt.timedelta(hours=cool),
        "ends": ends,
        "days": int(days) if days is not None else max(1, (ends - now).days),
    }
    return ActionResult(_document(snapshot))


def unlock_snapshot(self: Any) -> ActionResult:
    """Compliance locks cannot be taken off after the cool-off. Source: EC2 API Reference, UnlockSnapshot."""
    self.error_on_dryrun()
    snapshot = self.ec2_backend.get_snapshot(self._get_param("SnapshotId"))
    if state(snapshot) == "compliance":
        raise EC2ClientError("SnapshotLocked", f"The snapshot {snapshot.id} is locked in compliance mode")
    snapshot.lock = None
    return ActionResult({"SnapshotId": snapshot.id})


def describe_locked_snapshots(self: Any) -> ActionResult:
    """Source: EC2 API Reference, DescribeLockedSnapshots, filter lock-state."""
    wanted = self._get_param("SnapshotIds", [])
    states = self._filters_from_querystring().get("lock-state")
    locked = [s for s in self.ec2_backend.describe_snapshots(snapshot_ids=wanted) if state(s)]
    return ActionResult({"Snapshots": [_document(s) for s in locked if not states or state(s) in states]})


def state(snapshot: Any) -> str | None:
    """governance, compliance-cooloff, compliance, expired, or None for a snapshot that was never locked."""
    if not snapshot.lock:
        return None
    now = clock.naive()
    if now >= snapshot.lock["ends"]:
        return "expired"
    if snapshot.lock["mode"] == "governance":
        return "governance"
    return "compliance-cooloff" if now < snapshot.lock["cooled"] else "compliance"


def refuse_delete(snapshot: Any) -> None:
    """A locked snapshot cannot be deleted. AWS documents the refusal, not its code: callers must not rest on it."""
    if state(snapshot) not in (None, "expired"):
        raise EC2ClientError("SnapshotLocked", f"The snapshot {snapshot.id} is locked and can't be deleted")


def _document(snapshot: Any) -> dict[str, Any]:
    lock = snapshot.lock
    document = {
        "SnapshotId": snapshot.id,
        "OwnerId": snapshot.owner_id,
        "LockState": state(snapshot),
        "LockDuration": lock["days"],
        "LockCreatedOn": lock["created"],
        "LockDurationStartTime": lock["cooled"],
        "LockExpiresOn": lock["ends"],
    }
    if lock["cool"]:
        document |= {"CoolOffPeriod": lock["cool"], "CoolOffPeriodExpiresOn": lock["cooled"]}
    return document
