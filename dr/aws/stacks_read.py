"""CloudFormation's reading calls, each complete or raising.

A stack that is not there answers ValidationError, which many faults do: for a call that gives nothing but a
well-formed name it can mean only this, so that codes and never messages are compared.
"""

from __future__ import annotations

import re

from dr.aws.errors import field, translated
from dr.aws.pages import Row, pages
from dr.aws.session import Session
from dr.errors import CloudError, NotFound

_NAME = re.compile(r"[a-zA-Z][-a-zA-Z0-9]{0,127}|arn:[-a-z0-9]+:cloudformation:[^:]+:\d{12}:stack/\S+")
"""Source: CloudFormation API reference, CreateStack, StackName; DescribeStacks takes the unique id as well."""
VALIDATION = "ValidationError"


def described(session: Session, region: str) -> tuple[Row, ...]:
    """DescribeStacks of all: every stack that is not deleted, nested ones too."""
    where = ("cloudformation:DescribeStacks", region)
    return tuple(pages(session.cloudformation(region).describe_stacks, "Stacks", where, {}))


def describe(session: Session, region: str, name: str) -> Row | None:
    """DescribeStacks of one name or id; None when there is none (a deleted one is shown by its id)."""
    action = "cloudformation:DescribeStacks"
    if not _NAME.fullmatch(name):
        return None
    try:
        with translated(action, region):
            answer = session.cloudformation(region).describe_stacks(StackName=name)
    except CloudError as error:
        if error.code == VALIDATION:
            return None
        raise
    found: list[Row] = field(answer, "Stacks", action, region)
    return found[0] if found else None


def existing(session: Session, region: str, name: str) -> Row:
    """DescribeStacks of one that has to be there. Raises `NotFound`."""
    found = describe(session, region, name)
    if found is None or found["StackStatus"] == "DELETE_COMPLETE":
        remedy = "check the name, the account and the Region"
        raise NotFound(
            f"there is no stack {name} in {region}", remedy, action="cloudformation:DescribeStacks"
        )
    return found


def template(session: Session, region: str, stack: str, *, processed: bool = False) -> str:
    """GetTemplate: the text as it was given, or as the macros left it."""
    action = "cloudformation:GetTemplate"
    with translated(action, region):
        answer = session.cloudformation(region).get_template(
            StackName=stack, TemplateStage="Processed" if processed else "Original"
        )
    return str(field(answer, "TemplateBody", action, region))


def stack_policy(session: Session, region: str, stack: str) -> str | None:
    """GetStackPolicy; None when there is none."""
    with translated("cloudformation:GetStackPolicy", region):
        return session.cloudformation(region).get_stack_policy(StackName=stack).get("StackPolicyBody") or None


def resources(session: Session, region: str, stack: str) -> tuple[Row, ...]:
    """ListStackResources, all pages."""
    where = ("cloudformation:ListStackResources", region)
    call = session.cloudformation(region).list_stack_resources
    return tuple(pages(call, "StackResourceSummaries", where, {"StackName": stack}))


def events(session: Session, region: str, stack: str) -> tuple[Row, ...]:
    """DescribeStackEvents, all pages, newest first as CloudFormation gives them."""
    where = ("cloudformation:DescribeStackEvents", region)
    call = session.cloudformation(region).describe_stack_events
    return tuple(pages(call, "StackEvents", where, {"StackName": stack}))


def exports(session: Session, region: str) -> tuple[Row, ...]:
    """ListExports, all pages."""
    where = ("cloudformation:ListExports", region)
    return tuple(pages(session.cloudformation(region).list_exports, "Exports", where, {}))
