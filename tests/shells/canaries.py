"""Secrets to be looked for, and every spelling in which one could come out."""

from __future__ import annotations

import base64
import html
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.parse import quote, quote_plus


@dataclass(frozen=True, kw_only=True)
class Canary:
    """One secret. `kept_in` are the beginnings of names of places where it may be, because its owner put it there."""

    what: str
    value: str
    kept_in: tuple[str, ...] = ()


def leaks(places: Mapping[str, bytes], canaries: tuple[Canary, ...]) -> list[str]:
    """Each canary in each place where it must not be, with the spelling in which it stands there."""
    return [
        f"{canary.what} ({how}) in {place}"
        for canary in canaries
        for how, spelling in spellings(canary.value)
        for place, body in places.items()
        if spelling in body and not place.startswith(canary.kept_in or ("\0",))
    ]


def spellings(value: str) -> Iterator[tuple[str, bytes]]:
    """The value as it is, as JSON, HTML and URLs write it, in capitals, backwards, and inside base64."""
    yield "as it is", value.encode()
    plain = {
        "JSON": json.dumps(value)[1:-1],
        "JSON in JSON": json.dumps(json.dumps(value)[1:-1])[1:-1],
        "HTML": html.escape(value),
        "URL": quote(value, safe=""),
        "form": quote_plus(value),
        "lower case": value.lower(),
        "repr": repr(value)[1:-1],
        "hexadecimal": value.encode().hex(),
    }
    seen = {value}
    for how, text in plain.items():
        if text not in seen:
            seen.add(text)
            yield how, text.encode()
    for shift in range(3):
        yield "base64", _inside_base64(value.encode(), shift)


def _inside_base64(value: bytes, shift: int) -> bytes:
    """What is the same in base64 whatever stands before and after: the whole groups of three, from this shift on."""
    skipped = -shift % 3
    whole = value[skipped:]
    return base64.b64encode(whole[: len(whole) // 3 * 3])
