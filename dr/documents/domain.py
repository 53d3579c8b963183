"""Values that policies and dr.yaml share: names, Regions, durations, time zones, schedules."""

from __future__ import annotations

import re
from collections.abc import Callable
from zoneinfo import ZoneInfo

from dr.documents.fields import Field, matching, text, texts, written
from dr.documents.nodes import Scalar
from dr.documents.wording import closest, did_you_mean, quoted
from dr.documents.zones import parse_zone
from dr.durations import Duration, parse_duration
from dr.errors import UsageError
from dr.regions import REGIONS
from dr.slots import Schedule, parse_schedule

NAME = re.compile(r"[A-Za-z0-9_-]{1,40}")
"""Of a policy and of an installation: both become parts of tags, keys and names of AMIs."""

_REGIONS_EXAMPLE = "[eu-west-1]"


def name(value: Field) -> str | None:
    """The name of a policy or of an installation."""
    return matching(value, NAME.pattern, "a name: letters, digits, - and _, at most 40")


def region(value: Field) -> str | None:
    """A Region of AWS."""
    found = text(value)
    return found if found is not None and known_region(found, value.fault) else None


def known_region(found: str, fault: Callable[[str], None]) -> bool:
    """Tell whether AWS has this Region; `fault` hears of it when not."""
    if found in REGIONS:
        return True
    zone = re.fullmatch(r"([a-z0-9-]*[0-9])[a-z]", found)
    if zone and zone[1] in REGIONS:
        fault(f"{quoted(found)} is an Availability Zone; write its Region, {zone[1]}")
    else:
        fault(f"unknown Region {quoted(found)}{did_you_mean(closest(found, REGIONS))}")
    return False


def regions(value: Field) -> tuple[str, ...] | None:
    """A list of Regions."""
    found = texts(value, _REGIONS_EXAMPLE)
    return None if found is None else tuple(written(one) for one in found if region(one) is not None)


def duration(value: Field) -> Duration | None:
    """A length of time such as 26h."""
    if (
        isinstance(value.node, Scalar)
        and isinstance(value.node.value, int)
        and not isinstance(value.node.value, bool)
    ):
        value.expected("a duration such as 26h", "add its unit: min, h, d, w, mo or y")
        return None
    found = text(value)
    if found is None:
        return None
    try:
        return parse_duration(found)
    except UsageError as error:
        value.fault(f"{error.message}; {error.remedy}")
        return None


def time_zone(value: Field) -> ZoneInfo | None:
    """A time zone by its name."""
    found = text(value)
    if found is None:
        return None
    try:
        return parse_zone(found)
    except UsageError as error:
        value.fault(f"{error.message}; {error.remedy}")
        return None


def schedule(value: Field, zone: ZoneInfo) -> Schedule | None:
    """A schedule expression. What is no text is noted already."""
    try:
        return parse_schedule(written(value), zone)
    except UsageError as error:
        value.fault(f"{error.message.removeprefix('schedule ')}; {error.remedy}")
        return None
