"""`dr demo`: the whole job in a minute, on a sandbox of its own."""

from __future__ import annotations

import tempfile
from pathlib import Path

import click

from dr.cli.frame import Once, Shared, shared_options
from dr.demo import STEPS, tell
from dr.errors import EXIT_DONE


@click.command(cls=Once)
@shared_options
def demo(shared: Shared) -> int:
    """Protect a fleet, lose a stack, bring it back with its data.

    On a sandbox of its own, without AWS; takes less than a minute.
    """
    with tempfile.TemporaryDirectory(prefix="dr-demo-") as directory:
        tell(Path(directory), shared.say)
    shared.emit(lambda: {"ok": True, "steps": [step.name for step in STEPS]}, lambda: "\nEvery step held.")
    return EXIT_DONE
