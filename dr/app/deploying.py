"""The composition root of deployments: an installation -> the stack of its functions."""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from pathlib import Path

import dr
from dr import layout
from dr.app import App
from dr.aws.deployer import StackDeployer
from dr.config import Deploying, Organization
from dr.deploy.deploying import Deployer, Proposed, deployed_template, left_packages, propose, removable
from dr.deploy.package import Package, code_files, installation_files, package
from dr.deploy.stack import Ground, require_places, stack_of
from dr.errors import Denied, UsageError
from dr.files import read_file
from dr.ports import LiveStack

_TEMPLATE = Path(dr.__file__).parents[1] / "cloudformation" / "functions.yaml"
"""It is installed beside dr; who runs dr may have a folder of that name too, where Python would look first."""


class Deployment:
    """One installation for who deploys its functions. Attributes are built on first use and raise `DrError`."""

    def __init__(self, app: App) -> None:
        self._app = app

    @cached_property
    def where(self) -> Deploying:
        """`deploy` of dr.yaml. Raises `UsageError` without it, and in the sandbox, which runs no functions."""
        if self._app.settings.in_sandbox:
            raise UsageError("the sandbox runs no functions", "deploy where there is AWS, without --sandbox")
        deploy = self._app.config.deploy
        if deploy is None:
            raise UsageError(
                f"{self._app.config.file} does not say where the functions run",
                "add `deploy: {region: ...}`: best a Region that they do not protect, so that they outlive it",
            )
        return deploy

    @property
    def doubts(self) -> tuple[tuple[str, str], ...]:
        """What a person should know before the change set, each with what to do.

        Targets of `notify` whose address may be a secret, and members without the external id that member.yaml demands.
        """
        config = self._app.config
        found = [
            (
                f"{one.name}: its address lies in the package, for who may read that bucket",
                "write {env: NAME}",
            )
            for one in config.notify
            if one.way != "sns" and not one.env
        ]
        each = (config.accounts,) if isinstance(config.accounts, Organization) else config.accounts
        if any(one.role and not one.external_id for one in each):
            found.append(
                (
                    "accounts without external_id: the roles of cloudformation/member.yaml refuse who comes without one",
                    "write `external_id` beside each role, as ExternalId of member.yaml has it",
                )
            )
        return tuple(found)

    @cached_property
    def package(self) -> Package:
        """The functions' code with this installation's files."""
        app = self._app
        return package(code_files() | installation_files(app.config, dict(app.policy_files.files)))

    @cached_property
    def bucket(self) -> str:
        """Where the package lies: the staging bucket of the functions' Region, else the store's own there."""
        region = self.where.region
        found = self._app.config.staging_in(region)
        if not found:
            raise UsageError(
                f"no bucket is named in {region}, and Lambda takes its code from one of its own Region",
                f"name one: staging_bucket: {{{region}: ...}}",
            )
        return found

    @cached_property
    def deployer(self) -> Deployer:
        """The parts that a deployment works with."""
        app, region = self._app, self.where.region
        aws = StackDeployer(app.session, region)
        return Deployer(
            aws=aws,
            region=region,
            installation=app.config.name,
            bucket=app.config.staging_in(region) or "",
            clock=app.clock,
        )

    @property
    def ground(self) -> Ground:
        """What a deployment rests on."""
        app = self._app
        organization = ""
        if isinstance(app.config.accounts, Organization):
            from dr.aws.organizations import organization_id  # noqa: PLC0415 - few installations have one

            organization = organization_id(app.session)
        return Ground(
            config=app.config,
            policies=app.policies,
            regions=app.regions,
            account=app.session.account(),
            accounts=app.fleet.accounts,
            organization=organization,
        )

    @property
    def stack_name(self) -> str:
        """The stack's name."""
        return layout.functions_stack(self._app.config.name)

    def removable(self) -> tuple[LiveStack | None, tuple[str, ...]]:
        """The stack to remove, and the keys of its packages, as far as they may be seen. Raises as `dr.deploy.deploying.removable`."""
        stack = removable(self.deployer, self.stack_name)
        left: tuple[str, ...] = ()
        with suppress(Denied):  # it is told when the stack, which matters, is gone
            left = left_packages(self.deployer)
        return stack, left

    def propose(self) -> Proposed:
        """What a deployment would change; its change set is there until it is executed or withdrawn.

        What is wrong with the files is told before AWS is asked.
        """
        bucket, deployer = self.bucket, self.deployer
        source = read_file(_TEMPLATE, "install dr with pip").decode()
        require_places(self._app.config, self._app.policies, source)
        made = self.package
        there = deployed_template(deployer, self.stack_name)
        stack = stack_of(self.ground, (bucket, made.sha256), source, there, self._app.clock.now())
        return propose(stack, deployer)
