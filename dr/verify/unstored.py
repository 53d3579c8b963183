"""Stacks that live and that a policy selects, and of which nothing is stored: nothing of them would come back."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from dr.errors import EXIT_ACTIONS, CloudError, EnvironmentFailed, Fault, fault_of
from dr.model import Policy, Protect, Source
from dr.planner.selection import matches
from dr.store.checking import StoresFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Unstored:
    """Such a stack; without a name a Region whose stacks nobody could list."""

    name: str = ""
    fault: Fault


def unstored(
    policies: Sequence[Policy],
    found: StoresFound,
    sources: Callable[[str], Sequence[Source]],
    stack: str | None,
) -> Iterator[Unstored]:
    """Tell each of them, with `stack` only that one; a store that is away may hold them: then none is told."""
    mine = [policy for policy in policies if policy.protect is Protect.STACKS]
    if not all(store.reachable for store in found.stores):
        return
    for region in sorted({region for policy in mine for region in policy.regions}):
        try:
            live = sources(region)
        except (CloudError, EnvironmentFailed) as error:
            yield Unstored(fault=fault_of(error))
            continue
        for source in sorted(live, key=lambda one: one.id):
            by = next((policy for policy in mine if matches(policy, source)), None)
            here = (source.account, region, source.id)
            if by and stack in (None, source.id) and here not in found.stacks:
                yield Unstored(name=source.id, fault=_fault(source, by))


def _fault(source: Source, policy: Policy) -> Fault:
    captured = "`dr apply` captures it; see what it warns of if it does not"
    return Fault(
        message=f"nothing is stored of the stack {source.id} in {source.region} of {source.account}, which policy {policy.name} selects",
        remedy=f"{captured}; now {source.unready}" if source.unready else captured,
        exit=EXIT_ACTIONS,
    )
