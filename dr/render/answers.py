"""`status`, `points` and `stacks` as text: one line a thing, columns that line up."""

from __future__ import annotations

from collections.abc import Sequence

from dr.actions import WarningCode
from dr.durations import Duration
from dr.model import Freeze, RecoveryPoint, StackVersion
from dr.planner.freezing import frozen_text
from dr.render.plans import warning_lines
from dr.status import Protected, Status
from dr.wire import stacks_document
from dr.words import clean, count, duration, instant, one_line


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Rows with their columns aligned; foreign text is made safe."""
    cells = [[clean(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(*cells, strict=True)] if cells else []
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]


def _place(account: str, region: str, *, several: bool) -> str:
    """Where something is; the account too where there are several."""
    return f"{account}/{region}" if several else region


def status_text(found: Status, *, several: bool = False) -> str:
    """What is protected and how old its newest point is, what is not, and what is left over."""
    lines = [
        *frozen_lines(found.frozen),
        f"Status at {instant(found.now)}: {_verdict(found)}",
        "",
    ]
    if found.sources:
        head = ("SOURCE", "REGION", "POLICY", "NEWEST GOOD", "AGE", "RPO", "NEXT SLOT")
        lines += [*table([head, *(_row(row, several=several) for row in found.sources)]), ""]
    if found.unprotected:
        rows = [
            (s.id, s.protect.value, _place(s.account, s.region, several=several)) for s in found.unprotected
        ]
        lines += [f"unprotected ({count(len(rows), 'source')})", *(f"  {line}" for line in table(rows)), ""]
    if found.orphans:
        left = [(p.id, p.lineage.policy, p.lineage.source, _home(p, several=several)) for p in found.orphans]
        title = f"orphans ({count(len(left), 'point')} whose policy or source does not exist; kept)"
        lines += [title, *(f"  {line}" for line in table(left)), ""]
    lines += warning_lines(found.warnings)
    return "\n".join(
        [*lines, f"{count(len(found.sources), 'source')} protected, {len(found.unprotected)} not."]
    )


def _verdict(found: Status) -> str:
    if found.ok:
        return "within its objectives"
    if any(row.within_rpo is False or row.failed for row in found.sources):
        return "OUT OF ITS OBJECTIVES"
    if any(warn.code is WarningCode.SELECTS_NOTHING for warn in found.warnings):
        return "NOT AS IT WAS ASKED FOR: a policy selects nothing, see the warnings"
    return "within its objectives AS FAR AS IT COULD BE SEEN: see the warnings"


def frozen_lines(freezes: Sequence[Freeze] | None) -> list[str]:
    """What a person should see before all else; nothing where nothing is frozen."""
    if freezes is None:
        return [
            "FROZEN? Whether anything is frozen cannot be told: nothing expires. The warnings say why.",
            "",
        ]
    told = [f"FROZEN: nothing of {_whose(one)} expires: {frozen_text(one)}" for one in freezes]
    return [*told, ""] if told else []


def _whose(freeze: Freeze) -> str:
    return f"policy {freeze.policy}" if freeze.policy else "any policy"


def _home(point: RecoveryPoint, *, several: bool) -> str:
    return _place(point.lineage.account, point.lineage.region, several=several)


def _row(row: Protected, *, several: bool) -> tuple[str, ...]:
    return (
        row.source.id,
        _place(row.source.account, row.source.region, several=several),
        row.policy,
        row.newest.id if row.newest else "none",
        _age(row),
        duration(row.rpo) if row.rpo is not None else "-",
        instant(row.next_slot) if row.next_slot else "-",
    )


def _age(row: Protected) -> str:
    """The age; to the second where it would read as its own objective although it is late."""
    if row.age is None:
        age = "none"
    elif row.within_rpo is False and row.rpo is not None and duration(row.age) == duration(row.rpo):
        age = str(Duration(seconds=row.age))
    else:
        age = duration(row.age)
    return age + (" LATE" if row.within_rpo is False else "")


def points_text(points: Sequence[RecoveryPoint], *, whole: bool, several: bool = False) -> str:
    """One line a point, newest slot first; `whole` says whether these are all that there are."""
    if not points:
        return "No recovery points." if whole else "No recovery points could be read."
    head = ("SLOT", "ID", "KIND", "POLICY", "SOURCE", "REGION", "STATE", "TIME OF DATA", "")
    return "\n".join(
        [*table([head, *(_point(p, several=several) for p in points)]), "", f"{count(len(points), 'point')}."]
    )


def _point(p: RecoveryPoint, *, several: bool) -> tuple[str, ...]:
    at, lineage = instant(p.slot), p.lineage
    held = "held" if p.hold else ""
    return (
        at,
        p.id,
        p.kind,
        lineage.policy,
        lineage.source,
        _home(p, several=several),
        p.state,
        instant(p.time),
        held,
    )


def stacks_text(stored: Sequence[RecoveryPoint], *, several: bool = False) -> str:
    """One line a stored stack."""
    rows = stacks_document(stored)["stacks"]
    if not rows:
        return "No stored stacks: a policy with `protect: stacks` and `dr apply` keep them."
    head = ("STACK", "REGION", "VERSIONS", "NEWEST SLOT")
    return "\n".join(
        table(
            [
                head,
                *(
                    (
                        r["name"],
                        _place(r["account"], r["region"], several=several),
                        str(r["versions"]),
                        r["newest"],
                    )
                    for r in rows
                ),
            ]
        )
    )


def stack_text(name: str, versions: Sequence[StackVersion], *, several: bool = False) -> str:
    """One line a version, newest first; one that cannot be read says so in the place of its digest."""
    head = ("SLOT", "STORED", "POLICY", "REGION", "TEMPLATE SHA-256")
    rows = [_version(version, several=several) for version in versions]
    return "\n".join([f"Stack {clean(name)}", *table([head, *rows])])


def _version(version: StackVersion, *, several: bool) -> tuple[str, ...]:
    p, fault = version.point, version.fault
    read = f"cannot be read: {one_line(fault.message)}" if fault else version.template_sha256 or "-"
    return (instant(p.slot), instant(p.time), p.lineage.policy, _home(p, several=several), read)
