"""The composition root of restores, and of what tries them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache, partial

from dr.app import App
from dr.aws.ec2 import Ec2Cloud
from dr.aws.maker import CloudFormationMaker
from dr.aws.stacks import CloudFormationStacks
from dr.errors import CloudError, DrError, EnvironmentFailed, UsageError
from dr.events import read_restore
from dr.functions import Document, invocation, stop_at
from dr.functions.restoring import run_restore
from dr.model import RecoveryPoint, Source
from dr.recovery.asked import Asked, Configured
from dr.recovery.carrying_out import Kit
from dr.recovery.preparing import Looks, Reader, choose_version, prepare
from dr.settings import Settings
from dr.stacks.rebirth import About, Finding
from dr.stacks.restore import RestorePlan
from dr.store.leases import StoreLeases
from dr.store.records import StoreRecords
from dr.verify import Planner, Verified, faults_of_store, remembered, unstored, verified

__all__ = ["RestoringApp", "Settings"]


class RestoringApp(App):
    """One installation for who restores from it."""

    def kit(self, region: str, account: str | None = None) -> Kit:
        """Everything a restore into a Region works with; None is the account of dr's own credentials."""
        store, account = self.stores.for_restore, account or self.cloud.account
        return Kit(
            account=account,
            maker=self._maker(account, region),
            store=self.stored_stacks,
            records=StoreRecords(store, self.clock),
            leases=StoreLeases(store, self.owner, self.clock),
            clock=self.clock,
            staging=self.config.staging_in(region),
        )

    def plan_restore(self, asked: Asked) -> RestorePlan:
        """Choose a version, read what a restore needs, and plan it. Raises `EnvironmentFailed` for an empty store."""
        now = self.clock.now()
        stored = self.stored_points()
        if not stored and (nothing := self.stores.nothing()):
            raise nothing
        version = self._chosen(stored, asked, now)
        cloud = self._cloud_in(version.lineage.account)
        looks = Looks(points=cloud.points, again=cloud.points_of)
        plan = self._prepare(version, asked, stored, looks)
        away = [_of_store(trouble, "store") for trouble in self.stores.troubles]
        lacks = [_of_store(trouble) for trouble in self.stored_stacks.lag()]
        return replace(plan, findings=(*plan.findings, *away, *lacks))

    def _maker(self, account: str, region: str) -> CloudFormationMaker:
        return CloudFormationMaker(self.fleet.session_of_stored(account), region, self.session)

    def _cloud_in(self, account: str) -> Ec2Cloud:
        return Ec2Cloud(self.fleet.session_of_stored(account), self.config.name)

    def _chosen(self, stored: Sequence[RecoveryPoint], asked: Asked, now: datetime) -> RecoveryPoint:
        """The version; where there is none, also what may hide it."""
        try:
            return choose_version(stored, asked, now, self.stored_stacks)
        except UsageError as error:
            raise UsageError(error.message, "; ".join((error.remedy, *self.stored_stacks.lag()))) from error

    def _prepare(
        self, version: RecoveryPoint, asked: Asked, stored: Sequence[RecoveryPoint], looks: Looks
    ) -> RestorePlan:
        account, region = version.lineage.account, version.lineage.region
        reader = Reader(
            account=account,
            looks=looks,
            store=self.stored_stacks,
            stored=stored,
            records=StoreRecords(self.stores.for_restore, self.clock),
            maker=self._maker(account, region),
            bucket=self.config.staging_in(region),
        )
        configured = Configured(parameters=self.config.parameters, image_for=self.config.image_for)
        return prepare(version, asked, configured, reader, self.clock.now())

    def verify(self, stack: str | None, *, deep: bool) -> Verified:
        """Whether the stores hold together, and what of them would not restore. Changes nothing."""
        found = self.stored_stacks.check(stack, deep=deep)
        stored = [version.point for version in found.versions]
        looks = cache(lambda account: Looks(points=remembered(self._cloud_in(account).points)))
        planner = Planner(
            accounts=lambda: self.fleet.ids,
            plan=lambda version, asked: self._prepare(version, asked, stored, looks(version.lineage.account)),
        )
        records = StoreRecords(self.stores.primary, self.clock)
        whole = faults_of_store(
            found, self.stores.nothing, records.holder, self.config.name, self._reads(records)
        )
        missing = [
            one for sources in self._sources() for one in unstored(self.sound_policies, found, sources, stack)
        ]
        return verified(found, planner, whole, missing, deep=deep)

    def _sources(self) -> list[Callable[[str], tuple[Source, ...]]]:
        """What lists the stacks of a Region, for each account; where nobody tells which those are, what says so when it is asked."""
        try:
            known = [self._sources_in(account) for account in self.fleet.ids]
            unheard = self.fleet.unheard
            others = [EnvironmentFailed(unheard.message, unheard.remedy)] if unheard else []
            return [*known, *(partial(_refuse, one) for one in others)]
        except (CloudError, EnvironmentFailed) as error:
            return [partial(_refuse, error)]

    def _sources_in(self, account: str) -> Callable[[str], tuple[Source, ...]]:
        """What lists the stacks of a Region; an account whose role cannot be taken on says so when it is asked."""
        return lambda region: CloudFormationStacks(self.fleet.session(account)).sources(region)

    def _reads(self, records: StoreRecords) -> list[Callable[[], object]]:
        """What ticks read of the store besides stacks: pins, what is frozen, and the keep of each policy's last apply."""

        def applied(region: str, policy: str) -> list[object]:
            return [records.applied(account, region, policy) for account in self.fleet.ids]

        kept = [(region, policy.name) for policy in self.sound_policies for region in policy.regions]
        return [records.pins, records.freezes, *(partial(applied, *one) for one in kept)]

    def restore(self, event: object, request: str, seconds_left: float) -> Document:
        """What the restoring function answers; `seconds_left` until Lambda ends it. Raises `DrError`."""
        with invocation(self.settings.environ, request):
            asked, end = read_restore(event), stop_at(self.clock.now(), seconds_left)
            plan = self.plan_restore(asked.asked)
            kit = self.kit(plan.region, plan.stored.lineage.account)
            return run_restore(plan, replace(kit, stop_at=end), plan_only=asked.plan_only)


def _refuse(error: DrError, _region: str) -> tuple[Source, ...]:
    raise error


def _of_store(trouble: str, about: About = "") -> Finding:
    return Finding(
        level="warning", message=trouble, remedy="a later `dr apply` mends what a store lacks", about=about
    )
