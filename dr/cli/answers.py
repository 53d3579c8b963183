"""`dr status`, `dr points` and `dr stacks`: what there is."""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import replace

import click

from dr.app import App, Settings
from dr.app.notifying import files_warning
from dr.cli.frame import Once, Shared, shared_options
from dr.cli.progress import working
from dr.errors import EXIT_ACTIONS, EXIT_DONE, EXIT_FAILED, UsageError, weightiest
from dr.model import Kind, RecoveryPoint
from dr.render.answers import points_text, stack_text, stacks_text, status_text
from dr.status import points_newest_first, status_document
from dr.tick.looking import points_everywhere, status_everywhere
from dr.wire import point_document, stack_document, stacks_document
from dr.words import one_line, short


@click.command(cls=Once)
@shared_options
def status(shared: Shared) -> int:
    """Show how well every source is protected, and what is not.

    For every source its newest good point, the age of its data and the next slot; what no policy protects; points that
    are left over. Exit 3 when a source is out of its objectives.
    """
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("reading AWS"):
        found, whole = status_everywhere(app.scope(app.policies, app.regions))
        found = replace(found, warnings=(*found.warnings, *files_warning(app)))
    shared.emit(lambda: status_document(found), lambda: status_text(found, several=app.several))
    late = EXIT_DONE if found.ok else EXIT_ACTIONS
    return weightiest([late, EXIT_DONE if whole else EXIT_FAILED])


@click.command(cls=Once)
@click.option("--source", metavar="ID", help="Only the points of this volume, instance or stack.")
@click.option(
    "--stack", metavar="NAME", help="Only the stored stack of this name and the data of its resources."
)
@click.option("--policy", metavar="NAME", help="Only the points that this policy took, a removed one too.")
@click.option("--kind", type=click.Choice([kind.value for kind in Kind]), help="Only this kind.")
@shared_options
def points(
    shared: Shared, source: str | None, stack: str | None, policy: str | None, kind: str | None
) -> int:
    """List recovery points, newest slot first."""
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("reading AWS"):
        inventory = points_everywhere(app.scope((), app.regions))
    _warn_of_nothing(shared, app, [p for p in inventory.points if p.kind is Kind.STACK])
    if not inventory.unread:
        _require_known(inventory.points, source=source, stack=stack, policy=policy)
    found = points_newest_first(
        point
        for point in inventory.points
        if source in (None, point.lineage.source)
        and stack in (None, _stack_of(point))
        and policy in (None, point.lineage.policy)
        and kind in (None, point.kind)
    )
    shared.emit(
        lambda: {"points": [point_document(p) for p in found]},
        lambda: points_text(found, whole=not inventory.unread, several=app.several),
    )
    for miss in inventory.unread:
        where = f"{miss.region}: " if miss.region else ""
        shared.warn(f"{where}not every point is shown: {one_line(miss.message)}", miss.remedy)
    return EXIT_FAILED if inventory.unread else EXIT_DONE


def _stack_of(point: RecoveryPoint) -> str | None:
    """The stack that a point is of, or whose resource it holds the data of."""
    return point.lineage.source if point.kind is Kind.STACK else point.stack


def _require_known(points: Sequence[RecoveryPoint], **asked: str | None) -> None:
    """Refuse the name of which there is no point at all: it is misspelt more often than not."""
    for option, known in (
        ("source", {point.lineage.source for point in points}),
        ("stack", {name for point in points if (name := _stack_of(point))}),
        ("policy", {point.lineage.policy for point in points}),
    ):
        name = asked[option]
        if name is not None and name not in known:
            raise unknown(name, known, f"no point of the {option}", "dr points")


@click.command(cls=Once)
@click.argument("name", required=False)
@shared_options
def stacks(shared: Shared, name: str | None) -> int:
    """List stored stacks, or the versions of the stack NAME."""
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    with working("reading the store"):
        stored = app.stored_points()
    _warn_of_nothing(shared, app, stored)
    several = len({point.lineage.account for point in stored}) > 1
    if name is None:
        shared.emit(lambda: stacks_document(stored), lambda: stacks_text(stored, several=several))
        return EXIT_DONE
    versions = app.stack_versions(_versions(stored, name))
    shared.emit(lambda: stack_document(name, versions), lambda: stack_text(name, versions, several=several))
    faults = [version.fault for version in versions if version.fault is not None]
    for message, remedy in {fault.message: fault.remedy for fault in faults}.items():
        shared.warn(message, remedy)
    return weightiest(fault.exit_code for fault in faults)


def _warn_of_nothing(shared: Shared, app: App, stored: Sequence[RecoveryPoint]) -> None:
    """Tell when no stack is stored because the store holds nothing at all: it may not be the one that was meant."""
    if not stored and (nothing := app.stores.nothing()):
        shared.warn(nothing.message, nothing.remedy)


def _versions(stored: Sequence[RecoveryPoint], name: str) -> tuple[RecoveryPoint, ...]:
    found = points_newest_first(p for p in stored if p.lineage.source == name and p.kind is Kind.STACK)
    if not found:
        raise unknown(name, {p.lineage.source for p in stored}, "no stored stack is named", "dr stacks")
    return found


def unknown(name: str, known: set[str], what: str, where: str) -> UsageError:
    """The error for a name that nothing has; `where` is the command that lists what there is."""
    near = difflib.get_close_matches(name, sorted(known), n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return UsageError(f"{what} {short(name)!r}", f"{hint}`{where}` lists what there is")
