"""How well everything is protected right now: the answer of `dr status` (DESIGN 9). Pure; a reader of the inventory.

The inventory must hold every source of the Regions, not only selected ones, or nothing could be found unprotected.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr.actions import Warn, WarningCode
from dr.model import Freeze, Inventory, Policy, Protect, RecoveryPoint, Source, State, Unread
from dr.planner.cases import Case, cases
from dr.planner.shelf import Shelf, shelve, unread_of
from dr.planner.warnings import clock_warnings, selection_warnings, source_warnings, unread_warnings
from dr.slots import next_slots
from dr.wire import freeze_document, point_document, time_text, warn_document
from dr.words import one_line

_KINDS = {Protect.VOLUMES: "volume", Protect.INSTANCES: "instance", Protect.STACKS: "stack"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Protected:
    """A source under one policy. `age` is of the newest good point's data, in seconds; `rpo` the objective.

    `within_rpo` is None without an objective. `failed` is an attempt newer than the newest good point.
    """

    source: Source
    policy: str
    newest: RecoveryPoint | None
    age: int | None
    rpo: int | None
    within_rpo: bool | None
    next_slot: datetime | None
    failed: RecoveryPoint | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """The whole answer. `frozen` is None where nobody can tell; `orphans` are points whose policy or source does not exist; `stacks` all known by name."""

    now: datetime
    ok: bool
    sources: tuple[Protected, ...]
    unprotected: tuple[Source, ...]
    stacks: tuple[str, ...]
    orphans: tuple[RecoveryPoint, ...]
    warnings: tuple[Warn, ...]
    frozen: tuple[Freeze, ...] | None = ()


def status(policies: Sequence[Policy], inventory: Inventory, now: datetime) -> Status:
    """Look at everything. It is ok when each source is within its RPO, nothing failed and everything could be read."""
    shelf = shelve(inventory)
    rows = {
        policy.name: (policy, cases(policy, inventory, shelf, now))
        for policy in sorted(policies, key=lambda policy: policy.name)
    }
    sources = tuple(_protected(case, now) for _, row in rows.values() for case in row)
    warnings = tuple(warn for policy, row in rows.values() for warn in _warnings(policy, row, inventory, now))
    return Status(
        now=now,
        ok=is_ok(sources, warnings),
        sources=sources,
        unprotected=_unprotected(inventory, sources),
        stacks=_stacks(inventory),
        orphans=_orphans(policies, inventory, shelf),
        frozen=inventory.freezes or (None if freezes_unknown(inventory.unread) else ()),
        warnings=(*clock_warnings(inventory), *warnings, *elsewhere_warnings(policies, inventory.unread)),
    )


def freezes_unknown(unread: Iterable[Unread]) -> bool:
    """Whether nobody can tell what is frozen: the mark could not be read, or the store was lost and the mark with it."""
    return any(miss.what in {"freezes", "store"} for miss in unread)


def is_ok(sources: Iterable[Protected], warnings: Iterable[Warn]) -> bool:
    """Whether everything is within its objectives and was seen."""
    bad = any(row.within_rpo is False or row.failed for row in sources)
    return not bad and not any(warn.code in _NOT_OK for warn in warnings)


_NOT_OK = {
    WarningCode.LISTING_INCOMPLETE,
    WarningCode.EXPIRY_CLOSED,
    WarningCode.SELECTS_NOTHING,
    WarningCode.PENDING_LONG,
}
"""What could not be read, and what is a failure by itself (FAILURES 2, rows 11 and 49)."""


def elsewhere_warnings(policies: Sequence[Policy], unread: Iterable[Unread]) -> Iterable[Warn]:
    """What could not be read in Regions that no policy names, once a Region: nothing is decided there."""
    named = {region for policy in policies for region in policy.regions}
    why = {miss.region: miss.message for miss in unread if miss.region and miss.region not in named}
    for region, message in sorted(why.items()):
        told = f"{region}: not listed completely ({one_line(message)}); no policy names it: what is left there is not shown"
        yield Warn(code=WarningCode.LISTING_INCOMPLETE, message=told)


def _protected(case: Case, now: datetime) -> Protected:
    newest, rpo = case.newest, case.policy.rpo
    age = None if newest is None else int((now - newest.time).total_seconds())
    upcoming = next_slots(case.policy.schedules, now, 1)
    return Protected(
        source=case.source,
        policy=case.policy.name,
        newest=newest,
        age=age,
        rpo=rpo,
        within_rpo=None if rpo is None or not case.listed else age is not None and age <= rpo,
        next_slot=upcoming[0] if upcoming else None,
        failed=_failed(case),
    )


def _failed(case: Case) -> RecoveryPoint | None:
    """The latest attempt, where it failed and nothing good has come since."""
    newest = case.newest
    failed = (
        point
        for point in case.points
        if point.state is State.FAILED and (newest is None or point.time > newest.time)
    )
    return max(failed, key=lambda point: (point.time, point.id), default=None)


def _warnings(policy: Policy, row: Sequence[Case], inventory: Inventory, now: datetime) -> Iterable[Warn]:
    yield from unread_warnings(policy, inventory)
    yield from selection_warnings(policy, row, inventory)
    yield from source_warnings(row, now)


def _unprotected(inventory: Inventory, rows: Sequence[Protected]) -> tuple[Source, ...]:
    """Sources without a policy; an instance's volumes are protected when the instance is."""
    covered = {(row.source.protect, row.source.region, row.source.id) for row in rows}
    for row in rows:
        covered |= {(Protect.VOLUMES, row.source.region, volume) for volume in row.source.volumes}
    bare = (
        source
        for source in inventory.sources
        if (source.protect, source.region, source.id) not in covered
        and (Protect.INSTANCES, source.region, source.instance) not in covered
    )
    return tuple(sorted(bare, key=lambda source: (source.region, source.protect, source.id)))


def _stacks(inventory: Inventory) -> tuple[str, ...]:
    """Names of the stacks that exist and of those that are stored: a lost one is the one to restore."""
    existing = {source.id for source in inventory.sources if source.protect is Protect.STACKS}
    stored = {point.lineage.source for point in inventory.points if point.kind is Protect.STACKS.kind}
    return tuple(sorted(existing | stored))


def _orphans(policies: Sequence[Policy], inventory: Inventory, shelf: Shelf) -> tuple[RecoveryPoint, ...]:
    """Points of an unknown policy, or of a source that does not exist where its listing is complete."""
    by_name = {policy.name: policy for policy in policies}
    existing = {(source.protect, source.region, source.id) for source in inventory.sources}
    return points_newest_first(
        point
        for lineage, points in shelf.points.items()
        if _orphaned(lineage.region, lineage.source, by_name.get(lineage.policy), existing, inventory)
        for point in points
    )


def _orphaned(
    region: str,
    source: str,
    policy: Policy | None,
    existing: set[tuple[Protect, str, str]],
    inventory: Inventory,
) -> bool:
    if policy is None:
        return True
    unknown = any(miss.what == "sources" for miss in unread_of(policy, region, inventory.unread))
    return not unknown and (policy.protect, region, source) not in existing


def points_newest_first(points: Iterable[RecoveryPoint]) -> tuple[RecoveryPoint, ...]:
    """By slot, then by the time of the data, then by lineage and id."""
    by_name = sorted(points, key=lambda point: (point.lineage, point.id))
    return tuple(sorted(by_name, key=lambda point: (point.slot, point.time), reverse=True))


def status_document(found: Status) -> dict[str, Any]:
    """The JSON of `dr status`."""
    return {
        "now": time_text(found.now),
        "ok": found.ok,
        "frozen": None if found.frozen is None else [freeze_document(one) for one in found.frozen],
        "sources": [_protected_document(row) for row in found.sources],
        "unprotected": [_source_document(source) for source in found.unprotected],
        "stacks": [{"name": name, "verdict": None, "reasons": []} for name in found.stacks],
        "orphans": [point_document(point) for point in found.orphans],
        "warnings": [warn_document(warn) for warn in found.warnings],
    }


def _source_document(source: Source) -> dict[str, Any]:
    return {
        "source": source.id,
        "kind": _KINDS[source.protect],
        "account": source.account,
        "region": source.region,
    }


def _protected_document(row: Protected) -> Mapping[str, Any]:
    return {
        **_source_document(row.source),
        "policy": row.policy,
        "newest": point_document(row.newest) if row.newest else None,
        "age": row.age,
        "rpo": row.rpo,
        "within_rpo": row.within_rpo,
        "next_slot": time_text(row.next_slot) if row.next_slot else None,
        "copies": [],
        "failed": point_document(row.failed) if row.failed else None,
    }
