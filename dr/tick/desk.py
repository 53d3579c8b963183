"""What a tick works with."""

from __future__ import annotations

from dataclasses import dataclass

from dr.executor.hands import Hands
from dr.ports import Leases, Records


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The hands of the executor, and the records and leases that all shells share."""

    hands: Hands
    records: Records
    leases: Leases
