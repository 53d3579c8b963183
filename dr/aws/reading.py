"""A parser of EC2's listings that builds only what dr reads of them (`dr.aws.rows`).

    an answer's body --before-parse--> a piece at a time, by expat, into elements --> of the complete items the named fields: rows
                                       what is left (page token, request id) is botocore's to parse

botocore builds every field of every item; of a listing of 300,000 snapshots that is nearly all the time and memory that
`dr plan` takes. Here C builds the elements of some dozen items, Python takes of them what is wanted, and they are let go. The
readers are made of botocore's own shapes, so that a row has botocore's names and values, and fewer of them. Whatever is not
understood here (an error, a body that is cut off, a value of another form) is left to botocore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary
from xml.etree.ElementTree import Element, ParseError, TreeBuilder, XMLParser, tostring

from dr.aws.rows import Only, TagSet

if TYPE_CHECKING:
    from botocore.model import OperationModel, Shape

_only: ContextVar[Only[Any] | None] = ContextVar("only", default=None)


@contextmanager
def reading(only: Only[Any] | None) -> Iterator[None]:
    """Read the answers to this thread's calls so, while the block runs; None leaves them to botocore."""
    before = _only.set(only)
    try:
        yield
    finally:
        _only.reset(before)


def take_out(
    operation_model: OperationModel,
    response_dict: dict[str, Any],
    customized_response_dict: dict[str, Any],
    **_: Any,
) -> None:
    """Read the item set of an answer in botocore's place: for its event `before-parse.ec2`."""
    only = _only.get()
    if only is None or response_dict["status_code"] >= 300:
        return
    try:
        found = taken_out(response_dict["body"], operation_model, only)
    except (ParseError, ValueError, LookupError, RecursionError):
        return  # botocore says what it is: also an encoding that nobody knows (LookupError), and elements without end
    if found is not None:
        customized_response_dict[only.key], response_dict["body"] = found


# --- the body ---------------------------------------------------------------------------------------------------------

_PIECE = 1 << 14
"""Bytes that are parsed before complete items are read: their elements fit a processor's cache, those of a page do not."""


def taken_out(
    body: bytes, operation: OperationModel, only: Only[Any], piece: int = _PIECE
) -> tuple[list[Any], bytes] | None:
    """The rows of the item set, and the answer without it; None where there is not one. `piece` is in bytes.

    Raises `ParseError`, `ValueError` and the like for what is not understood.
    """
    builder = TreeBuilder()
    parser = XMLParser(target=builder)  # noqa: S314 - AWS's own words, which botocore parses so too  # nosec B314
    above = builder.start("above", {})
    rows: list[Any] = []
    items: Element | None = None
    for begin in range(0, len(body), piece):
        parser.feed(body[begin : begin + piece])
        if items is None and (items := _item_set(above, operation, only)) is None:
            continue
        read = reader(operation, only, _space(above[0]))
        rows += read(items[:-1])  # the last may go on in the next piece
        del items[:-1]
    parser.close()
    if items is None:
        return None
    rows += read(items)
    above[0].remove(items)
    another = _item_set(above, operation, only)
    return (rows, tostring(above[0], "utf-8")) if another is None else None


def _item_set(above: Element, operation: OperationModel, only: Only[Any]) -> Element | None:
    """The element that holds the items, once it has begun."""
    if not len(above):
        return None
    return above[0].find(_space(above[0]) + _tag(_members(operation)[only.key], only.key))


def _space(element: Element) -> str:
    """The namespace of an element, in braces as it stands before its tag and those of its children."""
    return element.tag[: element.tag.rfind("}") + 1]


# --- items ------------------------------------------------------------------------------------------------------------

_Read = Callable[[Any], Any]
"""From an element, or from the children of one, to its value."""


def _instant(text: str) -> datetime:
    """A time as EC2 writes it, `2026-03-29T01:00:00.000Z`. Raises `ValueError` for one in any other form."""
    if len(text) not in _LENGTHS or text[10] != "T" or text[-1] != "Z":
        raise ValueError(text)
    return datetime.fromisoformat(text)


_LENGTHS = (len("2026-03-29T01:00:00Z"), len("2026-03-29T01:00:00.000Z"))
_CONVERT: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "boolean": lambda text: text == "true",
    "timestamp": _instant,
}
"""By botocore's names of types; every other is text."""
_readers: WeakKeyDictionary[OperationModel, dict[tuple[Only[Any], str], _Read]] = WeakKeyDictionary()


def reader(operation: OperationModel, only: Only[Any], space: str = "") -> _Read:
    """From the item elements of this operation's answer, in this namespace, to their rows.

    Raises `KeyError` for a field that botocore's model lacks.
    """
    known = _readers.setdefault(operation, {})
    if (only, space) not in known:
        known[only, space] = _reader(_members(operation)[only.key], list[only.row], space)  # type: ignore[name-defined]
    return known[only, space]


def _reader(shape: Shape, hint: Any, space: str) -> _Read:
    """From an element of this shape to the fields of it that the hint has."""
    if hint == TagSet:
        return _tag_set(_members(getattr(shape, "member")), space)  # noqa: B009
    if get_origin(hint) is list:
        item = _reader(getattr(shape, "member"), get_args(hint)[0], space)  # noqa: B009
        return lambda elements: [item(element) for element in elements]
    if isinstance(hint, type) and issubclass(hint, dict):
        return _structure(_members(shape), get_type_hints(hint), space)
    convert = _CONVERT.get(shape.type_name)
    if convert is None:
        return lambda element: element.text or ""
    return lambda element: convert(element.text or "")


def _structure(members: Mapping[str, Shape], hints: Mapping[str, Any], space: str) -> _Read:
    """From an element to a row. What is there twice, or in another namespace, is not understood: it is no absence."""
    fields = {
        space + _tag(members[name], name): (name, _reader(members[name], hint, space))
        for name, hint in hints.items()
    }
    field_of = fields.get

    def read(element: Element) -> dict[str, Any]:
        row = {}
        for child in element:
            if field := field_of(child.tag):
                name, value_of = field
                if name in row:
                    raise ValueError(name)
                row[name] = value_of(child)
            elif _space(child) != space:
                raise ValueError(child.tag)
        return row

    return read


def _tag_set(members: Mapping[str, Shape], space: str) -> _Read:
    key, value = (space + _tag(members[name], name) for name in ("Key", "Value"))
    return lambda tags: {tag.findtext(key, ""): tag.findtext(value, "") for tag in tags}


def _members(of: OperationModel | Shape) -> Mapping[str, Shape]:
    """The fields of a structure, or of an operation's answer."""
    found: Mapping[str, Shape] = getattr(getattr(of, "output_shape", of), "members")  # noqa: B009
    return found


def _tag(shape: Shape, name: str) -> str:
    """The element that a field of this name is in."""
    return str(shape.serialization.get("name") or name)
