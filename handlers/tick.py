"""The scheduled function: `dr apply --json`, for the policies that the event names.

Event: {"policies"?: [name], "account"?: id, "region"?: name, "scheduled"?: time, "run"?: name}. A lease that somebody else
holds is a warning, what there was no time for is `left`; the next tick does it. With `run` it is one shard of many: the answer
is {"account", "region", "summary"}.
"""

from __future__ import annotations

from typing import Any

from dr import collector
from handlers import Context

with collector.loading():
    from dr.app.functions import Settings, tick


def handler(event: object, context: Context) -> dict[str, Any]:
    """Plan and apply. Raises `DrError`: the invocation failed."""
    # for each invocation: a clock and policies of an earlier one could be stale
    return tick(Settings(), event, context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
