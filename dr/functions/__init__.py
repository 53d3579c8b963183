"""What the Lambda functions do with the parts that `dr.app` builds: `dr apply` and `dr restore` without a person.

    event -> dr.events -> policies / Asked -> the same core as the command line -> the JSON of `--json`

Lambda ends a function at its deadline as SIGKILL would (FAILURES 2, row 45). So no action begins in the last minute,
what is left is said, and doing it again goes on from there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

from dr import logs
from dr.errors import DrError, UsageError

Document = dict[str, Any]

_MARGIN = timedelta(seconds=60)
"""FAILURES 2, row 45: no item is begun with less than this to go; one create with its retries fits in."""


def stop_at(now: datetime, seconds_left: float) -> datetime:
    """When nothing more may begin, for a function that Lambda ends in so many seconds."""
    return now + timedelta(seconds=seconds_left) - _MARGIN


@contextmanager
def invocation(environ: Mapping[str, str], request: str) -> Iterator[None]:
    """Log every line of one invocation with its request id; what it raises is logged and says what to do.

    Lambda shows the type and the text of an error and nothing else of it, so the remedy goes into the text.
    """
    try:
        logs.configure(environ.get("DR_LOG") or "info")
    except UsageError:  # no misspelt word keeps a function from its work
        logs.configure("info")
    with logs.bound(request=request):
        try:
            yield
        except DrError as error:
            name = type(error).__name__
            logs.get("dr").error("invocation.failed", type=name, why=error.message, remedy=error.remedy)
            error.args = (f"{error.message} (what to do: {error.remedy})" if error.remedy else error.message,)
            raise
