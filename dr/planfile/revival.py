"""Carry out a saved plan only where it still fits (DESIGN 9, invariant I16).

A capture is cheap to lose: where its lineage moved it is dropped and told, the next tick takes it. An expiry is not:
each is decided again from the fresh inventory, by the same rules and limits as in any tick, and if one of them would
not be there now the whole plan is refused as stale before any call. So a plan file can only ever ask for less than a
tick would do, whoever wrote it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import NoReturn

from dr.actions import Capture, Expire, Plan, Warn, WarningCode
from dr.errors import Refused
from dr.limits import NOT_JUDGED, ration
from dr.model import Inventory, Lineage, Policy
from dr.planfile.document import Context, SavedAction, SavedPlan
from dr.planner import Proposal, Verdict, propose
from dr.planner.shelf import Digests
from dr.words import count, names


def revive(
    saved: SavedPlan, policies: Sequence[Policy], inventory: Inventory, now: datetime, context: Context
) -> Plan:
    """The plan to execute now, of which nothing may be left: `require_something`.

    `policies` and `context` are today's, all of them. Raises `Refused` when it is stale.
    """
    _same_ground(saved.context, context)
    asked = [policy for policy in policies if policy.name in saved.context.asked]
    proposal = propose(asked, inventory, now)
    world = _World(proposal=proposal, verdicts={v.case.lineage: v for v in proposal.verdicts})
    expiries = _expiries(saved, world, inventory)
    captures, moved = _captures(saved, world)
    lineages = {action.lineage for action in saved.actions if action.lineage in world.verdicts}
    return Plan(
        now=now,
        actions=(*captures, *expiries),
        warnings=(*_warnings(saved, proposal), *moved),
        lineages=Digests(proposal.shelf, lineages),
        fingerprint=saved.fingerprint,
    )


def _warnings(saved: SavedPlan, proposal: Proposal) -> Iterator[Warn]:
    """What it was saved with, and what closes expiry today: that decides what of `keep` counts as agreed on."""
    yield from (warn for warn in saved.warnings if warn.code is not WarningCode.FROZEN)
    yield from (w for w in proposal.warnings if w.code in NOT_JUDGED and w not in saved.warnings)
    yield from (w for w in proposal.warnings if w.code is WarningCode.FROZEN)


def require_something(saved: SavedPlan, parts: Sequence[Plan]) -> None:
    """Refuse a plan of which nothing is left in any part: it was applied, most likely."""
    if saved.actions and not any(plan.actions for plan in parts):
        number = count(len(saved.actions), "action")
        moved = (warn for plan in parts for warn in plan.warnings if warn.code is WarningCode.PLAN_MOVED)
        _stale(f"nothing of its {number} is left to do, as if it had been applied ({next(moved).message})")


def part(saved: SavedPlan, account: str, region: str) -> SavedPlan:
    """What a saved plan asks for in one Region of one account."""
    there = (account, region)
    actions = [one for one in saved.actions if (one.lineage.account, one.lineage.region) == there]
    return replace(saved, actions=tuple(actions))


def require_places(saved: SavedPlan, places: Collection[tuple[str, str]]) -> None:
    """Refuse a plan with actions in an account or Region that is no longer protected."""
    left = {(one.lineage.account, one.lineage.region) for one in saved.actions} - set(places)
    if left:
        where = names([f"{account}/{region}" for account, region in left])
        _stale(f"it has actions in {where}, where nothing is protected now")


@dataclass(frozen=True, slots=True, kw_only=True)
class _World:
    """What a tick would decide now, by lineage."""

    proposal: Proposal
    verdicts: Mapping[Lineage, Verdict]

    def moved(self, action: SavedAction) -> bool:
        return self.proposal.shelf.digest(action.lineage) != action.digest


def _same_ground(then: Context, today: Context) -> None:
    if then.installation != today.installation:
        _stale(f"it was made for the installation {then.installation}, this is {today.installation}")
    if then.account != today.account:
        _stale(f"it was made for the account {then.account}, this is {today.account}")
    if then.config != today.config:
        _stale("dr.yaml changed after it was made")
    both = {*then.policies, *today.policies}
    changed = [name for name in both if then.policies.get(name) != today.policies.get(name)]
    if changed:
        _stale(f"policies changed after it was made: {names(changed)}")


def _stale(why: str) -> NoReturn:
    raise Refused(f"the plan is stale: {why}", "make a new one: dr plan -o FILE; nothing was done")


def _expiries(saved: SavedPlan, world: _World, inventory: Inventory) -> list[Expire]:
    """All saved expiries, decided again, in the plan's order."""
    by_lineage: defaultdict[Lineage, list[SavedAction]] = defaultdict(list)
    for action in saved.actions:
        if action.point is not None:
            by_lineage[action.lineage].append(action)
    return [
        expire
        for lineage, actions in by_lineage.items()
        for expire in _again(lineage, actions, world, inventory)
    ]


def _again(
    lineage: Lineage, actions: Sequence[SavedAction], world: _World, inventory: Inventory
) -> tuple[Expire, ...]:
    """The expiries of one lineage as rules and limits of now give them; refused unless they are the same."""
    verdict = world.verdicts.get(lineage)
    if verdict is None:
        _stale(f"{lineage.source} is gone, not listed or no longer selected by {lineage.policy}")
    if verdict.frozen:
        raise Refused(
            f"the plan is stale: nothing of {lineage.source} may expire now: {verdict.closed}",
            "`dr thaw` ends that; while it is frozen a new plan still captures, and expires nothing. Nothing was done",
        )
    if verdict.closed:
        _stale(f"nothing of {lineage.source} may expire now: {verdict.closed}")
    if any(world.moved(action) for action in actions):
        _stale(f"the points of {lineage.source} under {lineage.policy} changed after it was made")
    asked = {action.point: action.blocked for action in actions}
    allowed = tuple(expire for expire in verdict.expiries if expire.point_id in asked)
    limited = ration(
        replace(verdict, expiries=allowed), inventory.applied.get((lineage.policy, lineage.region))
    )
    if {expire.point_id: expire.blocked for expire in limited.expiries} != asked:
        _stale(f"rules and limits would not let the same points of {lineage.source} go now")
    return tuple(sorted(limited.expiries, key=lambda expire: (expire.slot, expire.point_id)))


def _captures(saved: SavedPlan, world: _World) -> tuple[list[Capture], list[Warn]]:
    """The captures that still fit, and a warning for each that was dropped."""
    captures, moved = [], []
    for action in saved.actions:
        if action.point is not None:
            continue
        if why := _why_dropped(action, world):
            moved.append(_dropped(action, why))
        else:
            captures.append(_capture(action, world.verdicts[action.lineage]))
    return captures, moved


def _why_dropped(action: SavedAction, world: _World) -> str:
    verdict = world.verdicts.get(action.lineage)
    if verdict is None:
        return "the source is gone, not listed or no longer selected"
    if verdict.case.source.unready:
        return f"no point can be taken now: {verdict.case.source.unready}"
    if verdict.case.listed and world.moved(action):
        return "its points changed after the plan was made"
    return ""


def _dropped(action: SavedAction, why: str) -> Warn:
    return Warn(
        code=WarningCode.PLAN_MOVED,
        policy=action.lineage.policy,
        source=action.lineage.source,
        message=f"not captured: {why}",
    )


def _capture(action: SavedAction, verdict: Verdict) -> Capture:
    case = verdict.case
    return Capture(
        lineage=action.lineage,
        kind=case.policy.protect.kind,
        slot=action.slot,
        source=case.source,
        reason=action.reason,
        attempt=action.attempt,
        reboot=case.policy.reboot,
        look_first=not case.listed,
    )
