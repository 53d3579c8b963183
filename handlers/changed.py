"""The function that CloudFormation's events wake: a stack that was changed is stored within minutes.

Event: `CloudFormation Stack Status Change`, as EventBridge sends it.
"""

from __future__ import annotations

from typing import Any

from dr import collector
from handlers import Context

with collector.loading():
    from dr.app.functions import Settings, changed


def handler(event: object, context: Context) -> dict[str, Any]:
    """Capture the stack, at most once an hour. Raises `DrError`: the invocation failed, and is made again."""
    # for each invocation: a clock and policies of an earlier one could be stale
    return changed(Settings(), event, context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
