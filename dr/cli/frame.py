"""What every command shares: the three options, one JSON document or text on stdout, errors with what to do.

A command builds, calls, prints and returns its exit code. `--config`, `--json` and `--sandbox` are accepted before
and after the command's name; the later one wins.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import click

from dr.errors import DrError, UsageError
from dr.words import clean, escaped, lines


@dataclass(slots=True)
class Shared:
    """The options that every command knows."""

    config: str | None = None
    json: bool = False
    sandbox: bool = False

    def emit(self, document: Callable[[], Any], text: Callable[[], str]) -> None:
        """Write the answer to stdout: exactly one JSON document, or text for people.

        A reader that has gone away does not change how the work has ended.
        """
        with suppress(BrokenPipeError):
            click.echo(json_text(document()) if self.json else lines(text()))

    def warn(self, message: str, remedy: str) -> None:
        """Tell on stderr what a person should know beside the answer; under --json too."""
        _tell("warning", message, remedy)

    def say(self, line: str) -> None:
        """Write something for people before the answer; nothing under --json."""
        if not self.json:
            click.echo(lines(line))

    def follow(self, line: str) -> None:
        """Write a line of what is under way, as `say`. Whoever reads along and goes away ends none of it."""
        with suppress(OSError):
            self.say(line)


class Once(click.Command):
    """A command that takes each option with a value once: of two, one would silently not be done.

    Options that may be repeated say so, and of those that every command knows the later one wins.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Raises `UsageError` of click for one that stands there twice."""
        _values, _left, order = self.make_parser(ctx).parse_args(args=list(args))
        for option in order:
            single = isinstance(option, click.Option) and not option.multiple and not option.is_flag
            if single and option.expose_value and order.count(option) > 1:
                raise click.UsageError(f"{option.opts[0]} is there twice: it takes one value", ctx)
        return super().parse_args(ctx, args)


class InOrder(click.Group):
    """A group whose help lists its commands in the order in which they are used, not by name."""

    command_class = Once

    def list_commands(self, ctx: click.Context) -> list[str]:
        """The order in which they were added."""
        del ctx
        return list(self.commands)


Command = Callable[..., int]


def shared_options(command: Command) -> Command:
    """Add --config, --json and --sandbox; the command gets `Shared` first. Stands directly above the `def`."""

    @click.option("--config", metavar="FILE", expose_value=False, callback=_store, help="dr.yaml to use.")
    @click.option(
        "--json", "as_json", is_flag=True, expose_value=False, callback=_store, help="Answer in JSON."
    )
    @click.option(
        "--sandbox", is_flag=True, expose_value=False, callback=_store, help="Use the local sandbox."
    )
    @click.pass_context
    def wrapped(context: click.Context, /, *args: Any, **kwargs: Any) -> int:
        return command(context.ensure_object(Shared), *args, **kwargs)

    wrapped.__name__ = command.__name__
    wrapped.__doc__ = command.__doc__
    return wrapped


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    shared = context.ensure_object(Shared)
    if value == "":
        raise UsageError("--config: the name is empty", "name a dr.yaml, or leave it out for the usual one")
    if not value:
        return
    match parameter.name:
        case "config":
            shared.config = value
        case "as_json":
            shared.json = True
        case _:
            shared.sandbox = True


def json_text(document: Any) -> str:
    """One JSON document as it is printed and saved: what a terminal would obey stands there as an escape."""
    return escaped(json.dumps(document, indent=2, ensure_ascii=False))


def complain(error: DrError, *, as_json: bool) -> None:
    """Tell an error: the contract's document on stdout, or where, what and what to do on stderr."""
    if as_json:
        body = {"message": error.message, "remedy": error.remedy, "exit": error.exit_code}
        click.echo(json_text({"error": body}))
        return
    _tell("error", error.message, error.remedy)


def _tell(kind: str, message: str, remedy: str) -> None:
    click.echo(f"{kind}: {lines(message)}", err=True)
    if remedy:
        click.echo(f"  what to do: {clean(remedy)}", err=True)


def on_terminal() -> bool:
    """Whether a person can be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()
