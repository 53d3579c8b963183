"""A parser of EC2's listings that builds only what dr reads of them (`dr.aws.rows`).

    an answer's body --before-parse--> its item set is cut out and read here, the named fields only --> rows
                                       what is left (page token, request id) is botocore's to parse

botocore builds every field of every item; of a listing of 300,000 snapshots that is nearly all the time and memory that
`dr plan` takes. The parser is made of botocore's own shapes, so that a row has botocore's names and values, and fewer of
them. Whatever is not understood here (an error, a body that is cut off, a value of another form) is left to botocore.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints
from weakref import WeakKeyDictionary
from xml.parsers import expat

from dr.aws.rows import Only

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
        found = _Reader(plan(operation_model, only)).read(response_dict["body"])
    except (expat.ExpatError, ValueError, LookupError):  # LookupError: an encoding that nobody knows
        return  # botocore says what it is
    if found is not None:
        customized_response_dict[only.key] = found.rows
        response_dict["body"] = found.rest


# --- what is read -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Plan:
    """How one element is read, and under which name its value is kept.

    `children` are those of a structure by their elements' names, `item` that of a list, `convert` reads a text.
    """

    name: str = ""
    tag: str = ""
    children: Mapping[str, _Plan] | None = None
    item: _Plan | None = None
    convert: Callable[[str], Any] | None = None


_CONVERT: Mapping[str, Callable[[str], Any]] = {
    "integer": int,
    "long": int,
    "boolean": lambda text: text == "true",
    "timestamp": datetime.fromisoformat,
}
"""By botocore's names of types; every other is text. EC2 writes ISO 8601."""
_plans: WeakKeyDictionary[OperationModel, dict[Only[Any], _Plan]] = WeakKeyDictionary()


def plan(operation: OperationModel, only: Only[Any]) -> _Plan:
    """How the items of this operation's answer are read. Raises `KeyError` for a field that botocore's model lacks."""
    known = _plans.setdefault(operation, {})
    if only not in known:
        members: Mapping[str, Any] = getattr(operation.output_shape, "members")  # noqa: B009
        known[only] = _of(members[only.key], list[only.row], only.key)  # type: ignore[name-defined]
    return known[only]


def _of(shape: Shape, hint: Any, name: str) -> _Plan:
    """The plan of a shape, of which the fields of the hint are wanted."""
    tag = shape.serialization.get("name") or name
    if get_origin(hint) is list:
        return _Plan(name=name, tag=tag, item=_of(getattr(shape, "member"), get_args(hint)[0], ""))  # noqa: B009
    if not isinstance(hint, type) or not issubclass(hint, dict):
        return _Plan(name=name, tag=tag, convert=_CONVERT.get(shape.type_name, str))
    members: Mapping[str, Shape] = getattr(shape, "members")  # noqa: B009
    plans = [_of(members[field], wanted, field) for field, wanted in get_type_hints(hint).items()]
    return _Plan(name=name, tag=tag, children={plan.tag: plan for plan in plans})


# --- reading ----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """The rows, and the answer without them."""

    rows: list[Any]
    rest: bytes


class _Reader:
    """Reads one body. Outside the item set it only counts levels; inside, each wanted element is kept where it belongs."""

    __slots__ = (
        "_begin",
        "_box",
        "_chunks",
        "_end",
        "_leaf",
        "_level",
        "_parser",
        "_plan",
        "_rows",
        "_skip",
        "_stack",
        "_tag",
    )

    def __init__(self, plan: _Plan) -> None:
        self._plan = plan
        self._tag = plan.tag
        self._rows: list[Any] = []
        self._stack: list[tuple[_Plan, Any]] = []
        self._box: Any = None
        self._leaf: _Plan | None = None
        self._chunks: list[str] = []
        self._level = self._skip = 0
        self._begin = self._end = -1
        self._parser = expat.ParserCreate()
        self._parser.buffer_text = True

    def read(self, body: bytes) -> _Found | None:
        """The rows; None where there is no item set. Raises `ExpatError` and `ValueError`."""
        self._outside()
        try:
            self._parser.Parse(body, True)
        finally:
            self._let_go()
        if self._end < 0:
            return None
        return _Found(rows=self._rows, rest=body[: self._begin] + body[self._after(body) :])

    def _after(self, body: bytes) -> int:
        """Where the item set ends: an end tag is told by where it begins, an empty element by what comes after it."""
        ends = body.startswith(f"</{self._tag}".encode(), self._end)
        return body.index(b">", self._end) + 1 if ends else self._end

    def _outside(self) -> None:
        self._parser.StartElementHandler, self._parser.EndElementHandler = self._opened, self._closed
        self._parser.CharacterDataHandler = None

    def _let_go(self) -> None:
        """The parser and its handlers hold each other, and with them a page of rows, until somebody collects garbage."""
        self._parser.StartElementHandler = self._parser.EndElementHandler = None
        self._parser.CharacterDataHandler = None

    def _opened(self, tag: str, _: Any) -> None:
        self._level += 1
        if self._level == _SETS and tag == self._tag and self._begin < 0:
            self._begin = self._parser.CurrentByteIndex
            self._box = self._rows
            self._parser.StartElementHandler, self._parser.EndElementHandler = self._start, self._finish
            self._parser.CharacterDataHandler = self._chunks.append

    def _closed(self, _: str) -> None:
        self._level -= 1

    def _start(self, tag: str, _: Any) -> None:
        if self._skip or self._leaf is not None:
            self._skip += 1
            return
        plan = self._plan
        child = plan.item if plan.children is None else plan.children.get(tag)
        if child is None:
            self._skip = 1
        elif child.convert is not None:
            self._leaf = child
            self._chunks.clear()
        else:
            self._stack.append((plan, self._box))
            self._box = self._keep(child, [] if child.children is None else {})
            self._plan = child

    def _finish(self, _: str) -> None:
        if self._skip:
            self._skip -= 1
        elif (leaf := self._leaf) is not None and leaf.convert is not None:
            self._leaf = None
            self._keep(leaf, leaf.convert("".join(self._chunks)))
        elif self._stack:
            self._plan, self._box = self._stack.pop()
        else:
            self._end = self._parser.CurrentByteIndex
            self._level -= 1
            self._outside()

    def _keep(self, plan: _Plan, value: Any) -> Any:
        if plan.name:
            self._box[plan.name] = value
        else:
            self._box.append(value)
        return value


_SETS = 2
"""The level of the elements that an answer consists of."""
