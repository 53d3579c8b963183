"""Whose the store is, before anything is captured."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import replace

from dr.actions import Warn, WarningCode
from dr.errors import CloudError, DrError, EnvironmentFailed
from dr.model import Inventory, Unread
from dr.tick.desk import Desk


def refuse_others(desk: Desk) -> None:
    """Raise `Refused` for another installation's store before anything is written; one out of reach is told by `claim`."""
    with suppress(CloudError, EnvironmentFailed):
        desk.records.refuse_others(desk.hands.installation)


def claim(inventory: Inventory, desk: Desk) -> tuple[Inventory, tuple[Warn, ...]]:
    """Claim the store. One that is out of reach stops no capture; whose it is is then unread, and closes expiry.

    Not by a wrong clock: the claim's time is what tells later whether the store was lost (docs/decisions/0006). So it
    is claimed after the listings, whose answers tell the time.
    """
    if _clock_is_wrong(inventory):
        return inventory, ()
    try:
        desk.records.claim(desk.hands.installation)
    except (CloudError, EnvironmentFailed) as error:
        unread = Unread(what="store", region="", message=error.message)
        return replace(inventory, unread=(*inventory.unread, unread)), (store_warning(error, None),)
    return inventory, ()


def _clock_is_wrong(inventory: Inventory) -> bool:
    return any(unread.what == "clock" for unread in inventory.unread)


def store_warning(error: DrError, policy: str | None) -> Warn:
    """What the store said where that stops nothing."""
    return Warn(code=WarningCode.STORE_LAG, policy=policy, message=f"the store: {error.message}")
