"""Two Regions, one of which may be dark, under one policy."""

from __future__ import annotations

from machines.machine import Machine
from machines.world import AWAY, HOME


class RegionsMachine(Machine):
    """Volumes in both Regions."""

    names = ("db", "overlap")
    regions = (HOME, AWAY)
