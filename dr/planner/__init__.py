"""The decisions of a tick, pure: policies, an inventory and `now` in, a proposal out. Nothing here reads anything.

    shelve        the inventory by lineage; duplicates of a slot merged, what may not be touched   shelf, merging
      |
    selected      which sources each policy protects now                                           selection
      |
    cases         a lineage each: source, points, the slot that it should have by now              cases
      |
      +-- captures     the wanted slot where it lacks, most overdue first                          captures
      +-- judge        what may go of a lineage, each point with its cause; closed where a         expiries
      |                capture cannot be made, anything could not be read, or a person has frozen it; orphans:
      |                their day of grace
      +-- warnings     what a person should know                                                   warnings
      |
    Proposal ---> dr.limits.decide: how many of the candidates go in one tick ---> Plan

Deleting starts from what is certain: only a lineage that is a case is judged at all, so that a policy that was
removed, renamed or selects nothing, and a source that is gone, delete nothing; they are left, and told. The same
inventory in another order gives the same proposal. It costs one walk over sources times policies and one sort.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.actions import Capture, Warn, WarningCode
from dr.model import Inventory, Policy
from dr.planner.captures import captures
from dr.planner.cases import Case, cases
from dr.planner.expiries import Verdict, judge
from dr.planner.freezing import freeze_of, freeze_warnings
from dr.planner.orphans import image_regions, next_orphans, orphans_to_record
from dr.planner.shelf import Shelf, shelve
from dr.planner.warnings import (
    clock_warnings,
    closed_warnings,
    left_warnings,
    missed_warnings,
    overlap_warnings,
    pace_warnings,
    selection_warnings,
    source_warnings,
    tag_warnings,
    unagreed_warnings,
    unread_warnings,
)

__all__ = ["Proposal", "Verdict", "image_regions", "next_orphans", "orphans_to_record", "propose"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """What a tick would do without limits. `verdicts` hold the candidates for expiry of every case."""

    now: datetime
    shelf: Shelf
    captures: tuple[Capture, ...]
    verdicts: tuple[Verdict, ...]
    warnings: tuple[Warn, ...]


def propose(
    policies: Sequence[Policy], inventory: Inventory, now: datetime, others: Collection[str] = ()
) -> Proposal:
    """Decide what is to be captured and what may expire. `others` names policies that exist but were not asked for."""
    shelf = shelve(inventory)
    by_policy = {policy.name: (policy, cases(policy, inventory, shelf, now)) for policy in policies}
    every = [case for _, row in by_policy.values() for case in row]
    freezes = {name: freeze_of(name, inventory.freezes) for name in by_policy}
    verdicts = tuple(
        judge(
            case,
            shelf,
            inventory.applied.get((case.policy.name, case.lineage.region)),
            now,
            inventory.orphaned_since,
            freezes[case.policy.name],
        )
        for case in every
    )
    wanted = captures(every, now)
    warnings = [
        *freeze_warnings(by_policy.keys(), inventory.freezes, _waiting(verdicts)),
        *clock_warnings(inventory),
        *(warn for policy, row in by_policy.values() for warn in _of_policy(policy, row, inventory, now)),
        *closed_warnings(verdicts),
        *unagreed_warnings(verdicts),
        *pace_warnings(by_policy.values(), now),
        *overlap_warnings(every),
        *tag_warnings(wanted),
        *(w for w in left_warnings(by_policy.keys(), every, shelf, inventory) if w.policy not in others),
    ]
    return Proposal(
        now=now,
        shelf=shelf,
        captures=wanted,
        verdicts=verdicts,
        warnings=tuple(sorted(warnings, key=_order)),
    )


def _waiting(verdicts: Sequence[Verdict]) -> Mapping[str, int]:
    """How many expiries of each policy only a freeze holds back."""
    return Counter(one.case.policy.name for one in verdicts if one.frozen for _ in one.expiries)


def _of_policy(policy: Policy, row: Sequence[Case], inventory: Inventory, now: datetime) -> Iterator[Warn]:
    yield from unread_warnings(policy, inventory)
    yield from selection_warnings(policy, row, inventory)
    yield from source_warnings(row, now)
    yield from missed_warnings(policy, row)


_RANK = {code: rank for rank, code in enumerate(WarningCode)}


def _order(warn: Warn) -> tuple[str, int, str, str]:
    return warn.policy or "", _RANK[warn.code], warn.source or "", warn.message
