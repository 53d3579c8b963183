"""Secret values kept out of text that others wrote: AWS's words may repeat what it was given (FAILURES I23).

A value may come back as it is, on one line, in JSON, in a URL or in base64, and cut off where a message was too long.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterator
from urllib.parse import quote, quote_plus

from dr.stacks.sealing import MASK

_CUT = "..."
_TELLING = 3
"""Characters of a secret's beginning that are masked before a cut; fewer tell nothing, and stand before many."""


def without(text: str, secrets: Collection[str]) -> str:
    """The text with every secret masked, in every spelling; longer ones first, as one may hold another."""
    spelt = {spelling for secret in secrets if secret for spelling in _spellings(secret)}
    for spelling in sorted(spelt, key=lambda one: (-len(one), one)):
        text = _uncut(text.replace(spelling, MASK), spelling)
    return text


def _spellings(secret: str) -> Iterator[str]:
    yield secret
    yield from filter(None, (" ".join(secret.split()), json.dumps(secret)[1:-1]))
    yield json.dumps(secret, ensure_ascii=False)[1:-1]
    body = secret.encode("utf-8", "surrogatepass")
    yield from (quote(body, safe=""), quote(body), quote_plus(body))
    yield from (base64.b64encode(body).decode(), base64.urlsafe_b64encode(body).decode())


def _uncut(text: str, spelling: str) -> str:
    """Mask the beginning of a secret that stands at the end of a text which was cut there."""
    if not text.endswith(_CUT):
        return text
    before = text.removesuffix(_CUT)
    longest = min(len(spelling), len(before)) + 1
    kept = next((n for n in range(longest - 1, _TELLING - 1, -1) if before.endswith(spelling[:n])), 0)
    return before[: len(before) - kept] + MASK + _CUT if kept else text
