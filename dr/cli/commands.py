"""Every command, in the order of the help, and where it stands: what a command needs is loaded when it is called.

`dr --help` and a misspelt command are answered without AWS's SDK; the short help of each command stands here and is held
equal to the command's own by a test.
"""

from __future__ import annotations

import os
from importlib import import_module

import click

from dr import collector

COMMANDS = {
    "init": ("policies", "Write a commented dr.yaml and first policies into FOLDER."),
    "validate": ("policies", "Check dr.yaml and every policy; AWS is not touched."),
    "plan": ("plans", "Show what apply would do, and why."),
    "apply": ("plans", "Plan and carry it out now, or carry out the saved plan in FILE."),
    "status": ("answers", "Show how well every source is protected, and what is not."),
    "points": ("answers", "List recovery points, newest slot first."),
    "stacks": ("answers", "List stored stacks, or the versions of the stack NAME."),
    "restore": ("restoring", "Bring a lost stack back with its data."),
    "freeze": ("freezing", "Let nothing expire until `dr thaw`; captures go on."),
    "thaw": (
        "freezing",
        "End the freeze of all, or of one policy: the next tick expires again what no rule claims.",
    ),
    "verify": ("verifying", "Check every digest, chain and recovery point."),
    "daemon": ("daemon", "Run the schedules here, until it is ended."),
    "notify": ("notify", "Try how people are told."),
    "deploy": ("deploying", "Run dr as scheduled functions: create or update their stack."),
    "undeploy": (
        "deploying",
        "Remove the functions and their schedules; points, stored stacks and the store stay.",
    ),
    "schedule": ("schedule", "Look at schedule expressions."),
    "retention": ("retention", "Try a retention rule on a list of times: kept, why, expired."),
    "iam": ("iam", "Print the IAM policy document of ROLE; without it, tell what each role may do."),
    "sandbox": ("sandbox", "Run a local AWS to learn and test on."),
    "demo": ("demo", "Protect a fleet, lose a stack, bring it back with its data."),
}
"""By name: the module beside this one that has the command under its own name, and its short help."""


class Commands(click.Group):
    """The commands of `COMMANDS`."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """In the order in which they are used, not by name."""
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Load a command and what logs of it; None for a name that none has."""
        del ctx
        if cmd_name not in COMMANDS:
            return None
        with collector.loading():
            import_module("dr.logs").configure(os.environ.get("DR_LOG") or "warning")
            found: click.Command = getattr(import_module(f"dr.cli.{COMMANDS[cmd_name][0]}"), cmd_name)
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list of the help, from the table alone."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, short) for name, (_, short) in COMMANDS.items()])
