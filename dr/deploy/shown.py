"""Deployments as text and JSON."""

from __future__ import annotations

from typing import Any

from dr.aws.deployer import ChangeRow
from dr.deploy.deploying import Proposed
from dr.words import clean, count

_SIGNS = {"Add": "+", "Remove": "-", "Modify": "~"}


def proposed_text(proposed: Proposed) -> str:
    """What CloudFormation would change, a line for each resource."""
    stack = proposed.stack
    does = "creates" if proposed.creates else "changes"
    head = f"dr {does} the stack {stack.name} in {stack.region}:"
    rows = [*map(_line, proposed.rows)] or ["  tags or outputs, and no resource"]
    return "\n".join(["", head, *rows, "", count(len(rows), "change")])


def _line(row: ChangeRow) -> str:
    replaced = {"True": "  replaced", "Conditional": "  may be replaced"}.get(row.replaced, "")
    return f"  {_SIGNS.get(row.action, '?')} {clean(row.logical_id)}  {clean(row.type)}{replaced}"


def deploy_document(proposed: Proposed, result: str, stack_id: str | None) -> dict[str, Any]:
    """The JSON of `dr deploy`; `result` is planned, done or unchanged."""
    return {
        "stack": proposed.stack.name,
        "region": proposed.stack.region,
        "result": result,
        "stack_id": stack_id,
        "package_sha256": proposed.stack.parameters["PackageSha256"],
        "changes": [
            {"action": r.action, "logical_id": r.logical_id, "type": r.type, "replaced": r.replaced}
            for r in proposed.rows
        ],
    }
