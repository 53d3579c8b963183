"""The sandbox's clock runs on: tests that apply hourly policies begin early in an hour, or a slot goes by in their midst."""

from __future__ import annotations

from pathlib import Path

from dr.sandbox import process

_YOUNG = range(1, 30)
"""Minutes: half an hour is left, and what is a slot's own time is over."""


def young_hour(directory: Path) -> None:
    """Let the hour of the sandbox of this directory be young, the next one if need be."""
    running = process.status(directory)
    minute = process.now(running).minute
    if minute not in _YOUNG:
        process.advance(running, (60 + _YOUNG.start - minute) * 60)
