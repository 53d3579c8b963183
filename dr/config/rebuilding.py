"""`restore` in dr.yaml: what a restore needs to know beforehand, so that nobody has to look for it in an incident."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from dr.documents.fields import Field, Shape, any_text, entries, given, mapping, matching
from dr.documents.nodes import Table
from dr.documents.wording import quoted

_RESTORE = Shape(keys=("parameters", "image_for"), later=("map", "names", "set"))
_SSM = Shape(keys=("ssm",), required={"ssm": "write {ssm: /path/of/the/parameter}"})

_LOGICAL_ID = re.compile(r"[A-Za-z0-9]{1,255}")
"""Source: CloudFormation user guide, Resources and Parameters: logical ids are alphanumeric; at most 255."""
_SSM_NAME = r"/?[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*(:[A-Za-z0-9_.-]+)?"
"""Source: Systems Manager API, PutParameter, Name; a version or label may follow."""
_DONOR = r"newest|ami-[0-9a-f]{8}([0-9a-f]{9})?|i-[0-9a-f]{8}([0-9a-f]{9})?"
"""Source: EC2 user guide, Resource IDs: 8 or 17 hexadecimal digits."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SsmParameter:
    """A value that stays in Systems Manager: read in the target Region, during the restore, never kept."""

    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuilding:
    """Parameters of stacks by name, and where launch templates get their image, by logical id (DESIGN 8)."""

    parameters: Mapping[str, str | SsmParameter] = field(default_factory=dict)
    image_for: Mapping[str, str] = field(default_factory=dict)


def rebuilding(value: Field) -> Rebuilding | None:
    """Read `restore`."""
    fields = mapping(value, _RESTORE)
    if fields is None:
        return None
    none: Mapping[str, str] = {}
    return Rebuilding(
        parameters=given(fields, "parameters", _parameters, none),
        image_for=given(fields, "image_for", _images, none),
    )


def _parameters(value: Field) -> Mapping[str, str | SsmParameter] | None:
    found = _by_logical_id(value)
    if found is None:
        return None
    values = {key: _parameter(one) for key, one in found.items()}
    return {key: one for key, one in values.items() if one is not None}


def _parameter(value: Field) -> str | SsmParameter | None:
    if not isinstance(value.node, Table):
        return any_text(value)
    fields = mapping(value, _SSM)
    if fields is None or "ssm" not in fields:
        return None
    found = matching(fields["ssm"], _SSM_NAME, "a parameter's name, such as /prod/db/password")
    return None if found is None else SsmParameter(name=found)


def _images(value: Field) -> Mapping[str, str] | None:
    found = _by_logical_id(value)
    if found is None:
        return None
    what = "an image: newest, the id of an AMI (ami-...) or of an instance (i-...)"
    donors = {key: matching(one, _DONOR, what) for key, one in found.items()}
    return {key: donor for key, donor in donors.items() if donor is not None}


def _by_logical_id(value: Field) -> Mapping[str, Field] | None:
    found = entries(value)
    for key, one in (found or {}).items():
        if not _LOGICAL_ID.fullmatch(key):
            one.key_fault(f"{quoted(key)} is no logical id: letters and digits")
    return found
