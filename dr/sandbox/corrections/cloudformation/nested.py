"""AWS::CloudFormation::Stack: a stack inside a stack.

Source: CloudFormation template reference, AWS::CloudFormation::Stack: Ref is the stack's id, GetAtt gives Outputs.NAME;
user guide, "Nested stacks": the root stack's id is kept on every one below it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from dr.sandbox.corrections.cloudformation import events, parameters, state, template
from dr.sandbox.corrections.cloudformation.faults import Fault, Stuck
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made
from dr.sandbox.corrections.cloudformation.state import Request, Stack

Work = Callable[[Stack], None]


def kind(parent: Stack, *, create: Work, delete: Work) -> Kind:
    """The handler of nested stacks of that parent; `create` and `delete` are the life of any stack."""
    return Kind(
        create=lambda job: _create(job, parent, create), delete=lambda job, made: _delete(job, made, delete)
    )


def _create(job: Job, parent: Stack, create: Work) -> Made:
    job.required("TemplateURL")
    child = _child(job, parent)
    state.of(job.account, job.region).stacks[child.id] = child
    events.of_stack(child, "CREATE_IN_PROGRESS", "User Initiated")
    create(child)
    made = Made(
        id=child.id, attributes={f"Outputs.{one['OutputKey']}": one["OutputValue"] for one in child.outputs}
    )
    if child.status != "CREATE_COMPLETE":
        parent.records[job.logical_id].physical_id = child.id
        raise Stuck(f"Embedded stack {child.id} was not successfully created: {child.reason or child.status}")
    return made


def _child(job: Job, parent: Stack) -> Stack:
    try:
        text = template.fetch(job.account, job.region, job.properties["TemplateURL"])
        body = template.transformed(template.parse(text))
        template.check(body)
        given = parameters.read(job.account, job.region, body, _asked(job.properties.get("Parameters") or {}))
    except Fault as error:
        raise Stuck(str(error.message)) from error
    name = job.name()
    asked = Request(
        text=text,
        body=body,
        parameters=given,
        tags=job.tags(),
        capabilities=parent.asked.capabilities,
        role_arn=parent.asked.role_arn,
        notification_arns=list(job.properties.get("NotificationARNs") or []),
    )
    return Stack(
        id=state.arn(job.account, job.region, "stack", name),
        name=name,
        account=job.account,
        region=job.region,
        asked=asked,
        on_failure=parent.on_failure,
        token=parent.token,
        parent_id=parent.id,
        root_id=parent.root_id or parent.id,
    )


def _asked(given: dict[str, Any]) -> list[dict[str, str]]:
    """A nested stack's parameters are text; lists are joined. Source: AWS::CloudFormation::Stack, Parameters."""
    return [{"ParameterKey": key, "ParameterValue": _text(value)} for key, value in given.items()]


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(_text, value))
    return str(value).lower() if isinstance(value, bool) else str(value)


def _delete(job: Job, made: Made, delete: Work) -> None:
    child = state.of(job.account, job.region).stacks.get(made.id)
    if child is None or child.deleted is not None:
        return
    events.of_stack(child, "DELETE_IN_PROGRESS")
    delete(child)
    if child.status != "DELETE_COMPLETE":
        raise Stuck(f"Embedded stack {child.id} was not successfully deleted: {child.reason}")
