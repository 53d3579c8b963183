"""`dr verify`: whether the stores hold together, and what of them would not restore."""

from __future__ import annotations

import click

from dr.app.restoring import RestoringApp, Settings
from dr.cli.answers import unknown
from dr.cli.frame import Once, Shared, shared_options
from dr.cli.progress import working
from dr.render.verified import verify_document, verify_text


@click.command(cls=Once)
@click.option("--stack", metavar="NAME", help="Only the versions of this stack.")
@click.option("--deep", is_flag=True, help="Read every template of every version, and plan every version.")
@shared_options
def verify(shared: Shared, stack: str | None, *, deep: bool) -> int:
    """Check every digest, chain and recovery point.

    Says what was altered in the stores, what one store lacks, and which stacks would not come back, or not with their
    data. Changes nothing. Exit 4: altered, or a stack would not restore. 1: something could not be asked. 3: data would
    be missing, an older version would not restore, or a store is behind.
    """
    app = RestoringApp(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("reading the stores"):
        found = app.verify(stack, deep=deep)
    if stack is not None and found.misses(stack):
        raise unknown(stack, set(found.names), "no stored stack is named", "dr stacks")
    shared.emit(lambda: verify_document(found), lambda: verify_text(found))
    return found.exit_code
