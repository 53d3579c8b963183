"""Plan the restore of one version without carrying it out, and say what would stop it and what would be lost."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal

from dr.errors import (
    EXIT_ACTIONS,
    EXIT_FAILED,
    EXIT_REFUSED,
    CloudError,
    EnvironmentFailed,
    Fault,
    MissingValues,
    Refused,
    UsageError,
    fault_of,
)
from dr.model import RecoveryPoint
from dr.recovery.asked import Asked
from dr.stacks.rebirth import Finding
from dr.stacks.recovery_set import INSTANCE, VOLUME
from dr.stacks.restore import EmptyRow, RestorePlan

Verdict = Literal["restorable", "data-loss", "no"]
Make = Callable[[RecoveryPoint, Asked], RestorePlan]
"""Makes the plan of a version, as `dr restore --plan-only` does."""

_STANDS_IN = "dr-stands-in-for-a-value-that-is-missing"
"""For such a value, so that what else would stop the restore is found too. It is masked like any: no word of a text."""
_PROTECTS = {VOLUME: "volumes", INSTANCE: "instances"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """What planning a version came to. `made` says whether there is a plan; `captured` when it was captured."""

    verdict: Verdict | None
    faults: tuple[Fault, ...]
    made: bool = False
    captured: datetime | None = None


def try_version(version: RecoveryPoint, at: datetime | None, make: Make) -> Trial:
    """Plan the version, with its data as of `at`; None is now."""
    asked = Asked(stack=version.lineage.source, region=version.lineage.region, at=at)
    faults: list[Fault] = []
    plan = _plan(version, asked, make, faults)
    if plan is not None:
        faults += [*_findings(plan), *map(_empty, plan.empty)]
    return Trial(
        verdict=_verdict({fault.exit for fault in faults}),
        faults=tuple(dict.fromkeys(faults)),
        made=plan is not None,
        captured=None if plan is None else plan.stored.time,
    )


def as_of_an_older_version(trial: Trial) -> Trial:
    """The same, where a newer version is there to be restored: what stops this one is less, not all."""
    faults = (replace(f, exit=EXIT_ACTIONS) if f.exit == EXIT_REFUSED else f for f in trial.faults)
    return replace(trial, faults=tuple(faults))


def _plan(version: RecoveryPoint, asked: Asked, make: Make, faults: list[Fault]) -> RestorePlan | None:
    """The plan, None where there can be none; what stands in its way is added to the faults."""
    try:
        return make(version, asked)
    except MissingValues as error:
        faults.append(_stops(error))
        given = replace(asked, parameters=dict.fromkeys(error.names, _STANDS_IN))
        return None if asked.parameters else _plan(version, given, make, faults)
    except (UsageError, Refused) as error:
        faults.append(_stops(error))
    except (CloudError, EnvironmentFailed) as error:
        faults.append(fault_of(error))
    return None


def _stops(error: UsageError | Refused) -> Fault:
    return Fault(message=error.message, remedy=error.remedy, exit=EXIT_REFUSED)


def _findings(plan: RestorePlan) -> Iterator[Fault]:
    """Errors stop it; of the warnings those that stand for lost data and for what nobody could check."""
    exits = {"data": EXIT_ACTIONS, "unchecked": EXIT_FAILED}
    for finding in plan.findings:
        weight = EXIT_REFUSED if finding.level == "error" else exits.get(finding.about)
        if weight is not None:
            yield _fault(finding, weight)


def _fault(finding: Finding, weight: int) -> Fault:
    return Fault(message=finding.message, remedy=finding.remedy, exit=weight)


def _empty(row: EmptyRow) -> Fault:
    protects = _PROTECTS.get(row.type)
    return Fault(
        message=f"{row.logical_id} ({row.type}) comes up empty: there is no recovery point of its data",
        remedy=f"have a policy with `protect: {protects}` select it, then `dr apply`"
        if protects
        else "dr keeps no data of this type: keep copies of it by its own means",
        exit=EXIT_ACTIONS,
    )


def _verdict(exits: set[int]) -> Verdict | None:
    """None where something could not be asked, and nothing that could stops it."""
    if EXIT_REFUSED in exits:
        return "no"
    if EXIT_FAILED in exits:
        return None
    return "data-loss" if EXIT_ACTIONS in exits else "restorable"
