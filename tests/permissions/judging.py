"""The recorded calls against the documents of `dr iam`, both ways (FAILURES 4.6, row 11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from permissions.calls import Call, asked, revived
from permissions.evaluator import decide
from permissions.places import place
from permissions.recorder import folder

from dr.iam.building import AROUND, BUILT
from dr.iam.documents import policy, roles
from dr.iam.operations import NEEDS, OPERATIONS
from dr.iam.place import Place, Rebuilt, Role

ROLES = {
    "plan": (Role.READER,),
    "status": (Role.READER,),
    "points": (Role.READER,),
    "stacks": (Role.READER,),
    "verify": (Role.RESTORER,),
    "iam": (Role.READER,),
    "apply": (Role.CAPTURER, Role.EXPIRER),
    "daemon": (Role.CAPTURER, Role.EXPIRER),
    "notify": (Role.CAPTURER,),
    "freeze": (Role.MARKER,),
    "thaw": (Role.MARKER,),
    "tick": (Role.CAPTURER, Role.EXPIRER),
    "changed": (Role.CAPTURER,),
    "list_shards": (Role.CAPTURER, Role.EXPIRER),
    "sum_up": (Role.CAPTURER, Role.EXPIRER),
    "restore": (Role.RESTORER,),
    "deploy": (Role.DEPLOYER, Role.BUILDER, Role.WAKER),
    "undeploy": (Role.DEPLOYER, Role.BUILDER, Role.WAKER),
}
"""The roles under which a command, or a function, is run."""
CHANGING = {"ClearStore", "MakeStacks", "PassStackRoles", "StageTemplates", "TagStacksAtBirth", "WriteStore"}
"""What a role that verifies each day leaves out of the restorer's document (docs/commands.md)."""
UNUSED = {
    (Role.MARKER, "ec2:CreateTags"): "no command writes marks yet: dr hold comes later",
    (Role.MARKER, "ec2:DeleteTags"): "no command takes marks away yet: dr release comes later",
    (Role.MARKER, "ec2:DescribeImages"): "as ec2:CreateTags: a mark is written on what was looked up",
    (Role.MARKER, "ec2:DescribeSnapshots"): "as ec2:CreateTags",
}
"""What is allowed to a role and made by none of its commands, each with its reason."""
BY_CLOUDFORMATION = {
    (role, action)
    for role, table in ((Role.BUILDER, BUILT), (Role.WAKER, AROUND))
    for actions in table.values()
    for action in actions
}
"""What CloudFormation does for its caller: test_building.py holds it against CloudFormation's own schemas."""
UNTOUCHED = {
    (
        Role.CAPTURER,
        "s3:PutObject",
        "altered",
    ): "only for a template that was altered in the store; tests of the store "
    "do it, and no command of the suite on S3",
}
"""Folders of the store that a role may write or clear and no command of the whole suite does, each with its reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is wrong: calls that would be refused, and actions that nobody needs."""

    refused: tuple[str, ...]
    unused: tuple[str, ...]
    calls: int


def recorded(directory: Path) -> list[Call]:
    return [revived(file.read_text()) for file in sorted(directory.glob("*.json"))]


def judge(calls: Iterable[Call], *, whole: bool = False) -> Verdict:
    """`whole` asks of every folder of the store too that somebody needs it."""
    calls = list(calls)
    used: set[tuple[Role, str]] = set()
    refused = [fault for call in calls for fault in _faults(call, used)]
    idle = {(role, need.action) for need in NEEDS for role in need.roles} - used - UNUSED.keys()
    idle -= BY_CLOUDFORMATION
    unused = [f"{role.value}: {action} is allowed, and no recorded call needs it" for role, action in idle]
    unused += _untouched(calls) if whole else []
    return Verdict(refused=tuple(refused), unused=tuple(sorted(unused)), calls=len(calls))


def _untouched(calls: Iterable[Call]) -> list[str]:
    """Folders that are open to a role for nothing."""
    touched = {
        (role, request.action, folder(request.resource))
        for call in calls
        for role in ROLES.get(call.command or "", ())
        for request in asked(call)
    }
    idle = _folders() - touched - UNTOUCHED.keys()
    return [
        f"{role.value}: {action} in {name} is allowed, and no recorded call needs it"
        for role, action, name in idle
    ]


def _folders() -> set[tuple[Role, str, str]]:
    """What each role may write and clear in the store."""
    return {
        (role, action, folder(arn))
        for role in roles(place())
        for row in policy(role, place())["Statement"]
        if row["Sid"] in ("WriteStore", "ClearStore", "RememberTold")
        for action in row["Action"]
        for arn in row["Resource"]
    }


def _faults(call: Call, used: set[tuple[Role, str]]) -> Iterator[str]:
    """Why a call would be refused. One that no command made is held against the table alone."""
    if (call.service, call.operation) not in _TABLE:
        yield f"{call.service}:{call.operation} is not in the table of dr/iam/operations.py"
    if call.place is None or call.command not in ROLES:
        return
    documents = [(role, _document(role, _fitting(call))) for role in ROLES[call.command]]
    if call.command == "verify":
        documents = [(role, _without(CHANGING, document)) for role, document in documents]
    for request in asked(call):
        decision = decide([document for _, document in documents], request)
        if not decision.allowed:
            yield f"dr {call.command}: {request.action} on {request.resource} {dict(request.context)}: {decision}"
        used |= {(role, request.action) for role, document in documents if decide([document], request).by}


def _fitting(call: Call) -> Place:
    """The installation with what was asked of `dr iam` for this restore, in the account that is asked."""
    assert call.place is not None
    role = call.params.get("RoleARN")
    rebuilt = Rebuilt(stacks=call.targets, roles=(role,) if role else ())
    return replace(call.place, account=_account(call) or call.place.account, rebuilt=rebuilt)


def _account(call: Call) -> str:
    """Another account's, whose role has documents of its own; only an installation that takes on such roles has any."""
    assert call.place is not None
    named = str(call.params.get("StackName", ""))
    return named.split(":")[4] if call.place.members and named.startswith("arn:") else ""


_documents: dict[str, Any] = {}


def _document(role: Role, place: Place) -> dict[str, Any]:
    key = f"{role}{place}"
    if key not in _documents:
        _documents[key] = policy(role, place)
    return _documents[key]


def _without(sids: set[str], document: dict[str, Any]) -> dict[str, Any]:
    return document | {"Statement": [row for row in document["Statement"] if row["Sid"] not in sids]}


_TABLE = {(operation.service, operation.name) for operation in OPERATIONS}
