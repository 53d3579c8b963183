"""How faults speak of what stands in a file: safe on a terminal, short, with the repair spelled out."""

from __future__ import annotations

import difflib
import json
from collections.abc import Collection
from datetime import date

from dr.documents.nodes import Broken, Items, Node, Scalar, Table

_SHOWN_AT_MOST = 60

Path = tuple[str | int, ...]
"""Keys and places in lists, from the top of a document."""


def joined(path: Path) -> str:
    """A path for a message: `select.tags.Tier[1]`."""
    text = ""
    for part in path:
        if isinstance(part, int):
            text += f"[{part}]"
        else:
            text += ("." if text else "") + (shown(part) or '""')
    return shown(text, 120)


def shown(text: str, at_most: int = _SHOWN_AT_MOST) -> str:
    """A text from a file for a message: one line, no control characters, not too long."""
    cut = text if len(text) <= at_most else text[: at_most - 3] + "..."
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in cut)


def quoted(text: str) -> str:
    """A text as it should stand in the file: in double quotes."""
    return json.dumps(shown(text), ensure_ascii=False)


def kind(node: Node) -> str:
    """What stands there, in words."""
    match node:
        case Table():
            return "a mapping"
        case Items():
            return "a list"
        case Broken():
            return "something else"
        case Scalar(value=None):
            return "nothing"
        case Scalar(value=bool()):
            return f"the boolean {shown(node.text)}"
        case Scalar(value=int() | float()):
            return f"the number {shown(node.text)}"
        case Scalar(value=date()):
            return f"the date {shown(node.text)}"
        case Scalar():
            return f"the text {quoted(node.text)}"


def closest(word: str, known: Collection[str]) -> str | None:
    """The known word that was probably meant."""
    by_folded = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(word[:_SHOWN_AT_MOST].casefold(), by_folded, n=1)
    return by_folded[near[0]] if near else None


def did_you_mean(word: str | None) -> str:
    """The end of a message that suggests a word, or nothing."""
    return f"; did you mean {word}?" if word else ""
