"""What a resource type's handler gets and gives.

A handler makes the calls of the resource's own service (`Job.call`), as CloudFormation's handlers do, so a property that
the service's API does not have, and a value that it refuses, fail the resource.
"""

from __future__ import annotations

import secrets
import string
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from moto.ec2.models import ec2_backends

from dr.sandbox.corrections.cloudformation import inside
from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.world import lock

Properties = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A resource that exists: its physical id, and what Fn::GetAtt gives (`Ref`, where it differs from the id)."""

    id: str
    attributes: dict[str, Any] = field(default_factory=dict)
    model: Any = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One resource to make, change or delete."""

    account: str
    region: str
    stack_id: str
    stack_name: str
    stack_tags: dict[str, str]
    logical_id: str
    type: str
    properties: Properties

    def call(self, service: str, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """One call of a service, with texts turned into the numbers and booleans that its API wants."""
        model = inside.client(self.account, self.region, service).meta
        shape = model.service_model.operation_model(model.method_to_api_mapping[operation]).input_shape
        return inside.call(
            self.account, self.region, service, operation, **_fit(shape, parameters, self.logical_id)
        )

    def ec2(self, operation: str, /, **parameters: Any) -> dict[str, Any]:
        """One call of EC2."""
        return self.call("ec2", operation, **parameters)

    def tags(self) -> dict[str, str]:
        """The resource's own tags and the stack's, which yield. Source: user guide, "Resource tags"."""
        own = self.properties.get("Tags") or []
        named = own if isinstance(own, dict) else {tag["Key"]: str(tag["Value"]) for tag in own}
        return {**self.stack_tags, **named}

    def tag_list(self) -> list[dict[str, str]]:
        """The same as the list that most APIs take."""
        return [{"Key": key, "Value": value} for key, value in self.tags().items()]

    def tagged(self, kind: str) -> dict[str, Any]:
        """The TagSpecifications of an EC2 call; none without tags."""
        tags = self.tag_list()
        return {"TagSpecifications": [{"ResourceType": kind, "Tags": tags}]} if tags else {}

    def mark(self, identifier: str) -> None:
        """Write CloudFormation's own tags, which no caller may write. Source: user guide, "Resource tags"."""
        with lock:
            ec2_backends[self.account][self.region].tags[identifier].update(self.own_tags())

    def own_tags(self) -> dict[str, str]:
        """The three tags that CloudFormation puts on what it makes."""
        names = {"stack-name": self.stack_name, "stack-id": self.stack_id, "logical-id": self.logical_id}
        return {f"aws:cloudformation:{name}": value for name, value in names.items()}

    def name(self, given: str = "", most: int = 255) -> str:
        """The name given in that property, else `stack-LogicalId-RANDOM`. Source: user guide, "Name type"."""
        if given and self.properties.get(given):
            return str(self.properties[given])
        tail = "-" + "".join(secrets.choice(string.ascii_uppercase + string.digits) for _ in range(12))
        return f"{self.stack_name}-{self.logical_id}"[: most - len(tail)] + tail

    def without(self, *names: str) -> Properties:
        """The properties but these."""
        return {key: value for key, value in self.properties.items() if key not in names}

    def required(self, *names: str) -> None:
        """Raise Stuck for a required property that is not there."""
        for name in names:
            if name not in self.properties:
                raise Stuck(
                    f"Properties validation failed for resource {self.logical_id} with message:\n#: required key [{name}] not found"
                )


@dataclass(frozen=True, slots=True, kw_only=True)
class Kind:
    """How one resource type is made and deleted, and, where the sandbox can, changed in place.

    `change` gets the new job, what exists and the names of the changed properties; it raises Stuck for one that it
    cannot change, and a kind without it refuses every change.
    """

    create: Callable[[Job], Made]
    delete: Callable[[Job, Made], None]
    change: Callable[[Job, Made, set[str]], Made] | None = None
    retags: bool = False  # `change` can be told of Tags: the stack's may have changed


def only(job: Job, changed: set[str], can: set[str]) -> None:
    """Raise Stuck when anything changed that the sandbox cannot change in place."""
    if beyond := sorted(changed - can):
        raise Stuck(
            f"the sandbox cannot update {', '.join(beyond)} of {job.type}; replace the resource under a new logical id"
        )


def retag(job: Job, made: Made) -> None:
    """Make an EC2 resource's tags those of the new properties, CloudFormation's own included."""
    have = job.ec2("describe_tags", Filters=[{"Name": "resource-id", "Values": [made.id]}])["Tags"]
    want = job.tags()
    gone = [
        {"Key": tag["Key"]} for tag in have if tag["Key"] not in want and not tag["Key"].startswith("aws:")
    ]
    if gone:
        job.ec2("delete_tags", Resources=[made.id], Tags=gone)
    if want:
        job.ec2("create_tags", Resources=[made.id], Tags=job.tag_list())


def _fit(shape: Any, value: Any, logical: str, where: str = "#") -> Any:
    """A value in the types of an API's shape. Source: user guide, "Parameters": values are text and are converted."""
    match shape.type_name if shape is not None else "":
        case "structure" if isinstance(value, dict):
            if unknown := [key for key in value if key not in shape.members]:
                raise _invalid(logical, f"{where}: extraneous key [{unknown[0]}] is not permitted")
            return {
                key: _fit(shape.members[key], one, logical, f"{where}/{key}") for key, one in value.items()
            }
        case "list" if isinstance(value, list):
            return [_fit(shape.member, one, logical, f"{where}/{index}") for index, one in enumerate(value)]
        case "map" if isinstance(value, dict):
            return {str(key): _fit(shape.value, one, logical, where) for key, one in value.items()}
        case "structure" | "list" | "map":
            raise _invalid(
                logical, f"{where}: expected type: {shape.type_name}, found: {type(value).__name__}"
            )
        case _:
            return _scalar(shape, value, logical, where)


def _scalar(shape: Any, value: Any, logical: str, where: str) -> Any:
    try:
        match shape.type_name if shape is not None else "":
            case "integer" | "long":
                return int(value)
            case "float" | "double":
                return float(value)
            case "boolean":
                return (
                    value if isinstance(value, bool) else {"true": True, "false": False}[str(value).lower()]
                )
            case "string" if not isinstance(value, bytes):
                return str(value).lower() if isinstance(value, bool) else str(value)
            case _:
                return value
    except (ValueError, TypeError, KeyError) as error:
        raise _invalid(logical, f"{where}: expected type: {shape.type_name}, found: {value!r}") from error


def _invalid(logical: str, what: str) -> Stuck:
    return Stuck(f"Properties validation failed for resource {logical} with message:\n{what}")
