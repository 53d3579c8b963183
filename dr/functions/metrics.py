"""What CloudWatch counts of a tick, as one line of the log: its embedded metric format.

    {"event": "tick.metrics", "installation": "acme", "TickSucceeded": 1, ..., "_aws": what of it is a metric}

The silent stop is the first complaint about every tool of this kind: an alarm on `TickSucceeded` for which missing data is
breaching notices it. Source: CloudWatch user guide, Specification: Embedded metric format.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from dr.actions import Capture, Result
from dr.model import Policy
from dr.status import status
from dr.tick.applying import Applying

NAMESPACE = "dr"
DIMENSION = "installation"


def tick_metrics(policies: Sequence[Policy], done: Applying, now: datetime) -> Mapping[str, int]:
    """Name -> count. What fails of one source has a metric of its own."""
    of = [(isinstance(outcome.action, Capture), outcome.result) for outcome in done.outcomes]
    sources = status(policies, done.inventory, now).sources
    return {
        "TickSucceeded": int(is_good(done)),
        "Captured": of.count((True, Result.DONE)),
        "CapturesFailed": of.count((True, Result.FAILED)),
        "Expired": of.count((False, Result.DONE)),
        "ExpiriesFailed": of.count((False, Result.FAILED)),
        "Left": sum(result is Result.LEFT for _, result in of),
        "RpoBreaches": sum(source.within_rpo is False for source in sources),
    }


def is_good(done: Applying) -> bool:
    """Whether a tick has succeeded: everything could be read, and nothing ended it before its time."""
    return not done.unread and not done.failed and not done.interrupted


def embedded(installation: str, metrics: Mapping[str, int], now: datetime) -> dict[str, Any]:
    """The keys of the line that CloudWatch makes these metrics of."""
    directive = {
        "Namespace": NAMESPACE,
        "Dimensions": [[DIMENSION]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in metrics],
    }
    timestamp = int(now.timestamp() * 1000)
    return {
        DIMENSION: installation,
        **metrics,
        "_aws": {"Timestamp": timestamp, "CloudWatchMetrics": [directive]},
    }
