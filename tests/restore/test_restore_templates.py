"""Templates in the shapes of real stacks: captured, restored as a copy, and AWS is asked what came of it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "templates"))
from template_catalogue import CASES, FOLDER

TRICKY = {"big.yaml", "nested-parent.yaml", "no-echo.yaml", "volumes-property.yaml"}
BY_FILE = {case.file: case for case in CASES}
DATA = ("AWS::EC2::Volume", "AWS::EC2::Instance")


def sampled(cases):
    """A third and the tricky ones in `make test`, the rest with the marker `long`."""
    return [
        pytest.param(
            case, id=case.id, marks=() if not number % 3 or case.file in TRICKY else (pytest.mark.long,)
        )
        for number, case in enumerate(cases)
    ]


def deploy(world, case, name):
    if case.after:
        deploy(world, BY_FILE[case.after], "before")
    image = world.image()
    for key, value in case.ssm.items():
        world.ssm.put_parameter(Name=key, Value=value.replace("{image}", image), Type="String")
    world.create(
        name,
        case.text,
        {key: filled(world, value, image) for key, value in case.parameters.items()},
        Capabilities=list(case.capabilities),
    )


def filled(world, value, image):
    if value.startswith("{child:"):
        file = value[len("{child:") : -1]
        return world.upload(file, (FOLDER / file).read_text())
    return value.replace("{image}", image)


def secrets(case):
    return {"DbPassword": case.parameters["DbPassword"]} if "DbPassword" in case.parameters else {}


def types(tree):
    """Types by path: what is compared of two stacks."""
    return {path: kind for path, (kind, _) in tree.items()}


@pytest.mark.parametrize("case", sampled(CASES))
def test_i13_i14_a_template_comes_back_beside_its_stack_with_the_newest_good_points(world, case):
    deploy(world, case, "origin")
    world.protect("origin", times=2)
    before, parameters = world.described("origin"), world.parameters("origin")
    source = world.tree("origin")
    wanted = {path: world.newest(kind, one) for path, (kind, one) in source.items() if kind in DATA}

    restored = world.restore("origin", as_name="copy", parameters=secrets(case))

    assert (restored.ok, restored.status) == (True, "CREATE_COMPLETE"), restored
    copy = world.tree("copy")
    assert types(source) == types(copy)
    assert parameters == world.parameters("copy")
    found = {path: world.born_from(kind, one) for path, (kind, one) in copy.items() if kind in DATA}
    assert wanted == found
    assert set(wanted) == {row.row.logical_id for row in restored.data}
    assert before == world.described("origin")


OWN_NAME = (
    "nested-parent.yaml",
    "names.yaml",
    *(pytest.param(file, marks=pytest.mark.long) for file in ("web-and-data.yaml", "conditions.yaml")),
)


@pytest.mark.parametrize("file", OWN_NAME)
def test_a_lost_stack_comes_back_under_its_own_name(world, file):
    deploy(world, BY_FILE[file], "origin")
    world.protect("origin", times=2)
    source, parameters = world.tree("origin"), world.parameters("origin")
    wanted = {path: world.newest(kind, one) for path, (kind, one) in source.items() if kind in DATA}
    world.delete("origin")

    restored = world.restore("origin")

    assert restored.ok, restored
    back = world.tree("origin")
    assert types(source) == types(back)
    assert parameters == world.parameters("origin")
    assert wanted == {path: world.born_from(kind, one) for path, (kind, one) in back.items() if kind in DATA}
