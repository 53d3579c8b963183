"""The story that `dr demo` tells: protect, lose, bring back, on a sandbox of its own.

Each step does what a command does, through the same code, and then asks EC2 or CloudFormation whether it holds.
A step that does not hold ends the story with `DrError`. Only the sandbox's clock lets time pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dr import layout
from dr.actions import Capture, Expire, Result
from dr.app.restoring import RestoringApp, Settings
from dr.errors import DrError
from dr.model import State
from dr.recovery.asked import Asked
from dr.recovery.carrying_out import Restored, carry_out
from dr.render.plans import action_line, plan_text
from dr.render.restores import event_line, restore_text, restored_text
from dr.sandbox import fleet, process, setting, witness
from dr.tick.applying import Applying, apply_now
from dr.tick.inventory import read_inventory
from dr.tick.waiting import wait_for_captures
from dr.words import count, instant

_STACK = "prod"
_HOURS = 9
"""Ticks after the first; with the sandbox's `keep` the oldest points go from the eighth on."""

Say = Callable[[str], None]


class Stage:
    """A sandbox with its installation, and what earlier steps found."""

    def __init__(self, directory: Path, running: process.Running) -> None:
        self.directory = directory
        self.running = running
        self.planned: frozenset[tuple[str, str]] = frozenset()
        self.before: Mapping[str, str] = {}

    @property
    def app(self) -> RestoringApp:
        """A new look from an empty memory, as every run of `dr` has."""
        return RestoringApp(Settings(sandbox=True, environ={"DR_SANDBOX_DIR": str(self.directory)}))

    def apply(self) -> Applying:
        """What `dr apply --wait` does."""
        app = self.app
        done = apply_now(app.policies, app.desk, app.decide(), lambda _outcome: None)
        if done.interrupted:
            raise KeyboardInterrupt
        wait_for_captures(done.outcomes, (), app.desk, lambda _pending: None)
        return done

    def snapshots(self) -> list[dict[str, Any]]:
        """Every snapshot of this installation, asked of EC2."""
        return witness.snapshots(self.running.url, "sandbox")

    def volumes(self) -> dict[str, str]:
        """Logical id -> the snapshot behind it, of the stack's data volumes, asked of EC2."""
        return witness.data_volumes(self.running.url, _STACK)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the story."""

    name: str
    title: str
    run: Callable[[Stage, Say], None]


def tell(
    directory: Path, say: Say, disturb: Callable[[str, Stage], None] = lambda _name, _stage: None
) -> None:
    """Tell the whole story on a new sandbox in this directory. Raises `DrError` at the first step that fails.

    `disturb` is called with each step's name right before it: how tests break the steps in turn.
    """
    running = process.start(directory, None, 1.0)
    try:
        fleet.seed(running.url)
        setting.write(directory)
        stage = Stage(directory, running)
        for number, step in enumerate(STEPS, start=1):
            say(f"\n=== {number}. {step.title}\n")
            disturb(step.name, stage)
            step.run(stage, say)
    finally:
        process.stop(directory)


def _hold(claim: bool, otherwise: str) -> None:  # noqa: FBT001 - it reads as an assertion
    """Raise unless the claim holds."""
    if not claim:
        raise DrError(f"the demo does not hold: {otherwise}", "report it with this output")


def _plan(stage: Stage, say: Say) -> None:
    app = stage.app
    inventory = read_inventory(app.policies, app.desk)
    made = app.decide()(app.policies, inventory, app.clock.now())
    say(plan_text(made))
    protected = {action.lineage.policy for action in made.actions if isinstance(action, Capture)}
    _hold(protected == {p.name for p in app.policies}, "the plan does not capture for every policy")
    _hold(not stage.snapshots(), "a plan has made snapshots")
    stage.planned = frozenset((a.lineage.policy, a.lineage.source) for a in made.actions)


def _apply(stage: Stage, say: Say) -> None:
    done = stage.apply()
    made = [outcome for outcome in done.outcomes if outcome.result is Result.DONE]
    _hold(bool(made) and len(made) == len(done.outcomes), "some captures were not done")
    taken = {(o.action.lineage.policy, o.action.lineage.source) for o in made}
    _hold(taken == stage.planned, "the points taken are not those of the plan")
    seen = {row["SnapshotId"]: {t["Key"]: t["Value"] for t in row["Tags"]} for row in stage.snapshots()}
    wanted = [
        i
        for o in made
        for i in o.created
        if i.startswith("snap-") and o.action.lineage.region == setting.HOME
    ]
    _hold(
        all(layout.SLOT in seen.get(one, {}) for one in wanted),
        "EC2 does not show every snapshot with its tags",
    )
    _hold(bool(wanted), "no snapshot was taken")
    say(
        f"{count(len(made), 'point')} taken; EC2 shows {count(len(seen), 'tagged snapshot')} in {setting.HOME}."
    )


def _again(stage: Stage, say: Say) -> None:
    before = {row["SnapshotId"] for row in stage.snapshots()}
    done = stage.apply()
    _hold(not done.outcomes, f"a second apply did {count(len(done.outcomes), 'thing')}")
    _hold(before == {row["SnapshotId"] for row in stage.snapshots()}, "a second apply changed the snapshots")
    say("No changes: the slots have their points.")


def _pass_time(stage: Stage, say: Say) -> None:
    gone: list[Expire] = []
    for _ in range(_HOURS):
        process.advance(stage.running, 3600)
        done = stage.apply()
        expired = [
            o.action for o in done.outcomes if isinstance(o.action, Expire) and o.result is Result.DONE
        ]
        gone += [action for action in expired if isinstance(action, Expire)]
    now = instant(process.now(stage.running))
    say(f"It is {now}. {count(len(gone), 'point')} expired on the way, for example:")
    for action in gone[:3]:
        say(f"  {action_line(action)}")
    _hold(bool(gone), "nothing expired")
    there = {row["SnapshotId"] for row in stage.snapshots()}
    _hold(not there & {action.point_id for action in gone}, "EC2 still shows what was expired")


def _lose(stage: Stage, say: Say) -> None:
    stage.before = stage.volumes()
    _hold(fleet.lose(stage.running.url, _STACK), "the stack is still there, or was not")
    _hold(bool(stage.before) and not stage.volumes(), "the stack's volumes are still there")
    say(f"Stack {_STACK} and its {count(len(stage.before), 'data volume')} are gone.")


def _restore(stage: Stage, say: Say) -> None:
    app = stage.app
    plan = app.plan_restore(Asked(stack=_STACK))
    say(restore_text(plan))
    restored = carry_out(plan, app.kit(plan.region), lambda event: say(f"  {event_line(event)}"))
    say(restored_text(restored))
    _hold(restored.ok, f"the restore ended as {restored.status}: {restored.reason}")
    _hold(restored.rpo is not None and restored.rto is not None, "RPO and RTO were not measured")
    _check_data(app, stage, restored)


def _check_data(app: RestoringApp, stage: Stage, restored: Restored) -> None:
    """Independently of the plan: each new volume was born from the newest good snapshot of its logical id."""
    points = app.cloud.points(setting.HOME).points
    newest: dict[str, str] = {}
    for point in sorted(points, key=lambda p: p.time):
        if (
            point.state is State.GOOD
            and point.stack == _STACK
            and point.logical_id
            and point.kind == "snapshot"
        ):
            newest[point.logical_id] = point.id
    found = stage.volumes()
    _hold(set(found) == set(stage.before), "not every data volume is back")
    wrong = [name for name, snapshot in found.items() if newest.get(name) != snapshot]
    _hold(not wrong, f"EC2 shows another snapshot behind {', '.join(wrong)}")
    _hold({row.row.logical_id for row in restored.data} >= set(found), "the report leaves volumes out")


STEPS: Sequence[Step] = (
    Step(name="plan", title="dr plan: what would be done, and why", run=_plan),
    Step(name="apply", title="dr apply: every source gets its first point", run=_apply),
    Step(name="again", title="dr apply, again: nothing to do", run=_again),
    Step(name="time", title="hours pass: retention expires, with reasons", run=_pass_time),
    Step(name="lose", title="the stack prod is deleted, with its data", run=_lose),
    Step(name="restore", title="dr restore --stack prod: back, with its data", run=_restore),
)
