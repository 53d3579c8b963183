"""`dr deploy` and `dr undeploy`: dr as scheduled functions."""

from __future__ import annotations

from functools import partial

import click

from dr.app import App, Settings
from dr.app.deploying import Deployment
from dr.cli.frame import Once, Shared, on_terminal, shared_options
from dr.cli.progress import working
from dr.deploy.deploying import Proposed, abandon, carry_out, withdraw
from dr.deploy.deploying import undeploy as take_away
from dr.deploy.shown import deploy_document, proposed_text
from dr.errors import EXIT_DONE, Refused, UsageError
from dr.ports import StackEvent
from dr.render.restores import event_line


@click.command(cls=Once)
@click.option("--plan-only", is_flag=True, help="Show what would change; leave nothing behind.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
def deploy(shared: Shared, *, plan_only: bool, yes: bool) -> int:
    """Run dr as scheduled functions: create or update their stack.

    Packages the functions with dr.yaml and the policies, shows what CloudFormation would change, asks, and follows it to its
    end. Schedules that no policy needs any more go away.
    """
    made = Deployment(App(Settings(config=shared.config, sandbox=shared.sandbox)))
    made.where  # noqa: B018 - raises: what is written wrong comes before how it is confirmed
    if not (plan_only or yes or on_terminal()):
        raise UsageError("no terminal to ask on", "look with --plan-only, then deploy with --yes")
    for message, remedy in made.doubts:
        shared.warn(message, remedy)
    with working("asking CloudFormation what changes"):
        proposed = made.propose()
    if proposed.unchanged:
        withdraw(proposed, made.deployer)
        told = f"No changes: {proposed.stack.name} in {proposed.stack.region} is as dr.yaml and the policies say."
        shared.emit(partial(deploy_document, proposed, "unchanged", None), lambda: told)
        return EXIT_DONE
    shared.say(proposed_text(proposed))
    if plan_only:
        withdraw(proposed, made.deployer)
        told = "Nothing was changed."
        shared.emit(partial(deploy_document, proposed, "planned", None), lambda: told)
        return EXIT_DONE
    _confirm(proposed, made, yes=yes)
    with working(f"deploying {proposed.stack.name}"):
        stack_id = carry_out(proposed, made.package.data, made.deployer, partial(_watch, shared))
    told = f"{proposed.stack.name} is deployed in {proposed.stack.region}: the functions wake by themselves."
    shared.emit(partial(deploy_document, proposed, "done", stack_id), lambda: told)
    return EXIT_DONE


def _confirm(proposed: Proposed, made: Deployment, *, yes: bool) -> None:
    """Ask. What is not confirmed, or interrupted, leaves nothing behind."""
    try:
        confirmed = yes or click.confirm("Deploy?", err=True, default=False)
    except BaseException:
        abandon(proposed, made.deployer)
        raise
    if not confirmed:
        withdraw(proposed, made.deployer)
        raise Refused("not confirmed: nothing was changed", "answer y, or use --yes")


@click.command(cls=Once)
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
def undeploy(shared: Shared, *, yes: bool) -> int:
    """Remove the functions and their schedules; points, stored stacks and the store stay."""
    made = Deployment(App(Settings(config=shared.config, sandbox=shared.sandbox)))
    made.where  # noqa: B018 - raises: what is written wrong comes before how it is confirmed
    if not (yes or on_terminal()):
        raise UsageError("no terminal to ask on", "remove them with --yes")
    with working("looking for the functions"):
        stack, left = made.removable()
    name, region = made.stack_name, made.where.region
    if stack is None and not left:
        document = {"stack": name, "region": region, "result": "absent", "packages": []}
        shared.emit(lambda: document, lambda: f"There is no stack {name} in {region}.")
        return EXIT_DONE
    what = name if stack else f"what is left of {name}"
    if not yes and not click.confirm(f"Remove {what} in {region}?", err=True, default=False):
        raise Refused("not confirmed: nothing was changed", "answer y, or use --yes")
    with working(f"removing {name}"):
        keys = take_away(stack, made.deployer, partial(_watch, shared))
    document = {"stack": name, "region": region, "result": "removed", "packages": list(keys)}
    told = f"{name} is removed. Points, stored stacks and the store are as they were; nothing is captured by itself now."
    shared.emit(lambda: document, lambda: told)
    return EXIT_DONE


def _watch(shared: Shared, event: StackEvent) -> None:
    shared.follow(event_line(event))
