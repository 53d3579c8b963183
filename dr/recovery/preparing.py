"""Everything that has to be read before a restore can be planned. Reads only; nothing is changed.

One store is read: the source Region may be dead (DESIGN 8). What is missing is found here, before any changing call.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from dr.config import SsmParameter
from dr.errors import CloudError, EnvironmentFailed, NotFound, Refused, UsageError
from dr.model import Begun, Holdings, Kind, RecoveryPoint
from dr.ports import Records, StackMaker, StackStore
from dr.recovery.asked import Asked, Configured
from dr.recovery.preflight import preflight, taken_exports
from dr.recovery.target import taken_up
from dr.stacks.bodies import Choices
from dr.stacks.parameters import Given
from dr.stacks.rebirth import Finding
from dr.stacks.recovery_set import Moment
from dr.stacks.restore import RestorePlan, World, plan_restore
from dr.stored import StoredStack
from dr.wire import time_text
from dr.words import count, instant, short

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}")
"""Source: CloudFormation API reference, CreateStack, StackName."""


def choose_version(
    stored: Sequence[RecoveryPoint], asked: Asked, now: datetime, store: StackStore
) -> RecoveryPoint:
    """The newest stored version of the stack at or before the moment asked for: the newest slot, never an older one.

    A listing says when a version was written at the latest: a copy was captured before. Where that leaves it open
    whether it was in time, the version itself is read from `store`.

    Raises `UsageError` for a stack that was never stored, for a name that no stack can have and for a moment to come,
    `Refused` when every version is younger.
    """
    _refuse_illegal(asked.as_name)
    mine = [
        p
        for p in stored
        if p.lineage.source == asked.stack
        and asked.region in (None, p.lineage.region)
        and asked.account in (None, p.lineage.account)
    ]
    if not mine:
        raise _never_stored(asked, stored)
    accounts = sorted({p.lineage.account for p in mine})
    if len(accounts) > 1:
        raise UsageError(f"{asked.stack} is stored of {', '.join(accounts)}", f"add --account {accounts[0]}")
    regions = sorted({p.lineage.region for p in mine})
    if len(regions) > 1:
        raise UsageError(f"{asked.stack} is stored from {', '.join(regions)}", f"add --region {regions[0]}")
    at = _moment(asked, now)
    newest_first = sorted(mine, key=lambda p: (p.slot, p.lineage.policy), reverse=True)
    chosen = next((p for p in newest_first if p.slot <= at and _captured(p, at, store) <= at), None)
    if chosen is None:
        first = _captured(newest_first[-1], at, store)
        raise Refused(
            f"no version of {asked.stack} was stored at or before {instant(at)}: the first is of {instant(first)}",
            f"choose a moment from then on, or see `dr stacks {asked.stack}`",
        )
    return chosen


def _captured(point: RecoveryPoint, at: datetime, store: StackStore) -> datetime:
    """When it was captured, no more exactly than it takes to tell whether that was at or before a moment."""
    return point.time if point.time <= at else max(point.slot, store.read(point).time)


def _refuse_illegal(name: str | None) -> None:
    if name is not None and not _NAME.fullmatch(name):
        raise UsageError(
            f"--as {name[:140]!r} cannot be a stack's name",
            "a letter, then letters, digits and hyphens, at most 128 characters",
        )


def _moment(asked: Asked, now: datetime) -> datetime:
    if asked.at is not None and asked.at > now:
        raise UsageError(
            f"--at {instant(asked.at)} is yet to come: it is {instant(now)}",
            "leave --at out for the newest data",
        )
    return asked.moment or now


def _never_stored(asked: Asked, stored: Sequence[RecoveryPoint]) -> UsageError:
    names = sorted({p.lineage.source for p in stored})
    near = difflib.get_close_matches(asked.stack, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    where = f" in {short(asked.region)}" if asked.region else ""
    where += f" of {short(asked.account)}" if asked.account else ""
    places = sorted(
        {f"{p.lineage.region} of {p.lineage.account}" for p in stored if p.lineage.source == asked.stack}
    )
    if places:
        return UsageError(
            f"no stack named {short(asked.stack)!r} is stored{where}",
            f"it is stored in {', '.join(places[:10])}: correct --region or --account, or leave it out",
        )
    known = ", ".join(names[:10]) or "none"
    return UsageError(
        f"no stack named {short(asked.stack)!r} is stored{where}", f"{hint}stored stacks: {known}"
    )


def _no_second_look(_region: str, _sources: Collection[str]) -> Holdings:
    """For whoever restores nothing."""
    return Holdings()


@dataclass(frozen=True, slots=True, kw_only=True)
class Looks:
    """How points are looked for: `points` gives those of a Region, `again` those of some sources alone.

    A listing that AWS ends early shows no sign of it, and would bring back older data than there is. A tick gets over
    that, a restore does not: so it asks twice, in two ways, and takes what either shows (FAILURES 1.5, I14).
    """

    points: Callable[[str], Holdings]
    again: Callable[[str, Collection[str]], Holdings] = _no_second_look

    def of_stack(self, stack: StoredStack) -> tuple[RecoveryPoint, ...]:
        """Every point of the stack's Region that either look shows."""
        first = self.points(stack.region).points
        sources = _data_ids(stack) | {point.lineage.source for point in first if point.stack == stack.name}
        again = self.again(stack.region, sources).points
        return tuple({point.id: point for point in (*first, *again)}.values())


def _data_ids(stack: StoredStack) -> frozenset[str]:
    """The volumes and instances of a stack and of those nested in it, by the ids that they had."""
    below = (_data_ids(child) for child in stack.children.values())
    mine = frozenset(r.physical_id for r in stack.resources if r.physical_id.startswith(("vol-", "i-")))
    return mine.union(*below)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What a restore reads from; `bucket` is the staging bucket of the Region, None when there is none.

    `stored` are all stored stacks, for the one that an unfinished restore has begun from.
    """

    account: str
    looks: Looks
    store: StackStore
    stored: Sequence[RecoveryPoint]
    records: Records
    maker: StackMaker
    bucket: str | None


def prepare(
    version: RecoveryPoint, asked: Asked, configured: Configured, reader: Reader, now: datetime
) -> RestorePlan:
    """Read and plan. Raises `UsageError` (2) and `Refused` (4) as `plan_restore`, `CloudError` for what AWS refuses.

    Where an unfinished restore has begun to create the target, the plan is that one's: the same version and points.
    """
    name = asked.as_name or version.lineage.source
    journal = reader.records.begun(reader.account, version.lineage.region, name)
    begun = taken_up(name, asked.moment, journal, reader.maker)
    version = _begun_version(begun, reader.stored) or version
    plan = _plan(version, asked, configured, reader, begun or _Fresh(at=_moment(asked, now)))
    if begun is not None:
        return replace(plan, findings=(_goes_on(begun), *plan.findings))
    return replace(plan, findings=(*plan.findings, *preflight(plan, reader.maker)))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fresh:
    """A restore that nothing was begun of: the newest points at or before `at`."""

    at: datetime


def _begun_version(begun: Begun | None, stored: Sequence[RecoveryPoint]) -> RecoveryPoint | None:
    if begun is None:
        return None
    return next((p for p in stored if (p.id, p.lineage.policy) == (begun.stored, begun.policy)), None)


def _goes_on(begun: Begun) -> Finding:
    return Finding(
        level="warning",
        message=f"goes on with the restore of {instant(begun.began)}, from the points that were chosen then",
        remedy="let it; only for newer points, delete the stack that it began, and restore again",
    )


def _plan(
    version: RecoveryPoint, asked: Asked, configured: Configured, reader: Reader, begun: Begun | _Fresh
) -> RestorePlan:
    stack = _read(version, reader)
    version = replace(version, time=max(version.slot, stack.time))
    points = reader.looks.of_stack(stack)
    at = begun.at
    pinned = frozenset(begun.points) if isinstance(begun, Begun) else None
    bucket = reader.bucket
    choices = Choices(
        at=at,
        asked_at=asked.moment,
        pinned=pinned,
        as_name=asked.as_name,
        names=asked.names,
        user_data=asked.user_data,
        asked={name: Given(value=value, origin="--parameter") for name, value in asked.parameters.items()},
        configured=_configured(stack, asked, configured, reader.maker),
        image_for=_donors(stack, points, configured.image_for, Moment(at=at, pinned=pinned)),
        stage_url=(lambda digest: reader.maker.staged_url(bucket, digest)) if bucket else None,
    )
    exports, unknown = taken_exports(reader.maker)
    world = World(exports=exports, begun=pinned is not None)
    plan = plan_restore((version, stack), points, choices, world)
    return replace(plan, findings=(*plan.findings, *map(plan.masked, unknown)))


def _read(version: RecoveryPoint, reader: Reader) -> StoredStack:
    """The version. One that is refused is never passed over in silence: the newest sound one before it is named."""
    try:
        return reader.store.read(version)
    except Refused as error:
        raise Refused(error.message, f"{error.remedy}{_sound_before(version, reader)}") from error


def _sound_before(version: RecoveryPoint, reader: Reader) -> str:
    """How to restore the newest older version that holds together, with the newest data that goes with it."""
    stack = version.lineage._replace(policy="")
    older = [p for p in reader.stored if p.lineage._replace(policy="") == stack]
    after = version.slot
    for point in sorted(older, key=lambda p: (p.slot, p.lineage.policy), reverse=True):
        if point.slot >= version.slot:
            continue
        try:
            captured = reader.store.read(point).time
        except (Refused, CloudError, EnvironmentFailed):
            after = point.slot
            continue
        at = max(after - timedelta(seconds=1), _whole_second(captured))
        return f"; the version of {instant(point.slot)} before it is sound, and --at {time_text(at)} restores that"
    return ""


def _whole_second(moment: datetime) -> datetime:
    """The first whole second that is not before it."""
    return (moment + timedelta(microseconds=999_999)).replace(microsecond=0)


def _configured(
    stack: StoredStack, asked: Asked, configured: Configured, maker: StackMaker
) -> dict[str, Given]:
    """dr.yaml's values for the parameters that this stack has; a reference is read in the target Region."""
    names = {parameter.name for parameter in stack.parameters} - set(asked.parameters)
    return {
        name: _given(name, value, maker) for name, value in configured.parameters.items() if name in names
    }


def _given(name: str, value: str | SsmParameter, maker: StackMaker) -> Given:
    if isinstance(value, str):
        return Given(value=value, origin="dr.yaml")
    try:
        return Given(value=maker.ssm_parameter(value.name), origin=f"ssm:{value.name}")
    except NotFound as error:
        raise UsageError(
            f"restore.parameters.{name}: {error.message}",
            f"create the parameter {value.name}, or give the value with --parameter {name}=VALUE",
        ) from error


def _donors(
    stack: StoredStack, points: Sequence[RecoveryPoint], image_for: Mapping[str, str], moment: Moment
) -> dict[str, str]:
    """The image of each launch template or configuration of this stack that dr.yaml names one for."""
    mine = _logical_ids(stack)
    return {
        name: _donor(name, wanted, stack, points, moment)
        for name, wanted in image_for.items()
        if name in mine
    }


def _logical_ids(stack: StoredStack) -> frozenset[str]:
    below = (_logical_ids(child) for child in stack.children.values())
    return frozenset(r.logical_id for r in stack.resources).union(*below)


def _donor(
    name: str, wanted: str, stack: StoredStack, points: Sequence[RecoveryPoint], moment: Moment
) -> str:
    """An image id as it is; `newest`: of any instance of the stack; an instance id: of that instance."""
    if wanted.startswith("ami-"):
        return wanted
    images = [
        p
        for p in points
        if p.kind is Kind.IMAGE
        and (p.stack == stack.name if wanted == "newest" else p.lineage.source == wanted)
    ]
    best = moment.newest(images)
    if best is None:
        whose = f"an instance of {stack.name}" if wanted == "newest" else wanted
        raise Refused(
            f"image_for.{name}: no good image of {whose} at or before {instant(moment.at)}",
            f"{count(len(points), 'point')} are there (`dr points`); name an ami-... in dr.yaml, or leave the entry out",
        )
    return best.id
