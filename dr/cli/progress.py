"""Something moves on a terminal while dr works; nothing is written elsewhere."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dr.words import clean


@contextmanager
def working(what: str) -> Iterator[Callable[[str], None]]:
    """Show what is being done, on a terminal's stderr; yields a function that changes the words."""
    if not sys.stderr.isatty():
        yield lambda _words: None
        return
    from rich.console import Console  # noqa: PLC0415 - for terminals only, and imported when one is there
    from rich.text import Text  # noqa: PLC0415 - as above

    def plain(words: str) -> Text:  # a str would be read as markup, and obeyed by the terminal
        return Text(clean(words))

    with Console(stderr=True).status(plain(what)) as status:
        yield lambda words: status.update(plain(words))
