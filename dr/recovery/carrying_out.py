"""Carry out the plan of a restore, and ask AWS whether it holds.

    lease of the target stack -> pins -> what is there already?
        nothing, or our own unfinished change set: stage, create the change set, execute it
        our own stack, already under way or there: follow it
        anything else: refused, untouched (FAILURES I13)
    -> events as they happen -> stack policy and termination protection -> verify -> RPO and RTO

Names and tokens derive from the plan (`dr-<digest>`), so that an interrupted restore goes on when it is asked for
again. What fails is kept, not rolled back (FAILURES 2, row 39): the operator sees what is there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from dr import layout
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.ports import Clock, Leases, LiveStack, NewStack, Records, StackEvent, StackMaker
from dr.stacks.restore import DataRow, RestorePlan

_POLL = 2.0
"""Seconds between two looks at a stack's events."""
_LONGEST = 3 * 3600.0
"""Seconds after which a change set or a stack is no longer waited for; running it again goes on following."""
_DONE = "CREATE_COMPLETE"
_UNDER_WAY = "CREATE_IN_PROGRESS"
_REVIEW = "REVIEW_IN_PROGRESS"


@dataclass(frozen=True, slots=True, kw_only=True)
class Kit:
    """What a restore works with in its target Region. `staging` is the bucket's name, None when there is none."""

    account: str
    maker: StackMaker
    records: Records
    leases: Leases
    clock: Clock
    staging: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verified:
    """What EC2 says of one data resource: its new id, and whether it was born from the chosen points."""

    row: DataRow
    physical_id: str | None
    verified: bool
    found: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restored:
    """How a restore ended. `rpo` and `rto` are seconds; None where nothing was restored or it did not end well."""

    plan: RestorePlan
    stack_id: str
    status: str
    reason: str
    data: tuple[Verified, ...]
    rpo: int | None
    rto: int | None

    @property
    def ok(self) -> bool:
        """Whether the stack is there and every data resource holds what was chosen for it."""
        return self.status == _DONE and all(row.verified for row in self.data)


Watch = Callable[[StackEvent], None]


def rpo(plan: RestorePlan) -> int | None:
    """Seconds between the moment restored to and the oldest chosen data; None when there is no data."""
    times = [row.point.time for row in plan.data]
    return max(0, int((plan.at - min(times)).total_seconds())) if times else None


def refuse_existing(plan: RestorePlan, kit: Kit) -> LiveStack | None:
    """The target as it is now when a restore of this plan may go on with it, None when there is nothing.

    Raises `Refused` for a stack that this plan has not begun.
    """
    live = kit.maker.live(plan.name)
    if live is None:
        return None
    if live.status == _REVIEW and kit.maker.change_set(plan.name, plan.token) is not None:
        return live
    if live.status != _REVIEW and kit.maker.started_by(live.stack_id) == plan.token:
        return live
    raise Refused(
        f"stack {plan.name} exists in {plan.region} ({live.status}): dr never touches a stack that exists",
        f"restore beside it with --as {plan.name}-restored, or delete it first if it is really lost",
    )


def carry_out(plan: RestorePlan, kit: Kit, watch: Watch) -> Restored:
    """Carry out a confirmed plan. Raises `Refused`, `Busy`, `CloudError` before the stack is begun.

    A stack that fails is an answer, not an error: see `Restored.status` and `reason`.
    """
    begun = kit.clock.now()
    with _lease(plan, kit) as renew, _pinned(plan, kit):
        live = refuse_existing(plan, kit)
        if live is None or live.status == _REVIEW:
            _create(plan, kit, renew)
        ended = _follow(plan, kit, watch, renew)
        if ended.status == _DONE:
            kit.maker.protect(
                ended.stack_id, stack_policy=plan.stack_policy, termination=plan.termination_protection
            )
        data = verify(plan, ended.stack_id, kit.maker) if ended.status == _DONE else _unverified(plan)
    return _restored(plan, ended, data, _seconds(begun, kit.clock.now()))


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
def _lease(plan: RestorePlan, kit: Kit) -> Iterator[Callable[[], None]]:
    """Nobody else restores to this name meanwhile; raises `Busy`."""
    lease = kit.leases.acquire(layout.restore_lease_key(kit.account, plan.region, plan.name))
    try:
        yield lease.renew
    finally:
        lease.release()


@contextmanager
def _pinned(plan: RestorePlan, kit: Kit) -> Iterator[None]:
    """The chosen points do not expire while they are needed; a restore that dies leaves its pins for its successor."""
    kit.records.pin(plan.id, plan.pins)
    yield
    kit.records.unpin(plan.id)


def _create(plan: RestorePlan, kit: Kit, renew: Callable[[], None]) -> None:
    """Stage what is large or nested, create the change set, wait for it, execute it."""
    url = _stage(plan, kit)
    new = NewStack(
        name=plan.name,
        token=plan.token,
        body=None if url else plan.template,
        url=url,
        parameters={p.name: p.value for p in plan.parameters},
        capabilities=plan.capabilities,
        tags=plan.tags,
        role_arn=plan.role_arn,
        notification_arns=plan.notification_arns,
    )
    if kit.maker.change_set(plan.name, plan.token) is None:
        kit.maker.create_change_set(new)
    _await_change_set(plan, kit, renew)
    kit.maker.execute(plan.name, plan.token)


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


def _await_change_set(plan: RestorePlan, kit: Kit, renew: Callable[[], None]) -> None:
    """Wait until it can be executed. Raises `CloudError` with CloudFormation's own reason when it cannot."""
    waited = 0.0
    while True:
        found = kit.maker.change_set(plan.name, plan.token)
        if found is not None and found.execution_status == "AVAILABLE":
            return
        if found is not None and found.status == "FAILED":
            raise CloudError(
                f"CloudFormation refuses the change set of {plan.name}: {found.reason}",
                "mend what it names, for example with --parameter, and restore again",
            )
        waited = _wait(kit, waited, renew, f"the change set of {plan.name}")


def _follow(plan: RestorePlan, kit: Kit, watch: Watch, renew: Callable[[], None]) -> LiveStack:
    """Show events as they happen until the stack is in a final state."""
    seen: set[str] = set()
    waited = 0.0
    while True:
        live = kit.maker.live(plan.name)
        if live is None:
            raise CloudError(
                f"stack {plan.name} has vanished while it was created", "look at its events, restore again"
            )
        for event in kit.maker.events(live.stack_id):
            if event.id not in seen:
                seen.add(event.id)
                watch(event)
        if live.status not in (_UNDER_WAY, _REVIEW) and not live.status.endswith("_IN_PROGRESS"):
            return live
        waited = _wait(kit, waited, renew, f"stack {plan.name}")


def _wait(kit: Kit, waited: float, renew: Callable[[], None], what: str) -> float:
    if waited >= _LONGEST:
        raise EnvironmentFailed(
            f"{what} is not ready after {int(_LONGEST // 3600)} hours",
            "run the same restore again: it follows on",
        )
    kit.clock.sleep(_POLL)
    renew()
    return waited + _POLL


def _unverified(plan: RestorePlan) -> tuple[Verified, ...]:
    return tuple(Verified(row=row, physical_id=None, verified=False) for row in plan.data)


def verify(plan: RestorePlan, stack_id: str, maker: StackMaker) -> tuple[Verified, ...]:
    """Ask EC2 what each new volume and instance was born from."""
    resources = maker.resources(stack_id)
    ids = {row.logical_id: resources.get(row.logical_id, ("", ""))[0] for row in plan.data}
    instances = maker.instances(
        [ids[r.logical_id] for r in plan.data if _is_instance(r) and ids[r.logical_id]]
    )
    volumes = maker.volumes(_volume_ids(plan, ids, instances))
    return tuple(_verified(row, ids[row.logical_id], instances, volumes) for row in plan.data)


def _is_instance(row: DataRow) -> bool:
    return row.type == "AWS::EC2::Instance"


def _volume_ids(
    plan: RestorePlan, ids: Mapping[str, str], instances: Mapping[str, Mapping[str, Any]]
) -> list[str]:
    """The new volumes: those of the stack, and those that its instances were born with."""
    own = [ids[row.logical_id] for row in plan.data if not _is_instance(row) and ids[row.logical_id]]
    return sorted({*own, *(volume for one in instances.values() for volume in _attached(one))})


def _attached(instance: Mapping[str, Any]) -> list[str]:
    mappings = instance.get("BlockDeviceMappings", ())
    return [mapping["Ebs"]["VolumeId"] for mapping in mappings if "Ebs" in mapping]


def _verified(
    row: DataRow,
    physical_id: str,
    instances: Mapping[str, Mapping[str, Any]],
    volumes: Mapping[str, Mapping[str, Any]],
) -> Verified:
    if not _is_instance(row):
        snapshot = str(volumes.get(physical_id, {}).get("SnapshotId", ""))
        return Verified(
            row=row,
            physical_id=physical_id or None,
            verified=snapshot in row.expected,
            found=snapshot,
        )
    instance = instances.get(physical_id, {})
    image = str(instance.get("ImageId", ""))
    born = {str(volumes.get(volume, {}).get("SnapshotId", "")) for volume in _attached(instance)}
    good = image in row.expected or set(row.expected) <= born
    return Verified(row=row, physical_id=physical_id or None, verified=good, found=image)


def _seconds(start: datetime, end: datetime) -> int:
    return int((end - start).total_seconds())
