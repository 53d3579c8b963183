"""The statements of cloudformation/functions.yaml and member.yaml: those of `dr.iam`, for whatever place the parameters name.

    Place of ${Parameter}s --dr.iam--> statements --Fn::Sub, Ref, Fn::If--> blocks between two marks in the templates

A template is deployed without dr, so the statements stand in it; a test holds them equal to these, and the policies that
they make equal to those of `dr iam`. Each rule is about the text of a value alone:

- `${Name}` alone is a Ref, and beside other text a Fn::Sub; the partition and the end of a host are AWS's own words for them;
- the ARN of a store, with its folder when it has one, is said once, by a resource; without a replica it is the store's again;
- a list of what lies in the stores is one text, and split at its blanks: a folder has none;
- what else names the replica is there when there is one, and a folder goes with its slash when there is one;
- a list of ARNs stands for the ARN that it is named in, and without it the statement is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from dr.config import StoreLocation
from dr.iam.documents import Document, statements
from dr.iam.place import Place, Rebuilt, Role

HUB = Place(
    installation="${Installation}",
    account="${AWS::AccountId}",
    regions=("${Regions}",),
    stores=(
        StoreLocation(url="s3://${StoreBucket}/${StorePrefix}"),
        StoreLocation(url="s3://${ReplicaBucket}/${ReplicaPrefix}"),
    ),
    staging={"a": "${StoreBucket}", "another": "${ReplicaBucket}"},
    parameters=("${ParameterArns}",),
    asks=("accounts", "units", "tags"),
    rebuilt=Rebuilt(stacks=("${RestorableStacks}",), roles=("${StackRoles}",)),
    tells=False,
)
"""Where the functions run: it has the stores. A manifest is signed by no function."""
MEMBER = Place(
    installation="${Installation}",
    account="${AWS::AccountId}",
    regions=("${Regions}",),
    staging={},
    tells=False,
)
"""Another account: the stores are reached with the hub's own credentials."""

_ARNS = {
    "ParameterArns": "HasParameters",
    "RestorableStacks": "HasRestorableStacks",
    "StackRoles": "HasStackRoles",
}
"""Parameters that are lists of ARNs -> the condition that there are any."""
_LISTS = ("Regions", *_ARNS)
_STORES = {
    "arn:aws:s3:::${StoreBucket}/${StorePrefix}": "${Store.Value}",
    "arn:aws:s3:::${ReplicaBucket}/${ReplicaPrefix}": "${Replica.Value}",
}
_FOLDERS = {"${StorePrefix}/": "StoreInFolder", "${ReplicaPrefix}/": "ReplicaInFolder"}
_OF_REPLICA = ("${ReplicaBucket}", "${ReplicaPrefix}")
_NONE = {"Ref": "AWS::NoValue"}


def functions_blocks() -> dict[str, list[Document]]:
    """Policy -> statements, of functions.yaml: a role has `never`, `store`, `organization`, and beyond what its function does.

    `account` is what a tick of one account asks an Organization about that one.
    """
    never, roles = _apart(HUB, Role.READER, Role.CAPTURER, Role.EXPIRER, Role.RESTORER)
    organization = [row for row in roles[Role.READER] if _is_asked(row)]
    store = [row for row in roles[Role.READER] if row["Sid"] != "Look" and row not in organization]
    shared = [*store, *organization]
    account = _beyond(shared, [row for row in roles[Role.CAPTURER] if _is_asked(row)])
    capturer = _beyond([*shared, *account], roles[Role.CAPTURER])
    blocks = {
        "never": never,
        "store": store,
        "organization": organization,
        "account": account,
        "capturer": capturer,
        "expirer": _beyond([*shared, *account, *capturer], roles[Role.EXPIRER]),
        "restorer": _beyond(shared, roles[Role.RESTORER]),
    }
    return {name: [_worded(row) for row in rows] for name, rows in blocks.items()}


def _is_asked(row: Document) -> bool:
    return all(action.startswith("organizations:") for action in row["Action"])


def member_blocks() -> dict[str, list[Document]]:
    """The same, of member.yaml."""
    never, roles = _apart(MEMBER, Role.CAPTURER, Role.EXPIRER)
    capturer = roles[Role.CAPTURER]
    blocks = {"never": never, "capturer": capturer, "expirer": _beyond(capturer, roles[Role.EXPIRER])}
    return {name: [_worded(row) for row in rows] for name, rows in blocks.items()}


def _apart(place: Place, *roles: Role) -> tuple[list[Document], dict[Role, list[Document]]]:
    """What is denied to all of these roles, and the other statements of each."""
    whole = {role: statements(role, place) for role in roles}
    first, *others = whole.values()
    never = [row for row in first if row["Effect"] == "Deny" and all(row in rows for rows in others)]
    return never, {role: [row for row in rows if row not in never] for role, rows in whole.items()}


def _beyond(given: list[Document], rows: list[Document]) -> list[Document]:
    """The statements that say more than the given ones do: IAM takes few characters, and so does CloudFormation."""
    return [row for row in rows if not any(_covers(wider, row) for wider in given)]


def _covers(wider: Document, row: Document) -> bool:
    fixed = ("Sid", "Effect", "Condition")
    return all(wider.get(key) == row.get(key) for key in fixed) and all(
        set(_listed(wider[key])) >= set(_listed(row[key])) for key in ("Action", "Resource")
    )


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value


def _worded(statement: Document) -> Document:
    """A statement in the words of CloudFormation."""
    text = json.dumps(statement)
    made: Document = _value(statement)
    for condition in (condition for name, condition in _ARNS.items() if _named(name) in text):
        made = {"Fn::If": [condition, made, _NONE]}
    return made


def _value(value: Any) -> Any:
    match value:
        case Mapping():
            return {key: _value(each) for key, each in value.items()}
        case [str(only)] if name := _list(only):
            return {"Ref": name}
        case [_, _, *_] if all(arn.startswith(tuple(_STORES)) for arn in value):
            return {"Fn::Split": [" ", {"Fn::Sub": " ".join(map(_stored, value))}]}
        case list():
            return [_value(each) for each in value]
        case _:
            return _text(value)


def _text(text: str) -> Any:
    if name := _list(text):
        return {"Ref": name}
    made = _substituted(_anywhere(_stored(text)))
    return {"Fn::If": ["HasReplica", made, _NONE]} if any(name in text for name in _OF_REPLICA) else made


def _stored(text: str) -> str:
    """A text with the ARNs of the stores as the resources say them."""
    for arn, said in _STORES.items():
        text = text.replace(arn, said)
    return text


def _list(text: str) -> str | None:
    """The parameter that is a list, and that a text stands for."""
    return next((name for name in _LISTS if _named(name) in text), None)


def _named(name: str) -> str:
    return f"${{{name}}}"


def _anywhere(text: str) -> str:
    """A text that is about AWS's own partition, in whichever one the stack is."""
    text = re.sub(r"^arn:aws:", "arn:${AWS::Partition}:", text)
    return re.sub(r"(?<=\.\*\.)amazonaws\.com$", "${AWS::URLSuffix}", text)


def _substituted(text: str) -> Any:
    for folder, condition in _FOLDERS.items():
        if folder in text:
            inside = {"In": {"Fn::If": [condition, {"Fn::Sub": folder}, ""]}}
            return {"Fn::Sub": [text.replace(folder, "${In}"), inside]}
    if alone := re.fullmatch(r"\$\{([A-Za-z:]+)\}", text):
        return {"Ref": alone[1]}
    return {"Fn::Sub": text} if "${" in text else text
