"""The first function of a run of many: which accounts and Regions there are.

Event: {"policies"?: [name], "scheduled"?: time}. Answers {"shards": [{"account", "region"}],
"unheard": why they may not be all, or ""}.
"""

from __future__ import annotations

from typing import Any

from dr import collector
from handlers import Context

with collector.loading():
    from dr.app.functions import Settings, list_shards


def handler(event: object, context: Context) -> dict[str, Any]:
    """List them. Raises `DrError`: the run failed."""
    return list_shards(Settings(), event, context.aws_request_id)
