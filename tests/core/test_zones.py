"""Names of time zones: all that there are, and nothing else that Python would go looking for."""

from __future__ import annotations

from zoneinfo import available_timezones

import pytest

from dr.documents.zones import parse_zone
from dr.errors import UsageError

NO_ZONES = {"localtime", "posixrules", "Factory"}


def test_every_zone_of_the_database_is_found_by_its_name():
    names = sorted(available_timezones() - NO_ZONES)
    assert len(names) > 400
    assert [name for name in names if parse_zone(name).key != name] == []


@pytest.mark.parametrize(
    "text",
    ["", "UTC\n", "a/" * 5000 + "b", "/".join(["UTC"] * 1000), "a." * 5000, "x" * 100000, "..", "UTC/", "/UTC", "Europe//Vienna", "Europe/../UTC", "tzdata/__init__", "�", "UTC\x00"],
    ids=lambda text: ascii(text[:20]),
)  # fmt: skip
def test_what_is_no_name_of_a_zone_is_refused_without_a_search(text):
    with pytest.raises(UsageError) as refused:
        parse_zone(text)
    assert len(refused.value.message) < 200
