"""The state machine: runs in every weather, over all that may happen; the oracle judges each call of each run.

Runs meet trouble, die and are run again, meet each other and people; at its end every example comes to rest.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from hypothesis import strategies as st
from hypothesis.stateful import rule
from machines.happenings import PICK, Happenings, picked
from machines.laws import at_rest, require
from machines.policies import BLIND, KEEPS
from machines.seam import Seam, Trouble
from machines.world import AWAY, HOME, Weather


class Machine(Happenings):
    """Runs, and what they meet."""

    # --- runs -----------------------------------------------------------------------------------------------------

    @rule()
    def a_run(self) -> None:
        self.world.run()

    @rule(hours=st.integers(1, 4))
    def some_hours_of_runs(self, hours: int) -> None:
        for _ in range(hours):
            self.world.aws.advance(hours=1)
            self.world.run()

    @rule(pick=PICK)
    def a_run_of_one_policy(self, pick: int) -> None:
        policy = self._policy(pick)
        if policy is not None:
            self.world.run(policies=[policy])

    @rule()
    def a_run_with_a_persons_word(self) -> None:
        self.world.run(word=True)

    @rule(pick=PICK)
    def a_run_with_somebodys_old_files(self, pick: int) -> None:
        """A laptop that was not updated: an earlier version of one policy."""
        if self.former:
            self.world.run(policies=[picked(self.former, pick)])

    @rule(picks=st.lists(PICK, min_size=2, max_size=3), turns=st.integers(4, 9))
    def shells_with_different_files_take_turns(self, picks: list[int], turns: int) -> None:
        """I11: a laptop and a function, each with a version of its own of one policy; none earns another a ration."""
        policy = self._policy(picks[0])
        if policy is not None:
            versions = [replace(policy, keep=picked(KEEPS, pick)) for pick in picks]
            for turn in range(turns):
                self.world.run(policies=[picked(versions, turn)])
                self.world.aws.advance(minutes=7)

    @rule(troubles=st.dictionaries(st.integers(3, 40), st.sampled_from(Trouble), min_size=1, max_size=3))
    def a_run_meets_trouble(self, troubles: dict[int, Trouble]) -> None:
        self.world.run(Weather(troubles=troubles))

    @rule(at=st.integers(1, 40), after=st.booleans())
    def a_run_is_killed_and_run_again(self, at: int, after: bool) -> None:
        """I5: the next run ends where an unbroken one would have; its lease is gone after five minutes."""
        kill = Trouble.KILLED_AFTER if after else Trouble.KILLED_BEFORE
        self.world.run(Weather(troubles={at: kill}))
        self.world.aws.advance(minutes=6)
        self.world.run()

    @rule(what=st.sampled_from(BLIND), once=st.booleans(), hours=st.integers(0, 3))
    def a_listing_comes_short(self, what: str, once: bool, hours: int) -> None:
        """I4, when there is something to expire."""
        self.some_hours_of_runs(hours)
        self.world.aws.advance(hours=1)
        self.world.run(Weather(blind=(what,), once=once))

    @rule(dark=st.sampled_from([HOME, AWAY, "store", "replica"]))
    def a_region_or_a_store_is_dark(self, dark: str) -> None:
        self.world.run(Weather(dark=(dark,)))

    @rule(at=st.integers(1, 40), old=st.booleans(), pick=PICK, leased=st.booleans())
    def two_runs_meet(self, at: int, old: bool, pick: int, leased: bool) -> None:
        """I7: a second process does all of its work between two calls of the first."""
        files = [picked(self.former, pick)] if old and self.former else None
        other = partial(self.world.run, policies=files, leased=leased)
        self.world.run(Weather(acts={at: other}))

    @rule(
        pick=PICK,
        how=st.sampled_from(["hold", "lock", "pin", "freeze", "build", "disown", "move", "delete"]),
        hours=st.integers(0, 3),
    )
    def somebody_acts_right_before_a_deletion(self, pick: int, how: str, hours: int) -> None:
        """I3: what has changed since the plan was made is seen by the last look."""
        self.some_hours_of_runs(hours)
        self.world.aws.advance(hours=1)
        look = {"pin": "pins", "freeze": "freezes"}.get(how, "owned")
        self.world.run(Weather(before_looks={look: partial(self._act, pick, how)}))

    def _act(self, pick: int, how: str, going: Sequence[str]) -> None:
        """On one of those that are about to go; a restore that begins now pins whatever there is."""
        cloud = self.world.cloud
        there = [one for one in going if one in cloud.snapshots or one in cloud.images]
        if how == "pin":
            self.world.pin("restore-3", {*cloud.snapshots, *cloud.images})
        if how == "freeze":
            self.world.freeze("")
        if not there:
            return
        name = picked(there, pick)
        if name in cloud.images and pick % 2:  # what befalls a part of an image befalls the image
            name = picked(list(cloud.images[name].parts.values()) or [name], pick)
        point = cloud.snapshots.get(name) or cloud.images.get(name)
        match how:
            case _ if point is None:
                return
            case "build" if name in cloud.snapshots and name in going:
                self._build_on(name)
            case "disown":
                point.tags["dr:managed"] = "globex"
            case "move":
                point.tags["dr:slot"] = "20200101T000000Z"
            case "delete":
                self._delete(name)
            case _:
                self._change(point, how)

    @rule(then=st.sampled_from(["stick", "fail", "hold", "archive", "good"]), first=st.booleans())
    def a_slot_is_taken_twice(self, then: str, first: bool) -> None:
        """I2, I7: two runs without leases meet at a create; one of the two points fares ill, and days go on."""
        self.world.aws.advance(hours=1)
        self.world.run()
        self.world.aws.advance(hours=2)
        before = set(self.world.cloud.snapshots) | set(self.world.cloud.images)
        acts = {name: partial(self.world.run, leased=False) for name in ("create_snapshot", "create_image")}
        self.world.run(Weather(acts=acts))
        made = [
            one for one in self._points() if one.id not in before and one.tags.get("dr:kind") != "image-part"
        ]
        if made:
            if then != "archive":
                self._change(made[0 if first else -1], then)
            self.world.aws.advance(minutes=7)
            if then == "archive":
                self._change(made[0 if first else -1], then)
            self.world.run()

    @rule()
    def somebody_holds_the_lease(self) -> None:
        holder = self.world.desk(Seam(watch=lambda _: None), "somebody").leases
        key = f"leases/{self.world.cloud.account}/{HOME}/{self.names[0]}"
        if key not in self.world.primary.objects:
            holder.acquire(key)
        self.world.run()

    @rule()
    def the_store_is_lost(self) -> None:
        self.world.lose_store()

    @rule(right=st.booleans())
    def runs_come_to_rest(self, right: bool) -> None:
        """I5, I7, I8: whatever has happened, calm runs end with nothing left to do, and nothing double."""
        if right:
            self.everything_is_put_right()
        run = self.world.settle()
        at_rest(self.world, run)
        again = self.world.run()
        require(not again.changes, "I8", f"a further run changes {again.changes}")

    def teardown(self) -> None:
        """Every example ends at rest; one that has failed has nothing more to say."""
        if sys.exc_info()[0] is None:
            self.runs_come_to_rest(right=True)
