"""GetTemplate, GetTemplateSummary and ValidateTemplate.

Source: CloudFormation API reference, one page per call.
"""

from __future__ import annotations

import json
from typing import Any

from moto.core.responses import ActionResult

from dr.sandbox.corrections.cloudformation import asking, capabilities, parameters, state, template
from dr.sandbox.corrections.cloudformation.faults import ChangeSetNotFound, Fault
from dr.sandbox.corrections.cloudformation.state import Request


def get_template(api: Any) -> tuple[int, dict[str, Any], str]:
    """The template as it was given, byte for byte; or after its transforms. Source: GetTemplate, TemplateStage."""
    asked, stage = _asked(api), api._get_param("TemplateStage", "Original")
    changed = bool(template.transforms(template.parse(asked.text)))
    text = json.dumps(asked.body) if stage == "Processed" and changed else asked.text
    result = ActionResult({"TemplateBody": text, "StagesAvailable": ["Original", "Processed"]})
    status, headers, document = api.serialized(result)
    return status, headers, document.replace("\r", "&#13;")  # else XML readers turn CR LF into LF


def get_template_summary(api: Any) -> ActionResult:
    """What a template needs and holds. Source: GetTemplateSummary."""
    name = api._get_param("StackName")
    stack = state.find(state.of(api.current_account, api.region), name) if name else None
    if stack and stack.status == "REVIEW_IN_PROGRESS":
        raise Fault("GetTemplateSummary cannot be called on REVIEW_IN_PROGRESS stacks.")
    body = template.parse(stack.asked.text if stack else asking.body_of(api))
    template.check(body)
    summary = {
        **_needs(body),
        "Parameters": [_declaration(key, slot) for key, slot in (body.get("Parameters") or {}).items()],
        "ResourceTypes": sorted({one["Type"] for one in body["Resources"].values()}),
        "Version": str(body["AWSTemplateFormatVersion"]) if "AWSTemplateFormatVersion" in body else None,
        "Metadata": json.dumps(body["Metadata"]) if "Metadata" in body else None,
    }
    return ActionResult({key: value for key, value in summary.items() if value is not None})


def validate_template(api: Any) -> ActionResult:
    """Whether a template is one; its parameters and capabilities. Source: ValidateTemplate."""
    body = template.parse(asking.body_of(api))
    template.check(body)
    slots = [_brief(key, slot) for key, slot in (body.get("Parameters") or {}).items()]
    return ActionResult({**_needs(body), "Parameters": slots})


def _asked(api: Any) -> Request:
    region = state.of(api.current_account, api.region)
    name = api._get_param("ChangeSetName")
    if not name:
        return state.find(region, api._get_param("StackName")).asked
    for one in region.change_sets.values():
        if name in (one.id, one.name) and (
            name == one.id or api._get_param("StackName") in (one.stack_name, one.stack_id)
        ):
            return one.asked
    raise ChangeSetNotFound(f"ChangeSet [{name}] does not exist")


def _needs(body: dict[str, Any]) -> dict[str, Any]:
    found = {
        "Description": body.get("Description"),
        "Capabilities": capabilities.needed(body) or None,
        "CapabilitiesReason": capabilities.reason(body),
        "DeclaredTransforms": template.transforms(body) or None,
    }
    return {key: value for key, value in found.items() if value is not None}


def _declaration(key: str, slot: dict[str, Any]) -> dict[str, Any]:
    allowed = slot.get("AllowedValues")
    return {
        **_brief(key, slot),
        "ParameterType": slot.get("Type", "String"),
        "ParameterConstraints": {"AllowedValues": [_text(one) for one in allowed]} if allowed else {},
    }


def _brief(key: str, slot: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"ParameterKey": key, "NoEcho": parameters.secret(slot)}
    if "Default" in slot:
        found["DefaultValue"] = _text(slot["Default"])
    return {**found, "Description": slot["Description"]} if "Description" in slot else found


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
