"""Types that moto's own CloudFormation models make (IAM, KMS, SNS, SQS, Logs, Lambda, load balancers and others)."""

from __future__ import annotations

from typing import Any

from botocore.exceptions import ClientError
from moto.cloudformation import parsing
from moto.core.exceptions import ServiceException

from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.corrections.cloudformation.resources.job import Job, Kind, Made
from dr.sandbox.world import lock

_BROKEN = (KeyError, TypeError, ValueError, AttributeError, IndexError, NotImplementedError)


def known(kind: str) -> bool:
    """Whether moto has a model of this type."""
    return kind in parsing.get_model_map() and kind != "AWS::SERVICE::RESOURCE"


def create(job: Job) -> Made:
    """By the model's create_from_cloudformation_json."""
    model = parsing.get_model_map()[job.type]
    property_name = parsing.resource_name_property_from_type(job.type)
    name = job.properties.get(property_name) if property_name else None
    name = name or parsing.generate_resource_name(job.type, job.stack_name, job.logical_id)
    definition = {"Type": job.type, "Properties": _tagged(job)}
    with lock:
        made = _attempt(
            lambda: model.create_from_cloudformation_json(
                name, definition, job.account, job.region, LogicalId=job.logical_id
            ),
            job,
        )
        return Made(id=str(made.physical_resource_id), model=made)


def delete(job: Job, made: Made) -> None:
    """By the object's delete, else by the model's delete_from_cloudformation_json."""
    if job.type == "AWS::KMS::Key":
        _schedule_key(job, made)
        return
    definition = {"Type": job.type, "Properties": job.properties}
    model = parsing.get_model_map()[job.type]
    with lock:
        if hasattr(made.model, "delete") and not hasattr(model, "delete_from_cloudformation_json"):
            _attempt(lambda: made.model.delete(job.account, job.region), job)
        else:
            _attempt(lambda: _delete(model, made, definition, job), job)


def _delete(model: Any, made: Made, definition: dict[str, Any], job: Job) -> None:
    if "delete" in dir(made.model):
        made.model.delete(job.account, job.region)
    else:
        model.delete_from_cloudformation_json(made.id, definition, job.account, job.region)


def _schedule_key(job: Job, made: Made) -> None:
    """Source: AWS::KMS::Key, PendingWindowInDays: deleting the resource schedules the key's deletion."""
    try:
        job.call(
            "kms",
            "schedule_key_deletion",
            KeyId=made.id,
            PendingWindowInDays=job.properties.get("PendingWindowInDays", 30),
        )
    except ClientError as error:
        raise Stuck(error.response["Error"].get("Message", str(error))) from error


def _tagged(job: Job) -> dict[str, Any]:
    """The stack's tags reach resources that take tags as a list. Source: user guide, "Resource tags"."""
    own = job.properties.get("Tags")
    return {**job.properties, "Tags": job.tag_list()} if isinstance(own, list) else dict(job.properties)


def _attempt(work: Any, job: Job) -> Any:
    """Run moto's code; what it cannot do fails the resource, with its words."""
    try:
        return work()
    except ServiceException as error:
        raise Stuck(str(getattr(error, "message", error))) from error
    except _BROKEN as error:
        raise Stuck(f"the sandbox's model of {job.type} cannot use these properties ({error!r})") from error


KIND = Kind(create=create, delete=delete)
