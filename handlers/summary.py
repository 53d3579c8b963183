"""The last function of a run of many: what came of each shard, as its tick has recorded it in the store.

Event: {"run": name, "shards": [{"account", "region"}], "unheard": why they may not be all, or ""}. Answers {"done", "failed": [{"account", "region", "error"}]}.
"""

from __future__ import annotations

from typing import Any

from dr import collector
from handlers import Context

with collector.loading():
    from dr.app.functions import Settings, sum_up


def handler(event: object, context: Context) -> dict[str, Any]:
    """Sum up. Raises `DrError`, with their names, where shards have failed."""
    return sum_up(Settings(), event, context.aws_request_id)
