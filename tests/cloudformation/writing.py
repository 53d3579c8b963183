"""Statements as YAML in the manner of the templates, and the marks between which they stand."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

_WIDTH = 116
_SHORT = 48
_PLAIN = re.compile(r"[A-Za-z][A-Za-z0-9:./_-]*")
_WORDS = {"null", "true", "false", "yes", "no", "on", "off", "y", "n"}
"""Texts that YAML would take for something else."""
_MARK = "{indent}# --- generated: {name} ---\n"
_END = "{indent}# --- end ---\n"


def rewritten(text: str, blocks: Mapping[str, list[Any]]) -> str:
    """A template with these blocks between its marks."""
    for name, rows in blocks.items():
        pattern = re.compile(
            rf"^( *)# --- generated: {name} ---\n.*?^\1# --- end ---\n", re.MULTILINE | re.DOTALL
        )
        assert len(pattern.findall(text)) == 1, f"the marks of {name} stand there once"
        text = pattern.sub(lambda found: _block(name, rows, found[1]), text)  # noqa: B023 - called at once
    return text


def _block(name: str, rows: list[Any], indent: str) -> str:
    lines = (f"{indent}{line}\n" for line in _items(rows, _WIDTH - len(indent)))
    return _MARK.format(indent=indent, name=name) + "".join(lines) + _END.format(indent=indent)


def _items(rows: list[Any], width: int) -> Iterator[str]:
    for row in rows:
        first, *rest = _lines(row, width - 2)
        yield f"- {first}"
        yield from (f"  {line}" for line in rest)


def _lines(value: Any, width: int) -> Iterator[str]:
    """A value on lines of its own."""
    flow = _flow(value)
    if not isinstance(value, Mapping) or (len(flow) <= width and "Sid" not in value):
        yield flow
    elif called := _intrinsic(value):
        tag, of = called
        yield tag
        yield from _items(of, width)
    else:
        for key, each in value.items():
            yield from _pair(_flow(key), each, width)


def _pair(key: str, value: Any, width: int) -> Iterator[str]:
    flow = f"{key}: {_flow(value)}"
    if len(flow) <= width or isinstance(value, str):
        yield flow
    elif isinstance(value, list):
        yield f"{key}:"
        short = all(len(_flow(each)) <= _SHORT for each in value)
        yield from _packed(value, width - 2) if short else _items(value, width)
    elif isinstance(value, Mapping) and "Fn::Split" in value:
        yield from _folded(key, value["Fn::Split"][1]["Fn::Sub"], width)
    elif called := _intrinsic(value):
        tag, of = called
        yield f"{key}: {tag}"
        yield from _items(of, width)
    else:
        yield f"{key}:"
        for inner, each in value.items():
            yield from (f"  {line}" for line in _pair(_flow(inner), each, width - 2))


def _packed(rows: list[Any], width: int) -> Iterator[str]:
    """Short values in a list over several lines."""
    line = "  ["
    for row in map(_flow, rows):
        if len(line) + len(row) > width:
            yield line.rstrip()
            line = "  "
        line += f"{row}, "
    yield f"{line.removesuffix(', ')}]"


def _folded(key: str, text: str, width: int) -> Iterator[str]:
    """A text of many words, split at its blanks: between quotes YAML reads the end of a line as one."""
    line = f'{key}: !Split [" ", !Sub "'
    for word in text.split(" "):
        if len(line) + len(word) > width:
            yield line.rstrip()
            line = "  "
        line += f"{word} "
    yield f'{line.rstrip()}"]'


def _intrinsic(value: Mapping[str, Any]) -> tuple[str, Any] | None:
    """Tag and argument of a function of CloudFormation."""
    if len(value) != 1:
        return None
    ((key, of),) = value.items()
    return (f"!{key.removeprefix('Fn::')}", of) if key == "Ref" or key.startswith("Fn::") else None


def _flow(value: Any) -> str:
    """A value on one line."""
    match value:
        case Mapping() if called := _intrinsic(value):
            tag, of = called
            return f"{tag} {of if tag == '!Ref' else _flow(of)}"
        case Mapping():
            return "{" + ", ".join(f"{_flow(key)}: {_flow(each)}" for key, each in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(_flow, value)) + "]"
        case str() if _PLAIN.fullmatch(value) and value.lower() not in _WORDS:
            return value
        case _:
            return json.dumps(value)
