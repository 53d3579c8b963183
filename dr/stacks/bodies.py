"""The templates of a restore: rewritten innermost first, because a parent names its children's templates.

A nested template is always staged from the store: whatever its old URL holds today need not be what was captured.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from dr.errors import Refused, UsageError
from dr.model import ImageDevice, RecoveryPoint
from dr.stacks.births import Birth, births, handed_down, passed, tellable
from dr.stacks.evaluate import Evaluator, Facts
from dr.stacks.names import Mode, explicit_names, rename
from dr.stacks.parameters import Given
from dr.stacks.rebirth import Change, Finding, InstanceRebirth, Rebirth, Rewritten, UserData, VolumeRebirth
from dr.stacks.recovery_set import INSTANCE, VOLUME, Chosen, RecoverySet
from dr.stacks.rewrite import rewrite
from dr.stacks.stateful import comes_up_empty
from dr.stacks.template import Template, parse_template
from dr.stacks.transforms import has_macros, without_transform
from dr.stored import StackResource, StoredStack


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What a person chose for a restore. `stage_url` gives the URL that a staged text will have, by its SHA-256.

    `asked_at` is --at as it was given, None for now. `pinned` are the points of a restore that goes on: no others.
    """

    at: datetime
    asked_at: datetime | None = None
    pinned: frozenset[str] | None = None
    as_name: str | None = None
    names: Mode | None = None
    user_data: UserData = "keep"
    asked: Mapping[str, Given] = field(default_factory=dict)
    configured: Mapping[str, Given] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)
    stage_url: Callable[[str], str] | None = None

    @property
    def mode(self) -> Mode:
        """How explicit names are treated: kept for a lost stack, suffixed beside a living one (DESIGN 8)."""
        return self.names or ("suffix" if self.as_name else "keep")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bodies:
    """The rewritten templates. `from_images` is (path, logical id, snapshot, image) of volumes born from an image.

    `absent` are resources with data whose condition does not hold, a nested one as `Child/Logical`.
    """

    top: Rewritten
    staged: tuple[str, ...]
    changes: tuple[Change, ...]
    findings: tuple[Finding, ...]
    empty: tuple[tuple[str, str], ...]
    from_images: tuple[tuple[str, str, str, RecoveryPoint], ...]
    absent: frozenset[str]
    births: tuple[Birth, ...]


def build(stack: StoredStack, sets: Mapping[str, RecoverySet], choices: Choices) -> Bodies:
    """Rewrite the stack's template and those of its nested stacks."""
    work = _Work(sets=sets, choices=choices)
    given = _given(stack, choices)
    top = work.one("", stack, _Values(given=given, origins={name: name for name in given}))
    return Bodies(
        top=top,
        staged=tuple(work.staged),
        changes=tuple(work.changes),
        findings=tuple(work.findings),
        empty=tuple(work.empty),
        from_images=tuple(work.from_images),
        absent=frozenset(work.absent),
        births=tuple(work.births),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Values:
    """The values of one template's parameters in this restore, None where one is not known.

    `origins` leads from those that are a parameter of the top stack, passed through, to that one's name.
    """

    given: Mapping[str, str | None]
    origins: Mapping[str, str]

    def origin(self, parameter: str | None) -> str | None:
        """What to give with --parameter for another value of this one."""
        return None if parameter is None else self.origins.get(parameter)

    def below(self, evaluator: Evaluator, nested: Mapping[str, Any], child: StoredStack) -> _Values:
        """The values of a stack that is nested in this one."""
        given = passed(evaluator, nested, [parameter.name for parameter in child.parameters])
        return _Values(given=given, origins=handed_down(evaluator, nested, self.origins))


@dataclass(slots=True, kw_only=True)
class _Work:
    """Collects what the templates of one tree come to."""

    sets: Mapping[str, RecoverySet]
    choices: Choices
    staged: list[str] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    empty: list[tuple[str, str]] = field(default_factory=list)
    from_images: list[tuple[str, str, str, RecoveryPoint]] = field(default_factory=list)
    absent: list[str] = field(default_factory=list)
    births: list[Birth] = field(default_factory=list)

    def one(self, path: str, stack: StoredStack, values: _Values) -> Rewritten:
        """Rewrite one template."""
        template = _source(stack)
        facts = _facts(stack, values, self.choices)
        evaluator = tellable(template, values.given, facts.pseudo)
        urls = {
            name: self._child(
                _below(path, name), child, values.below(evaluator, template.resources().get(name, {}), child)
            )
            for name, child in stack.children.items()
        }
        chosen = self.sets[path]
        images = {c.logical_id: c.points[0] for c in chosen.chosen if c.type == INSTANCE and not c.devices}
        launch = _images_for(template, self.choices.image_for)
        rewritten = rewrite(template, facts, _rebirth(stack, chosen, urls, launch, self.choices.user_data))
        self.changes += rewritten.changes
        self.findings += rewritten.findings
        self.absent += (_below(path, name) for name in rewritten.absent)
        if self.choices.mode == "keep" and self.choices.pinned is None:
            self.findings += _left_behind(path, template, facts)
        self.empty += [(_below(path, name), kind) for name, kind in comes_up_empty(template, facts)]
        for logical_id, volume in rewritten.from_images.items():
            image = _owner(volume.snapshot, images)
            if image is not None:
                self.from_images.append((path, logical_id, volume.snapshot, image))
        renamed = rename(rewritten.template, self.choices.mode, _suffix(self.choices))
        self.births += (
            replace(one, logical_id=_below(path, one.logical_id), parameter=values.origin(one.parameter))
            for one in births(renamed, values.given, facts.pseudo)
        )
        return replace(rewritten, template=renamed)

    def _child(self, path: str, child: StoredStack, values: _Values) -> str:
        text = self.one(path, child, values).template.text
        if self.choices.stage_url is None:
            raise UsageError(
                f"{path} is a nested stack: its template has to go through S3",
                f"name a bucket in dr.yaml: staging_bucket: {{{child.region}: BUCKET}}",
            )
        self.staged.append(text)
        return self.choices.stage_url(hashlib.sha256(text.encode()).hexdigest())


def _left_behind(path: str, template: Template, facts: Facts) -> Iterator[Finding]:
    """Names that a resource of the lost stack may hold still, because it was retained when the stack was deleted.

    Source: CloudFormation template reference, DeletionPolicy.
    """
    evaluator = Evaluator(template, facts)
    for found in explicit_names(template):
        resource = template.resources().get(found.logical_id, {})
        retained = resource.get("DeletionPolicy") in ("Retain", "RetainExceptOnCreate")
        if found.type == "Export" or not retained or not evaluator.present(found.logical_id):
            continue
        yield Finding(
            level="warning",
            message=f"{_below(path, found.logical_id)} keeps its {found.property}, and what the lost stack retained "
            f"under that name ({found.type}) stops the restore if it is there still",
            remedy="look for it first; keep its data and remove or rename it, or restore with --names suffix",
        )


def _below(path: str, name: str) -> str:
    return f"{path}/{name}" if path else name


def _source(stack: StoredStack) -> Template:
    """The original template, or what its macros made of it (DESIGN 8)."""
    original = parse_template(stack.template, stack.name)
    if not has_macros(original):
        return original
    if stack.processed is None:
        raise Refused(
            f"{stack.name} uses macros and its processed template was not stored",
            "choose another version with --at",
        )
    return without_transform(parse_template(stack.processed, stack.name))


def _given(stack: StoredStack, choices: Choices) -> dict[str, str | None]:
    """The parameters of the top stack. A resolved SSM value counts unless the restore gives another name."""
    given = {**choices.configured, **choices.asked}
    return _stored(stack) | {p.name: given[p.name].value for p in stack.parameters if p.name in given}


def _stored(stack: StoredStack) -> dict[str, str | None]:
    return {p.name: p.resolved or p.value for p in stack.parameters}


def _facts(stack: StoredStack, values: _Values, choices: Choices) -> Facts:
    """What the template's conditions see: what it is given, and what it had where nobody can tell what that is."""
    told = {name: value for name, value in values.given.items() if value is not None}
    return Facts(
        parameters=_stored(stack) | told,
        pseudo={
            "AWS::Region": stack.region,
            "AWS::AccountId": stack.account,
            "AWS::StackName": choices.as_name or stack.name,
            "AWS::Partition": _partition(stack.region),
            "AWS::URLSuffix": "amazonaws.com.cn" if stack.region.startswith("cn-") else "amazonaws.com",
        },
    )


def _partition(region: str) -> str:
    prefixes = {"cn-": "aws-cn", "us-gov-": "aws-us-gov"}
    return next((name for prefix, name in prefixes.items() if region.startswith(prefix)), "aws")


def _rebirth(
    stack: StoredStack,
    chosen: RecoverySet,
    urls: Mapping[str, str],
    launch: Mapping[str, str],
    user_data: UserData,
) -> Rebirth:
    resources = {resource.logical_id: resource for resource in stack.resources}
    return Rebirth(
        volumes={c.logical_id: _volume(c.points[0]) for c in chosen.chosen if c.type == VOLUME},
        instances={
            c.logical_id: _instance(c, resources[c.logical_id]) for c in chosen.chosen if c.type == INSTANCE
        },
        volume_ids=chosen.volume_ids,
        image_for=launch,
        template_urls=urls,
        user_data=user_data,
    )


def _images_for(template: Template, image_for: Mapping[str, str]) -> dict[str, str]:
    """The entries of `image_for` that concern this template: dr.yaml holds those of every stack."""
    return {name: image for name, image in image_for.items() if name in template.resources()}


def _volume(point: RecoveryPoint) -> VolumeRebirth:
    return VolumeRebirth(snapshot=point.id, size=point.size or 1, encrypted=point.encrypted)


def _instance(chosen: Chosen, resource: StackResource) -> InstanceRebirth:
    live = {str(d["Device"]): str(d["VolumeId"]) for d in resource.facts.get("Devices", ())}
    if not chosen.devices:
        return InstanceRebirth(image=chosen.points[0].id, devices=chosen.points[0].devices, live=live)
    by_id = {point.id: point for point in chosen.points}
    root = str(resource.facts.get("RootDeviceName", ""))
    devices = tuple(_device(name, by_id[point], root) for name, point in chosen.devices.items())
    return InstanceRebirth(image=None, devices=devices, live=live)


def _device(name: str, point: RecoveryPoint, root: str) -> ImageDevice:
    size = point.size or 1
    return ImageDevice(
        device=name, snapshot=point.id, size=size, encrypted=point.encrypted, root=name == root
    )


def _owner(snapshot: str, images: Mapping[str, RecoveryPoint]) -> RecoveryPoint | None:
    return next((image for image in images.values() if snapshot in image.parts), None)


def _suffix(choices: Choices) -> str:
    return f"-{(choices.as_name or 'restored').lower()}"
