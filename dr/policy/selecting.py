"""`select`: which sources a policy protects. It never selects everything by omission (I10)."""

from __future__ import annotations

from dr.documents.fields import (
    Field,
    Shape,
    any_text,
    choice,
    entries,
    given,
    mapping,
    text_or_texts,
    texts,
    written,
)
from dr.documents.nodes import Scalar
from dr.documents.wording import quoted
from dr.model import Protect, Selector, TagPatterns

_SELECT = Shape(keys=("tags", "exclude_tags", "instance_tags", "volumes", "names"))
_ONLY_FOR = {"instance_tags": Protect.VOLUMES, "volumes": Protect.VOLUMES, "names": Protect.STACKS}
_VOLUMES = ("all", "boot", "data")

_KEY_AT_MOST, _VALUE_AT_MOST = 128, 256
"""Characters. Source: EC2 user guide, Tag restrictions."""
_NAME = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-*?")
"""Source: CloudFormation API, CreateStack, StackName: [a-zA-Z][-a-zA-Z0-9]*; and our wildcards."""
_EXAMPLE = {Protect.STACKS: "names: ['prod-*']"}


def selector(value: Field, protect: Protect | None) -> Selector | None:
    """Read `select`. `protect` is None when it is unknown: then nothing is said of keys that do not go with it."""
    fields = mapping(value, _SELECT)
    if fields is None:
        return None
    if value.is_empty:
        example = _EXAMPLE.get(protect or Protect.VOLUMES, "tags: {Backup: 'yes'}")
        value.fault(f"is empty and so would select nothing; write {example}")
    for key, only in _ONLY_FOR.items():
        if key in fields and protect not in {None, only}:
            fields[key].key_fault(f"only for protect: {only}; remove it")
    return Selector(
        tags=given(fields, "tags", _patterns, {}),
        exclude_tags=given(fields, "exclude_tags", _patterns, {}),
        instance_tags=given(fields, "instance_tags", _patterns, {}),
        volumes=given(fields, "volumes", lambda one: choice(one, _VOLUMES), "all"),
        names=given(fields, "names", _names, ()),
    )


def _patterns(value: Field) -> TagPatterns | None:
    found = entries(value)
    if found is None:
        return None
    if not found:
        value.fault("is empty; write {Backup: 'yes'}, or remove it")
    return {key: _values(key, one) for key, one in found.items()}


def _values(key: str, value: Field) -> tuple[str, ...]:
    if not 1 <= len(key) <= _KEY_AT_MOST:
        value.key_fault(f"a tag's key has 1 to {_KEY_AT_MOST} characters")
    found = text_or_texts(value, "['*'] for any value", _tag_value)
    return tuple(written(one) for one in found or ())


def _tag_value(value: Field) -> str | None:
    if isinstance(value.node, Scalar) and value.node.value is None:
        value.expected("text", 'write "*" for any value')
        return None
    found = any_text(value)
    if found is not None and len(found) > _VALUE_AT_MOST:
        value.fault(f"a tag's value has at most {_VALUE_AT_MOST} characters")
        return None
    return found


def _names(value: Field) -> tuple[str, ...] | None:
    found = texts(value, "['prod-*']")
    if found is None:
        return None
    for one in found:
        if strange := sorted(set(written(one)) - _NAME):
            what = f"no stack can match {quoted(written(one))}: a stack's name has no {quoted(strange[0])}"
            one.fault(f"{what}; write letters, digits, -, * and ?")
    return tuple(written(one) for one in found)
