"""Snapshots of images that are gone, and since when: a day of grace before they may go (DESIGN 5).

The day counts from when dr first saw a part without its image, and not from when its data is: whoever deregisters
images by mistake has a day to register them again. What was seen is remembered by the store, a document for each
Region; a part that is not remembered was never seen so, and stays.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from dr.model import Inventory, Part, Policy, Protect

_GRACE = timedelta(days=1)
"""DESIGN 5."""
_BLINDING = {"clock", "orphans"}
"""What must have been read before anything is remembered: the instants, old and new, rest on it."""


def graced(part: Part, since: Mapping[str, datetime], now: datetime) -> bool:
    """Whether it must stay: it is not known as an orphan, or not for more than a day."""
    seen = since.get(part.id)
    return seen is None or now - seen <= _GRACE


def next_orphans(inventory: Inventory, now: datetime) -> Mapping[str, datetime]:
    """Give the parts that are orphans now, each with the instant when it was first seen so; never one to come.

    While its policy is frozen the day does not pass: whoever thaws has it still.
    """
    frozen = {one.policy for one in inventory.freezes}
    used = {part for point in inventory.points for part in point.parts}
    return {
        part.id: now
        if frozen & {"", part.lineage.policy}
        else min(now, inventory.orphaned_since.get(part.id, now))
        for part in inventory.parts
        if not part.image and part.id not in used
    }


def orphans_to_record(
    policies: Sequence[Policy], inventory: Inventory, now: datetime
) -> Mapping[str, Mapping[str, datetime]]:
    """Say what to remember after an apply, by Region: only Regions whose listing is complete, only where it is news."""
    orphans = next_orphans(inventory, now)
    if orphans == inventory.orphaned_since or any(miss.what in _BLINDING for miss in inventory.unread):
        return {}
    blind = {miss.region for miss in inventory.unread if miss.what == "points"}
    regions = sorted(image_regions(policies) - blind)
    by_region: dict[str, dict[str, datetime]] = {region: {} for region in regions}
    for part in inventory.parts:
        if part.id in orphans and part.lineage.region in by_region:
            by_region[part.lineage.region][part.id] = orphans[part.id]
    return by_region


def image_regions(policies: Sequence[Policy]) -> set[str]:
    """The Regions in which these policies take images: only there are parts of images looked at."""
    return {region for p in policies if p.protect is Protect.INSTANCES for region in p.regions}
