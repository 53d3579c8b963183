"""YAML text -> Document: a small, strict part of YAML 1.1, with the place of everything.

Here is what can be said of a file before it is parsed: its size, its characters, its first line. `events` does the
rest.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from dr.documents.events import build
from dr.documents.nodes import Document, Position
from dr.errors import Problem

BYTES_AT_MOST = 1024 * 1024
_START = Position(1, 1)
_BREAK = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
"""What PyYAML counts as the end of a line."""
_FORBIDDEN = re.compile(r"[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Source: YAML 1.1, 5.1 Character Set, c-printable."""
_BEFORE_CONTENT = re.compile(r"[ \t]*(#.*)?")


def read_bytes(data: bytes, file: str) -> Document:
    """Read a file as it lies on the disk: UTF-8, with or without a byte order mark."""
    if len(data) > BYTES_AT_MOST:
        return _refused(file, _START, f"larger than 1 MiB ({len(data)} bytes); split the file")
    try:
        return read(data.decode("utf-8"), file)
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8")
        what = f"not UTF-8: byte 0x{data[error.start]:02x}; save the file as UTF-8"
        return _refused(file, _place(before), what)


def read(text: str, file: str) -> Document:
    """Read one YAML document. Never raises for what the text holds: the faults are in `problems`."""
    text = text.removeprefix("\ufeff")
    if len(text) > BYTES_AT_MOST or len(text.encode("utf-8", "surrogatepass")) > BYTES_AT_MOST:
        return _refused(file, _START, "larger than 1 MiB; split the file")
    if control := _FORBIDDEN.search(text):
        what = f"control character U+{ord(control.group()):04X}; remove it"
        return _refused(file, _place(text[: control.start()]), what)
    if directive := _directive(text):
        return _refused(file, directive, "directives (%) are not supported; remove the line")
    return build(text, file)


def _refused(file: str, at: Position, what: str) -> Document:
    problem = Problem(file=file, line=at.line, column=at.column, message=what)
    return Document(file=file, root=None, problems=(problem,))


def _place(before: str) -> Position:
    """Where a text goes on."""
    lines = _BREAK.split(before)
    return Position(len(lines), len(lines[-1]) + 1)


def _directive(text: str) -> Position | None:
    """Where the first line that says something starts with %, if it does. Thousands of them are slow to parse."""
    for number, line in enumerate(_lines(text), start=1):
        if line.startswith("%"):
            return Position(number, 1)
        if not _BEFORE_CONTENT.fullmatch(line):
            return None
    return None


def _lines(text: str) -> Iterator[str]:
    start = 0
    for found in _BREAK.finditer(text):
        yield text[start : found.start()]
        start = found.end()
    yield text[start:]
