"""The composition root: builds the parts of an installation that ask AWS, each when it is first needed."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial

from dr import threads
from dr.aws.ec2 import Ec2Cloud
from dr.aws.maker import CloudFormationMaker
from dr.aws.pacing import Pacer
from dr.aws.session import Access, Keys, Session
from dr.aws.stacks import CloudFormationStacks
from dr.errors import UsageError
from dr.events import narrowed, read_restore, read_tick, require_account
from dr.executor.hands import Hands
from dr.files import read_public_key
from dr.functions import Document, invocation, run_restore, run_tick, stop_at
from dr.installation import Installation
from dr.interrupts import heeded
from dr.limits import decide
from dr.model import Policy, RecoveryPoint, StackVersion
from dr.planfile import Context, stamp
from dr.recovery.carrying_out import Kit
from dr.recovery.preparing import Asked, Configured, Looks, Reader, choose_version, prepare
from dr.settings import Settings
from dr.stacks.rebirth import Finding
from dr.stacks.restore import RestorePlan
from dr.store.leases import Owner, StoreLeases, owner_of
from dr.store.opening import Stores, open_signing, open_stores
from dr.store.records import StoreRecords
from dr.store.signing import Signing
from dr.store.stacks import StoredStacks
from dr.store.versions import read_versions
from dr.tick.applying import Decide
from dr.tick.desk import Desk
from dr.verify import Planner, Verified, faults_of_store, remembered, unstored, verified

__all__ = ["App", "Settings"]


class App(Installation):
    """One installation as this run sees it. Attributes are built on first use and raise `DrError`."""

    # --- parts ------------------------------------------------------------------------------------------------

    @cached_property
    def session(self) -> Session:
        """Clients for AWS."""
        region = self.config.regions[0] if self.config.regions else None
        pacer = Pacer(self.clock.monotonic, self.clock.sleep)
        if self.running is None:
            return Session(Access(region=region), self.clock.now, pacer)
        keys = Keys(access_key="sandbox", secret_key="sandbox")  # noqa: S106 - the sandbox takes any
        access = Access(region=region, endpoint_url=self.running.url, keys=keys)
        return Session(access, self.clock.now, pacer)

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

    def kit(self, region: str) -> Kit:
        """Everything a restore into a Region works with."""
        store = self.stores.for_restore
        return Kit(
            account=self.cloud.account,
            maker=CloudFormationMaker(self.session, region),
            store=self.desk.hands.store,
            records=StoreRecords(store, self.clock),
            leases=StoreLeases(store, self.owner, self.clock),
            clock=self.clock,
            staging=self.staging_bucket(region),
        )

    def staging_bucket(self, region: str) -> str | None:
        """Where templates are staged: dr.yaml's bucket, else the store's own in that Region (DESIGN 4)."""
        config = self.config
        if region in config.staging_bucket:
            return config.staging_bucket[region]
        stores = [location for location in (config.primary, config.replica) if location is not None]
        return next((s.bucket for s in stores if s.bucket and s.region == region), None)

    # --- stored stacks ----------------------------------------------------------------------------------------

    def stored_points(self) -> tuple[RecoveryPoint, ...]:
        """Every stored stack of every Region, from the store alone."""
        store, account = self.desk.hands.store, self.cloud.account
        return tuple(point for region in sorted(self.regions) for point in store.points(account, region))

    def stack_versions(self, points: Sequence[RecoveryPoint]) -> tuple[StackVersion, ...]:
        """Each of these stored stacks with the digest of its template, or why it cannot be read."""
        return read_versions(points, self.desk.hands.store)

    def plan_restore(self, asked: Asked) -> RestorePlan:
        """Choose a version, read what a restore needs, and plan it. Raises `EnvironmentFailed` for an empty store."""
        now = self.clock.now()
        stored = self.stored_points()
        if not stored and (nothing := self.stores.nothing()):
            raise nothing
        version = self._chosen(stored, asked, now)
        looks = Looks(points=self.cloud.points, again=self.cloud.points_of)
        plan = self._prepare(version, asked, stored, looks)
        troubles = (*self.stores.troubles, *self.stored_stacks.lag())
        return replace(plan, findings=(*plan.findings, *map(_of_store, troubles)))

    def _chosen(self, stored: Sequence[RecoveryPoint], asked: Asked, now: datetime) -> RecoveryPoint:
        """The version; where there is none, also what may hide it."""
        try:
            return choose_version(stored, asked, now, self.stored_stacks)
        except UsageError as error:
            raise UsageError(error.message, "; ".join((error.remedy, *self.stored_stacks.lag()))) from error

    def _prepare(
        self, version: RecoveryPoint, asked: Asked, stored: Sequence[RecoveryPoint], looks: Looks
    ) -> RestorePlan:
        region = version.lineage.region
        reader = Reader(
            account=self.cloud.account,
            looks=looks,
            store=self.stored_stacks,
            stored=stored,
            records=StoreRecords(self.stores.for_restore, self.clock),
            maker=CloudFormationMaker(self.session, region),
            bucket=self.staging_bucket(region),
        )
        configured = Configured(parameters=self.config.parameters, image_for=self.config.image_for)
        return prepare(version, asked, configured, reader, self.clock.now())

    def verify(self, stack: str | None, *, deep: bool) -> Verified:
        """Whether the stores hold together, and what of them would not restore. Changes nothing."""
        found = self.stored_stacks.check(stack, deep=deep)
        stored, looks = (
            [version.point for version in found.versions],
            Looks(points=remembered(self.cloud.points)),
        )
        planner = Planner(
            account=lambda: self.cloud.account,
            plan=lambda version, asked: self._prepare(version, asked, stored, looks),
        )
        records = StoreRecords(self.stores.primary, self.clock)
        whole = faults_of_store(
            found, self.stores.nothing, records.holder, self.config.name, self._reads(records)
        )
        missing = list(unstored(self.sound_policies, found, self.desk.hands.stacks.sources, stack))
        return verified(found, planner, whole, missing, deep=deep)

    def _reads(self, records: StoreRecords) -> list[Callable[[], object]]:
        """What ticks read of the store besides stacks: pins, and the keep of each policy's last apply."""
        shards = [(region, policy.name) for policy in self.sound_policies for region in policy.regions]

        def applied(region: str, policy: str) -> object:
            return records.applied(self.cloud.account, region, policy)

        return [records.pins, *(partial(applied, *shard) for shard in shards)]

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

    def restore(self, event: object, request: str, seconds_left: float) -> Document:
        """What the restoring function answers; `seconds_left` until Lambda ends it. Raises `DrError`."""
        with invocation(self.settings.environ, request):
            asked, end = read_restore(event), stop_at(self.clock.now(), seconds_left)
            plan = self.plan_restore(asked.asked)
            return run_restore(plan, replace(self.kit(plan.region), stop_at=end), plan_only=asked.plan_only)


def _of_store(trouble: str) -> Finding:
    return Finding(level="warning", message=trouble, remedy="a later `dr apply` mends what a store lacks")
