"""Bytes that look like a target's seeds: cut, doubled, mixed, with its tokens in odd places."""

from __future__ import annotations

from hypothesis import strategies as st

_SHOWN = 2_000
_LARGEST = 200_000
_TIMES = (1, 2, 3, 20, 1_000)


class Input:
    """Bytes that are shown by their ends: hypothesis prints the whole of what fails, and a blob to do it again."""

    def __init__(self, data):
        self.data = data

    def __repr__(self):
        if len(self.data) <= 2 * _SHOWN:
            return repr(self.data)
        return f"{self.data[:_SHOWN]!r} ... {self.data[-_SHOWN:]!r} ({len(self.data)} bytes)"


def anything():
    return st.binary(max_size=300).map(Input)


@st.composite
def mutated(draw, target):
    data = draw(st.sampled_from(target.seeds))
    for _ in range(draw(st.integers(1, 6))):
        data = _CHANGES[draw(st.sampled_from(sorted(_CHANGES)))](draw, target, data)[:_LARGEST]
    return Input(data)


def _span(draw, data):
    """A place, and one behind it."""
    first = draw(st.integers(0, len(data)))
    return first, draw(st.integers(first, min(len(data), first + 64)))


def _insert(draw, target, data):
    first, _ = _span(draw, data)
    token = draw(st.sampled_from(target.tokens)) if target.tokens else draw(st.binary(max_size=4))
    return data[:first] + token * draw(st.sampled_from(_TIMES)) + data[first:]


def _replace(draw, target, data):
    first, last = _span(draw, data)
    token = draw(st.sampled_from(target.tokens)) if target.tokens else b""
    return data[:first] + token + data[last:]


def _delete(draw, _target, data):
    first, last = _span(draw, data)
    return data[:first] + data[last:]


def _double(draw, _target, data):
    first, last = _span(draw, data)
    return data[:last] + data[first:last] * draw(st.sampled_from(_TIMES)) + data[last:]


def _mix(draw, target, data):
    other = draw(st.sampled_from(target.seeds))
    first, last = _span(draw, other)
    at, _ = _span(draw, data)
    return data[:at] + other[first:last] + data[at:]


def _scribble(draw, _target, data):
    first, _ = _span(draw, data)
    return data[:first] + draw(st.binary(min_size=1, max_size=4)) + data[first + 1 :]


_CHANGES = {
    "delete": _delete,
    "double": _double,
    "insert": _insert,
    "mix": _mix,
    "replace": _replace,
    "scribble": _scribble,
}
