"""Filters: values of one filter are joined by OR, `*` and `?` are the only wildcards, times match as text.

Source: EC2 API Reference, Filter; EC2 User Guide, "List and filter your resources". Wildcards are escaped by a backslash.
"""

from __future__ import annotations

import datetime as dt
import functools
import re
from collections.abc import Iterable
from typing import Any

from moto.ec2 import utils
from moto.ec2.exceptions import EC2ClientError
from moto.ec2.models import amis, elastic_block_store

from dr.sandbox.corrections import replace, times


def install() -> None:
    """Apply the corrections of filters."""
    replace.method(utils, "is_filter_matching", _matching)
    replace.method(utils, "tag_filter_matches", _matching_tag)
    _snapshot_values()
    _volume_values()
    _image_values()
    _instance_filters()


@functools.lru_cache(maxsize=4096)
def _pattern(text: str) -> re.Pattern[str]:
    parts = re.split(r"(\\.|[*?])", text)
    meaning = {"*": ".*", "?": "."}
    return re.compile(
        "".join(meaning.get(part) or re.escape(part[1:] if part[:1] == "\\" else part) for part in parts),
        re.DOTALL,
    )


def _any(values: Iterable[str], wanted: Iterable[str]) -> bool:
    patterns = [_pattern(str(text)) for text in wanted]
    return any(pattern.fullmatch(value) for value in values for pattern in patterns)


def _matching(obj: Any, name: str, wanted: Any) -> bool:
    value = obj.get_filter_value(name)
    return _any(_texts(value), [wanted] if isinstance(wanted, str) else wanted or [])


def _texts(value: Any) -> list[str]:
    match value:
        case None:
            return []
        case bool():
            return [str(value).lower()]
        case dt.datetime():
            return [times.iso(value)]
        case str() | int() | float():
            return [str(value)]
        case _:
            return [text for item in value for text in _texts(item)]


def _matching_tag(obj: Any, name: str, wanted: list[str]) -> bool:
    tags = {tag["key"]: tag["value"] for tag in obj.get_tags()}
    match name:
        case "tag-key":
            return _any(tags.keys(), wanted)
        case "tag-value":
            return _any(tags.values(), wanted)
        case _:
            key = name.removeprefix("tag:")
            return key in tags and _any([tags[key]], wanted)


def _snapshot_values() -> None:
    """Source: EC2 API Reference, DescribeSnapshots, Filter: progress, owner-alias beside what moto knows."""
    _extend(
        elastic_block_store.Snapshot,
        {"progress": lambda s: s.progress, "owner-alias": lambda s: s.owner_alias},
    )


def _volume_values() -> None:
    """Source: EC2 API Reference, DescribeVolumes, Filter."""
    _extend(
        elastic_block_store.Volume,
        {"attachment.delete-on-termination": _deleted_on_termination, "volume-type": lambda v: v.volume_type},
    )


def _deleted_on_termination(volume: Any) -> bool | None:
    if not volume.attachment:
        return None
    return bool(volume.attachment.delete_on_termination)


def _image_values() -> None:
    """Source: EC2 API Reference, DescribeImages, Filter: block-device-mapping.* and the root device beside what moto knows."""
    _extend(
        amis.Ami,
        {
            "block-device-mapping.snapshot-id": lambda i: _mapped(i, "SnapshotId"),
            "block-device-mapping.encrypted": lambda i: _mapped(i, "Encrypted"),
            "block-device-mapping.volume-size": lambda i: _mapped(i, "VolumeSize"),
            "block-device-mapping.volume-type": lambda i: _mapped(i, "VolumeType"),
            "block-device-mapping.device-name": lambda i: [m["DeviceName"] for m in i.block_device_mappings],
            "creation-date": lambda i: i.creation_date,
            "root-device-type": lambda i: i.root_device_type,
            "root-device-name": lambda i: i.root_device_name,
        },
    )


def _mapped(image: Any, key: str) -> list[Any]:
    return [m["Ebs"][key] for m in image.block_device_mappings if m.get("Ebs", {}).get(key) is not None]


def _extend(model: Any, values: dict[str, Any]) -> None:
    original = model.get_filter_value

    def value(self: Any, filter_name: str, method_name: str | None = None) -> Any:
        if filter_name in values:
            return values[filter_name](self)
        return original(self, filter_name, method_name)

    replace.method(model, "get_filter_value", value)


def _instance_filters() -> None:
    """Filters that moto does not know become a client error. Source: EC2 API Reference, DescribeInstances, Filter."""
    utils.filter_dict_attribute_mapping.update(
        {"instance-state-code": "state_code", "client-token": "client_token"}
    )
    original = utils.passes_filter_dict
    known = {"block-device-mapping.volume-id": "volume_id", "block-device-mapping.status": "status"}

    def passes(instance: Any, filters: dict[str, Any]) -> bool:
        rest = dict(filters)
        for name, attribute in known.items():
            wanted = rest.pop(name, None)
            if wanted is not None and not _any(
                [str(getattr(b, attribute)) for _, b in instance.get_block_device_mapping], wanted
            ):
                return False
        for name in rest:
            if name not in utils.filter_dict_attribute_mapping and not utils.is_tag_filter(name):
                raise EC2ClientError("InvalidParameterValue", f"The filter '{name}' is invalid")
        return bool(original(instance, rest))

    replace.method(utils, "passes_filter_dict", passes)
