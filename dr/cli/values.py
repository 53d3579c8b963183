"""Values of options that several commands take."""

from __future__ import annotations

import difflib
from datetime import datetime

import click

from dr.documents.domain import known_region
from dr.errors import UsageError
from dr.regions import REGIONS


def parse_time(text: str, option: str) -> datetime:
    """An ISO 8601 instant with an offset. Raises `UsageError` naming the option."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option}: {text!r} is not a time", "write it as 2026-03-29T01:00:00Z") from None
    if moment.tzinfo is None:
        full = moment.isoformat()
        raise UsageError(f"{option}: {text!r} has no offset", f"write {full}Z for UTC, or {full}+02:00")
    return moment


def region_name(_context: click.Context, _parameter: click.Parameter, value: str | None) -> str | None:
    """Take the value of --region. Raises `UsageError` with the Regions that are spelt most like it."""
    faults: list[str] = []
    if value is not None and not known_region(value, faults.append):
        near = difflib.get_close_matches(value, sorted(REGIONS), n=3, cutoff=0.3) or ["eu-west-1"]
        raise UsageError(f"--region: {faults[0]}", f"write a Region such as {', '.join(near)}")
    return value
