"""The composition root: builds the parts of an installation that ask AWS, each when it is first needed.

What only restores need is in `dr.app.restoring`: a tick does not load it. `dr.app.functions` is what AWS Lambda calls.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cached_property, partial

from dr import threads
from dr.app.fleet import Fleet, Ways
from dr.aws.ec2 import Ec2Cloud
from dr.aws.pacing import Pacer
from dr.aws.session import Access, Keys, Session
from dr.aws.stacks import CloudFormationStacks
from dr.errors import DrError
from dr.executor.hands import Hands
from dr.files import read_public_key
from dr.installation import Installation
from dr.interrupts import heeded
from dr.limits import decide
from dr.model import Policy, RecoveryPoint, StackVersion
from dr.planfile import Context, stamp
from dr.settings import Settings
from dr.store.accounts import KnownAccounts
from dr.store.leases import Owner, StoreLeases, owner_of
from dr.store.opening import Stores, open_signing, open_stores
from dr.store.records import StoreRecords
from dr.store.signing import Signing
from dr.store.stacks import StoredStacks
from dr.store.versions import read_versions
from dr.telling import tell_slow, tell_trouble
from dr.threads import within
from dr.tick.applying import Applying, Decide
from dr.tick.desk import Desk
from dr.tick.everywhere import Scope

__all__ = ["App", "Settings"]

_REMEMBERED = 10.0
"""Seconds that the stores may take to be told the accounts."""


class App(Installation):
    """One installation as this run sees it. Attributes are built on first use and raise `DrError`."""

    # --- parts ------------------------------------------------------------------------------------------------

    @cached_property
    def session(self) -> Session:
        """Clients for AWS."""
        config = self.config
        asked = [one for one in (self.settings.function_region, *config.regions) if one]
        functions = (config.deploy.region,) if config.deploy else ()  # the protected ones may all be away
        access = Access(region=next(iter(asked), None), also=(*asked[1:], *functions))
        if self.running:
            keys = Keys(access_key="sandbox", secret_key="sandbox")  # noqa: S106 - the sandbox takes any
            access = replace(access, endpoint_url=self.running.url, keys=keys)
        return Session(access, self.clock.now, self._pacer(), tell_slow)

    def _pacer(self) -> Pacer:
        return Pacer(self.clock.monotonic, self.clock.sleep)

    @cached_property
    def fleet(self) -> Fleet:
        """The accounts, and what works in each."""
        ways = Ways(
            desk=self.desk_of,
            pacer=self._pacer,
            known=lambda: KnownAccounts(self.config.name, self.stores.all),
            session_name=f"dr-{self.config.name}",
        )
        return Fleet(self.config.accounts, self.session, ways)

    def remember_accounts(self) -> None:
        """Let the stores know the accounts that were heard of. One that does not take it, or hangs, stops nothing."""
        if not self.fleet.was_heard:
            return
        try:
            within(_REMEMBERED, self._remember)
        except DrError as error:
            tell_trouble("accounts.untold", error)
        except KeyboardInterrupt:  # what was to be done is done
            return

    def _remember(self) -> None:
        """Where the store is this installation's, which its first apply makes it."""
        if StoreRecords(self.stores.primary, self.clock).refuse_others(self.config.name):
            self.fleet.remember()

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
        return self._stored_stacks()

    def _stored_stacks(self) -> StoredStacks:
        return StoredStacks(self.stores.primary, self.stores.replica, self.clock, self.signing)

    @cached_property
    def desk(self) -> Desk:
        """Everything a tick of the own account works with."""
        return self.desk_of(self.session)

    def desk_of(self, session: Session) -> Desk:
        """Everything a tick of one account works with. The store is that of the installation, whoever's the sources are."""
        config, clock = self.config, self.clock
        primary = self.stores.primary
        hands = Hands(
            installation=config.name,
            cloud=Ec2Cloud(session, config.name),
            stacks=CloudFormationStacks(session),
            store=self._stored_stacks(),  # of its own: it remembers what the store told it
            clock=clock,
            jitter=partial(random.uniform, 0.5, 1.0),
            together=threads.together,
            interrupts=heeded,
        )
        return Desk(
            hands=hands,
            records=StoreRecords(primary, clock, self.stores.replica),
            leases=StoreLeases(primary, self.owner, clock),
        )

    @cached_property
    def owner(self) -> Owner:
        """Who this process is, for whoever finds its lease."""
        return owner_of(self.settings.environ)

    # --- stored stacks ----------------------------------------------------------------------------------------

    def stored_points(self) -> tuple[RecoveryPoint, ...]:
        """Every stored stack, as the store has it: an Organization may be away, and an account have left it.

        Raises `EnvironmentFailed` without credentials: who lists next restores.
        """
        self.session.account()
        return self.stored_stacks.everything()

    def stack_versions(self, points: Sequence[RecoveryPoint]) -> tuple[StackVersion, ...]:
        """Each of these stored stacks with the digest of its template, or why it cannot be read."""
        return read_versions(points, self.stored_stacks)

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

    def stamped_whole(self, done: Applying, asked: tuple[Policy, ...]) -> Applying:
        """What several shards did, with the fingerprint of all that they planned."""
        return done if done.plan.fingerprint else replace(done, plan=stamp(done.plan, self.context(asked)))

    @property
    def several(self) -> bool:
        """Whether more than one account is protected, so that each line has to name its own."""
        return len(self.fleet.at_work) > 1

    def scope(
        self,
        policies: tuple[Policy, ...],
        regions: Collection[str] | None = None,
        accounts: Sequence[str] | None = None,
        stop_at: datetime | None = None,
    ) -> Scope:
        """These policies in every account, or in those of these ids, and in all their Regions, or in these.

        From `stop_at` on no action begins.
        """
        where = {region for policy in policies for region in policy.regions} if regions is None else regions
        return Scope(
            policies=policies,
            shards=self.fleet.shards(policies, where, accounts, stop_at),
            clock=self.clock,
            monotonic=self.clock.monotonic,
        )
