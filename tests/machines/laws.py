"""Laws that need more than one call: what changes of `keep` cost, what a report says, how runs come to rest."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from fakes import ACCOUNT
from machines.truth import Key, Shelf, Thing, claimed, look, selects, standing

from dr import layout
from dr.actions import Capture, Expire, Plan, Result
from dr.model import Kind, Policy, RetentionRule


class Broken(AssertionError):  # noqa: N818 - it says what the law is
    """A law does not hold."""


def require(holds: bool, law: str, why: str) -> None:
    """The law of FAILURES 3 holds."""
    if not holds:
        raise Broken(f"{law}: {why}")


@dataclass(slots=True)
class Lost:
    """I10, I11: what the edits of a keep cost without a person's word, beside the keep that was last agreed on.

    `agreed` is that keep by policy and Region, `finished` that of a lineage of which nothing of a later one is left to
    drop, while another lineage still waits. `tried` are those that have dropped anything since, `size` the largest
    number of points that a lineage had meanwhile.
    """

    agreed: dict[tuple[str, str], RetentionRule] = field(default_factory=dict)
    finished: dict[Key, RetentionRule] = field(default_factory=dict)
    tried: defaultdict[Key, list[RetentionRule]] = field(default_factory=lambda: defaultdict(list))
    size: Counter[Key] = field(default_factory=Counter)
    slots: defaultdict[Key, int] = field(default_factory=lambda: defaultdict(int))

    def count(self, policy: Policy, key: Key, row: list[Thing], thing: Thing, now: datetime) -> None:
        """One slot goes without a word: if the agreed keep claims it, it is the price of an edit."""
        agreed = self._of(key)
        self.size[key] = max(self.size[key], len(row))
        if agreed is None or agreed == policy.keep or thing.slot not in claimed(row, agreed, now):
            return
        if policy.keep not in self.tried[key]:
            self.tried[key].append(policy.keep)
        self.slots[key] += 1
        ration = max(2, self.size[key] * policy.expire_percent // 100) * len(self.tried[key])
        require(
            self.slots[key] <= ration,
            "I11",
            f"{key} has lost {self.slots[key]} slots to edits of keep that nobody allowed, more than {ration}",
        )

    def judged(self, watcher: Any, run: Any) -> None:
        """A keep is agreed on once nothing of it is blocked: by the state that is there, or as the run has planned."""
        shelf = look(watcher.world)
        for policy in watcher.policies.values():
            for region in policy.regions:
                if not _has_judged(run, policy.name, region):
                    continue
                told = not _blocked(run.plan, policy.name, region)
                now = watcher.world.clock.now()
                if watcher.word or told or self._agrees(policy, region, shelf, now):
                    self._agree(policy, region)
                else:
                    self._finish(policy, region, _before_captures(shelf, run), now)

    def _agrees(self, policy: Policy, region: str, shelf: Shelf, now: datetime) -> bool:
        agreed = self.agreed.get((policy.name, region))
        rows = [standing(shelf, key) for key in shelf if key[:2] == (policy.name, region)]
        if agreed is None:
            return not any(rows)
        return all(not _still_due(row, agreed, policy.keep, now) for row in rows)

    def _of(self, key: Key) -> RetentionRule | None:
        return self.finished.get(key, self.agreed.get(key[:2]))

    def _agree(self, policy: Policy, region: str) -> None:
        self.agreed[policy.name, region] = policy.keep
        for key in [key for key in {**self.tried, **self.finished} if key[:2] == (policy.name, region)]:
            self.finished.pop(key, None)
            self._forget(key)

    def _finish(self, policy: Policy, region: str, shelf: Shelf, now: datetime) -> None:
        for key in [key for key in shelf if key[:2] == (policy.name, region)]:
            agreed = self._of(key)
            if agreed is not None and not _still_due(standing(shelf, key), agreed, policy.keep, now):
                self.finished[key] = policy.keep
                self._forget(key)

    def forgotten(self) -> None:
        """The store that knew of them is lost: when its week is over, an edit has a ration anew."""
        for key in list(self.tried):
            self._forget(key)

    def _forget(self, key: Key) -> None:
        self.tried.pop(key, None)
        self.slots.pop(key, None)
        self.size.pop(key, None)


def _before_captures(shelf: Shelf, run: Any) -> Shelf:
    """What the run has judged: what it captured itself comes after."""
    made = {
        (a.lineage.policy, a.lineage.region, a.lineage.source, a.slot)
        for a in run.plan.actions
        if isinstance(a, Capture)
    }
    return {key: [thing for thing in row if (*key, thing.slot) not in made] for key, row in shelf.items()}


def _has_judged(run: Any, policy: str, region: str) -> bool:
    """Whether a run saw all and had its say; one that died had it if it came so far as to leave word of it."""
    if run.plan is None:
        return False
    if run.done is None:
        word = layout.applied_key(ACCOUNT, region, policy)
        return any(call.method == "put" and call.effect and call.args[0] == word for call in run.seam.log)
    busy = any(f"policy {policy} in {region}" in said for said in run.done.busy)
    return not busy and not {miss.region for miss in run.done.unread} & {"", region}


def _blocked(plan: Plan, policy: str, region: str) -> bool:
    """Whether a run had expiries that wait for a word; one whose expiry was closed has judged nothing."""
    closed = {"listing-incomplete", "expiry-closed", "selects-nothing", "frozen"}
    if any(warn.policy == policy and warn.code in closed for warn in plan.warnings):
        return True
    if any(warn.policy is None and warn.code == "frozen" for warn in plan.warnings):
        return True
    actions = (a for a in plan.actions if isinstance(a, Expire) and a.blocked)
    return any((a.lineage.policy, a.lineage.region) == (policy, region) for a in actions)


def _still_due(row: list[Thing], agreed: RetentionRule, keep: RetentionRule, now: datetime) -> set[datetime]:
    """What an edit would still cost: not what nobody may delete, nor the newest slot."""
    stays = (
        {thing.slot for thing in row if thing.guard} | {max(thing.slot for thing in row)} if row else set()
    )
    return claimed(row, agreed, now) - claimed(row, keep, now) - stays


def broken_report(run: Any) -> None:
    """I18, I24: what a report tells as done had its answer; every deletion that had its effect is told."""
    log = run.seam.log
    made = {call.answer for call in log if call.method.startswith("create_")}
    shown = {p.id for call in log if call.method == "find" and call.answer for p in call.answer}
    shown |= {call.answer.id for call in log if call.method == "image_named" and call.answer}
    deleted = {
        call.args[1] for call in log if call.method in {"delete_snapshot", "deregister_image"} and call.effect
    }
    for outcome in run.done.outcomes:
        action = outcome.action
        require(
            (outcome.result is Result.DONE) >= bool(outcome.created), "I24", f"created, and yet {outcome}"
        )
        if outcome.result is not Result.DONE or action.kind is Kind.STACK:
            continue
        if isinstance(action, Capture):
            require(set(outcome.created) <= made | shown, "I24", f"{outcome.created}: no answer says so")
        if isinstance(action, Expire):
            require(action.point_id in deleted, "I24", f"{action.point_id} is told as deleted, and was not")
    told = {
        one
        for o in run.done.outcomes
        if isinstance(o.action, Expire)
        for one in (o.action.point_id, *o.action.parts)
    }
    require(deleted <= told, "I24", f"{deleted - told} went, and no report says so")


def at_rest(world: Any, run: Any) -> None:
    """I5, I7: where runs have come to rest, one point stands for a slot, and what may go is gone."""
    shelf, now = look(world), world.clock.now()
    blocked = {
        _where(o.action) for o in run.done.outcomes if isinstance(o.action, Expire) and o.action.blocked
    }
    closed = {
        warn.policy for warn in run.done.warnings if warn.code in {"expiry-closed", "listing-incomplete"}
    }
    frozen = {warn.policy for warn in run.done.warnings if warn.code == "frozen"}
    closed |= set(world.policies) if None in frozen else frozen
    for policy in (p for p in world.policies.values() if p.name not in closed):
        wanted = world.oracle.wanted(policy, now)
        for source in (s for s in world.sources() if selects(policy, s)):
            row = shelf.get((policy.name, source.region, source.id), [])
            _one_of_each_slot(row)
            keeps = claimed(row, policy.keep, now) | {wanted}
            keeps |= _last_ones(standing(shelf, (policy.name, source.region, source.id)))
            for thing in row:
                free = thing.stands and not thing.guard and thing.slot <= now and thing.id not in blocked
                if free and thing.slot not in keeps:
                    require(
                        False,
                        "I12",
                        f"{thing.id} of {thing.slot} stays, and nothing claims it: {policy.keep}",
                    )


def _last_ones(row: list[Thing]) -> set[datetime]:
    """DESIGN 7.1: the newest slot and the one with the newest data; an archived one where none is good."""
    good = [thing for thing in row if thing.state == "good"] or row
    newest = max(good, key=lambda thing: (thing.time, thing.slot), default=None)
    last = {max(thing.slot for thing in things) for things in (row, good) if things}
    return {*last, newest.slot} if newest else set()


def _where(action: Expire) -> str:
    """What is to go, as the clouds and stores of the machines name it."""
    is_stored = action.kind is Kind.STACK
    return layout.manifest_key(action.lineage, action.slot) if is_stored else action.point_id


def _one_of_each_slot(row: list[Thing]) -> None:
    """The oldest good point of a slot stays; another one is there only where nobody may delete it."""
    good = [t for t in row if t.state == "good" and t.kind in {"snapshot", "image"}]
    for slot in {t.slot for t in good}:
        stays = min((t for t in good if t.slot == slot), key=lambda t: (t.time, t.id))
        more = [t.id for t in good if t.slot == slot and t is not stays and not t.guard]
        require(not more, "I7", f"{slot} has {stays.id}, and {more} besides")
