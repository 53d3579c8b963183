"""The laws, held against every call of every run at the moment before its effect (FAILURES I1 to I12, DESIGN 7).

    Oracle      what outlives a run: since when parts are orphans, what changes of `keep` have cost
    Watcher     one run: what it was shown, what it made, what it deleted, and whether it might

A deletion is judged by the truth of that moment, and by what the run could know: the shelf as it was when listed.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from machines.laws import Lost, broken_report, require
from machines.seam import CREATES, DELETES, Call
from machines.truth import (
    Key,
    Shelf,
    Thing,
    claimed,
    identity,
    look,
    look_into,
    named_blobs,
    selects,
    slot_of,
    standing,
)

from dr.errors import DrError
from dr.model import Policy, Protect

_DAY = timedelta(days=1)
_MAX_SKEW = 300
_STACKS_OF = re.compile(r"stacks/[0-9]+/([^/]+)/")
"""The listing of a Region's stored stacks."""
_SEEN_BEFORE_DELETING = ("pins/", "words/", "applied/", "installation.json", "orphans/")


@dataclass(slots=True)
class Oracle:
    """What outlives a run."""

    world: Any
    lost: Lost = field(default_factory=Lost)
    orphans: dict[str, datetime] = field(default_factory=dict)

    def watching(self, policies: Collection[Policy], *, word: bool) -> Watcher:
        """The watcher of a run with these policies; `word`: a person has allowed what is blocked."""
        self.note_orphans()
        return Watcher(oracle=self, world=self.world, policies={p.name: p for p in policies}, word=word)

    def note_orphans(self) -> None:
        """Since when which part is without its image, by AWS's own time.

        Its image is one of ours (DESIGN 5): one that somebody has built on it keeps it as long as it is there (EC2
        deletes nothing that is in use), and gives it no second day.
        """
        ours = [image for image in self.world.cloud.images.values() if identity(image.tags)]
        used = {part for image in ours for part in image.parts.values()}
        for name, snapshot in self.world.cloud.snapshots.items():
            if snapshot.tags.get("dr:kind") == "image-part" and name not in used:
                self.orphans.setdefault(name, self.world.aws.at)
        for name in [name for name in self.orphans if name in used]:
            del self.orphans[name]

    def wanted(self, policy: Policy, now: datetime) -> datetime:
        """The slot that every lineage of a policy should have by now."""
        return max(_LATEST[schedule](now) for schedule in policy.schedules)


_LATEST: dict[Any, Any] = {}


def teach(schedule: Any, latest: Any) -> None:
    """Tell the oracle what a schedule wants, in other words than dr's."""
    _LATEST[schedule] = latest


@dataclass(slots=True, kw_only=True)
class Watcher:
    """One run. `seen` is the shelf when points were last listed, and stacks first, by port and Region."""

    oracle: Oracle
    world: Any
    policies: dict[str, Policy]
    word: bool
    log: list[Call] = field(default_factory=list)
    seen: dict[tuple[str, str], Shelf] = field(default_factory=dict)
    made: Counter[tuple[Key, datetime]] = field(default_factory=Counter)
    gone: dict[str, Thing] = field(default_factory=dict)
    losses: defaultdict[Key, set[datetime]] = field(default_factory=lambda: defaultdict(set))

    def watch(self, call: Call) -> None:
        """Judge a call that is about to have its effect."""
        if call.method == "points":
            self.seen["cloud", call.args[0]] = look(self.world)
        elif call.method == "keys" and (found := _STACKS_OF.fullmatch(call.args[0])):
            store = self.world.primary if call.port == "store" else self.world.replica
            self.seen.setdefault((call.port, found[1]), look_into(self.world, store))
        elif call.port == "cloud" and call.method in DELETES:
            self._deletes(call, call.args[1])
        elif call.port == "cloud" and call.method in CREATES:
            self._makes(call)
        elif call.port in {"store", "replica"} and call.method == "delete":
            self._removes(call)
        elif (
            call.port in {"store", "replica"} and call.method == "put" and call.args[0].startswith("stacks/")
        ):
            self._writes(call)

    # --- captures -------------------------------------------------------------------------------------------------

    def _makes(self, call: Call) -> None:
        tags = call.args[2] if call.method == "create_snapshot" else call.args[3].image
        who = identity(tags)
        require(who is not None, "I5", f"{call.args} is made without identity tags")
        policy, source, slot, _ = who
        self._wanted((policy, call.args[0], source), slot)
        require(source == call.args[1], "I3", f"a point of {call.args[1]} says {source}")

    def _writes(self, call: Call) -> None:
        """A manifest: a capture, or the copy of one that the other store has."""
        found = re.fullmatch(r"stacks/\d+/([^/]+)/([^/]+)/(\d{8}T\d{6}Z)\.(.+)\.json", call.args[0])
        region, name, slot, policy = found.groups()
        if any(call.args[0] in store.objects for store in self.world.stores):
            return
        self._wanted((policy, region, name), slot_of(slot))

    def _wanted(self, key: Key, slot: datetime) -> None:
        """I5, I7, I19: what is made was wanted and was not there; a run makes one living point of a slot."""
        policy = self.policies.get(key[0])
        require(
            policy is not None and self._selected(key), "I3", f"a capture of {key}, which nothing selects"
        )
        now = self.world.clock.now()
        hour = timedelta(hours=1)
        slots = {self.oracle.wanted(policy, at) for at in (now, now - hour / 2)}
        require(slot in slots, "I5", f"a capture of {key} for {slot}, wanted {slots}")
        if (shelf := self._seen_of(key)) is not None:
            there = [t for t in shelf.get(key, ()) if t.slot == slot and t.kind != "image-part"]
            alive = [t.id for t in there if t.state != "failed"]
            require(not alive, "I8", f"{key} {slot} is captured again, and {alive} was listed")
        before = [
            t
            for t in look(self.world).get(key, ())
            if t.slot == slot and t.id in self._created() and t.kind != "image-part"
        ]
        require(all(t.state == "failed" for t in before), "I19", f"this run makes {key} {slot} twice")

    def _created(self) -> set[str]:
        return {call.answer for call in self.log if call.method in CREATES and call.answer}

    def _selected(self, key: Key) -> bool:
        policy = self.policies[key[0]]
        return any((s.region, s.id) == key[1:] and selects(policy, s) for s in self.world.sources())

    def _seen_of(self, key: Key) -> Shelf | None:
        """What it knows of a lineage: of a stack what either store showed, each when it was listed."""
        ports = ("store", "replica") if self.policies[key[0]].protect == "stacks" else ("cloud",)
        shelves = [self.seen[port, key[1]] for port in ports if (port, key[1]) in self.seen]
        things = sorted((t for shelf in shelves for t in shelf.get(key, ())), key=lambda thing: thing.time)
        known = {thing.id: thing for thing in reversed(things)}  # in both: as old as the older says
        return {key: list(known.values())} if shelves else None

    # --- deletions ------------------------------------------------------------------------------------------------

    def _removes(self, call: Call) -> None:
        key = call.args[0]
        if key.startswith("blobs/"):
            store = self.world.primary if call.port == "store" else self.world.replica
            named = key.rpartition("/")[2] in named_blobs(store)
            require(not named, "I3", f"{key} is swept, and a manifest of {store.name} names it")
        elif key.startswith("stacks/") and key not in self.gone:
            self._deletes(call, key)

    def _deletes(self, call: Call, name: str) -> None:
        """Judge the deletion of one thing; what is not there any more is nothing."""
        shelf = look(self.world)
        thing = next((t for row in shelf.values() for t in row if t.id == name), None)
        if thing is None:
            there = name in self.world.cloud.snapshots or name in self.world.cloud.images
            require(not there, "I3", f"{name} is foreign, and is deleted")
            return
        inside = self._goes_with_its_image(thing)
        listed = [t for seen in self.seen.values() for row in seen.values() for t in row if t.id == name]
        same = all((t.key, t.slot, t.kind) == (thing.key, thing.slot, thing.kind) for t in listed)
        require(same, "I3", f"{name} is not what it was when it was listed, and is deleted")
        refused = inside and thing.guard.startswith("in use")  # by EC2 itself
        require(refused or not thing.guard, "I3", f"{name} is {thing.guard}, and is deleted")
        if not inside:
            require(thing.key[0] in self.policies, "I10", f"{name} of {thing.key}: no policy of that name")
            require(self._selected(thing.key), "I10", f"{name} of {thing.key}: nothing selects its source")
            self._could_know(thing)
            self._captured(thing)
            self._of_its_state(thing, shelf)
        self.gone[name] = thing

    def _goes_with_its_image(self, thing: Thing) -> bool:
        return thing.kind == "image-part" and any(thing.id in image.parts for image in self.gone.values())

    def _could_know(self, thing: Thing) -> None:
        """I4: all that could speak against it was read."""
        policy, (_, region, _) = self.policies[thing.key[0]], thing.key
        for number, call in enumerate(self.log):
            if not isinstance(call.error, DrError) or self._asked_again(number):
                continue
            what = str(call.args[0]) if call.args else ""
            blind = call.port == "store" and call.method in {"get", "keys"}
            blind = blind and what.startswith(_SEEN_BEFORE_DELETING)
            blind = blind or (call.method == "points" and what == region and thing.kind != "stack")
            blind = blind or (call.port == "stacks" and call.method == "sources" and thing.kind == "stack")
            asked = call.port == "cloud" and call.method == "sources"
            blind = blind or (asked and call.args[0] == policy.protect and call.args[1] == region)
            require(not blind, "I4", f"{thing.id} goes, and {call.method} {what} had failed")
        frozen = self.world.frozen & {"", thing.key[0]}
        require(not frozen, "7.6", f"{thing.id} goes, and {thing.key[0]} is frozen")
        ahead = self.world.cloud.ahead
        require(ahead is None or abs(ahead) <= _MAX_SKEW, "I9", f"{thing.id} goes by a clock {ahead} s off")
        lost = self.world.lost_at
        young = lost is not None and self.world.clock.now() - lost < timedelta(days=7)
        require(
            not young or thing.time >= lost - timedelta(minutes=5), "I4", f"{thing.id}: the store was lost"
        )

    def _asked_again(self, number: int) -> bool:
        """The claim is read when it is made too; pins and freezes for the plan, and again before deletions."""
        if self.log[number].args == ("installation.json",):
            return any(
                c.method == "get" and c.args == self.log[number].args and c.effect for c in self.log[number:]
            )
        method, args = self.log[number].method, self.log[number].args
        if not str(args[0]).startswith(("pins/", "words/")):
            return False
        same = ("keys", ("pins/",)) if args[0].startswith("pins/") else (method, args)
        looks = [n for n, c in enumerate(self.log) if (c.method, c.args) == same and c.effect]
        return any(n < number for n in looks) and any(n > number for n in looks)

    def _captured(self, thing: Thing) -> None:
        """Safety rule 2: nothing of a lineage goes when its own capture failed, or could not be made."""
        key, now = thing.key, self.world.clock.now()
        tries = [c for c in self.log if c.method in CREATES and _of(c) == key]
        if tries and tries[-1].error is not None:
            require(
                self._has(self.policies[key[0]], key, _slot(tries[-1])),
                "I22",
                f"{thing.id} goes, its own capture has failed",
            )
        source = next(s for s in self.world.sources() if (s.region, s.id) == key[1:])
        due = source.unready and not self._has(
            self.policies[key[0]], key, self.oracle.wanted(self.policies[key[0]], now)
        )
        require(not due, "I22", f"{thing.id} goes, and {key} could not be captured")

    def _has(self, policy: Policy, key: Key, slot: datetime) -> bool:
        """A stack that was stored since is not stored for the slot too (docs/decisions/0010)."""
        row = look(self.world).get(key, ())
        until = self.world.clock.now() if policy.protect is Protect.STACKS else slot
        return any(slot <= t.slot <= until and t.state != "failed" and t.kind != "image-part" for t in row)

    def _of_its_state(self, thing: Thing, shelf: Shelf) -> None:
        row = shelf[thing.key]
        if thing.kind == "image-part":
            self._orphan(thing, row)
        elif thing.state == "pending":
            require(False, "I2", f"{thing.id} is pending, and is deleted")
        elif thing.state == "failed":
            newer = [t for t in row if t.state == "good" and t.kind == thing.kind and t.time > thing.time]
            require(bool(newer), "I2", f"{thing.id} failed, and there is no newer good point")
        else:
            self._standing(thing, shelf)

    def _orphan(self, thing: Thing, row: list[Thing]) -> None:
        newer = [t for t in row if t.state == "good" and t.kind == "image" and t.time > thing.time]
        require(bool(newer), "I1", f"{thing.id} is the newest data of {thing.key}, though its image is gone")
        since = self.oracle.orphans.get(thing.id)
        untold = self.world.untold  # what a wrong clock has remembered is wrong, and AWS had not told
        graced = since is None or self.world.aws.at - since <= _DAY - timedelta(minutes=5)
        require(bool(untold) or not graced, "I3", f"{thing.id} lost its image at {since}: its day of grace")

    def _standing(self, thing: Thing, shelf: Shelf) -> None:
        """A point that counts: the newest stays (I1), what keep claims stays (I12), one ration a run (I11)."""
        key, policy, now = thing.key, self.policies[thing.key[0]], self.world.clock.now()
        left = [t for t in standing(shelf, key) if t.id != thing.id]
        _newest_stays(thing, left)
        if any(t.slot == thing.slot and (t.state == "good" or thing.state != "good") for t in left):
            return
        seen = self._seen_of(key)
        known = standing(seen, key)
        keeps = claimed(known, policy.keep, now)
        require(
            thing.slot not in keeps, "I12", f"{thing.id} of {thing.slot} goes, and {policy.keep} claims it"
        )
        wanted = self.oracle.wanted(policy, now)
        require(thing.slot != wanted, "I8", f"{thing.id} of {thing.slot} goes, and would be taken again")
        self.losses[key].add(thing.slot)
        ration = max(2, len(known) * policy.expire_percent // 100)
        if not self.word:
            lost = len(self.losses[key])
            require(lost <= ration, "I11", f"{key} loses {lost} of {len(known)} in one run, allowed {ration}")
            self.oracle.lost.count(policy, key, standing(shelf, key), thing, now)

    # --- the end --------------------------------------------------------------------------------------------------

    def ended(self, run: Any) -> None:
        """What has to be true when a run is over."""
        if run.done is not None:
            broken_report(run)
        self.oracle.lost.judged(self, run)
        if run.clean and abs(self.world.cloud.ahead or 0) <= _MAX_SKEW:
            self._all_captured()

    def _all_captured(self) -> None:
        """In calm weather every source that can be captured has a living point of the slot that is wanted."""
        for policy in self.policies.values():
            slot = self.oracle.wanted(policy, self.world.clock.now())
            for source in (s for s in self.world.sources() if selects(policy, s)):
                key = (policy.name, source.region, source.id)
                helpless = source.unready or self.world.hopeless(source)
                require(bool(helpless) or self._has(policy, key, slot), "I5", f"{key} has no point of {slot}")


def _newest_stays(thing: Thing, left: list[Thing]) -> None:
    """I1: the newest slot and the newest data of a lineage keep a good point; where none is good, the newest."""
    require(bool(left), "I1", f"{thing.id} is the last of {thing.key}")
    before = [t for t in (*left, thing) if t.state == "good"] or [*left, thing]
    rest = [t for t in left if t.state == "good"] or [t for t in left if thing.state != "good"]
    slots = {t.slot for t in rest}
    newest = max(before, key=lambda t: (t.time, t.slot, t.id))
    require(max(t.slot for t in before) in slots, "I1", f"{thing.id} is the newest slot of {thing.key}")
    require(newest.slot in slots, "I1", f"{thing.id} is the newest data of {thing.key}")


def _of(call: Call) -> Key:
    tags = call.args[2] if call.method == "create_snapshot" else call.args[3].image
    return tags["dr:policy"], call.args[0], tags["dr:source"]


def _slot(call: Call) -> datetime:
    tags = call.args[2] if call.method == "create_snapshot" else call.args[3].image
    return slot_of(tags["dr:slot"])
