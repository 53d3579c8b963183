"""The command line (DESIGN 9): one file per command group; build, call, print, exit."""

from __future__ import annotations

import os
import re
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from typing import NoReturn, TextIO

import click

from dr import __version__
from dr.cli.commands import Commands
from dr.cli.frame import Shared, complain, shared_options
from dr.cli.hints import hint
from dr.errors import EXIT_DONE, EXIT_FAILED, DrError, Interrupted, UsageError
from dr.words import without_credentials

_VALUE = re.compile(r"\b(\w+)=.*", re.DOTALL)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="dr")
@shared_options
def dr(_shared: Shared) -> int:
    """Protect AWS workloads by policy, and bring a stack back with its data.

    Start with `dr init`, look with `dr plan`, protect with `dr apply`, and in an incident run
    `dr restore --stack NAME`. To try it without AWS: `dr demo`, or `dr sandbox start`.
    """
    return EXIT_DONE


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run the command line and leave the process with the contract's exit code; never with a traceback."""
    sys.exit(_flushed(run(sys.argv[1:] if arguments is None else arguments)))


def _flushed(code: int) -> int:
    """Write what is still buffered. Where nobody reads any more, work has ended as it has ended."""
    try:
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = _nowhere()
    except OSError as error:
        code = _unwritten(error)
    try:
        sys.stderr.flush()
    except OSError:
        sys.stderr = _nowhere()
    return code


def run(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    as_json = "--json" in arguments
    try:
        return _code(dr.main(args=list(arguments), prog_name="dr", standalone_mode=False))
    except click.exceptions.NoArgsIsHelpError as error:
        if as_json:
            return _told(UsageError("a command is missing", hint(error)), as_json=True)
        click.echo(error.format_message())
        return EXIT_DONE
    except click.ClickException as error:
        return _told(UsageError(_usage(error), hint(error)), as_json=as_json)
    except DrError as error:
        return _told(error, as_json=as_json)
    except (KeyboardInterrupt, click.Abort):
        return _told(Interrupted(), as_json=as_json)
    except OSError as error:
        return _unwritten(error)
    except Exception as error:  # noqa: BLE001 - the last line before the user: a bug is told as one, never as a traceback
        return _bug(error, as_json=as_json)


def _unwritten(error: OSError) -> int:
    """The answer could not be written: a reader that has gone is no fault, a full disk is told on stderr."""
    sys.stdout = _nowhere()
    if not isinstance(error, BrokenPipeError):
        why = f"cannot write the answer: {error.strerror or error}"
        with suppress(OSError):  # there may be no room for that either
            complain(DrError(why, "make room, or write it elsewhere"), as_json=False)
    return EXIT_FAILED


def _nowhere() -> TextIO:
    """For what is still buffered, so that Python says nothing of it at exit."""
    return open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123 - open as long as the process is


def _code(value: object) -> int:
    return value if isinstance(value, int) else EXIT_DONE


def _told(error: DrError, *, as_json: bool) -> int:
    try:
        complain(error, as_json=as_json)
    except OSError as unwritten:
        _unwritten(unwritten)
    return error.exit_code


def _usage(error: click.ClickException) -> str:
    """What click says of it. Who forgets an option's name may have typed a secret: `Password=...` is not repeated."""
    return _VALUE.sub(r"\1=***", error.format_message().rstrip("."))


def _bug(error: Exception, *, as_json: bool) -> int:
    if os.environ.get("DR_DEBUG"):
        traceback.print_exc()
    what = f"dr has a fault of its own: {type(error).__name__}: {without_credentials(str(error))}"
    return _told(DrError(what, "run it again with DR_DEBUG=1 and report what it prints"), as_json=as_json)
