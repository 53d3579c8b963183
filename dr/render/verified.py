"""The answer of `dr verify`, as text and as the JSON of the contract (DESIGN 9)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dr.errors import EXIT_DONE, Fault
from dr.store.looking import StoreFound
from dr.verify import StackVerified, Verified, VersionVerified
from dr.wire import time_text
from dr.words import clean, count, instant, one_line

_VERDICTS = {
    "restorable": "restorable",
    "data-loss": "DATA LOSS: it would come back without some of its data",
    "no": "NO: it would not restore",
    None: "not known",
}


def verify_text(found: Verified) -> str:
    """Each store, then each stack with its verdict, and its account where there are several; what is wrong and what to do."""
    several = len({stack.account for stack in found.stacks}) > 1
    lines = [*_faults(found.faults, ""), "Stores"]
    for store in found.stores:
        lines += [f"  {clean(store.name)}: {_store(store)}", *_faults(store.faults, "    ")]
    for stack in found.stacks:
        lines += ["", *_stack(stack, several=several)]
    return "\n".join([*lines, "", _summary(found)])


def _store(store: StoreFound) -> str:
    read = f"{count(store.manifests, 'manifest')} and {count(store.templates, 'template')} read"
    return read if store.reachable else f"OUT OF REACH, {read}"


def _stack(stack: StackVerified, *, several: bool) -> list[str]:
    where = f"{clean(stack.account)}/{clean(stack.region)}" if several else clean(stack.region)
    head = f"Stack {clean(stack.name)} in {where}: {_VERDICTS[stack.verdict]}"
    lines = [head, *_faults(stack.reasons, "  ")]
    bad = [version for version in stack.versions if not version.ok]
    for version in bad:
        more = [fault for fault in version.faults if fault not in stack.reasons]
        lines += [f"  version {instant(version.point.slot)} of policy {clean(version.point.lineage.policy)}"]
        lines += _faults(more, "    ") or ["    as above"]
    whole = len(stack.versions) - len(bad)
    return [*lines, f"  {count(whole, 'version')} of {len(stack.versions)} without a fault"]


def _faults(faults: Sequence[Fault], indent: str) -> list[str]:
    rows = []
    for fault in faults:
        rows.append(f"{indent}- {one_line(fault.message)}")
        if fault.remedy:
            rows.append(f"{indent}    what to do: {clean(fault.remedy)}")
    return rows


def _summary(found: Verified) -> str:
    depth = "everything was read, every version planned" if found.deep else "newest versions; all: --deep"
    if found.exit_code == EXIT_DONE:
        return f"All is well ({depth})."
    good = sum(stack.verdict == "restorable" for stack in found.stacks)
    return f"NOT ALL IS WELL: {good} of {count(len(found.stacks), 'stack')} restorable ({depth})."


def verify_document(found: Verified) -> dict[str, Any]:
    """The JSON of `verify`."""
    return {
        "ok": found.exit_code == EXIT_DONE,
        "deep": found.deep,
        "problems": _problems(found.faults),
        "stores": [
            {
                "name": store.name,
                "reachable": store.reachable,
                "manifests": store.manifests,
                "templates": store.templates,
                "problems": _problems(store.faults),
            }
            for store in found.stores
        ],
        "stacks": [_stack_document(stack) for stack in found.stacks],
    }


def _stack_document(stack: StackVerified) -> dict[str, Any]:
    return {
        "name": stack.name,
        "account": stack.account,
        "region": stack.region,
        "verdict": stack.verdict,
        "reasons": _problems(stack.reasons),
        "versions": [_version_document(version) for version in stack.versions],
    }


def _version_document(version: VersionVerified) -> dict[str, Any]:
    return {
        "id": version.point.id,
        "policy": version.point.lineage.policy,
        "slot": time_text(version.point.slot),
        "ok": version.ok,
        "planned": version.planned,
        "problems": _problems(version.faults),
    }


def _problems(faults: Sequence[Fault]) -> list[dict[str, Any]]:
    return [
        {"message": one_line(fault.message), "remedy": fault.remedy, "exit": fault.exit} for fault in faults
    ]
