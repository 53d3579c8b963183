"""Whether the store can know what happened to the points that there are (DESIGN 7.3; docs/decisions/0006).

A folder that is not mounted, and a path that was mistyped, look like a new, empty store. What tells them apart is the
points: a new installation has none that are older than the claim of its store. Where there are older ones, the store
that knew them is not this one, and neither their pins nor the keep of the last apply nor what was frozen are known. After as long as a pin
lasts, no restore that had pinned them there can still count on it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta

from dr.model import Claim, Part, RecoveryPoint, Unread
from dr.ports import PIN_LASTS
from dr.words import instant

_CLOCKS = timedelta(minutes=5)
"""How far AWS's clock, which dates points, and ours, which dates claims, may be apart (DESIGN 7.3)."""


def lost_store(
    name: str, claim: Claim | None, points: Iterable[RecoveryPoint | Part], now: datetime
) -> Unread | None:
    """Say what is not known when these points, or parts of images that may be gone, are older than the claim of the store `name`; None when all is well."""
    since = claim.since if claim else now
    oldest = min((point.time for point in points), default=now)
    if since is None or oldest >= since - _CLOCKS or now - since >= PIN_LASTS:
        return None
    claimed = f"was claimed only at {instant(since)}" if claim else "is claimed by nobody"
    until = f"until {instant(since + PIN_LASTS)}" if claim else "for a week after an apply has claimed it"
    message = (
        f"{name} {claimed}, and there are points from {instant(oldest)} on: it is not the store that knew them, or it "
        f"was lost. Is it mounted, is its path in dr.yaml right? Their pins, and what was frozen, are not known; nothing expires {until}"
    )
    return Unread(what="store", region="", message=message)
