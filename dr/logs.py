"""Logs: events as dotted nouns with facts as keys; for people on a terminal, JSON elsewhere. Always on stderr.

Secrets never reach a log: values under telling keys, the signature of a presigned URL and the password in a URL are
replaced, and control characters in foreign text cannot steer a terminal (FAILURES 4.3).
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import MutableMapping
from contextlib import AbstractContextManager, suppress
from typing import Any, cast

import structlog

from dr.errors import UsageError
from dr.words import clean, short, without_credentials

_SECRET_KEYS = re.compile(r"password|passwd|secret|token|credential|signature", re.IGNORECASE)
_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


class _Heedless:
    """Standard error, for work that goes on when nobody reads along any more, or nothing more can be written there."""

    def write(self, text: str) -> None:
        """Write, if it can be."""
        with suppress(OSError):
            sys.stderr.write(text)

    def flush(self) -> None:
        """Flush, if it can be."""
        with suppress(OSError):
            sys.stderr.flush()


def configure(level: str) -> None:
    """Set logging up for this process: from this level on, in any case. Raises `UsageError` for one that there is not."""
    chosen = _LEVELS.get(level.strip().lower())
    if chosen is None:
        raise UsageError(f"DR_LOG: there is no level {short(level)!r}", f"there are {', '.join(_LEVELS)}")
    terminal = sys.stderr.isatty()
    last = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            redact,
            last,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(chosen),
        logger_factory=structlog.PrintLoggerFactory(file=cast("Any", _Heedless())),
        cache_logger_on_first_use=False,
    )


def redact(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Replace secrets and control characters in every value of an event."""
    return {key: _redacted(key, value) for key, value in event.items()}


def _redacted(key: str, value: Any) -> Any:
    if _SECRET_KEYS.search(key):
        return "***"
    match value:
        case str():
            return clean(without_credentials(value))
        case dict():
            return {_redacted("", str(name)): _redacted(str(name), inner) for name, inner in value.items()}
        case list() | tuple() | set() | frozenset():
            return [_redacted("", inner) for inner in value]
        case None | int() | float():
            return value
        case _:
            return _redacted("", str(value))


def get(name: str) -> Any:
    """A logger; bind tick, policy and region to it once."""
    return structlog.get_logger(name)


def bound(**facts: str) -> AbstractContextManager[None]:
    """Put these facts on every line that is logged inside."""
    return structlog.contextvars.bound_contextvars(**facts)
