"""Whether the stores hold what they say, for `dr verify`: each store by itself (`looking`), then both together.

Together: the same bytes in both, none of the newest missing from the primary, and what one lacks of the other. Reads
only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from dr import layout
from dr.errors import EXIT_ACTIONS, CloudError, EnvironmentFailed, Fault, Refused, fault_of
from dr.model import RecoveryPoint
from dr.store.looking import Look, StoreFound, look_at
from dr.store.newest import Held, disagree, put_back
from dr.store.vault import Vault
from dr.store.versions import stored_point


@dataclass(frozen=True, slots=True, kw_only=True)
class VersionFound:
    """One version of a stack, and what is wrong with it in either store."""

    point: RecoveryPoint
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class StoresFound:
    """Everything. `stacks` are account, Region and name of all that is stored, whatever was asked for."""

    stores: tuple[StoreFound, ...]
    versions: tuple[VersionFound, ...]
    stacks: frozenset[tuple[str, str, str]]


def check_stores(vaults: Sequence[Vault], stack: str | None, *, deep: bool, signed: bool) -> StoresFound:
    """Check every store; `stack` narrows it to one name. Never raises for what a store holds, nor for one away."""
    looks = [look_at(vault, stack, deep=deep, signed=signed) for vault in vaults]
    if len(looks) > 1 and all(look.ended for look in looks):
        _together(*looks)
    keys = sorted({key for look in looks for key in look.listed})
    return StoresFound(
        stores=tuple(look.found() for look in looks),
        versions=tuple(_version(key, looks) for key in keys),
        stacks=frozenset(stack for look in looks for stack in look.stacks),
    )


def _together(primary: Look, replica: Look) -> None:
    """Hold the stores against each other, as a restore does, and tell what one lacks of the other."""
    try:
        _compare(primary, replica)
    except (CloudError, EnvironmentFailed, Refused) as error:
        primary.own.append(fault_of(error))


def _compare(primary: Look, replica: Look) -> None:
    names = primary.vault.name, replica.vault.name
    for key in primary.facts.keys() & replica.facts.keys():
        if primary.facts[key].sha256 != replica.facts[key].sha256:
            _tell_difference(primary, replica, key)
    told = set()
    for keys in replica.lineages().values():
        newest = keys[-1]
        if newest not in primary.facts and _gone(primary, replica, newest):
            replica.tell(newest, put_back(*names, newest))
            told.add(newest)
    for of, to in ((primary, replica), (replica, primary)):
        lacking = {key for key in of.facts if _complete(of, key)} - _wholes(to)
        if lacking - told:
            to.own.append(_behind(of, to, sorted(lacking, key=lambda key: of.listed[key][1])))


def _tell_difference(primary: Look, replica: Look, key: str) -> None:
    """Tell two bodies of one manifest; one that has gone meanwhile differs from nothing."""
    place = primary.listed[key]
    ours, theirs = primary.vault.manifest(*place), replica.vault.manifest(*place)
    if ours is not None and theirs is not None:
        first, second = Held(vault=primary.vault, body=ours), Held(vault=replica.vault, body=theirs)
        primary.tell(key, disagree(first, second, *place))


def _gone(primary: Look, replica: Look, key: str) -> bool:
    """Whether the one still lacks it and the other still has it: a capture or an expiry may have been under way."""
    place = replica.listed[key]
    return primary.lacks(*place) and not replica.lacks(*place)


def _complete(look: Look, key: str) -> bool:
    """Whether it is worth copying: whole, as far as its manifest goes."""
    return look.facts[key].blobs is not None


def _wholes(look: Look) -> frozenset[str]:
    return look.vault.whole(layout.MANIFESTS)


def _behind(of: Look, to: Look, keys: Sequence[str]) -> Fault:
    count = f"{len(keys)} version{'s' if len(keys) > 1 else ''} of stored stacks"
    return Fault(
        message=f"{to.vault.name} lacks {count} that {of.vault.name} has, the newest {keys[-1]}",
        remedy="`dr apply` copies what a store lacks; if it stays so, see what the apply warns of",
        exit=EXIT_ACTIONS,
    )


def _version(key: str, looks: Sequence[Look]) -> VersionFound:
    written = min(look.written[key] for look in looks if key in look.written)
    faults = {fault: None for look in looks for fault in look.faults.get(key, ())}
    return VersionFound(point=stored_point(key, written), faults=tuple(faults))
