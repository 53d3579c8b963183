"""How much of what may expire does so in one tick (DESIGN 7.4), and `decide`: policies, inventory, now -> Plan.

A lineage loses at most its ration in one tick: `max(2, points * expire_percent // 100)`, rounded down, where points
are its good and archived ones after duplicates are merged. The ration goes to the oldest backlog first
(`Cause.RETENTION`), what is left of it to policy changes. Backlog beyond it waits for later ticks; policy changes
beyond it are blocked until a person allows their exact number. Duplicates, failed points and orphans lose no slot, so
they stand outside.

One ration a tick would still bleed a lineage out over a night of ticks. So a policy change has one ration in all:
after an apply that left something blocked the record's `trimmed` holds this keep, and from then on every expiry of the
change is blocked. The record's `keep` moves on only when an apply saw everything and nothing stayed blocked.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from dr import collector
from dr.actions import Action, Cause, Expire, Plan, Warn, WarningCode
from dr.errors import Refused
from dr.model import Applied, Inventory, Lineage, Policy, RetentionRule
from dr.planner import Verdict, propose
from dr.planner.expiries import UNKNOWN
from dr.planner.shelf import Digests
from dr.words import count, names

_LEAST = 2
"""Points that a lineage may lose in one tick however few it has (DESIGN 7.4)."""
NOT_JUDGED = {WarningCode.LISTING_INCOMPLETE, WarningCode.EXPIRY_CLOSED, WarningCode.SELECTS_NOTHING}
"""Warnings of a policy of which not every drop was seen."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rationed:
    """The candidates of one lineage after the limits: what the plan holds, and how many wait for later ticks."""

    expiries: tuple[Expire, ...]
    deferred: int = 0


@collector.held()
def decide(
    policies: Sequence[Policy], inventory: Inventory, now: datetime, others: Collection[str] = ()
) -> Plan:
    """Make the plan of a tick. `others` names policies that exist but were not asked for: their points are no orphans."""
    proposal = propose(policies, inventory, now, others)
    rationed = {
        verdict.case.lineage: ration(
            verdict, inventory.applied.get((verdict.case.policy.name, verdict.case.lineage.region))
        )
        for verdict in proposal.verdicts
    }
    expiries = sorted((e for rest in rationed.values() for e in rest.expiries), key=_batches)
    actions: tuple[Action, ...] = (*proposal.captures, *expiries)
    return Plan(
        now=now,
        actions=actions,
        warnings=(*proposal.warnings, *_warnings(rationed)),
        lineages=Digests(proposal.shelf, {action.lineage for action in actions}),
    )


def ration(verdict: Verdict, applied: Applied | None) -> Rationed:
    """Hold the candidates of one lineage against its limits; nothing of a closed lineage goes."""
    if verdict.closed:
        return Rationed(expiries=())
    policy = verdict.case.policy
    limit = max(_LEAST, verdict.size * policy.expire_percent // 100)
    backlog = _of_cause(verdict, Cause.RETENTION)
    change = _of_cause(verdict, Cause.POLICY_CHANGE)
    used_up = applied is not None and policy.keep in applied.trimmed
    left = 0 if used_up else max(0, limit - len(backlog))
    blocked = [replace(expire, blocked=True) for expire in change[left:]]
    free = [expire for expire in verdict.expiries if expire.cause not in _LIMITED]
    return Rationed(
        expiries=(*free, *backlog[:limit], *change[:left], *blocked), deferred=len(backlog[limit:])
    )


_LIMITED = {Cause.RETENTION, Cause.POLICY_CHANGE}


def _of_cause(verdict: Verdict, cause: Cause) -> list[Expire]:
    """Oldest first, as the verdict orders them."""
    return [expire for expire in verdict.expiries if expire.cause is cause]


def _batches(expire: Expire) -> tuple[str, str, Lineage, datetime, str]:
    """Order expiries so that those of one Region and kind stand together: the executor looks at them in batches."""
    return expire.lineage.region, expire.kind, expire.lineage, expire.slot, expire.point_id


def _warnings(rationed: Mapping[Lineage, Rationed]) -> list[Warn]:
    """What waits and what is blocked, one warning a policy with its counts."""
    return [
        warn
        for policy in sorted({lineage.policy for lineage in rationed})
        for warn in _of_policy(policy, {k: v for k, v in rationed.items() if k.policy == policy})
    ]


def _of_policy(policy: str, rationed: Mapping[Lineage, Rationed]) -> list[Warn]:
    deferred = {lineage.source: rest.deferred for lineage, rest in rationed.items() if rest.deferred}
    blocked = {
        lineage.source: number
        for lineage, rest in rationed.items()
        if (number := sum(expire.blocked for expire in rest.expiries))
    }
    warnings = []
    if deferred:
        message = (
            f"{_number(deferred)} of {names(deferred)} for later ticks: the limit of one tick is reached"
        )
        warnings.append(Warn(code=WarningCode.EXPIRY_DEFERRED, policy=policy, message=message))
    if blocked:
        message = f"{_number(blocked)} of {names(blocked)} for a person's word: `keep` changed"
        warnings.append(Warn(code=WarningCode.EXPIRY_BLOCKED, policy=policy, message=message))
    return warnings


def _number(numbers: Mapping[str, int]) -> str:
    return count(sum(numbers.values()), "expiry waits", "expiries wait")


def allow_expire(plan: Plan, number: int) -> Plan:
    """Take a person's word for the plan's blocked expiries. Raises `Refused` unless it is for exactly their number."""
    blocked = sum(isinstance(action, Expire) and action.blocked for action in plan.actions)
    codes = {warn.code for warn in plan.warnings}
    holds = f"--allow-expire {number}: the plan holds {count(blocked, 'blocked expiry', 'blocked expiries')}"
    if number != blocked and WarningCode.FROZEN in codes:
        raise Refused(
            f"{holds}, and something is frozen", "nothing of it expires before `dr thaw`: see `dr status`"
        )
    if number != blocked and WarningCode.EXPIRY_CLOSED in codes:
        raise Refused(
            f"{holds}, and expiry is closed",
            "mend what the warnings of `dr plan` name, and read the plan again",
        )
    if number != blocked:
        raise Refused(
            holds,
            f"read the plan (dr plan), then allow exactly {blocked}"
            if blocked
            else "nothing is blocked: leave it out",
        )
    actions = tuple(replace(a, blocked=False) if isinstance(a, Expire) else a for a in plan.actions)
    warnings = tuple(warn for warn in plan.warnings if warn.code is not WarningCode.EXPIRY_BLOCKED)
    return replace(plan, actions=actions, warnings=warnings)


def next_applied(policy: Policy, applied: Applied | None, plan: Plan) -> Applied | None:
    """Say what to record for the policy's Regions after this plan was applied; None when nothing is known to record.

    `plan` is the one that was carried out (after `allow_expire`). Whatever became of its actions: a ration that was
    handed out is used up, and what was judged and not blocked was within the limits or had a person's word.
    """
    blocked = any(
        isinstance(action, Expire)
        and action.blocked
        and action.lineage.policy == policy.name
        and action.lineage.region in policy.regions
        for action in plan.actions
    )
    if blocked:
        return _used_up(policy.keep, applied or Applied(keep=UNKNOWN))
    if any(warn.code in NOT_JUDGED and warn.policy == policy.name for warn in plan.warnings):
        return applied
    if applied is not None and applied.keep == policy.keep:
        return applied  # two shells with two versions of the policy must not earn each other new rations
    return Applied(keep=policy.keep)


def _used_up(keep: RetentionRule, applied: Applied) -> Applied:
    """Remember that a change had its ration, beside all the others since: two wrong versions would take turns."""
    return applied if keep in applied.trimmed else replace(applied, trimmed=(*applied.trimmed, keep))
