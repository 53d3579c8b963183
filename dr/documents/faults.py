"""The faults of one file, collected while it is read."""

from __future__ import annotations

from dr.documents.nodes import Document, Position
from dr.documents.wording import Path, joined, shown
from dr.errors import Problem

_MESSAGE_AT_MOST = 600


class Faults:
    """What was found wrong in one file so far; starts with what reading it found."""

    def __init__(self, document: Document) -> None:
        self.file = document.file
        self._found = list(document.problems)

    def add(self, at: Position, path: Path, what: str) -> None:
        """Note a fault of the value or key at a path such as ("keep", "daily"); () is the file as a whole."""
        message = f"{joined(path)}: {what}" if path else what
        self._found.append(
            Problem(file=self.file, line=at.line, column=at.column, message=shown(message, _MESSAGE_AT_MOST))
        )

    def __bool__(self) -> bool:
        return bool(self._found)

    @property
    def problems(self) -> tuple[Problem, ...]:
        """All of them, in the order of the file."""
        return tuple(sorted(self._found))
