"""Carry out the plan of a restore, and ask AWS whether it holds.

    lease of the target stack -> what is there already? (target.py)
        nothing, or a change set of ours: pins, are the points still there?, journal, stage, create the change set,
        execute it
        a stack that this restore began: follow it
        anything else: refused, untouched (FAILURES I13)
    -> events as they happen -> verify -> RPO and RTO -> stack policy and termination protection

Names and tokens derive from the plan (`dr-<digest>`), and a journal in the store keeps which plan was begun, so that
an interrupted restore goes on when it is asked for again. What fails is kept, not rolled back (FAILURES 2, row 39):
the operator sees what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dr import layout
from dr.errors import CloudError, DrError, EnvironmentFailed, NotFound, OutOfTime, Refused, precede
from dr.model import Begun
from dr.ports import Clock, Leases, LiveStack, NewStack, Records, StackEvent, StackMaker, StackStore
from dr.recovery.holding import held
from dr.recovery.protecting import protect
from dr.recovery.target import EXECUTED, REVIEW, exists, to_go_on_with, token
from dr.recovery.verifying import Verified, first_failure, unverified, verify
from dr.stacks.rebirth import Finding
from dr.stacks.restore import RestorePlan

__all__ = ["Kit", "Restored", "Verified", "Watch", "carry_out", "refuse_existing", "rpo", "verify"]

_POLL = 2.0
"""Seconds between two looks at a stack's events."""
_LONGEST = 3 * 3600.0
"""Seconds after which a change set or a stack is no longer waited for; running it again goes on following."""
_OBSOLETE = "OBSOLETE"
_SHOWS_WITHIN = 60.0
"""Seconds in which a describe shows a change set that was created."""
_DONE = "CREATE_COMPLETE"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a restore works with in its target Region. `staging` is the bucket's name, None when there is none.

    `stop_at` ends the waiting, for Lambda: the stack goes on by itself, and the next call follows it.
    """

    account: str
    maker: StackMaker
    store: StackStore
    records: Records
    leases: Leases
    clock: Clock
    staging: str | None = None
    stop_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How a restore ended. `rpo` and `rto` are seconds; None where nothing was restored or it did not end well.

    `findings` are what could not be set on a stack that is there, each with what to do.
    """

    plan: RestorePlan
    stack_id: str
    status: str
    reason: str
    data: tuple[Verified, ...]
    rpo: int | None
    rto: int | None
    findings: tuple[Finding, ...] = ()

    @property
    def holds(self) -> bool:
        """Whether the stack is there and every data resource holds what was chosen for it."""
        return self.status == _DONE and all(row.verified for row in self.data)

    @property
    def ok(self) -> bool:
        """Whether it holds, and is protected as the lost stack was."""
        return self.holds and not self.findings


Watch = Callable[[StackEvent], None]


def rpo(plan: RestorePlan) -> int | None:
    """Seconds between the moment restored to and the oldest chosen data; None when there is no data."""
    times = [row.point.time for row in plan.data]
    return max(0, int((plan.at - min(times)).total_seconds())) if times else None


def refuse_existing(plan: RestorePlan, kit: Kit) -> LiveStack | None:
    """The target as it is now when a restore of this plan may go on with it, None when there is nothing.

    Raises `Refused` for a stack that this plan has not begun.
    """
    with _secrets_hidden(plan):
        return to_go_on_with(plan, kit.records.begun(kit.account, plan.region, plan.name), kit.maker)


def rehearse(plan: RestorePlan, kit: Kit) -> RestorePlan:
    """The plan, with what stands in its way now as a finding: to be looked at before the incident."""
    try:
        refuse_existing(plan, kit)
    except Refused as error:
        found = Finding(level="error", message=error.message, remedy=error.remedy or "")
        return replace(plan, findings=(*plan.findings, found))
    return plan


def carry_out(plan: RestorePlan, kit: Kit, watch: Watch) -> Restored:
    """Carry out a confirmed plan. Raises `Refused`, `Busy`, `CloudError` before the stack is begun.

    A stack that fails is an answer, not an error: see `Restored.status` and `reason`.
    """
    confirmed = kit.clock.now()
    key = layout.restore_lease_key(kit.account, plan.region, plan.name)
    with held(kit.leases, key, kit.clock) as renew, _secrets_hidden(plan):
        before = kit.records.begun(kit.account, plan.region, plan.name)
        live = to_go_on_with(plan, before, kit.maker)
        nothing_yet = live is None or live.status == REVIEW
        _pin(plan, kit, listed_again=nothing_yet)
        begun = _begin(plan, kit, (before, live), confirmed)
        if nothing_yet:
            _create(plan, kit, token(begun), renew)
        restored = _outcome(plan, kit, begun, _follow(plan, kit, watch, renew))
        _end(plan, kit, begun, restored)
    return restored


def _outcome(plan: RestorePlan, kit: Kit, begun: Begun, ended: LiveStack) -> Restored:
    """What AWS shows of the data, first of all; then the protection, which may be refused without loss of that."""
    if ended.status != _DONE:
        return _restored(plan, ended, unverified(plan), 0)
    data = verify(plan, ended.stack_id, kit.maker)
    restored = _restored(plan, ended, data, _seconds(begun.began, kit.clock.now()))
    return replace(restored, findings=protect(plan, ended.stack_id, kit.maker))


def _restored(plan: RestorePlan, ended: LiveStack, data: tuple[Verified, ...], rto: int) -> Restored:
    done = ended.status == _DONE
    return Restored(
        plan=plan,
        stack_id=ended.stack_id,
        status=ended.status,
        reason=ended.reason,
        data=data,
        rpo=rpo(plan) if done else None,
        rto=rto if done else None,
    )


@contextmanager
def _secrets_hidden(plan: RestorePlan) -> Iterator[None]:
    """What AWS answers may repeat a value that it was given: a secret one is shown to nobody (FAILURES I23)."""
    try:
        yield
    except DrError as error:
        error.message, error.remedy = plan.without_secrets(error.message), plan.without_secrets(error.remedy)
        error.args = (error.message,)
        raise


def _pin(plan: RestorePlan, kit: Kit, *, listed_again: bool) -> None:
    """Keep the points, then see that a tick has not expired one between the plan and here. Raises `Refused`."""
    kit.records.pin(plan.id, plan.pins)
    if listed_again and (gone := _expired(plan, kit)):
        kit.records.unpin(plan.id)
        raise Refused(
            f"no longer to be had since the plan was made: {', '.join(gone)}",
            "nothing was changed; restore again for a plan of the points that are there now",
        )


def _expired(plan: RestorePlan, kit: Kit) -> list[str]:
    """What is gone of all that the plan rests on. A look that fails finds nothing: the plan's own look was before."""
    gone: list[str] = []
    try:
        kit.store.read(plan.stored)
    except NotFound:
        gone.append(plan.stored.id)
    except (CloudError, EnvironmentFailed):
        pass
    with suppress(CloudError, EnvironmentFailed):
        gone += kit.maker.gone([one for one in plan.pins if one != plan.stored.id])
    return gone


def _begin(
    plan: RestorePlan, kit: Kit, found: tuple[Begun | None, LiveStack | None], confirmed: datetime
) -> Begun:
    """Write the journal before the first changing call; one that goes on keeps its beginning.

    A restore that dies leaves its pins to its successor, and one that failed to whoever tries again.
    """
    before, live = found
    same = before is not None and before.plan == plan.id
    if before is not None and same and not before.ended and _goes_on(plan, kit, before, live):
        return before
    begun = Begun(
        plan=plan.id,
        attempt=before.attempt + 1 if before is not None and same else 1,
        stored=plan.stored.id,
        policy=plan.stored.lineage.policy,
        points=plan.pins,
        at=plan.at,
        asked_at=plan.asked_at,
        began=confirmed,
    )
    kit.records.record_begun(kit.account, plan.region, plan.name, begun)
    return begun


def _goes_on(plan: RestorePlan, kit: Kit, before: Begun, live: LiveStack | None) -> bool:
    """Whether what was begun is of use: not where the stack is gone, nor where its change set failed."""
    if live is None:
        return False
    change_set = kit.maker.change_set(plan.name, token(before)) if live.status == REVIEW else None
    return change_set is None or change_set.status != "FAILED"


def _end(plan: RestorePlan, kit: Kit, begun: Begun, restored: Restored) -> None:
    """The points are let go and the journal is closed when all is well: until then it can be taken up again.

    In this order: who is killed in between leaves an open journal, and the next run lets go of what is left.
    """
    if restored.ok:
        kit.records.unpin(plan.id)
        kit.records.record_begun(kit.account, plan.region, plan.name, replace(begun, ended=True))


def _create(plan: RestorePlan, kit: Kit, name: str, renew: Callable[[], None]) -> None:
    """Stage what is large or nested, create the change set, wait for it, execute it."""
    url = _stage(plan, kit)
    new = NewStack(
        name=plan.name,
        token=name,
        body=None if url else plan.template,
        url=url,
        parameters={p.name: p.value for p in plan.parameters},
        capabilities=plan.capabilities,
        tags=plan.tags,
        role_arn=plan.role_arn,
        notification_arns=plan.notification_arns,
    )
    if kit.maker.change_set(plan.name, name) is None:
        kit.maker.create_change_set(new)
    _await_change_set(plan, kit, name, renew)
    kit.maker.execute(plan.name, name)


def _stage(plan: RestorePlan, kit: Kit) -> str | None:
    """Put nested and large templates where CloudFormation reads them; the URL of the top one when it is large."""
    if not plan.staged and not plan.needs_staging:
        return None
    if kit.staging is None:
        raise Refused("no staging bucket", f"name one in dr.yaml: staging_bucket: {{{plan.region}: BUCKET}}")
    for text in plan.staged:
        kit.maker.stage(kit.staging, text)
    if not plan.needs_staging:
        return None
    return kit.maker.stage(kit.staging, plan.template)


def _await_change_set(plan: RestorePlan, kit: Kit, name: str, renew: Callable[[], None]) -> None:
    """Wait until it can be executed, or was. Raises `CloudError` with CloudFormation's own reason when it cannot."""
    waited = 0.0
    while True:
        found = kit.maker.change_set(plan.name, name)
        if found is not None and found.execution_status in ("AVAILABLE", *EXECUTED):
            return
        if found is not None and found.status == "FAILED":
            raise CloudError(
                f"CloudFormation refuses the change set of {plan.name}: {found.reason}",
                "mend what it names, for example with --parameter, and restore again",
            )
        if found is None or found.execution_status == _OBSOLETE:
            _refuse_gone(plan, kit, name, certain=found is not None or waited >= _SHOWS_WITHIN)
        waited = _wait(kit, waited, renew, f"the change set of {plan.name}")


def _refuse_gone(plan: RestorePlan, kit: Kit, name: str, *, certain: bool) -> None:
    """CloudFormation ends a stack's other change sets when one is executed: none to wait for (FAILURES 2, row 36)."""
    live = kit.maker.live(plan.name)
    if live is not None and live.status != REVIEW and kit.maker.started_by(live.stack_id) != name:
        raise exists(plan, live)
    if certain:
        raise CloudError(f"the change set of {plan.name} is gone", "it was not executed: restore again")


def _follow(plan: RestorePlan, kit: Kit, watch: Watch, renew: Callable[[], None]) -> LiveStack:
    """Show events as they happen until the stack is in a final state; one that failed has the first failure's reason."""
    seen: set[str] = set()
    waited, which = 0.0, plan.name
    while True:
        with _going_on(plan):
            live = kit.maker.live(which)
        if live is None:
            raise CloudError(f"stack {plan.name} was deleted while it was being created", "restore again")
        which = live.stack_id
        with _going_on(plan):
            events = kit.maker.events(live.stack_id)
        for event in events:
            if event.id not in seen:
                seen.add(event.id)
                watch(replace(event, reason=plan.without_secrets(event.reason)))
        if not live.status.endswith("_IN_PROGRESS"):
            why = "" if live.status == _DONE else first_failure(events) or live.reason
            return replace(live, reason=plan.without_secrets(why))
        waited = _wait(kit, waited, renew, f"stack {plan.name}")


@contextmanager
def _going_on(plan: RestorePlan) -> Iterator[None]:
    """Who loses sight of the stack should know that nothing is lost: CloudFormation needs nobody to watch."""
    try:
        yield
    except (CloudError, EnvironmentFailed) as error:
        lost = f"lost sight of stack {plan.name}, which CloudFormation goes on creating"
        precede(error, lost, "run the same restore again: it follows on")
        raise


def _wait(kit: Kit, waited: float, renew: Callable[[], None], what: str) -> float:
    if waited >= _LONGEST:
        raise EnvironmentFailed(
            f"{what} is not ready after {int(_LONGEST // 3600)} hours",
            "run the same restore again: it follows on",
        )
    if kit.stop_at is not None and kit.clock.now() + timedelta(seconds=_POLL) >= kit.stop_at:
        raise OutOfTime(f"{what} is not ready yet", "run the same restore again: it follows on")
    kit.clock.sleep(_POLL)
    renew()
    return waited + _POLL


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
