"""The composition root: builds the parts of an installation that ask AWS, each when it is first needed.

What only restores need is in `dr.app.restoring`: a tick does not load it.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property, partial

from dr import threads
from dr.aws.ec2 import Ec2Cloud
from dr.aws.pacing import Pacer
from dr.aws.session import Access, Keys, Session
from dr.aws.stacks import CloudFormationStacks
from dr.events import narrowed, read_change, read_tick, require_account, require_past
from dr.executor.hands import Hands
from dr.files import read_public_key
from dr.functions import Document, invocation, stop_at
from dr.functions.changing import run_change
from dr.functions.ticking import run_tick
from dr.installation import Installation
from dr.interrupts import heeded
from dr.limits import decide
from dr.model import Policy, Protect, RecoveryPoint, StackVersion
from dr.planfile import Context, stamp
from dr.settings import Settings
from dr.store.leases import Owner, StoreLeases, owner_of
from dr.store.opening import Stores, open_signing, open_stores
from dr.store.records import StoreRecords
from dr.store.signing import Signing
from dr.store.stacks import StoredStacks
from dr.store.versions import read_versions
from dr.telling import tell_slow
from dr.tick.applying import Decide
from dr.tick.desk import Desk

__all__ = ["App", "Settings"]


class App(Installation):
    """One installation as this run sees it. Attributes are built on first use and raise `DrError`."""

    # --- parts ------------------------------------------------------------------------------------------------

    @cached_property
    def session(self) -> Session:
        """Clients for AWS."""
        region = self.config.regions[0] if self.config.regions else None
        pacer = Pacer(self.clock.monotonic, self.clock.sleep)
        access = Access(region=region)
        if self.running:
            keys = Keys(access_key="sandbox", secret_key="sandbox")  # noqa: S106 - the sandbox takes any
            access = Access(region=region, endpoint_url=self.running.url, keys=keys)
        return Session(access, self.clock.now, pacer, tell_slow)

    @cached_property
    def cloud(self) -> Ec2Cloud:
        """EC2."""
        return Ec2Cloud(self.session, self.config.name)

    @cached_property
    def stores(self) -> Stores:
        """The stores of dr.yaml."""
        return open_stores((self.config.primary, self.config.replica), lambda: self.session, self.clock)

    @cached_property
    def signing(self) -> Signing | None:
        """Who signs manifests and who is believed; None where dr.yaml says nothing of it. Raises as `Signing`."""
        keys = self.config.signing
        if keys is None:
            return None
        return open_signing(keys, read_public_key(keys), self.config, self.session)

    @cached_property
    def stored_stacks(self) -> StoredStacks:
        """What is stored of stacks, over the primary and the replica."""
        return StoredStacks(self.stores.primary, self.stores.replica, self.clock, self.signing)

    @cached_property
    def desk(self) -> Desk:
        """Everything a tick works with."""
        config, clock = self.config, self.clock
        primary = self.stores.primary
        hands = Hands(
            installation=config.name,
            cloud=self.cloud,
            stacks=CloudFormationStacks(self.session),
            store=self.stored_stacks,
            clock=clock,
            jitter=partial(random.uniform, 0.5, 1.0),
            together=threads.together,
            interrupts=heeded,
        )
        return Desk(
            hands=hands,
            records=StoreRecords(primary, clock),
            leases=StoreLeases(primary, self.owner, clock),
        )

    @cached_property
    def owner(self) -> Owner:
        """Who this process is, for whoever finds its lease."""
        return owner_of(self.settings.environ)

    # --- stored stacks ----------------------------------------------------------------------------------------

    def stored_points(self) -> tuple[RecoveryPoint, ...]:
        """Every stored stack of every Region, from the store alone."""
        store, account = self.desk.hands.store, self.cloud.account
        return tuple(point for region in sorted(self.regions) for point in store.points(account, region))

    def stack_versions(self, points: Sequence[RecoveryPoint]) -> tuple[StackVersion, ...]:
        """Each of these stored stacks with the digest of its template, or why it cannot be read."""
        return read_versions(points, self.desk.hands.store)

    # --- plans ------------------------------------------------------------------------------------------------

    def context(self, asked: tuple[Policy, ...]) -> Context:
        """What a plan rests on beside the world."""
        bodies = dict(self.policy_files.files)
        return Context(
            installation=self.config.name,
            account=self.cloud.account,
            policies={p.name: hashlib.sha256(bodies[p.file]).hexdigest() for p in self.policies},
            config=self.config.digest,
            asked=tuple(policy.name for policy in asked),
        )

    def decide(self) -> Decide:
        """How a plan is made: the points of policies that were not asked for are no orphans."""
        every = {policy.name for policy in self.policies}
        return lambda policies, inventory, now: decide(
            policies, inventory, now, every - {policy.name for policy in policies}
        )

    def stamped(self, asked: tuple[Policy, ...]) -> Decide:
        """How a plan with a fingerprint is made, for the policies that were asked for."""
        made, context = self.decide(), self.context(asked)
        return lambda policies, inventory, now: stamp(made(policies, inventory, now), context)

    # --- functions --------------------------------------------------------------------------------------------

    def tick(self, event: object, request: str, seconds_left: float) -> Document:
        """What the scheduled function answers; `seconds_left` until Lambda ends it. Raises `DrError`."""
        with invocation(self.settings.environ, request):
            asked, end = read_tick(event), stop_at(self.clock.now(), seconds_left)
            named = [policy for name in asked.policies or (None,) for policy in self.asked(name)]
            policies = narrowed(named, asked.region)
            require_account(asked.account, self.cloud.account)
            desk = replace(self.desk, hands=replace(self.desk.hands, stop_at=end))
            return run_tick(policies, desk, self.stamped(policies), asked.scheduled)

    def changed(self, event: object, request: str, seconds_left: float) -> Document:
        """What the function of changed stacks answers; `seconds_left` until Lambda ends it. Raises `DrError`."""
        with invocation(self.settings.environ, request):
            asked, end = read_change(event), stop_at(self.clock.now(), seconds_left)
            require_account(asked.account, self.cloud.account)
            require_past(asked.change.at, self.clock.now())
            region = asked.change.region
            of_stacks = [
                policy
                for policy in self.policies
                if policy.protect is Protect.STACKS and region in policy.regions
            ]
            policies = narrowed(of_stacks, region) if asked.settled and of_stacks else ()
            desk = replace(self.desk, hands=replace(self.desk.hands, stop_at=end))
            return run_change(policies, desk, asked.change)
