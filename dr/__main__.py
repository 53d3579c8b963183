"""The program: `dr`, and `python -m dr`. Nearly nothing is loaded before an interrupt is taken care of."""

from __future__ import annotations

import os
import signal
import sys
from typing import NoReturn


def main() -> None:
    """Run the command line."""
    try:
        _open_what_is_closed()
        for number in (signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) is not signal.SIG_IGN:  # as under nohup
                signal.signal(number, _interrupted)
        from dr.cli import main as command  # noqa: PLC0415 - loading takes half a second, in which people press Ctrl-C

        command()
    except KeyboardInterrupt:
        sys.stderr.write(
            "error: interrupted\n  what to do: run the same command again: it goes on from what is there\n"
        )
        sys.exit(130)
    finally:
        _leave_by_exit_code()


def _leave_by_exit_code() -> None:
    """What was interrupted has said so: Python would end by SIGINT on its own when the interrupt came inside of an `exec`, or comes now.

    The next `exec` forgets it (CPython, `run_eval_code_obj`).
    """
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    exec("")  # noqa: S102 - nothing is run  # nosec B102


def _open_what_is_closed() -> None:
    """A caller may close a stream (`>&-`): what is written there goes nowhere, what is read from there is empty."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115 - open as long as dr runs


def _interrupted(_signal: int, _frame: object) -> NoReturn:
    """A service manager, a CI job or a lost terminal ends dr as a person does: leases are given back, and exit code 130."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    main()
