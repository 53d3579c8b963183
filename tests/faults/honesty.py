"""Every line of a report, joined with the log of the calls: what is told as done has an OK answer that says so (I24)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Call = Mapping[str, Any]
_GONE = ("InvalidSnapshot.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
_DELETES = ("DeleteSnapshot", "DeregisterImage")
_LOOKS = ("DescribeVolumes", "DescribeInstances")


def lies(document: Mapping[str, Any], calls: Sequence[Call]) -> Iterator[str]:
    """What the report of an apply or a restore claims and no answer supports."""
    for row in document.get("outcomes", []):
        if row["result"] != "done":
            yield from (f"{row['do']} {row['result']} and yet created {one}" for one in row["created"])
        elif row["do"] == "capture":
            yield from (
                f"created {one}: no answer says so" for one in row["created"] if not _made(one, row, calls)
            )
        elif row["do"] == "expire" and not _deleted(row, calls):
            yield f"deleted {row['point']}: no answer says so"
    for stack in document.get("stacks", []):
        for row in stack.get("data", []):
            if row["verified"] and not _seen(row["physical_id"], calls):
                yield f"verified {row['logical_id']} as {row['physical_id']}: no answer shows it"
    if document.get("result") == "done" and not _told(calls, "DescribeStacks"):
        yield "the stack is told as done, and nobody asked for it"


def _told(calls: Sequence[Call], *actions: str) -> list[Call]:
    """The calls whose OK answer reached dr."""
    return [c for c in calls if c["action"] in actions and c["told"] and c["effect"]]


def _made(one: str, row: Mapping[str, Any], calls: Sequence[Call]) -> bool:
    if row["kind"] == "stack":
        slot = re.sub(r"[-:]", "", row["slot"])
        return any(
            _path(call).endswith(f"{slot}.{row['policy']}.json")
            for call in _told(calls, "PutObject", "GetObject")
        )
    creates_and_looks = ("CreateSnapshot", "CreateImage", "DescribeSnapshots", "DescribeImages")
    return any(one in call["answered"] for call in _told(calls, *creates_and_looks))


def _deleted(row: Mapping[str, Any], calls: Sequence[Call]) -> bool:
    if row["kind"] == "stack":
        slot = re.sub(r"[-:]", "", row["slot"])
        return any(f"{slot}.{row['policy']}.json" in _path(call) for call in _told(calls, "DeleteObject"))
    confirmed = [
        c for c in calls if c["action"] in _DELETES and c["told"] and (c["effect"] or c.get("code") in _GONE)
    ]
    return any(row["point"] in call["asked"] for call in confirmed)


def _seen(physical: str, calls: Sequence[Call]) -> bool:
    return any(physical in call["answered"] for call in _told(calls, *_LOOKS))


def _path(call: Call) -> str:
    return call["path"]
