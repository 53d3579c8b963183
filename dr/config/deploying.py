"""`deploy` in dr.yaml: where dr's own functions run, who is told of alarms, and what the restoring one may bring back."""

from __future__ import annotations

from dataclasses import dataclass

from dr.documents.domain import region
from dr.documents.fields import Field, Shape, given, mapping, matching, texts, written

_DEPLOY = Shape(
    keys=("region", "email", "restorable", "stack_roles"),
    required={"region": "name where the functions run, such as eu-central-1: best not one that they protect"},
)
_EMAIL = r"[^@\s]{1,64}@[^@\s]{1,255}"
_STACK = r"[A-Za-z*?][A-Za-z0-9*?-]{0,127}"
"""A stack's name, with the wildcards of IAM."""
_ROLE = r"arn:aws[a-z-]*:iam::[0-9]{12}:role/[A-Za-z0-9+=,.@_/-]{1,512}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Deploying:
    """`restorable` are names of stacks, with `*` and `?`; none is those that policies select by name."""

    region: str
    email: str = ""
    restorable: tuple[str, ...] = ()
    stack_roles: tuple[str, ...] = ()


def deploying(value: Field) -> Deploying | None:
    """Read `deploy`."""
    fields = mapping(value, _DEPLOY)
    if fields is None or "region" not in fields:
        return None
    where = region(fields["region"])
    email = given(fields, "email", _email, "")
    none: tuple[str, ...] = ()
    stacks = given(fields, "restorable", _stacks, none)
    roles = given(fields, "stack_roles", _roles, none)
    return Deploying(region=where, email=email, restorable=stacks, stack_roles=roles) if where else None


def _email(value: Field) -> str | None:
    return matching(value, _EMAIL, "an address of e-mail")


def _stacks(value: Field) -> tuple[str, ...] | None:
    found = texts(
        value, '["prod-*"]', lambda one: matching(one, _STACK, "a stack's name, in which * and ? may stand")
    )
    return None if found is None else tuple(written(one) for one in found)


def _roles(value: Field) -> tuple[str, ...] | None:
    example = "[arn:aws:iam::111111111111:role/cloudformation]"
    found = texts(value, example, lambda one: matching(one, _ROLE, "the ARN of a role"))
    return None if found is None else tuple(written(one) for one in found)
