"""Which images and snapshots the resources of a template would be born from, as far as its values can be told.

What CloudFormation resolves by itself when the stack is created, SSM-typed parameters and dynamic references, is left
to it: what stands behind such a name today is not what the stored stack was given.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from dr.stacks.evaluate import NO_VALUE, UNKNOWN, Evaluator, Facts
from dr.stacks.template import Template, Tree, as_text, properties

_EACH = "*"
_ALONE = re.compile(r"\$\{([A-Za-z0-9]+)\}")
_DISKS = ("BlockDeviceMappings", _EACH, "Ebs", "SnapshotId")
_PLACES: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "AWS::EC2::Instance": (("ImageId",), _DISKS),
    "AWS::EC2::Volume": (("SnapshotId",),),
    "AWS::EC2::LaunchTemplate": (("LaunchTemplateData", "ImageId"), ("LaunchTemplateData", *_DISKS)),
    "AWS::AutoScaling::LaunchConfiguration": (("ImageId",), _DISKS),
}
"""Source: CloudFormation template reference, the properties of each type."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Birth:
    """One resource that needs an image or a snapshot to be there.

    `logical_id` of a nested resource is `Child/Logical`. `parameter` is the one that gives the id, None for none: of
    the template itself in what `births` yields, of the top stack in a plan.
    """

    logical_id: str
    type: str
    property: str
    id: str
    parameter: str | None = None


def births(
    template: Template, values: Mapping[str, str | None], pseudo: Mapping[str, str]
) -> Iterator[Birth]:
    """Every id of an image or snapshot that the template's present resources name."""
    evaluator = tellable(template, values, pseudo)
    names = {parameter.name for parameter in template.parameters()}
    for logical_id, resource in template.of_type(*_PLACES).items():
        if not evaluator.present(logical_id):
            continue
        kind = str(resource["Type"])
        for place in _PLACES[kind]:
            for path, value, written in _values(evaluator, properties(resource), place):
                if isinstance(value, str) and value.startswith(("ami-", "snap-")):
                    yield Birth(
                        logical_id=logical_id,
                        type=kind,
                        property=path,
                        id=value,
                        parameter=_parameter(written, names),
                    )


def tellable(template: Template, values: Mapping[str, str | None], pseudo: Mapping[str, str]) -> Evaluator:
    """Evaluate with these values, save for the parameters that CloudFormation looks up anew."""
    looked_up = {p.name for p in template.parameters() if p.type.startswith("AWS::SSM::Parameter::Value")}
    known = {name: value for name, value in values.items() if name not in looked_up}
    return Evaluator(template, Facts(parameters=known, pseudo=pseudo))


def passed(
    evaluator: Evaluator, nested: Mapping[str, Tree], parameters: Iterable[str]
) -> dict[str, str | None]:
    """The parameters that a nested stack is given by its parent, None where that cannot be told; `parameters` has all.

    One that it is not given is not there: it has its default.
    """
    given = evaluator.value(properties(nested).get("Parameters", {}))
    if not isinstance(given, dict):
        return dict.fromkeys(parameters)
    return {name: _text(value) for name, value in given.items()}


def handed_down(
    evaluator: Evaluator, nested: Mapping[str, Tree], origins: Mapping[str, str]
) -> dict[str, str]:
    """The parameters of a nested stack that a parameter of the top stack is passed through to, with that one's name.

    `origins` says the same of its parent.
    """
    given = evaluator.unfold(properties(nested).get("Parameters", {}))
    if not isinstance(given, dict):
        return {}
    found = {name: _parameter(written, origins.keys()) for name, written in given.items()}
    return {name: origins[own] for name, own in found.items() if own is not None}


def _text(value: Any) -> str | None:
    if isinstance(value, str | bool | int | float):
        return as_text(value)
    if isinstance(value, list) and all(isinstance(part, str) for part in value):
        return ",".join(value)
    return None


def _values(
    evaluator: Evaluator, tree: Tree, place: tuple[str, ...], path: str = ""
) -> Iterator[tuple[str, Any, Tree]]:
    """Everything at a place: its path for people, its value, and how it is written in the template."""
    if not place:
        yield path, evaluator.value(tree), tree
        return
    shape = evaluator.unfold(tree)
    if shape is UNKNOWN or shape is NO_VALUE:
        return
    step, rest = place[0], place[1:]
    if step == _EACH and isinstance(shape, list):
        for index, item in enumerate(shape):
            yield from _values(evaluator, item, rest, f"{path}[{index}]")
    elif isinstance(shape, dict) and step in shape:
        yield from _values(evaluator, shape[step], rest, f"{path}.{step}".lstrip("."))


def _parameter(written: Tree, names: Collection[str]) -> str | None:
    """The parameter that alone is this value: `!Ref Image`, `!Sub '${Image}'`."""
    if not isinstance(written, dict):
        return None
    name = written.get("Ref", written.get("Fn::Sub"))
    if "Fn::Sub" in written:
        alone = _ALONE.fullmatch(name) if isinstance(name, str) else None
        name = alone[1] if alone else None
    return name if isinstance(name, str) and name in names else None
