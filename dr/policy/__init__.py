"""Policy files -> policies (DESIGN 4): all faults of all files at once, each with its place.

    [(file, bytes)] --documents.read--> Document --reading--> Policy, or faults --here--> names distinct over all files

AWS is not asked. A file with a fault gives no policy, and `parse_policies` gives none at all then: half of what was
written is something else than what was written.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from dr.documents import read_bytes
from dr.documents.fields import written
from dr.documents.wording import quoted
from dr.errors import InvalidDocuments, Problem
from dr.model import Policy
from dr.policy.reading import Context, Reading, read_policy

PATTERNS = (".yaml", ".yml")
"""How the name of a policy file ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """What a set of policy files came to: the sound policies, and every fault of the others."""

    policies: tuple[Policy, ...]
    problems: tuple[Problem, ...]


def is_policy_file(name: str) -> bool:
    """Tell by its name whether a file of the folder holds a policy. Hidden ones are an editor's."""
    return name.endswith(PATTERNS) and not name.startswith(".")


def check_policies(
    files: Iterable[tuple[str, bytes]],
    default_regions: Sequence[str] | None,
    now: datetime | None,
    folder: str = "policies",
) -> Checked:
    """Read all files, in the order of their names. Never raises for what they hold.

    `default_regions` are dr.yaml's, None when dr.yaml itself is unsound and so nothing can be said. With `now` a
    schedule that has no slot any more is a fault (`dr validate`); a tick gives None: an `at(...)` that was carried
    out must not stop everything else. `folder` is named when there is no file at all.
    """
    context = Context(regions=None if default_regions is None else tuple(default_regions), now=now)
    readings = [read_policy(read_bytes(data, file), context) for file, data in sorted(files)]
    if not readings:
        return Checked(policies=(), problems=(_none_in(folder),))
    _refuse_doubles(readings)
    return Checked(
        policies=tuple(r.policy for r in readings if r.policy is not None and not r.faults),
        problems=tuple(problem for r in readings for problem in r.faults.problems),
    )


def parse_policies(
    files: Iterable[tuple[str, bytes]],
    default_regions: Sequence[str],
    now: datetime | None = None,
    folder: str = "policies",
) -> tuple[Policy, ...]:
    """As `check_policies`; raises InvalidDocuments with every fault there is."""
    checked = check_policies(files, default_regions, now, folder)
    if checked.problems:
        raise InvalidDocuments(checked.problems)
    return checked.policies


def _none_in(folder: str) -> Problem:
    what = "no policies here (*.yaml, *.yml); write one, or let `dr init` write a first one"
    return Problem(file=folder, line=1, column=1, message=what)


def _refuse_doubles(readings: Sequence[Reading]) -> None:
    """A policy's name is in the tags of its points: two policies of one name would expire each other's."""
    first: dict[str, str] = {}
    for reading in readings:
        field = reading.name
        if field is None:
            continue
        name, at = written(field), field.node.position
        if name in first:
            field.fault(f"the name {quoted(name)} is taken by {first[name]}; choose another")
        first.setdefault(name, f"{reading.faults.file}:{at.line}:{at.column}")
