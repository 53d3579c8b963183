"""Whether two stores agree about the newest version of a lineage: a store that went back in time stops a restore.

A capture is written to the primary first and copied to the replica, and expiry removes from both. So the replica may
be behind, and `repair` cures that; a version that only the replica has was taken away from the primary, or was
written while the primary was away and not copied back yet. The two look alike: a person has to tell them apart.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from dr import layout
from dr.errors import Refused
from dr.model import Lineage
from dr.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """A manifest's bytes as one store holds them."""

    vault: Vault
    body: bytes


_COMPARE = (
    "do not restore before you know which was changed: compare both with the older versions of their buckets, "
    "then put back or remove the one that is wrong, and restore again"
)


def compare_newest(primary: Vault, replica: Vault, lineage: Lineage) -> str | None:
    """What the replica is behind with, None when both have the same newest version.

    Raises `Refused` when the primary lacks or contradicts the replica's newest, and when its own newest, which the
    replica lacks, is not whole or not in its chain: no repair would copy that.
    """
    first, second = primary.newest(lineage), replica.newest(lineage)
    if second is not None:
        slot, body = second
        _hold_alike(primary, Held(vault=replica, body=body), lineage, slot)
    if first is None or (second is not None and first[0] <= second[0]):
        return None
    primary.read(lineage, *first)
    key = layout.manifest_key(lineage, first[0])
    return f"{replica.name} lacks the newest version that {primary.name} has, {key}"


def disagree(primary: Held, replica: Held, lineage: Lineage, slot: datetime) -> Refused:
    """The refusal for a manifest that two stores hold differently: by which is damaged, where one of them is."""
    key = layout.manifest_key(lineage, slot)
    damaged = [held for held in (primary, replica) if not _opens(held, lineage, slot)]
    if len(damaged) != 1:
        names = f"{primary.vault.name} and {replica.vault.name}"
        return Refused(f"{names} disagree about {key}: one of them was changed", _COMPARE)
    bad = damaged[0].vault.name
    good = replica.vault.name if damaged[0] is primary else primary.vault.name
    return Refused(
        f"{bad}/{key} was changed or damaged; {good} has one that holds together",
        f"move it out of {bad}, to where it can be looked at; `dr apply` then copies the sound one there, and the "
        "restore goes on",
    )


def _opens(held: Held, lineage: Lineage, slot: datetime) -> bool:
    try:
        held.vault.opened(held.body, lineage, slot)
    except Refused:
        return False
    return True


def put_back(primary: str, replica: str, key: str) -> Refused:
    """The refusal for a primary that lacks the newest version that the replica has."""
    return Refused(
        f"{primary} lacks {key}, the newest version that {replica} has: "
        f"{primary} looks as if it was put back to an older state",
        f"if {primary} was out of reach or made anew since then, run `dr apply`, which copies it back; "
        "if not, find out who removed it before you restore",
    )


def _hold_alike(primary: Vault, theirs: Held, lineage: Lineage, slot: datetime) -> None:
    """The replica's newest has to lie in the primary, byte for byte."""
    ours = primary.manifest(lineage, slot)
    if ours is None:
        raise put_back(primary.name, theirs.vault.name, layout.manifest_key(lineage, slot))
    if ours != theirs.body:
        raise disagree(Held(vault=primary, body=ours), theirs, lineage, slot)
