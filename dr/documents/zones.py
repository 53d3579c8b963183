"""Time zones by their IANA name, the same ones on every machine."""

from __future__ import annotations

import re
from zoneinfo import ZoneInfo, available_timezones

from dr.documents.wording import closest, quoted
from dr.errors import UsageError

_NOT_ZONES = frozenset({"localtime", "posixrules", "Factory"})
"""Files of a zone database that mean this machine's own zone, or none."""

_NAME = re.compile(r"[A-Za-z0-9_+-]{1,40}(/[A-Za-z0-9_+-]{1,40}){0,2}")
"""Every name of the database, and nothing that Python would look for in folders and modules of the writer's choice."""


def parse_zone(text: str) -> ZoneInfo:
    """Find a zone such as Europe/Vienna. Raises UsageError."""
    try:
        if text in _NOT_ZONES or text.startswith(("posix/", "right/")) or not _NAME.fullmatch(text):
            raise ValueError
        return ZoneInfo(text)
    except (KeyError, ValueError, OSError):  # unknown; no relative path; a folder of the database
        meant = closest(text, available_timezones() - _NOT_ZONES)
        remedy = f"did you mean {meant}?" if meant else "write a name such as UTC or Europe/Vienna"
        raise UsageError(f"unknown time zone {quoted(text)}", remedy) from None
