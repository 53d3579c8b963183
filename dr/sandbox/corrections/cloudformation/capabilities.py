"""What a caller must acknowledge before a template is used.

Source: CreateStack, Capabilities: IAM resources need CAPABILITY_IAM or CAPABILITY_NAMED_IAM, those with custom names
CAPABILITY_NAMED_IAM; macros need CAPABILITY_AUTO_EXPAND, which "doesn't apply to creating change sets" (CreateChangeSet).
"""

from __future__ import annotations

from typing import Any

from dr.sandbox.corrections.cloudformation import template
from dr.sandbox.corrections.cloudformation.faults import InsufficientCapabilities

_NAMES = {
    "AWS::IAM::Group": "GroupName",
    "AWS::IAM::InstanceProfile": "InstanceProfileName",
    "AWS::IAM::ManagedPolicy": "ManagedPolicyName",
    "AWS::IAM::Role": "RoleName",
    "AWS::IAM::User": "UserName",
}
_IAM = {*_NAMES, "AWS::IAM::AccessKey", "AWS::IAM::Policy", "AWS::IAM::UserToGroupAddition"}


def needed(body: dict[str, Any]) -> list[str]:
    """The capabilities that a template needs."""
    iam = [definition for definition in body["Resources"].values() if definition["Type"] in _IAM]
    named = any(_NAMES.get(one["Type"]) in (one.get("Properties") or {}) for one in iam)
    need = ["CAPABILITY_NAMED_IAM"] if named else ["CAPABILITY_IAM"] if iam else []
    return [*need, "CAPABILITY_AUTO_EXPAND"] if template.transforms(body) else need


def reason(body: dict[str, Any]) -> str | None:
    """Why, as ValidateTemplate words it."""
    kinds = sorted(
        {definition["Type"] for definition in body["Resources"].values() if definition["Type"] in _IAM}
    )
    return f"The following resource(s) require capabilities: [{', '.join(kinds)}]" if kinds else None


def refuse_missing(body: dict[str, Any], given: list[str], *, expands: bool) -> None:
    """Raise InsufficientCapabilities for what is not acknowledged; `expands` is False for change sets."""
    enough = {"CAPABILITY_IAM": {"CAPABILITY_IAM", "CAPABILITY_NAMED_IAM"}}
    missing = [one for one in needed(body) if not enough.get(one, {one}) & set(given)]
    if not expands:
        missing = [one for one in missing if one != "CAPABILITY_AUTO_EXPAND"]
    if missing:
        raise InsufficientCapabilities(f"Requires capabilities : [{', '.join(missing)}]")
