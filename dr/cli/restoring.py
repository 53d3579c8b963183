"""`dr restore`: bring a stack back with its data."""

from __future__ import annotations

from functools import partial
from typing import Any

import click

from dr.app.restoring import RestoringApp, Settings
from dr.cli.frame import Once, Shared, on_terminal, shared_options
from dr.cli.progress import working
from dr.cli.values import parse_time, region_name
from dr.errors import (
    EXIT_DONE,
    EXIT_FAILED,
    EXIT_REFUSED,
    Interrupted,
    Refused,
    UsageError,
)
from dr.ports import StackEvent
from dr.recovery.asked import Asked
from dr.recovery.carrying_out import Kit, carry_out, refuse_existing, rehearse
from dr.render.restores import event_line, restore_document, restore_text, restored_text
from dr.stacks.restore import RestorePlan


@click.command(cls=Once)
@click.option("--stack", metavar="NAME", help="The stored stack to bring back; required.")
@click.option("--at", metavar="TIME", help="With its data as of this moment; the default is now.")
@click.option("--as", "as_name", metavar="NAME", help="Under another name, beside what exists.")
@click.option(
    "--region",
    metavar="REGION",
    callback=region_name,
    help="The Region of the stored stack, where several have one of this name.",
)
@click.option(
    "--account", metavar="ID", help="The account of the stored stack, where several have one of this name."
)
@click.option(
    "--parameter",
    "parameters",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter's value; may be repeated.",
)
@click.option(
    "--names",
    type=click.Choice(["keep", "drop", "suffix"]),
    help="Explicit names: keep for a lost stack, suffix for --as.",
)
@click.option(
    "--user-data",
    type=click.Choice(["keep", "drop"]),
    default="keep",
    show_default=True,
    help="UserData runs again on a restored machine.",
)
@click.option("--plan-only", is_flag=True, help="Show the plan, change nothing.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared_options
def restore(shared: Shared, *, plan_only: bool, yes: bool, **options: Any) -> int:
    """Bring a lost stack back with its data.

    Rebuilds it through CloudFormation, with the data of its newest recovery points.

    Shows the plan and asks for the stack's name, creates the stack through a change set, follows it, verifies each
    data resource by asking EC2, and prints the RPO and RTO achieved. A stack that exists is never touched. A restore
    that was interrupted goes on when it is asked for again.
    """
    _require_stack(options["stack"])
    app = RestoringApp(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("choosing recovery points"):
        plan = app.plan_restore(_asked(**options))
        kit = app.kit(plan.region, plan.stored.lineage.account)
        if plan_only:
            plan = rehearse(plan, kit)
        else:
            refuse_existing(plan, kit)
    shared.say(restore_text(plan))
    errors = [finding for finding in plan.findings if finding.level == "error"]
    if plan_only or errors:
        if shared.json:
            shared.emit(lambda: restore_document(plan, None), str)
        return EXIT_REFUSED if errors else EXIT_DONE
    _confirm(plan, yes=yes)
    return _carry_out(shared, plan, kit)


def _require_stack(stack: str | None) -> None:
    """Raise for a missing --stack. Not by click, which would do so before it finds a name that stands alone."""
    context = click.get_current_context()
    if stack is None:
        option = next(one for one in context.command.params if one.name == "stack")
        raise click.MissingParameter(ctx=context, param=option)


def _asked(*, at: str | None, parameters: tuple[str, ...], **rest: Any) -> Asked:
    return Asked(
        at=parse_time(at, "--at") if at else None,
        parameters=dict(_pair(text) for text in parameters),
        **rest,
    )


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise UsageError("--parameter: expected NAME=VALUE", "write for example --parameter DbName=main")
    return name, value


def _confirm(plan: RestorePlan, *, yes: bool) -> None:
    """Ask for the stack's name. Raises `UsageError` without a terminal, `Refused` for another answer."""
    if yes:
        return
    if not on_terminal():
        raise UsageError("no terminal to ask on", "read the plan with --plan-only, then restore with --yes")
    if (
        click.prompt(
            f"To restore, type the name of the stack ({plan.name})", err=True, default="", show_default=False
        )
        != plan.name
    ):
        raise Refused("not confirmed: nothing was changed", "type the stack's name, or use --yes")


def _carry_out(shared: Shared, plan: RestorePlan, kit: Kit) -> int:
    seen: list[StackEvent] = []

    def watch(event: StackEvent) -> None:
        seen.append(event)
        shared.follow(event_line(event))

    with working(f"restoring {plan.name}"):
        try:
            restored = carry_out(plan, kit, watch)
        except KeyboardInterrupt:
            raise _interrupted(plan, begun=bool(seen)) from None
    shared.emit(partial(restore_document, plan, restored), lambda: restored_text(restored))
    return EXIT_DONE if restored.ok else EXIT_FAILED


def _interrupted(plan: RestorePlan, *, begun: bool) -> Interrupted:
    """Events are shown once the stack is being created: from then on CloudFormation needs nobody to watch."""
    what = f": stack {plan.name} is in CloudFormation's hands" if begun else ""
    how = "follows it to its end and verifies it" if begun else "goes on from what is there"
    return Interrupted(f"interrupted{what}", f"run the same command again: it {how}")
