"""Listings: every page, or an error. A short listing would look like points and sources that are gone (FAILURES 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from typing import Any, TypeVar, cast

from dr.aws.errors import translated
from dr.aws.reading import reading
from dr.aws.rows import Only
from dr.errors import CloudError

Row = Mapping[str, Any]
"""One item of an answer, under AWS's own key names."""

_Row = TypeVar("_Row")

BATCH = 200
"""Values in one filter. Source: EC2 user guide, List and filter your resources: at most 200 values a filter."""


def rows(
    call: Callable[..., Any], only: Only[_Row], where: tuple[str, str], request: Mapping[str, Any]
) -> Iterator[_Row]:
    """Every item, with only those fields that dr reads of a listing. Raises as `pages`."""
    return cast("Iterator[_Row]", pages(call, only.key, where, request, only))


def pages(
    call: Callable[..., Any],
    key: str,
    where: tuple[str, str],
    request: Mapping[str, Any],
    only: Only[Any] | None = None,
) -> Iterator[Row]:
    """Every item under `key`; `where` is the IAM action and the Region.

    Raises what `translated` raises, and `CloudError` for a page without the key, an item without its id, or a token that
    comes twice.
    """
    seen: set[str] = set()
    token: str | None = None
    while True:
        with translated(*where), reading(only):
            answer = call(**request, **({"NextToken": token} if token else {}))
        if key not in answer:
            raise _broken(where, f"a page without {key}")
        if only and not all(isinstance(row, dict) and only.needs in row for row in answer[key]):
            raise _broken(where, f"an item without {only.needs}")
        yield from answer[key]
        token = answer.get("NextToken")
        if not token:
            return
        if token in seen:
            raise _broken(where, "the same page token twice")
        seen.add(token)


def batches(ids: Iterable[str], size: int = BATCH) -> Iterator[list[str]]:
    """The ids, each once, in lists that fit one filter."""
    left = iter(dict.fromkeys(ids))
    while batch := list(islice(left, size)):
        yield batch


def _broken(where: tuple[str, str], what: str) -> CloudError:
    action, region = where
    return CloudError(
        f"{action} in {region}: the listing is broken: {what}",
        "run it again",
        code="BrokenListing",
        action=action,
    )
