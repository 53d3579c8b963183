"""The restoring function: `dr restore --json --yes`, for the stack that the event names.

Event: {"stack": name, "at"?: time, "as"?: name, "region"?: name, "account"?: id, "parameters"?: {name: text},
"names"?: keep|drop|suffix, "user_data"?: keep|drop, "plan_only"?: bool}.
"""

from __future__ import annotations

from typing import Any

from dr import collector
from handlers import Context

with collector.loading():
    from dr.app.restoring import RestoringApp, Settings


def handler(event: object, context: Context) -> dict[str, Any]:
    """Restore, or plan only. Raises `DrError`: refused, failed, or `OutOfTime`: invoked again it goes on."""
    # for each invocation: a clock and a dr.yaml of an earlier one could be stale
    app = RestoringApp(Settings())
    return app.restore(event, context.aws_request_id, context.get_remaining_time_in_millis() / 1000)
