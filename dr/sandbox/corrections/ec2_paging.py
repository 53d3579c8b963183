"""Paging of the listings that dr reads.

Source: EC2 API Reference, "Pagination", and MaxResults and NextToken of each action. A token stands for what was left at the
first call, so that deletions between two pages skip nothing.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from typing import Any

from moto.ec2.exceptions import EC2ClientError
from moto.ec2.responses import EC2Response
from moto.ec2.responses.amis import AmisResponse
from moto.ec2.responses.elastic_block_store import ElasticBlockStore
from moto.ec2.responses.instances import InstanceResponse

from dr.sandbox.corrections import replace

PAGE = 1000  # the most items of an answer
KEPT = 10_000  # tokens; a token is small: the items are the backend's own


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One paged action: its result key, the parameter of ids, what the error calls them, and the least MaxResults."""

    owner: Any
    action: str
    items: str
    ids: str
    name: str
    least: int


LISTINGS = (
    Listing(
        owner=ElasticBlockStore,
        action="describe_snapshots",
        items="Snapshots",
        ids="SnapshotIds",
        name="snapshotSet",
        least=5,
    ),
    Listing(
        owner=ElasticBlockStore,
        action="describe_volumes",
        items="Volumes",
        ids="VolumeIds",
        name="volumeSet",
        least=5,
    ),
    Listing(
        owner=AmisResponse,
        action="describe_images",
        items="Images",
        ids="ImageIds",
        name="imagesSet",
        least=1,
    ),
    Listing(
        owner=InstanceResponse,
        action="describe_instances",
        items="Reservations",
        ids="InstanceIds",
        name="instancesSet",
        least=5,
    ),
    Listing(
        owner=EC2Response,
        action="describe_locked_snapshots",
        items="Snapshots",
        ids="SnapshotIds",
        name="snapshotSet",
        least=5,
    ),
)


def install() -> None:
    """Page every listing."""
    for listing in LISTINGS:
        _page(listing)


def _page(listing: Listing) -> None:
    original = getattr(listing.owner, listing.action)

    def describe(self: Any) -> Any:
        size, token = self._get_param("MaxResults"), self._get_param("NextToken")
        _check(listing, size, self._get_param(listing.ids))
        for parameter in ("MaxResults", "NextToken"):
            self.params.pop(parameter, None)  # moto pages instances in its own way
        if listing.items == "Reservations":
            self.params["MaxResults"] = 10**9
        answer = original(self)
        kept = self.ec2_backend.__dict__.setdefault("page_tokens", {})
        items = _left(kept, listing, token) if token else list(answer._result[listing.items])
        most = min(int(size or PAGE), PAGE)
        answer._result[listing.items] = items[:most]
        answer._result["NextToken"] = _kept(kept, listing, items[most:])
        return answer

    describe.__name__ = listing.action
    replace.method(listing.owner, listing.action, describe)


def _check(listing: Listing, size: Any, ids: Any) -> None:
    if size is None:
        return
    if ids:
        raise EC2ClientError(
            "InvalidParameterCombination",
            f"The parameter {listing.name} cannot be used with the parameter maxResults",
        )
    if int(size) < listing.least:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ( {size} ) for parameter maxResults is invalid. Expecting a value of {listing.least} or more",
        )


def _left(kept: dict[str, Any], listing: Listing, token: str) -> list[Any]:
    """Source: EC2 error codes, InvalidPaginationToken."""
    action, items = kept.get(token, (None, []))
    if action != listing.action:
        raise EC2ClientError(
            "InvalidPaginationToken", f"The pagination token '{token}' is not valid or has expired"
        )
    return list(items)


def _kept(kept: dict[str, Any], listing: Listing, items: list[Any]) -> str | None:
    if not items:
        return None
    if len(kept) >= KEPT:
        del kept[next(iter(kept))]
    token = uuid.uuid4().hex
    kept[token] = listing.action, items
    return token
