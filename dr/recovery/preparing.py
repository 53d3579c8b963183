"""Everything that has to be read before a restore can be planned. Reads only; nothing is changed.

One store is read: the source Region may be dead (DESIGN 8). What is missing is found here, before any changing call.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from dr.config import SsmParameter
from dr.errors import NotFound, Refused, UsageError
from dr.model import Kind, RecoveryPoint, State
from dr.ports import Cloud, StackMaker, StackStore
from dr.stacks.bodies import Choices
from dr.stacks.names import Mode
from dr.stacks.parameters import Given
from dr.stacks.rebirth import UserData
from dr.stacks.restore import RestorePlan, World, plan_restore
from dr.stored import StoredStack
from dr.words import count, instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What a person asks for. `at` None is now; `region` None is wherever the one stored stack of the name is."""

    stack: str
    at: datetime | None = None
    as_name: str | None = None
    region: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    names: Mode | None = None
    user_data: UserData = "keep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Configured:
    """What dr.yaml says of restores."""

    parameters: Mapping[str, str | SsmParameter] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)


def choose_version(stored: Sequence[RecoveryPoint], asked: Asked, now: datetime) -> RecoveryPoint:
    """The newest stored version of the stack at or before the moment asked for.

    Raises `UsageError` for a stack that was never stored, `Refused` when every version is younger.
    """
    mine = [p for p in stored if p.lineage.source == asked.stack and asked.region in (None, p.lineage.region)]
    if not mine:
        raise _never_stored(asked, stored)
    regions = sorted({p.lineage.region for p in mine})
    if len(regions) > 1:
        raise UsageError(f"{asked.stack} is stored from {', '.join(regions)}", f"add --region {regions[0]}")
    at = asked.at or now
    in_time = [p for p in mine if p.time <= at]
    if not in_time:
        first = min(p.time for p in mine)
        raise Refused(
            f"no version of {asked.stack} was stored at or before {instant(at)}: the first is of {instant(first)}",
            f"choose a moment from then on, or see `dr stacks {asked.stack}`",
        )
    return max(in_time, key=lambda p: (p.time, p.slot, p.lineage.policy))


def _never_stored(asked: Asked, stored: Sequence[RecoveryPoint]) -> UsageError:
    names = sorted({p.lineage.source for p in stored})
    near = difflib.get_close_matches(asked.stack, names, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    where = f" in {asked.region}" if asked.region else ""
    known = ", ".join(names[:10]) or "none"
    return UsageError(f"no stack named {asked.stack!r} is stored{where}", f"{hint}stored stacks: {known}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reader:
    """What a restore reads from; `bucket` is the staging bucket of the Region, None when there is none."""

    cloud: Cloud
    store: StackStore
    maker: StackMaker
    bucket: str | None


def prepare(
    version: RecoveryPoint, asked: Asked, configured: Configured, reader: Reader, now: datetime
) -> RestorePlan:
    """Read and plan. Raises `UsageError` (2) and `Refused` (4) as `plan_restore`, `CloudError` for what AWS refuses."""
    stack = reader.store.read(version)
    points = reader.cloud.points(version.lineage.region).points
    at = asked.at or now
    bucket = reader.bucket
    choices = Choices(
        at=at,
        as_name=asked.as_name,
        names=asked.names,
        user_data=asked.user_data,
        asked={name: Given(value=value, origin="--parameter") for name, value in asked.parameters.items()},
        configured=_configured(stack, asked, configured, reader.maker),
        image_for=_donors(stack, points, configured.image_for, at),
        stage_url=(lambda digest: reader.maker.staged_url(bucket, digest)) if bucket else None,
    )
    return plan_restore((version, stack), points, choices, World(exports=reader.maker.exports()))


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
    stack: StoredStack, points: Sequence[RecoveryPoint], image_for: Mapping[str, str], at: datetime
) -> dict[str, str]:
    """The image of each launch template or configuration that dr.yaml names one for."""
    return {name: _donor(name, wanted, stack, points, at) for name, wanted in image_for.items()}


def _donor(name: str, wanted: str, stack: StoredStack, points: Sequence[RecoveryPoint], at: datetime) -> str:
    """An image id as it is; `newest`: of any instance of the stack; an instance id: of that instance."""
    if wanted.startswith("ami-"):
        return wanted
    images = [
        p
        for p in points
        if p.kind is Kind.IMAGE
        and p.state is State.GOOD
        and p.time <= at
        and (p.stack == stack.name if wanted == "newest" else p.lineage.source == wanted)
    ]
    if not images:
        whose = f"an instance of {stack.name}" if wanted == "newest" else wanted
        raise Refused(
            f"image_for.{name}: no good image of {whose} at or before {instant(at)}",
            f"{count(len(points), 'point')} are there (`dr points`); name an ami-... in dr.yaml, or leave the entry out",
        )
    return max(images, key=lambda p: (p.time, p.id)).id
