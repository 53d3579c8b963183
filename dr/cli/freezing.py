"""`dr freeze` and `dr thaw`: a person's word on expiry."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import click

from dr.app import App, Settings
from dr.app import freezing as word
from dr.cli.frame import Once, Shared, shared_options
from dr.cli.progress import working
from dr.errors import EXIT_DONE, EXIT_FAILED
from dr.executor.expiries import WORD_LASTS
from dr.model import Freeze
from dr.planner.freezing import thaw_command
from dr.render.answers import frozen_lines
from dr.wire import freeze_document


@click.command(cls=Once)
@click.option("--policy", metavar="NAME", help="Only this policy.")
@click.option("--why", metavar="TEXT", required=True, help="Why, for whoever finds it frozen.")
@shared_options
def freeze(shared: Shared, policy: str | None, why: str) -> int:
    """Let nothing expire until `dr thaw`; captures go on.

    It holds for every machine and function that works with this store. A run at work begins no more deletions within seconds.
    """
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("freezing"):
        heard = word.freeze(app, policy, why)
    frozen = heard.frozen
    seconds = int(WORD_LASTS.total_seconds())
    ends = f"Captures go on; a run at work begins no deletion after {seconds} seconds more. Until {_thaws(frozen)}."
    shared.emit(lambda: _document(frozen), lambda: "\n".join([*frozen_lines(frozen), ends]))
    if heard.untold:
        told = f"the replica does not know of it: {heard.untold.message}"
        shared.warn(
            told, "freeze again when it answers: until then it does not hold where the two stores are swapped"
        )
    return EXIT_DONE


@click.command(cls=Once)
@click.option("--policy", metavar="NAME", help="The freeze of this policy alone.")
@shared_options
def thaw(shared: Shared, policy: str | None) -> int:
    """End the freeze of all, or of one policy: the next tick expires again what no rule claims."""
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("thawing"):
        heard = word.thaw(app, policy)
    if heard.untold is None:
        shared.emit(lambda: _document(heard.frozen), lambda: "\n".join(_left(heard.frozen)))
        return EXIT_DONE
    shared.emit(lambda: _document(heard.frozen), lambda: "It is over in the primary alone.")
    shared.warn(f"the replica may hold it still: {heard.untold.message}", "thaw again when it answers")
    return EXIT_FAILED


def _left(frozen: Sequence[Freeze]) -> list[str]:
    """What is frozen still, so that nobody takes a part for the whole."""
    if not frozen:
        return ["Nothing is frozen: the next tick expires again what no rule claims. `dr plan` shows what."]
    return [*frozen_lines(frozen), f"This is frozen still, until {_thaws(frozen)}."]


def _thaws(frozen: Sequence[Freeze]) -> str:
    return ", ".join(f"`{thaw_command(one)}`" for one in frozen)


def _document(frozen: Sequence[Freeze]) -> dict[str, Any]:
    """`{"frozen": [{"policy", "since", "by", "why"}]}`: what is frozen now."""
    return {"frozen": [freeze_document(one) for one in frozen]}
