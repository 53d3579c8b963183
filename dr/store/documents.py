"""A stored stack as documents: a manifest, and its templates under their own digests (DESIGN 8).

    {"digest": SHA-256 of the canonical JSON of all the rest,
     "format": 1,
     "predecessor": {"sha256": of the manifest before this one in its lineage, "slot": ...} or null,
     "stack": everything of the StoredStack, each template replaced by its SHA-256, nested stacks inside}

Manifests are canonical JSON (keys sorted, no spaces, UTF-8, no line end): there is one spelling of each, so that any
changed byte shows. The predecessor's digest is over its bytes as they lie in the store: `sha256sum` checks it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from dr import layout
from dr.errors import Refused
from dr.model import Lineage
from dr.store.fields import Row
from dr.stored import StackOutput, StackParameter, StackResource, StoredStack
from dr.words import short

FORMAT = 1
"""Of the manifest. A reader refuses a number above its own: what it does not know could matter."""
_DEEPEST = 50
"""Levels of nested stacks: whoever forges a manifest shall not choose how deep its readers recurse."""
_REMEDY = (
    "do not restore from it: compare it with the other store and with the bucket's older versions; "
    "another moment can be restored with --at"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Predecessor:
    """The manifest before one in its lineage: its slot, and the SHA-256 of its bytes."""

    slot: datetime
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Packed:
    """A stored stack ready to be kept: the manifest's bytes, templates by SHA-256, the signature where there is one."""

    manifest: bytes
    blobs: Mapping[str, bytes]
    signature: bytes | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """A manifest whose own digest holds. `blobs` are the digests of the templates that it names."""

    sha256: str
    lineage: Lineage
    slot: datetime
    predecessor: Predecessor | None
    blobs: frozenset[str]
    stack: Mapping[str, Any]


def pack(stack: StoredStack, predecessor: Predecessor | None) -> Packed:
    """Make the documents of a stack; `predecessor` takes the place of the stack's own."""
    before = predecessor and {"slot": layout.slot_text(predecessor.slot), "sha256": predecessor.sha256}
    document: dict[str, Any] = {"format": FORMAT, "predecessor": before, "stack": _stack_row(stack)}
    document["digest"] = sha256(_canonical(document))
    blobs = {sha256(text.encode()): text.encode() for text in _templates(stack)}
    return Packed(manifest=_canonical(document), blobs=blobs)


def open_manifest(body: bytes, where: str) -> Manifest:
    """Read a manifest and hold it against its digest. Raises `Refused`, naming `where` it lies, for any fault."""
    try:
        document = json.loads(body)
        claimed = document.pop("digest")
        rest = _canonical(document)
        whole = _canonical(document | {"digest": claimed})
    except (ValueError, TypeError, AttributeError, KeyError, RecursionError) as error:
        raise _refused(where, f"it is no manifest ({error})") from error
    if claimed != sha256(rest) or whole != body:
        raise _refused(where, "its digest does not hold: it was changed or damaged after it was written")
    if document.get("format") != FORMAT:
        fix = "use a newer dr"
        raise Refused(
            f"{where}: its format is {short(repr(document.get('format')))}; this dr reads {FORMAT}", fix
        )
    try:
        return _manifest(sha256(body), Row(document))
    except ValueError as error:
        raise _refused(where, f"it is no manifest of a stack ({error})") from error


def unpack(manifest: Manifest, template: Callable[[str], str], where: str) -> StoredStack:
    """Build the stack again; `template` gives the text of a digest. Raises `Refused` for a malformed manifest."""
    try:
        return _stack(Row(manifest.stack), template, manifest.predecessor)
    except ValueError as error:
        raise _refused(where, f"it is no manifest of a stack ({error})") from error


def sha256(body: bytes) -> str:
    """Give the digest in hexadecimal."""
    return hashlib.sha256(body).hexdigest()


def instant_text(instant: datetime) -> str:
    """ISO 8601 in UTC, ending in Z."""
    return instant.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _canonical(document: Any) -> bytes:
    text = json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return text.encode()


def _refused(where: str, fault: str) -> Refused:
    return Refused(f"{where}: {fault}", _REMEDY)


def _stack_row(stack: StoredStack) -> dict[str, Any]:
    return {
        "account": stack.account,
        "region": stack.region,
        "name": stack.name,
        "stack_id": stack.stack_id,
        "status": stack.status,
        "policy": stack.policy,
        "slot": instant_text(stack.slot),
        "time": instant_text(stack.time),
        "template": sha256(stack.template.encode()),
        "processed": None if stack.processed is None else sha256(stack.processed.encode()),
        "parameters": [_parameter_row(row) for row in stack.parameters],
        "capabilities": list(stack.capabilities),
        "tags": dict(stack.tags),
        "role_arn": stack.role_arn,
        "notification_arns": list(stack.notification_arns),
        "stack_policy": stack.stack_policy,
        "termination_protection": stack.termination_protection,
        "description": stack.description,
        "outputs": [asdict(row) for row in stack.outputs],
        "imports": list(stack.imports),
        "resources": [asdict(row) for row in stack.resources],
        "children": {logical: _stack_row(child) for logical, child in stack.children.items()},
    }


def _parameter_row(parameter: StackParameter) -> dict[str, Any]:
    """Leave the values of a NoEcho parameter out, whatever the capture has found (FAILURES, I23)."""
    row = asdict(parameter)
    return row | {"value": None, "resolved": None} if parameter.no_echo else row


def _templates(stack: StoredStack) -> Iterator[str]:
    yield stack.template
    if stack.processed is not None:
        yield stack.processed
    for child in stack.children.values():
        yield from _templates(child)


def _manifest(digest: str, document: Row) -> Manifest:
    row = document.row("stack")
    lineage = Lineage(
        policy=row.text("policy"),
        account=row.text("account"),
        region=row.text("region"),
        source=row.text("name"),
    )
    return Manifest(
        sha256=digest,
        lineage=lineage,
        slot=row.instant("slot"),
        predecessor=_predecessor(document),
        blobs=frozenset(_named(row)),
        stack=row.values,
    )


def _predecessor(document: Row) -> Predecessor | None:
    if document.values.get("predecessor") is None:
        return None
    row = document.row("predecessor")
    slot = layout.parse_slot(row.text("slot"))
    if slot is None:
        raise ValueError("the predecessor's slot is none")
    return Predecessor(slot=slot, sha256=row.digest("sha256"))


def _named(row: Row, depth: int = 0) -> Iterator[str]:
    if depth > _DEEPEST:
        raise ValueError(f"stacks are nested deeper than {_DEEPEST} levels")
    yield row.digest("template")
    if row.values.get("processed") is not None:
        yield row.digest("processed")
    for child in row.children("children").values():
        yield from _named(child, depth + 1)


def _stack(row: Row, template: Callable[[str], str], predecessor: Predecessor | None) -> StoredStack:
    children = row.children("children").items()
    return StoredStack(
        account=row.text("account"),
        region=row.text("region"),
        name=row.text("name"),
        stack_id=row.text("stack_id"),
        status=row.text("status"),
        policy=row.text("policy"),
        slot=row.instant("slot"),
        time=row.instant("time"),
        template=template(row.digest("template")),
        processed=None if row.values.get("processed") is None else template(row.digest("processed")),
        parameters=tuple(_parameter(each) for each in row.rows("parameters")),
        capabilities=row.texts("capabilities"),
        tags=row.mapping("tags"),
        role_arn=row.maybe("role_arn"),
        notification_arns=row.texts("notification_arns"),
        stack_policy=row.maybe("stack_policy"),
        termination_protection=row.flag("termination_protection"),
        description=row.maybe("description"),
        outputs=tuple(_output(each) for each in row.rows("outputs")),
        imports=row.texts("imports"),
        resources=tuple(_resource(each) for each in row.rows("resources")),
        children={logical: _stack(child, template, None) for logical, child in children},
        predecessor=predecessor.sha256 if predecessor else "",
    )


def _parameter(row: Row) -> StackParameter:
    return StackParameter(
        name=row.text("name"),
        value=row.maybe("value"),
        resolved=row.maybe("resolved"),
        no_echo=row.flag("no_echo"),
    )


def _output(row: Row) -> StackOutput:
    return StackOutput(key=row.text("key"), value=row.text("value"), export=row.maybe("export"))


def _resource(row: Row) -> StackResource:
    return StackResource(
        logical_id=row.text("logical_id"),
        physical_id=row.text("physical_id"),
        type=row.text("type"),
        status=row.text("status"),
        facts=row.row("facts").values,
    )
