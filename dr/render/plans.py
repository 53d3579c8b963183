"""A plan and what became of it, as text.

One line an action, grouped by policy, with its reason; then warnings; then one line that sums up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby

from dr.actions import Action, Capture, Expire, Outcome, Plan, Result, Warn, WarningCode
from dr.words import clean, count, instant

_MARKS = {Result.DONE: "done", Result.SKIPPED: "skipped", Result.FAILED: "FAILED", Result.LEFT: "left"}


def plan_text(plan: Plan, *, several: bool = False) -> str:
    """The dry run; with `several` accounts each line names its own."""
    lines = [f"Plan at {instant(plan.now)}", ""]
    for policy, actions in groupby(_by_policy(plan.actions), key=lambda a: a.lineage.policy):
        lines += [
            f"policy {clean(policy)}",
            *(f"  {action_line(action, several=several)}" for action in actions),
            "",
        ]
    lines += warning_lines(plan.warnings)
    return "\n".join([*lines, plan_summary(plan)])


def _by_policy(actions: Iterable[Action]) -> list[Action]:
    """The plan's own order inside each policy."""
    return sorted(actions, key=lambda a: a.lineage.policy)


def action_line(action: Action, *, several: bool = False) -> str:
    """`+ capture vol-1 in eu-west-1 for 2026-...: reason`."""
    mark, verb, thing = _heading(action)
    where = f"{clean(thing)} in {_place(action, several=several)}"
    return f"{mark} {verb} {where} for slot {instant(action.slot)}: {clean(action.reason)}"


def _heading(action: Action) -> tuple[str, str, str]:
    match action:
        case Capture():
            return "+", "capture", action.lineage.source
        case Expire(blocked=True):
            return "!", "blocked", f"{action.point_id} of {action.lineage.source}"
        case _:
            return "-", "expire ", f"{action.point_id} of {action.lineage.source}"


def warning_lines(warnings: Sequence[Warn]) -> list[str]:
    """The warnings as a block that ends with an empty line; nothing when there are none."""
    if not warnings:
        return []
    return ["warnings", *(f"  {_warning(warn)}" for warn in warnings), ""]


def _warning(warn: Warn) -> str:
    about = " ".join(clean(name) for name in (warn.policy, warn.source) if name)
    return f"{warn.code}: {about + ': ' if about else ''}{clean(warn.message)}"


def plan_summary(plan: Plan) -> str:
    """`2 to capture, 1 to expire, 0 blocked.`, or that there is nothing to do."""
    captures = sum(isinstance(a, Capture) for a in plan.actions)
    blocked = sum(isinstance(a, Expire) and a.blocked for a in plan.actions)
    expiries = len(plan.actions) - captures - blocked
    if not plan.actions:
        return _no_changes(plan.warnings)
    return f"{captures} to capture, {expiries} to expire, {blocked} blocked."


def _no_changes(warnings: Sequence[Warn]) -> str:
    """Nothing is to be done; where something could not be read or may not expire, that says little."""
    codes = {warn.code for warn in warnings}
    if WarningCode.LISTING_INCOMPLETE in codes:
        return "Nothing to do as far as it could be read: see the warnings."
    if WarningCode.EXPIRY_CLOSED in codes:
        return "Nothing to do while expiry is closed: see the warnings."
    return "No changes: everything that the policies ask for is there."


def _place(action: Action, *, several: bool) -> str:
    lineage = action.lineage
    return f"{lineage.account}/{lineage.region}" if several else lineage.region


def outcome_line(outcome: Outcome, *, several: bool = False) -> str:
    """One action as it ended: what AWS confirmed, or why it did not happen and what to do about it."""
    created = f" -> {', '.join(outcome.created)}" if outcome.created else ""
    why = f" ({clean(outcome.error)})" if outcome.error else ""
    _, verb, thing = _heading(outcome.action)
    where = f"{clean(thing)} in {_place(outcome.action, several=several)}"
    return f"{_MARKS[outcome.result]:<8} {verb} {where}{created}{why}{_remedy(outcome)}"


def _remedy(outcome: Outcome) -> str:
    return f"\n{'':<8} what to do: {clean(outcome.remedy)}" if outcome.remedy else ""


def outcomes_summary(outcomes: Sequence[Outcome], warnings: Sequence[Warn] = ()) -> str:
    """`3 done, 0 skipped, 1 failed, 0 left.`, or that there was nothing to do."""
    if not outcomes:
        return _no_changes(warnings)
    return ", ".join(_counts(outcomes)) + "."


def _counts(outcomes: Sequence[Outcome]) -> Iterator[str]:
    counts = Counter(outcome.result for outcome in outcomes)
    for result in Result:
        yield f"{counts[result]} {result}"


def blocked_remedy(plan: Plan) -> str:
    """What to type when expiries are blocked."""
    blocked = sum(isinstance(a, Expire) and a.blocked for a in plan.actions)
    noun = count(blocked, "expiry is", "expiries are")
    return f"{noun} blocked because `keep` changed; to let them go: dr apply --allow-expire {blocked}"
