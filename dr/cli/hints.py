"""What somebody who typed something else was probably looking for."""

from __future__ import annotations

import re

import click

_NO_COMMAND = re.compile(r"No such command '([^']*)'")
_EXTRA = re.compile(r"Got unexpected extra arguments? \(([^\s)]+)")
_PARAMETER = "a parameter's value: `dr restore --stack NAME --parameter NAME=VALUE`"
_DUE = "`dr plan` shows what is due, `dr apply` takes it"
_POINTS = "`dr points` lists recovery points, `dr stacks` stored stacks, `dr status` what is protected"

_MEANT = {
    ("dr", "backup"): _DUE,
    ("dr", "snapshot"): _DUE,
    ("dr", "run"): _DUE,
    ("dr", "list"): _POINTS,
    ("dr", "ls"): _POINTS,
    ("dr", "snapshots"): _POINTS,
    ("dr", "recover"): "`dr restore --stack NAME` brings a stack back with its data",
    ("dr", "prune"): "`dr apply` expires what no rule keeps; `dr plan` shows it beforehand",
    ("dr apply", "--yes"): "`dr apply` asks nothing: leave it out, and look beforehand with `dr plan`",
    ("dr apply", "--dry-run"): "`dr plan` is the dry run",
    ("dr plan", "--dry-run"): "`dr plan` changes nothing: it is the dry run",
    ("dr restore", "--dry-run"): "`dr restore --stack NAME --plan-only` shows the plan and changes nothing",
    ("dr restore", "stack"): "name it: `dr restore --stack NAME`; `dr stacks` lists what is stored",
}


def hint(error: click.ClickException) -> str:
    """What to do about a usage error: the command that was meant where that is known, and where the help is."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context else "dr"
    meant = _named(path, error) or _MEANT.get((path, _typed(error)))
    return f"{meant}; see {path} --help" if meant else f"see {path} --help"


def _named(path: str, error: click.ClickException) -> str | None:
    """A stack's name where `dr restore` wants an option."""
    found = _EXTRA.match(error.format_message())
    if not found or path != "dr restore":
        return None
    return _PARAMETER if "=" in found[1] else f"`dr restore --stack {found[1]}`"


def _typed(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return error.option_name
    if isinstance(error, click.MissingParameter) and error.param is not None:
        return error.param.name or ""
    found = _NO_COMMAND.match(error.format_message())
    return found[1] if found else ""
