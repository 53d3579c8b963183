"""CloudFormation as AWS documents it, in place of moto's.

moto creates a stack inside the call that asks for it, by rules of its own; here a stack lives over time.

    api_stacks, api_change_sets --asking--> Request --lifecycle, updates--> resources/ --inside--> EC2, S3, ... of this server
    api_views, api_templates <---------------- state (stacks, records, events, change sets) <-----------'

`asking` checks template (`template`, `graph`), `parameters` and `capabilities` before anything is made; `values` and
`references` give expressions their worth. StackSets stay moto's.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from moto.cloudformation.models import CloudFormationBackend
from moto.cloudformation.responses import CloudFormationResponse
from moto.core.resource_tagging import TaggedResource

from dr.sandbox.corrections import replace
from dr.sandbox.corrections.cloudformation import api_change_sets, api_stacks, api_templates, api_views, state

_REPLACED = (
    api_stacks.create_stack,
    api_stacks.update_stack,
    api_stacks.delete_stack,
    api_stacks.get_stack_policy,
    api_stacks.set_stack_policy,
    api_change_sets.create_change_set,
    api_change_sets.describe_change_set,
    api_change_sets.list_change_sets,
    api_change_sets.delete_change_set,
    api_change_sets.execute_change_set,
    api_views.describe_stacks,
    api_views.list_stacks,
    api_views.describe_stack_events,
    api_views.describe_stack_resource,
    api_views.describe_stack_resources,
    api_views.list_stack_resources,
    api_views.list_exports,
    api_templates.get_template,
    api_templates.get_template_summary,
    api_templates.validate_template,
)
_ADDED = (api_stacks.update_termination_protection, api_views.list_imports)


def install() -> None:
    """Put these calls in the place of moto's; raise RuntimeError when moto is not the one they are made for."""
    for call in _REPLACED:
        replace.method(CloudFormationResponse, call.__name__, call)
    for call in _ADDED:
        replace.action(CloudFormationResponse, call)
    shapes = {
        key: value
        for key, value in CloudFormationResponse.RESPONSE_KEY_PATH_TO_TRANSFORMER.items()
        if "StackSet" in key
    }
    replace.method(CloudFormationResponse, "RESPONSE_KEY_PATH_TO_TRANSFORMER", shapes)
    replace.method(CloudFormationBackend, "iter_tagged_resources", _tagged)


def _tagged(backend: CloudFormationBackend) -> Iterator[TaggedResource]:
    """Source: Resource Groups Tagging API, GetResources: living stacks."""
    stacks: Any = state.of_backend(backend).stacks.values()
    for stack in stacks:
        if stack.deleted is None:
            yield TaggedResource(arn=stack.id, tags=dict(stack.tags), resource_type="cloudformation:stack")
