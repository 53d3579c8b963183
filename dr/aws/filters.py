"""What EC2 can sift on its side. A filter may let too much through, never too little: the planner selects again.

EC2's wildcards are ours, `*` and `?`; a backslash escapes, so that a literal one is doubled. Several values of a
filter are OR-ed, several filters AND-ed. Source: EC2 user guide, List and filter your resources.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypedDict

from dr import layout
from dr.aws.pages import BATCH
from dr.model import TagPatterns


class Filter(TypedDict):
    """One filter of a Describe call."""

    Name: str
    Values: list[str]


_MOST_FILTERS = 50
"""Filters in one call. Source: EC2 user guide, List and filter your resources."""
_SPARE = 5
"""Places for filters that are not of tags."""


def matching(patterns: TagPatterns) -> list[Filter]:
    """Filters for a selector's tags.

    Left to the planner: an empty value, which EC2 does not document for filters, and more patterns than a filter
    takes. Of those keys the first is still asked for by `tag-key`; it can stand in a call once only.
    """
    plain = {key: globs for key, globs in patterns.items() if _expressible(globs)}
    filters = [
        _filter(f"tag:{key}", (literal_backslash(glob) for glob in globs)) for key, globs in plain.items()
    ]
    rest = [key for key in patterns if key not in plain]
    if rest:
        filters.append(_filter("tag-key", [literal(rest[0])]))
    return filters[: _MOST_FILTERS - _SPARE]


def tagged(tags: Mapping[str, str]) -> list[Filter]:
    """Filters for exact tags."""
    return [_filter(f"tag:{key}", [literal(value)]) for key, value in tags.items()]


def ours(installation: str) -> list[Filter]:
    """What this installation has made."""
    return tagged({layout.MANAGED: installation})


def one_of(name: str, values: Iterable[str]) -> list[Filter]:
    """A filter by exact values, at most `BATCH` of them."""
    return [_filter(name, [literal(value) for value in values])]


def literal(text: str) -> str:
    """A value in which EC2 sees no wildcard."""
    return literal_backslash(text).replace("*", r"\*").replace("?", r"\?")


def literal_backslash(glob: str) -> str:
    """A glob of ours for EC2: `*` and `?` mean the same, a backslash is a character to us and an escape to EC2."""
    return glob.replace("\\", "\\\\")


def _expressible(globs: tuple[str, ...]) -> bool:
    return 0 < len(globs) <= BATCH and all(globs) and "*" not in globs


def _filter(name: str, values: Iterable[str]) -> Filter:
    return {"Name": name, "Values": list(values)}
