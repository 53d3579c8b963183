"""Tags: reserved keys, the limit of 50, and a look-up by resource instead of a search through all tags."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from moto.ec2.exceptions import EC2ClientError, InvalidParameterValueErrorTagNull, TagLimitExceeded
from moto.ec2.models import core
from moto.ec2.models import tags as models
from moto.ec2.responses._base_response import EC2BaseResponse
from moto.ec2.responses.tags import TagResponse

from dr.sandbox.corrections import replace

LIMIT = 50  # user tags a resource. Source: EC2 User Guide, "Tag your Amazon EC2 resources", Tag restrictions


def install() -> None:
    """Apply the corrections of tags."""
    replace.method(core.TaggedEC2Resource, "get_tags", _get_tags)
    replace.method(models.TagBackend, "create_tags", _create_tags)
    _check_specifications()
    _check_action("create_tags")
    _check_action("delete_tags")


def check(keys: Iterable[str]) -> None:
    """Refuse reserved keys and too many. Source: EC2 User Guide, Tag restrictions: the `aws:` prefix is reserved for AWS use."""
    keys = list(keys)
    reserved = sorted(key for key in keys if key.lower().startswith("aws:"))
    if reserved:
        raise EC2ClientError(
            "InvalidParameterValue",
            f"Value ( {reserved[0]} ) for parameter key is invalid. Tag keys starting with 'aws:' are reserved for internal use",
        )
    if len(keys) > LIMIT:
        raise TagLimitExceeded


def of_specification(response: Any, kind: str) -> dict[str, str]:
    """The tags for one resource type out of a call's TagSpecifications, checked."""
    return dict(response._parse_tag_specification().get(kind, {}))


def _get_tags(self: Any) -> list[dict[str, str]]:
    """In moto looks through every tag of every resource for each resource: listings become quadratic."""
    tags = self.ec2_backend.tags.get(self.id) if self.id else None
    return [{"resource_id": self.id, "key": key, "value": value} for key, value in list((tags or {}).items())]


def _create_tags(self: Any, resource_ids: list[str], tags: dict[str, str]) -> bool:
    """AWS's own tags do not count against the limit. Source: EC2 User Guide, Tag restrictions."""
    if None in tags.values():
        raise InvalidParameterValueErrorTagNull
    for resource_id in resource_ids:
        keys = {key for key in (*self.tags.get(resource_id, {}), *tags) if not key.startswith("aws:")}
        if len(keys) > LIMIT:
            raise TagLimitExceeded
    for resource_id in resource_ids:
        self.tags[resource_id].update(tags)
    return True


def _check_specifications() -> None:
    """TagSpecifications are refused before anything is created. Source: EC2 API Reference, TagSpecification, Tag."""
    original = EC2BaseResponse._parse_tag_specification

    def parse(self: Any, expected_type: str | None = None) -> dict[str, dict[str, str]]:
        parsed: dict[str, dict[str, str]] = original(self, expected_type)
        for tags in parsed.values():
            check(tags)
        return parsed

    replace.method(EC2BaseResponse, "_parse_tag_specification", parse)


def _check_action(name: str) -> None:
    """Source: EC2 API Reference, CreateTags and DeleteTags: you can't create or delete tags that start with `aws:`."""
    original = getattr(TagResponse, name)

    def act(self: Any) -> Any:
        check(tag["Key"] for tag in self._get_param("Tags", []))
        return original(self)

    act.__name__ = name
    replace.method(TagResponse, name, act)
