"""Something moves on a terminal while dr works; nothing is written elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal's stderr; yields a function that changes the words."""
    if not sys.stderr.isatty():
        yield lambda _words: None
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only, and imported when one is there

    with Console(stderr=True, markup=False, emoji=False).status(what) as status:
        yield status.update
