"""What the test's state machine invokes: sixty shards, of which three always fail, and one has something left at first.

It is zipped as it stands, so it imports nothing. Every invocation of `tick` leaves a line in a file of its shard.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

SHARDS = [{"account": f"{number:012d}", "region": "eu-west-1"} for number in range(60)]
FAILING = ("000000000007", "000000000023", "000000000059")
UNFINISHED = "000000000042"


def shards(event: dict[str, Any], _context: object) -> dict[str, Any]:
    _note("shards", event)
    return {"shards": SHARDS, "unheard": ""}


def tick(event: dict[str, Any], _context: object) -> dict[str, Any]:
    rounds = _note(event["account"], event)
    if event["account"] in FAILING:
        raise PermissionError(f"no access to {event['account']}")
    left = int(event["account"] == UNFINISHED and rounds < 3)
    return {"summary": {"done": 1 - left, "skipped": 0, "failed": 0, "left": left}, "outcomes": ["much"]}


def summary(event: dict[str, Any], _context: object) -> dict[str, Any]:
    _note("summary", event)
    failed = [shard["account"] for shard in event["shards"] if shard["account"] in FAILING]
    raise RuntimeError(f"{len(failed)} shards failed: {', '.join(failed)}")


def _note(name: str, event: dict[str, Any]) -> int:
    file = Path(os.environ["NOTES"]) / name
    with file.open("a") as out:
        out.write(f"{json.dumps(event)}\n")
    return len(file.read_text().splitlines())
