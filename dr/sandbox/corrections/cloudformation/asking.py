"""From a caller's request to a checked `Request`: the same way for CreateStack, UpdateStack and change sets.

Source: CreateStack, UpdateStack and CreateChangeSet, request parameters.
"""

from __future__ import annotations

from typing import Any

from dr.sandbox.corrections.cloudformation import capabilities, parameters, template
from dr.sandbox.corrections.cloudformation.faults import Fault
from dr.sandbox.corrections.cloudformation.state import Request, Stack


def read(api: Any, *, previous: Stack | None = None, expands: bool = True) -> Request:
    """What is asked for, with template, parameters and capabilities checked; raise Fault.

    `previous` is the stack that is updated, whose template, tags and values may be kept. `expands` is False for change
    sets, which need no CAPABILITY_AUTO_EXPAND.
    """
    text = _text(api, previous)
    body = template.parse(text)
    given = api._get_param("Capabilities", [])
    template.check(body)
    capabilities.refuse_missing(body, given, expands=expands)
    body = template.transformed(body)
    account, region = api.current_account, api.region
    old = previous.asked if previous else None
    return Request(
        text=text,
        body=body,
        parameters=parameters.read(
            account, region, body, api._get_param("Parameters", []), old.parameters if old else None
        ),
        tags=_tags(api, old),
        capabilities=list(given),
        role_arn=api._get_param("RoleARN") or (old.role_arn if old else None),
        notification_arns=list(api._get_param("NotificationARNs") or (old.notification_arns if old else [])),
    )


def body_of(api: Any) -> str:
    """The template's text of a request that names one."""
    return template.given(
        api.current_account, api.region, api._get_param("TemplateBody"), api._get_param("TemplateURL")
    )


def same(one: Request, other: Request) -> bool:
    """Whether two requests ask for the same stack."""
    return _substance(one) == _substance(other)


def _text(api: Any, previous: Stack | None) -> str:
    if not api._get_param("UsePreviousTemplate"):
        return body_of(api)
    if api._get_param("TemplateBody") or api._get_param("TemplateURL"):
        raise Fault("You cannot specify both usePreviousTemplate and Template Body/Template URL.")
    if previous is None:
        raise Fault("UsePreviousTemplate cannot be specified when creating a stack.")
    return previous.asked.text


def _tags(api: Any, old: Request | None) -> dict[str, str]:
    """Source: UpdateStack, Tags: unspecified tags stay as they are. Keys that begin with aws: are refused."""
    given = api._get_param("Tags")
    if given is None and old is not None:
        return dict(old.tags)
    tags = {tag["Key"]: tag["Value"] for tag in given or []}
    if reserved := [key for key in tags if key.lower().startswith("aws:")]:
        raise Fault(f"Tag keys starting with aws: are reserved for AWS use: {', '.join(reserved)}")
    return tags


def _substance(asked: Request) -> Any:
    return (
        asked.body,
        {key: one.value for key, one in asked.parameters.items()},
        asked.tags,
        asked.role_arn,
        asked.notification_arns,
    )
