"""Regular expressions of the product, found in its code, and texts that make a bad one explode."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from re import _constants as sre  # type: ignore[attr-defined] # the parsed form is what an attack is made from
from re import _parser  # type: ignore[attr-defined]
from typing import Any

ROOT = Path(__file__).parent.parent
PRODUCT = sorted(path for folder in ("dr", "handlers") for path in (ROOT / folder).rglob("*.py"))
METHODS = ("match", "fullmatch", "search", "findall", "finditer", "split", "sub", "subn")
LENGTH = 4_000
"""Characters of an attack: a linear expression needs far below a millisecond, a quadratic one some ten of them."""
SUSPECT = 0.003
"""Seconds after which an attack is measured at double its length."""
WORSE_THAN_LINEAR = 2.9
"""Of twice the text: linear is 2 times the time, quadratic 4 times."""


@dataclass(frozen=True, kw_only=True)
class Use:
    """One way in which an expression is used."""

    place: str
    pattern: str
    method: str
    flags: int = 0

    def on(self, text: str) -> Callable[[], object]:
        """Use it on a text, whole."""
        compiled = re.compile(self.pattern, self.flags)
        if self.method in ("sub", "subn"):
            return lambda: compiled.sub("", text)
        if self.method == "finditer":
            return lambda: sum(1 for _ in compiled.finditer(text))
        call = getattr(compiled, self.method)
        return lambda: call(text)


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call of `re`; `pattern` is None where it is not written out."""

    place: str
    method: str
    pattern: str | None
    flags: int = 0
    name: str | None = None


def calls(path: Path) -> Iterator[Call]:
    """Every call of a function of `re` in a module, with the name that its result is given."""
    tree = ast.parse(path.read_text())
    names = {id(node.value): node.targets[0] for node in ast.walk(tree) if isinstance(node, ast.Assign)}
    constants = {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name)
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call) or ast.unparse(node.func).partition(".")[0] != "re":
            continue
        method = ast.unparse(node.func).partition(".")[2]
        if method in ("compile", *METHODS):
            target = names.get(id(node))
            yield Call(
                place=f"{path.relative_to(ROOT)}:{node.lineno}",
                method=method,
                pattern=_text(node.args[0], constants),
                flags=_flags(node),
                name=target.id if isinstance(target, ast.Name) else None,
            )


def _text(node: ast.expr, constants: dict[str, Any]) -> str | None:
    if isinstance(node, ast.Constant):
        return str(node.value)
    return constants.get(node.id) if isinstance(node, ast.Name) else None


def _flags(node: ast.Call) -> int:
    named = [*node.args[1:], *(keyword.value for keyword in node.keywords)]
    found = [ast.unparse(one).removeprefix("re.") for one in named if ast.unparse(one).startswith("re.")]
    return sum(int(getattr(re, name)) for name in found)


def uses() -> Iterator[Use]:
    """Every expression that is written out, with each method that is called on it."""
    for path in PRODUCT:
        text = path.read_text()
        for call in calls(path):
            if call.pattern is None:
                continue
            for method in [call.method] if call.method != "compile" else _methods(text, call.name):
                yield Use(place=call.place, pattern=call.pattern, method=method, flags=call.flags)


def _methods(text: str, name: str | None) -> list[str]:
    """What is called on a compiled expression; all that there is where it is used elsewhere."""
    if name is None:
        return ["search"]
    found = sorted({m for m in METHODS if re.search(rf"\b{name}\.{m}\b", text)})
    return found or ["search", "fullmatch"]


def explosion(use: Use) -> str | None:
    """A text on which the expression needs more than linear time; None when none of the attacks is one."""
    for before, pump, after in attacks(use.pattern):
        if _seconds(use, before, pump, after, LENGTH) < SUSPECT:
            continue
        once = min(_seconds(use, before, pump, after, LENGTH) for _ in range(3))
        twice = min(_seconds(use, before, pump, after, 2 * LENGTH) for _ in range(3))
        if once >= SUSPECT and twice > WORSE_THAN_LINEAR * once:
            return f"{before!r} + {pump!r} * n + {after!r}: {once:.4f} s, then {twice:.4f} s"
    return None


def _seconds(use: Use, before: str, pump: str, after: str, length: int) -> float:
    run = use.on(before + pump * (length // len(pump)) + after)
    begin = time.process_time()
    run()
    return time.process_time() - begin


def attacks(pattern: str) -> Iterator[tuple[str, str, str]]:
    """Prefix, what is repeated, suffix: at each place of a text that matches, what the expression may take there."""
    parsed = _parser.parse(pattern)
    whole = shortest(parsed)
    letters = sorted(_letters(parsed))[:9] or ["a"]
    pumps = [*letters, *(a + b for a in letters for b in letters if a != b)]
    for at in sorted({0, len(whole), *range(min(len(whole), 24))}):
        for pump in pumps:
            yield whole[:at], pump, "\x00"
            yield whole[:at], pump, whole[at:] + "\x00"


def shortest(parsed: Any) -> str:
    """A short text that matches."""
    return "".join(_one(op, value) for op, value in parsed)


def _one(op: Any, value: Any) -> str:
    if op is sre.LITERAL:
        return chr(value)
    if op in (sre.IN, sre.NOT_LITERAL, sre.ANY):
        return next(iter(sorted(_of_class(op, value))), "")
    if op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
        return shortest(value[2]) * min(max(value[0], 1), 64)
    if op is sre.SUBPATTERN:
        return shortest(value[3])
    if op is sre.ATOMIC_GROUP:
        return shortest(value)
    return shortest(value[1][0]) if op is sre.BRANCH else ""


def _letters(parsed: Any) -> set[str]:
    """Characters that the expression takes somewhere, few of each class."""
    found: set[str] = set()
    for op, value in parsed:
        if op is sre.SUBPATTERN:
            found |= _letters(value[3])
        elif op is sre.ATOMIC_GROUP:
            found |= _letters(value)
        elif op in (sre.MAX_REPEAT, sre.MIN_REPEAT, sre.POSSESSIVE_REPEAT):
            found |= _letters(value[2])
        elif op is sre.BRANCH:
            found |= set().union(*map(_letters, value[1]))
        elif op in (sre.ASSERT, sre.ASSERT_NOT):
            found |= _letters(value[1])
        elif op is sre.LITERAL:
            found.add(chr(value))
        elif op in (sre.IN, sre.NOT_LITERAL, sre.ANY):
            found |= set(sorted(_of_class(op, value))[:3])
    return found


_SAMPLE = "a1 -_/.:=\"'\\é\n"


def _of_class(op: Any, value: Any) -> set[str]:
    """Some characters of a class."""
    if op is sre.ANY:
        return {"a"}
    if op is sre.NOT_LITERAL:
        return {char for char in _SAMPLE if ord(char) != value}
    ends = {chr(end) for kind, rest in value for end in _ends(kind, rest)}
    negated = value and value[0][0] is sre.NEGATE
    inside = {char for char in _SAMPLE if _is_in(char, value)}
    return inside if negated else ends | inside


def _ends(kind: Any, rest: Any) -> tuple[int, ...]:
    if kind is sre.LITERAL:
        return (rest,)
    return tuple(rest) if kind is sre.RANGE else ()


_CATEGORIES = {
    sre.CATEGORY_DIGIT: str.isdigit,
    sre.CATEGORY_SPACE: str.isspace,
    sre.CATEGORY_WORD: lambda char: char.isalnum() or char == "_",
}


def _is_in(char: str, value: Any) -> bool:
    negated = value and value[0][0] is sre.NEGATE
    found = any(
        (kind is sre.LITERAL and ord(char) == rest)
        or (kind is sre.RANGE and rest[0] <= ord(char) <= rest[1])
        or (kind is sre.CATEGORY and _CATEGORIES.get(rest, lambda _: False)(char))
        for kind, rest in value
    )
    return found is not negated
