"""Values that stacks of one account and Region share by name.

Source: CloudFormation user guide, "Fn::ImportValue": names are unique in a Region; a stack whose export is referenced
cannot be deleted, and the export can be neither changed nor removed.
"""

from __future__ import annotations

from typing import Any

from dr.sandbox.corrections.cloudformation import state
from dr.sandbox.corrections.cloudformation.faults import Fault, Stuck
from dr.sandbox.corrections.cloudformation.state import Region, Stack


def import_value(stack: Stack, name: str) -> Any:
    """The value of an export; it stays in use while the importing stack lives."""
    for owner, output in _all(state.of(stack.account, stack.region)):
        if output["ExportName"] == name:
            if owner.id == stack.id:
                break
            stack.imports.add(name)
            return output["OutputValue"]
    raise Stuck(f"No export named {name} found.")


def refuse_taken(stack: Stack, outputs: list[dict[str, Any]]) -> None:
    """Raise Stuck when another stack exports one of these names."""
    taken = {
        output["ExportName"]: owner
        for owner, output in _all(state.of(stack.account, stack.region))
        if owner.id != stack.id
    }
    for output in outputs:
        if (name := output.get("ExportName")) in taken:
            raise Stuck(f"Export with name {name} is already exported by stack {taken[name].name}")


def in_use(stack: Stack, kept: list[dict[str, Any]] | None = None) -> str | None:
    """Why this stack's exports cannot become `kept` (none of them when it is deleted), or None when they can."""
    still = {output["ExportName"]: output["OutputValue"] for output in kept or [] if "ExportName" in output}
    for output in stack.outputs:
        name = output.get("ExportName")
        if name is None or (name in still and still[name] == output["OutputValue"]):
            continue
        if users := [user.name for user in _importers(state.of(stack.account, stack.region), name)]:
            verb = "update" if name in still else "delete"
            return f"Cannot {verb} export {name} as it is in use by {', '.join(users)}."
    return None


def listed(region: Region) -> list[dict[str, Any]]:
    """As ListExports gives them."""
    found = [
        {"ExportingStackId": stack.id, "Name": output["ExportName"], "Value": output["OutputValue"]}
        for stack, output in _all(region)
    ]
    return sorted(found, key=lambda export: export["Name"])


def importers(region: Region, name: str) -> list[str]:
    """As ListImports gives them; refuse an export that nobody imports."""
    if users := [stack.name for stack in _importers(region, name)]:
        return users
    raise Fault(f"Export '{name}' is not imported by any stack.")


def _all(region: Region) -> list[tuple[Stack, dict[str, Any]]]:
    return [
        (stack, output)
        for stack in region.stacks.values()
        if stack.deleted is None
        for output in stack.outputs
        if "ExportName" in output
    ]


def _importers(region: Region, name: str) -> list[Stack]:
    return [stack for stack in region.stacks.values() if stack.deleted is None and name in stack.imports]
