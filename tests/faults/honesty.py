"""Every line of a report, joined with the log of the calls: what is told as done has an OK answer that says so (I24)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Call = Mapping[str, Any]
_GONE = ("InvalidSnapshot.NotFound", "InvalidAMIID.NotFound", "InvalidAMIID.Unavailable")
_DELETES = ("DeleteSnapshot", "DeregisterImage")
_KNOWN = {"outcomes", "result", "stores", "error"}
"""A key of each document that is held against the calls: apply, restore, verify, and a run that failed."""
_LOOKS = ("DescribeVolumes", "DescribeInstances")


def lies(document: Mapping[str, Any], calls: Sequence[Call]) -> Iterator[str]:
    """What the report of an apply, a restore or a verify claims and no answer supports."""
    yield from () if _KNOWN & document.keys() else ("a document of no known command: nothing of it was held",)
    for row in document.get("outcomes", []):
        if row["result"] != "done":
            yield from (f"{row['do']} {row['result']} and yet created {one}" for one in row["created"])
        elif row["do"] == "capture":
            yield from (
                f"created {one}: no answer says so" for one in row["created"] if not _made(one, row, calls)
            )
        elif row["do"] == "expire" and not _deleted(row, calls):
            yield f"deleted {row['point']}: no answer says so"
    if "stores" in document:
        yield from _verified(document, calls)
    for stack in document.get("stacks", []):
        for row in stack.get("data", []):
            if row["verified"] and not _seen(row["physical_id"], calls):
                yield f"verified {row['logical_id']} as {row['physical_id']}: no answer shows it"
    for key in document.get("packages", []):
        if not any(_path(call).endswith(key) for call in _told(calls, "DeleteObject")):
            yield f"removed {key}: no answer says so"
    looked = any(
        call["action"] == "DescribeStacks" and call["told"] for call in calls
    )  # that it is gone is an error
    if document.get("result") == "removed" and not looked:
        yield "the stack is told as removed, and nobody asked for it"
    if document.get("result") == "done" and not _told(calls, "DescribeStacks"):
        yield "the stack is told as done, and nobody asked for it"


def _verified(document: Mapping[str, Any], calls: Sequence[Call]) -> Iterator[str]:
    """What a verify calls sound it has read, and no store gave fewer manifests than are counted of it."""
    read = [_path(call) for call in _told(calls, "GetObject")]
    for stack in document["stacks"]:
        for row in stack["versions"]:
            name = f"{re.sub(r'[-:]', '', row['slot'])}.{row['policy']}.json"
            if row["ok"] and not any(path.endswith(f"/{stack['name']}/{name}") for path in read):
                yield f"{row['id']} is told as sound, and nobody read it"
        if stack["verdict"] == "restorable" and not _told(calls, "DescribeSnapshots"):
            yield f"{stack['name']} is told as restorable, and nobody looked for its data"
    manifests = {path for path in read if path.endswith(".json") and "/stacks/" in path}
    claimed = sum(store["manifests"] for store in document["stores"])
    if claimed > len(manifests):
        yield f"{claimed} manifests are told as read, and only {len(manifests)} were"


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
