"""A role in a place -> its policy document: the table's actions with one reach become one statement."""

from __future__ import annotations

import json
from typing import Any

from dr.errors import UsageError
from dr.iam.operations import NEEDS
from dr.iam.place import DEPLOYING, Place, Role
from dr.iam.reach import Reach
from dr.iam.refusals import REFUSALS

_LONGEST = 6144
"""Characters without white space. Source: IAM user guide, IAM and STS character limits, managed policies."""

Document = dict[str, Any]
"""A policy document, ready for JSON."""


def roles(place: Place) -> tuple[Role, ...]:
    """Who has something to do there: nobody deploys where dr.yaml does not say in which Region."""
    return tuple(role for role in Role if place.home or role not in DEPLOYING)


def policy(role: Role, place: Place) -> Document:
    """What a role needs, and what is denied to it.

    Raises `UsageError` for one that is too long for IAM, and for one that has nothing to do.
    """
    if role not in roles(place):
        raise UsageError(
            f"{role.value} is of deployments, and dr.yaml does not say where the functions run",
            "add `deploy: {region: ...}`",
        )
    document = {"Version": "2012-10-17", "Statement": statements(role, place)}
    size = len(json.dumps(document, separators=(",", ":")))
    if size > _LONGEST:
        raise UsageError(
            f"the policy of {role.value} has {size} characters, IAM takes {_LONGEST}",
            "give it shorter names, and those of stacks by patterns, such as --stack 'prod-*'",
        )
    return document


def statements(role: Role, place: Place) -> list[Document]:
    """The statements alone, of whatever length."""
    return [*_allowed(role, place), *_denied(role, place)]


def actions(role: Role) -> tuple[str, ...]:
    """Every action that a role may be allowed, wherever it is."""
    return tuple(sorted({need.action for need in NEEDS if role in need.roles}))


def _allowed(role: Role, place: Place) -> list[Document]:
    reaches: dict[str, Reach] = {}
    allowed: dict[str, set[str]] = {}
    for need in (need for need in NEEDS if role in need.roles):
        reach = need.reach(place)
        assert reaches.setdefault(reach.sid, reach) == reach, f"two reaches are named {reach.sid}"  # noqa: S101 - a slip in the table
        allowed.setdefault(reach.sid, set()).add(need.action)
    return [_statement("Allow", reaches[sid], allowed[sid]) for sid in reaches if reaches[sid].resources]


def _denied(role: Role, place: Place) -> list[Document]:
    refusals = [(refusal.reach(place), refusal) for refusal in REFUSALS if role in refusal.roles]
    return [_statement("Deny", reach, set(refusal.actions)) for reach, refusal in refusals if reach.resources]


def _statement(effect: str, reach: Reach, actions: set[str]) -> Document:
    statement: Document = {
        "Sid": reach.sid,
        "Effect": effect,
        "Action": sorted(actions),
        "Resource": reach.resources[0] if len(reach.resources) == 1 else list(reach.resources),
    }
    return statement | ({"Condition": dict(reach.condition)} if reach.condition else {})
