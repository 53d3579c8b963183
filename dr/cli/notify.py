"""`dr notify`: those who are told."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from dr.app import App, Settings
from dr.app.notifying import notifier_of
from dr.cli.frame import InOrder, Shared, shared_options
from dr.cli.progress import working
from dr.config import Target
from dr.errors import EXIT_DONE, EXIT_FAILED, DrError, UsageError
from dr.notify.notifier import Memory


@click.group(cls=InOrder)
@shared_options
def notify(_shared: Shared) -> int:
    """Try how people are told."""
    return EXIT_DONE


@notify.command()
@shared_options
def test(shared: Shared) -> int:
    """Send a message to every target of `notify`, and a ping."""
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    if not app.config.notify:
        raise UsageError(
            f"{app.config.file}: notify names nobody",
            'write notify: [{sns: "arn:aws:sns:..."}], see docs/notifying.md',
        )
    with working("telling"):
        came = notifier_of(app, Memory()).test()
    shared.emit(lambda: _document(came), lambda: "\n".join(map(_line, came.items())))
    return EXIT_FAILED if any(came.values()) else EXIT_DONE


def _line(one: tuple[Target, DrError | None]) -> str:
    target, error = one
    if error is None:
        return f"{target.name}: sent"
    why = error.message.removeprefix(f"{target.name}: ")
    return f"{target.name}: failed: {why}" + (f"\n  {error.remedy}" if error.remedy else "")


def _document(came: Mapping[Target, DrError | None]) -> dict[str, Any]:
    """`{"targets": [{"target", "way", "ok", "error"}]}`."""
    return {
        "targets": [
            {"target": target.name, "way": target.way, "ok": error is None, "error": error and error.message}
            for target, error in came.items()
        ]
    }
