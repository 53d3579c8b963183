"""What a tick works with."""

from __future__ import annotations

from dataclasses import dataclass

from dr.executor.hands import Hands
from dr.model import Unread
from dr.ports import Leases, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The hands of the executor, and the records and leases that all shells share.

    `unheard` is what was not told before the work began, and so closes expiry (DESIGN 7.3).
    """

    hands: Hands
    records: Records
    leases: Leases
    unheard: Unread | None = None
