"""`dr plan` and `dr apply`."""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import click

from dr import collector
from dr.actions import Outcome, Plan
from dr.app import App, Settings
from dr.cli.frame import Once, Shared, complain, json_text, shared_options
from dr.cli.progress import working
from dr.errors import (
    EXIT_ACTIONS,
    EXIT_DONE,
    EXIT_FAILED,
    EnvironmentFailed,
    Interrupted,
    Refused,
    UsageError,
)
from dr.model import Inventory, Policy
from dr.planfile import SavedPlan, parse, to_document
from dr.render.plans import blocked_remedy, outcome_line, outcomes_summary, plan_text, warning_lines
from dr.telling import tell_outcome, tell_planned, tell_read
from dr.tick.applying import Applying, Decide
from dr.tick.desk import Desk
from dr.tick.everywhere import (
    Deciding,
    Saved,
    Scope,
    apply_everywhere,
    as_saved,
    plan_everywhere,
    unwaited,
    with_the_word,
)
from dr.tick.shards import Shard
from dr.tick.waiting import wait_for_captures
from dr.wire import apply_document
from dr.words import names

_LARGEST_PLAN = 64 << 20
_BEGINNING = b'{\n  "format": '
_WRITABLE = "choose a file that can be written"


@click.command(cls=Once)
@click.option("--policy", metavar="NAME", help="Only this policy.")
@click.option("-o", "out", metavar="FILE", help="Save the plan, for `dr apply FILE`.")
@click.option("--detailed-exitcode", is_flag=True, help="Exit with 3 when there are actions.")
@shared_options
@collector.held()
def plan(shared: Shared, policy: str | None, out: str | None, *, detailed_exitcode: bool) -> int:
    """Show what apply would do, and why. Changes nothing."""
    if out is not None:  # before a long look at AWS, not after it
        _require_writable(out)
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    asked = app.asked(policy)
    with working("reading AWS"):
        found = plan_everywhere(app.scope(asked, app.regions), app.decide())
    made = found.plan
    tell_read(app.regions, found.inventory)
    tell_planned(made)
    document = partial(to_document, made, app.context(asked))
    if out:
        _save(Path(out), document())
    shared.emit(document, lambda: plan_text(made, several=app.several))
    if not found.whole:
        return EXIT_FAILED
    return EXIT_ACTIONS if detailed_exitcode and made.actions else EXIT_DONE


def _require_writable(out: str) -> None:
    """Raise for what is no place of a file. A device or a pipe is not one: saving puts a new file in its place.

    A link is: what it leads to stays as it is.
    """
    path = Path(out)
    if not out:
        raise UsageError("-o: the file has no name", _WRITABLE)
    if not path.parent.is_dir():
        raise EnvironmentFailed(f"{path}: No such directory", _WRITABLE)
    if path.exists() and not path.is_file():
        raise EnvironmentFailed(f"{path}: is not a file", _WRITABLE)
    if path.exists() and not path.is_symlink() and path.stat().st_size and not _is_plan(path):
        raise UsageError(f"{path}: is there, and is no plan", "choose another file, or remove it")


def _is_plan(path: Path) -> bool:
    """Whether an earlier `dr plan -o` may be written over."""
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGINNING)) == _BEGINNING
    except OSError as error:
        raise EnvironmentFailed(f"{path}: {error.strerror}", _WRITABLE) from error


def _save(path: Path, document: dict[str, Any]) -> None:
    """Write the plan readable by its owner only, whole or not at all."""
    beside = path.parent / f".{path.name}.{os.getpid()}"
    try:
        with os.fdopen(
            os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8"
        ) as file:
            file.write(json_text(document))
        beside.replace(path)
    except OSError as error:
        with suppress(OSError):
            beside.unlink()
        raise EnvironmentFailed(f"{path}: {error.strerror}", _WRITABLE) from error


@click.command(cls=Once)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--policy", metavar="NAME", help="Only this policy.")
@click.option(
    "--allow-expire",
    type=click.IntRange(min=1),
    metavar="N",
    help="Let N blocked expiries go, all that there are.",
)
@click.option("--wait", is_flag=True, help="Wait until the captures are good.")
@shared_options
def apply(
    shared: Shared, file: Path | None, policy: str | None, allow_expire: int | None, *, wait: bool
) -> int:
    """Plan and carry it out now, or carry out the saved plan in FILE."""
    if file and policy:
        raise UsageError("a saved plan names its own policies", "leave --policy out")
    app = App(Settings(config=shared.config, sandbox=shared.sandbox))
    saved = _load(file) if file else None
    asked = _asked(app, saved, policy)
    with working("applying") as tell:
        scope = app.scope(asked, {region for policy in asked for region in policy.regions})
        waiting = _Waiting({policy.name for policy in asked}, tell)
        done = apply_everywhere(
            scope,
            _deciding(app, scope, saved, allow_expire),
            partial(_report, shared, several=app.several),
            every=saved is not None,
            then=waiting if wait else unwaited,
        )
    done = _of(saved, done) if saved else app.stamped_whole(done, asked)
    shared.emit(
        partial(apply_document, done.plan.fingerprint, done.outcomes, done.warnings),
        lambda: applied_text(done),
    )
    if not done.interrupted:
        app.remember_accounts()
    elif not shared.json:
        complain(done.interrupted, as_json=False)
    return done.exit_code


def _of(saved: SavedPlan, done: Applying) -> Applying:
    """What was done is told by the saved plan's fingerprint, in however many shards."""
    return replace(done, plan=replace(done.plan, fingerprint=saved.fingerprint))


class _Waiting:
    """Waits for the captures of these policies, also those of other runs; who interrupts is told what is known."""

    def __init__(self, policies: Collection[str], tell: Callable[[str], None]) -> None:
        self._policies = policies
        self._tell = tell
        self._pending: dict[Shard, int] = {}

    def __call__(self, shard: Shard, done: Applying, desk: Desk) -> Applying:
        found = [point for point in done.inventory.points if point.lineage.policy in self._policies]
        try:
            waited = wait_for_captures(done.outcomes, found, desk, partial(self._count, shard))
        except KeyboardInterrupt:
            return replace(done, interrupted=Interrupted())
        return replace(done, outcomes=waited.outcomes, not_good=waited.not_good)

    def _count(self, shard: Shard, pending: int) -> None:
        self._pending[shard] = pending
        self._tell(f"waiting for {sum(self._pending.values())} captures")


def _asked(app: App, saved: SavedPlan | None, policy: str | None) -> tuple[Policy, ...]:
    """The policies to lease: those of the saved plan that still exist, else those asked for."""
    if saved is None:
        return app.asked(policy)
    return tuple(p for p in app.policies if p.name in saved.context.asked)


def _deciding(app: App, scope: Scope, saved: SavedPlan | None, allowed: int | None) -> Deciding:
    """Decide anew, or revive the saved plan; with a person's word for what is blocked."""
    if saved is None:
        anew = app.stamped(scope.policies)
        deciding: Deciding = lambda _shard: anew  # noqa: E731 - one of two
    else:
        context = app.context(scope.policies)
        deciding = as_saved(scope, Saved(plan=saved, policies=app.policies, context=context))
    deciding = with_the_word(scope, deciding, saved, allowed)
    return lambda shard: _told(shard, deciding(shard))


def _told(shard: Shard, decide: Decide) -> Decide:
    """Log what a plan rests on, and what it came to."""

    def told(policies: Sequence[Policy], inventory: Inventory, now: datetime) -> Plan:
        tell_read({shard.region}, inventory)
        made = decide(policies, inventory, now)
        tell_planned(made)
        return made

    return told


def _load(path: Path) -> SavedPlan:
    if path.is_fifo():  # nothing might ever be written there
        raise UsageError(f"{path}: is not a file", "save one with `dr plan -o FILE`")
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST_PLAN + 1)
        text = data.decode("utf-8")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}", "save one with `dr plan -o FILE`") from error
    except UnicodeDecodeError:
        raise UsageError(f"{path}: not a plan: not UTF-8", "save one with `dr plan -o FILE`") from None
    if len(data) > _LARGEST_PLAN:
        raise UsageError(f"{path}: not a plan: larger than 64 MiB", "save one with `dr plan -o FILE`")
    try:
        return parse(text)
    except (UsageError, Refused) as error:
        raise type(error)(f"{path}: {error.message}", error.remedy) from error


def _report(shared: Shared, outcome: Outcome, *, several: bool) -> None:
    """Tell each outcome as it happens."""
    tell_outcome(outcome)
    shared.follow(outcome_line(outcome, several=several))


def applied_text(done: Applying) -> str:
    """What became of an apply, after its outcomes were told."""
    lines = [*warning_lines(done.warnings), outcomes_summary(done.outcomes, done.warnings)]
    if done.not_good:
        lines.append(f"Not good yet, of another run: {names(done.not_good)}.")
    blocked = [o for o in done.outcomes if getattr(o.action, "blocked", False)]
    return "\n".join([*lines, *([blocked_remedy(done.plan)] if blocked else [])])
