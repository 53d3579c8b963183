"""Stored stack + points + choices -> the plan of a restore. Pure: nothing here touches AWS.

    stored stack --choose--------> a recovery set for it and for each nested stack          recovery_set.py
                 --parameters----> a value for every parameter, each with its origin        parameters.py
                 --rewrite-------> templates born with that data, innermost first           rewrite.py
                 --preflight-----> what would stop it: exports that are taken or missing
                 => RestorePlan: what is shown, confirmed, and carried out as it stands

Names derive from the plan's digest, so that the same restore asked for again goes on where the first one stopped.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr.errors import Refused, UsageError
from dr.model import RecoveryPoint
from dr.stacks.births import Birth
from dr.stacks.bodies import Bodies, Choices, build
from dr.stacks.masking import without
from dr.stacks.parameters import ParameterChoice, choose_parameters
from dr.stacks.rebirth import Change, Finding
from dr.stacks.recovery_set import Chosen, Moment, RecoverySet, Unprotected, choose, nested_pattern, skew
from dr.stored import StoredStack

BODY_LIMIT = 51_200
"""Bytes of a TemplateBody. Source: CloudFormation API reference, CreateChangeSet, TemplateBody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DataRow:
    """One data resource of the plan: what it comes back from. `logical_id` of a nested one is `Child/Logical`."""

    logical_id: str
    type: str
    point: RecoveryPoint
    expected: tuple[str, ...]
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class EmptyRow:
    """A resource that comes up without data."""

    logical_id: str
    type: str


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    """What a restore has to know of the target Region: export name -> the stack that has it; None where nobody tells.

    `begun`: the target stack is there, made by this very restore, so that its exports may be its own.
    """

    exports: Mapping[str, str] | None = field(default_factory=dict)
    begun: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class RestorePlan:
    """A restore, ready to be shown and carried out.

    `staged` are the texts of nested templates, `donors` the images of launch templates, `births` all that the
    templates need to be there. `asked_at` is --at as it was given, None for now.
    """

    id: str
    stack: str
    name: str
    region: str
    stored: RecoveryPoint
    at: datetime
    asked_at: datetime | None
    template: str
    staged: tuple[str, ...]
    parameters: tuple[ParameterChoice, ...]
    capabilities: tuple[str, ...]
    tags: Mapping[str, str]
    role_arn: str | None
    notification_arns: tuple[str, ...]
    stack_policy: str | None
    termination_protection: bool
    data: tuple[DataRow, ...]
    donors: tuple[str, ...]
    births: tuple[Birth, ...]
    empty: tuple[EmptyRow, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    skew: int

    @property
    def pins(self) -> tuple[str, ...]:
        """Ids of all that it rests on, which must not expire while it runs."""
        chosen = {one for row in self.data for one in (row.point.id, *row.expected)}
        return tuple(sorted({self.stored.id, *chosen, *self.donors}))

    def without_secrets(self, text: str) -> str:
        """The text with the values of secret parameters masked."""
        return without(text, {p.value for p in self.parameters if p.secret})

    def masked(self, finding: Finding) -> Finding:
        """The finding without secrets: what AWS says may repeat a value that it was given (FAILURES I23)."""
        message, remedy = self.without_secrets(finding.message), self.without_secrets(finding.remedy)
        return replace(finding, message=message, remedy=remedy)

    @property
    def needs_staging(self) -> bool:
        """Whether the template is too large to be sent as a body."""
        return len(self.template.encode()) > BODY_LIMIT


def plan_restore(
    stored: tuple[RecoveryPoint, StoredStack],
    points: Sequence[RecoveryPoint],
    choices: Choices,
    world: World,
) -> RestorePlan:
    """Make the plan. Raises `UsageError` (2) for missing values and `Refused` (4) where no good point is in time."""
    point, stack = stored
    sets = _recovery_sets(stack, points, choices)
    _refuse_unreachable(sets)
    bodies = build(stack, sets, choices)
    template = bodies.top.template
    parameters = choose_parameters(template.parameters(), stack.parameters, choices.asked, choices.configured)
    if len(template.text.encode()) > BODY_LIMIT and choices.stage_url is None:
        raise UsageError(
            f"the template has {len(template.text.encode())} bytes; above {BODY_LIMIT} it has to go through S3",
            f"name a bucket in dr.yaml: staging_bucket: {{{stack.region}: BUCKET}}",
        )
    name = choices.as_name or stack.name
    return RestorePlan(
        id=_digest(point, name, template.text, parameters, sets),
        stack=stack.name,
        name=name,
        region=stack.region,
        stored=point,
        at=choices.at,
        asked_at=choices.asked_at,
        template=template.text,
        staged=bodies.staged,
        parameters=parameters,
        capabilities=stack.capabilities,
        tags={key: value for key, value in stack.tags.items() if not key.startswith("aws:")},
        role_arn=stack.role_arn,
        notification_arns=stack.notification_arns,
        stack_policy=stack.stack_policy,
        termination_protection=stack.termination_protection,
        data=_data_rows(sets, bodies),
        donors=tuple(sorted(set(choices.image_for.values()))),
        births=bodies.births,
        empty=_empty_rows(sets, bodies),
        changes=bodies.changes,
        findings=(
            *bodies.findings,
            *_preflight(stack, choices, world),
            *_bare_disks(sets),
            *_skew_finding(sets),
        ),
        skew=int(skew(list(sets.values())).total_seconds()),
    )


def _recovery_sets(
    stack: StoredStack, points: Sequence[RecoveryPoint], choices: Choices
) -> dict[str, RecoverySet]:
    """One set for each template: "" is the stack itself, `Child` and `Child/Grandchild` are nested ones."""
    found: dict[str, RecoverySet] = {}

    def walk(path: str, one: StoredStack, pattern: str) -> None:
        found[path] = choose(one, pattern, points, Moment(at=choices.at, pinned=choices.pinned))
        for logical_id, child in one.children.items():
            walk(_path(path, logical_id), child, nested_pattern(pattern, logical_id))

    walk("", stack, re.escape(stack.name))
    return found


def _refuse_unreachable(sets: Mapping[str, RecoverySet]) -> None:
    """A resource that has points, but none that is good and in time, stops the restore before any call."""
    lines = [
        f"{_path(path, row.logical_id)}: {row.why}" for path, one in sets.items() for row in one.unreachable
    ]
    if lines:
        raise Refused(
            "no good point in time for " + "; ".join(lines),
            "choose another moment with --at, or see what there is with `dr points`",
        )


def _path(path: str, logical_id: str) -> str:
    return f"{path}/{logical_id}" if path else logical_id


def _data_rows(sets: Mapping[str, RecoverySet], bodies: Bodies) -> tuple[DataRow, ...]:
    rows = [_row(path, chosen) for path, one in sets.items() for chosen in one.chosen if chosen.born_from]
    rows += [
        DataRow(
            logical_id=_path(path, logical_id),
            type="AWS::EC2::Volume",
            point=image,
            expected=(snapshot,),
            reason=f"no snapshot of its own; its disk in image {image.id}",
        )
        for path, logical_id, snapshot, image in bodies.from_images
    ]
    return tuple(row for row in rows if row.logical_id not in bodies.absent)


def _row(path: str, chosen: Chosen) -> DataRow:
    oldest = min(chosen.born_from, key=lambda point: (point.time, point.id))
    return DataRow(
        logical_id=_path(path, chosen.logical_id),
        type=chosen.type,
        point=oldest,
        expected=tuple(point.id for point in chosen.born_from),
        reason=chosen.reason,
    )


def _empty_rows(sets: Mapping[str, RecoverySet], bodies: Bodies) -> tuple[EmptyRow, ...]:
    reborn = {_path(path, logical_id) for path, logical_id, _, _ in bodies.from_images}
    rows = [
        EmptyRow(logical_id=_path(path, row.logical_id), type=row.type)
        for path, one in sets.items()
        for row in _without_data(one)
        if _path(path, row.logical_id) not in reborn
    ]
    return (*rows, *(EmptyRow(logical_id=where, type=kind) for where, kind in bodies.empty))


def _preflight(stack: StoredStack, choices: Choices, world: World) -> tuple[Finding, ...]:
    """Exports that another stack has taken, and imports that nobody exports (FAILURES 2, row 38)."""
    if world.exports is None:
        return ()
    findings = []
    tree = tuple(_tree(stack))
    exports = tuple(dict.fromkeys(name for one in tree for name in one.exports))
    imports = tuple(dict.fromkeys(name for one in tree for name in one.imports))
    if choices.mode == "keep" and not world.begun:
        own = f":stack/{choices.as_name or stack.name}/"  # that the target exists is told by itself, and once
        taken = [name for name in exports if own not in world.exports.get(name, own)]
        findings += [
            Finding(
                level="error",
                message=f"export {name} is taken by {world.exports[name]}",
                remedy="restore with --names suffix, or remove the other export first",
            )
            for name in taken
        ]
    findings += [
        Finding(
            level="error",
            message=f"the stack imports {name}, which nothing exports now",
            remedy="restore the stack that exports it first",
        )
        for name in imports
        if name not in world.exports and name not in exports
    ]
    return tuple(findings)


def _without_data(one: RecoverySet) -> tuple[Unprotected | Chosen, ...]:
    """What was never protected, and instances of which only the root disk was, which cannot come back by itself."""
    return (*one.unprotected, *(chosen for chosen in one.chosen if not chosen.born_from))


def _tree(stack: StoredStack) -> Iterator[StoredStack]:
    """The stack and all that are nested in it."""
    yield stack
    for child in stack.children.values():
        yield from _tree(child)


def _bare_disks(sets: Mapping[str, RecoverySet]) -> tuple[Finding, ...]:
    """Disks of an instance that no snapshot was ever taken of, while its others come back from theirs."""
    return tuple(
        Finding(
            level="warning",
            message=f"{_path(path, row.logical_id)}: its disk {device} was never protected and comes up as new",
            remedy="have a policy protect the instance, so that an image holds all of its disks",
            about="data",
        )
        for path, one in sets.items()
        for row in one.chosen
        for device in row.bare
    )


def _skew_finding(sets: Mapping[str, RecoverySet]) -> tuple[Finding, ...]:
    """Disks from different moments may not fit together: the plan says by how much."""
    apart = int(skew(list(sets.values())).total_seconds())
    if apart < 60:
        return ()
    message = f"the chosen points are up to {apart // 60} minutes apart: check what spans several of them"
    return (Finding(level="warning", message=message, remedy="choose a common moment with --at"),)


def _digest(
    stored: RecoveryPoint,
    name: str,
    template: str,
    parameters: Sequence[ParameterChoice],
    sets: Mapping[str, RecoverySet],
) -> str:
    """What makes two restores the same. Secret values are left out: a digest of one could be guessed."""
    facts = [
        stored.id,
        stored.lineage.policy,
        name,
        _sha(template),
        [(p.name, p.shown, p.origin) for p in parameters],
        sorted(point.id for one in sets.values() for row in one.chosen for point in row.points),
    ]
    return _sha(json.dumps(facts, ensure_ascii=True))


def _sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
