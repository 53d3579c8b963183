"""What EC2 of a sandbox itself says, past everything that dr believes: the home Region only."""

from __future__ import annotations

from typing import Any

from dr import layout
from dr.sandbox.clients import client
from dr.sandbox.setting import HOME

_STACK = "aws:cloudformation:stack-name"
_LOGICAL_ID = "aws:cloudformation:logical-id"


def snapshots(url: str, installation: str) -> list[dict[str, Any]]:
    """Every snapshot of an installation, as EC2 describes it."""
    pages = client(url, "ec2", HOME).get_paginator("describe_snapshots")
    mine = [{"Name": f"tag:{layout.MANAGED}", "Values": [installation]}]
    return [
        dict(row) for page in pages.paginate(OwnerIds=["self"], Filters=mine) for row in page["Snapshots"]
    ]


def data_volumes(url: str, stack: str) -> dict[str, str]:
    """Logical id -> the snapshot that it was born from, of the stack's volumes with a `Tier`."""
    mine = [{"Name": f"tag:{_STACK}", "Values": [stack]}]
    rows = client(url, "ec2", HOME).describe_volumes(Filters=mine)["Volumes"]
    tags = [({t["Key"]: t["Value"] for t in row["Tags"]}, row.get("SnapshotId", "")) for row in rows]
    return {found[_LOGICAL_ID]: snapshot for found, snapshot in tags if "Tier" in found}
