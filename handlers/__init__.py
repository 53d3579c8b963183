"""What AWS Lambda calls: thin shells over `dr.app`, configured by the environment as the command line is."""

from __future__ import annotations

from typing import Protocol


class Context(Protocol):
    """What a handler uses of the context that Lambda gives it."""

    aws_request_id: str

    def get_remaining_time_in_millis(self) -> int:
        """Milliseconds until Lambda ends the invocation."""
        ...
