"""A fault layer inside the process under test, at botocore's events: every call is logged, and any may fail.

    install(plan, log, control)      before the product makes its first session
        before-send of every call -> Counts says whether it fails
            refused, lost before     the sandbox never sees it
            otherwise                the layer sends it itself and logs the effect; then the answer is lost, cut ...
            killed                   SIGKILL to this very process: nothing is cleaned up

`botocore.register_initializer` is public: the product has no seam for this. Waits between retries end at once, since
nothing here lies in time: what is hidden is hidden for a number of calls.
"""

from __future__ import annotations

import functools
import io
import json
import os
import re
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

import botocore
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ConnectionClosedError, ReadTimeoutError
from botocore.httpsession import URLLib3Session
from botocore.loaders import Loader
from botocore.session import Session
from faults.calls import (
    KILLS,
    LOST_BEFORE,
    REFUSED,
    Counts,
    Fault,
    Kind,
    Storm,
    Weather,
    refusal,
    scope,
    without_token,
)
from faults.hooks import in_turn

from dr.sandbox.failures import document

_IDS = re.compile(r"\b(?:snap|ami|vol|i)-[0-9a-f]{8,17}\b")
_MAKES = {"CreateSnapshot": "snap-", "CreateImage": "ami-"}
"""What the id of what a call makes begins with; its answer names the source too."""
_TOKEN_OUT = re.compile(rb"<(nextToken|NextToken)>([^<]*)</\1>")
_HIDDEN_FOR = 3
"""Calls that do not show yet what a create has made."""
_SHORTENED = 0.002
"""Seconds that a wait of any length takes here."""


@dataclass(slots=True, kw_only=True)
class FaultLayer:
    """Faults, the log's file descriptor, and how the world is told that something turned `error` or stays `pending`."""

    counts: Counts | Weather
    log: int
    turned: Callable[[str, Kind], None]
    page_size: int | None = None
    hidden: dict[str, int] = field(default_factory=dict)
    wire: URLLib3Session = field(default_factory=URLLib3Session)

    def send(self, request: AWSPreparedRequest, event_name: str, **_: Any) -> AWSResponse:
        """Stand in for the sending of one call."""
        action = event_name.rsplit(".", 1)[1]
        region, service = scope(_text(request.headers.get("Authorization", "")))
        kind = self.counts.struck(action, region)
        call = {"action": action, "service": service, "region": region, "fault": kind.name if kind else None}
        call["path"] = urlsplit(request.url).path
        call["asked"] = sorted(set(_IDS.findall(_text(request.url) + _text(request.body or b""))))
        if kind in (*REFUSED, *LOST_BEFORE):
            self._note(call | {"effect": False, "told": kind in REFUSED, "answered": [], "paged": False})
            return self._before(kind, service, request)
        got = self._sent(request)
        if kind is Kind.DUPLICATED:
            self._sent(request)
        made = _IDS.findall(_text(got.body))
        told = kind not in (Kind.RESET_AFTER, Kind.TIMEOUT_AFTER, Kind.KILLED_AFTER)
        told = told and (kind is not Kind.TRUNCATED or not got.body)  # of nothing there is no half
        self._note(
            call
            | {"effect": got.status < 300, "told": told, "answered": sorted(set(made))}
            | {"code": got.code, "paged": _TOKEN_OUT.search(got.body) is not None}
        )
        return self._after(
            kind, request, got, [one for one in made if one.startswith(_MAKES.get(action, " "))][:1]
        )

    def _note(self, call: dict[str, Any]) -> None:
        os.write(self.log, json.dumps(call).encode() + b"\n")

    def _before(self, kind: Kind, service: str, request: AWSPreparedRequest) -> AWSResponse:
        if kind in REFUSED:
            status, code = refusal(kind, service)
            text, form = document(
                service, _text(request.headers.get("Content-Type", "")), code, f"a test's fault: {kind.value}"
            )
            return _answer(request, status, {"Content-Type": form}, text.encode())
        raise _lost(kind, request)

    def _sent(self, request: AWSPreparedRequest) -> Got:
        """The world's own answer, short of what it would not show yet."""
        if self.page_size is not None and isinstance(request.body, (str, bytes)):
            request.body = _paged(request.body, self.page_size)
            request.headers["Content-Length"] = str(len(request.body))
        if hasattr(request.body, "seek"):
            request.body.seek(0)
        answer = self.wire.send(request)
        return Got(
            status=answer.status_code,
            headers=dict(answer.headers),
            body=_hide(answer.content, self.hidden),
        )

    def _after(
        self, kind: Kind | None, request: AWSPreparedRequest, got: Got, made: list[str]
    ) -> AWSResponse:
        match kind:
            case Kind.RESET_AFTER | Kind.TIMEOUT_AFTER | Kind.KILLED_AFTER:
                raise _lost(kind, request)
            case Kind.TRUNCATED:
                return got.response(request, got.body[: len(got.body) // 2])
            case Kind.TOKEN_LOST:
                return got.response(request, without_token(got.body))
            case Kind.TOKEN_REPEATED:
                return got.response(request, _repeated(request, got.body))
            case Kind.HIDDEN:
                self.hidden.update(dict.fromkeys(made, _HIDDEN_FOR))
            case Kind.BROKEN | Kind.HANGING:
                for one in made:
                    self.turned(one, kind)
        return got.response(request, got.body)


@dataclass(frozen=True, slots=True, kw_only=True)
class Got:
    """What the world answered."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def code(self) -> str | None:
        """The error's code."""
        found = re.search(rb"<Code>([^<]+)</Code>", self.body)
        return found.group(1).decode() if found and self.status >= 300 else None

    def response(self, request: AWSPreparedRequest, body: bytes) -> AWSResponse:
        """It, as botocore takes it; a body that is cut keeps the length that was promised."""
        headers = dict(self.headers)
        if _TOKEN_OUT.search(self.body) and len(body) != len(self.body):
            headers.pop("Content-Length", None)
        return _answer(request, self.status, headers, body)


def install(
    faults: tuple[Fault, ...] | Storm, log: int, turned: Callable[[str, Kind], None], page_size: int | None
) -> None:
    """Put the layer under every botocore session that this process makes from now on; its calls are made in turn."""
    in_turn()
    counts = Weather(faults) if isinstance(faults, Storm) else Counts(faults)
    layer = FaultLayer(counts=counts, log=log, turned=turned, page_size=page_size)
    wait = time.sleep
    time.sleep = lambda seconds: wait(min(seconds, _SHORTENED))

    def initialise(session: Session) -> None:
        session.register("before-send", layer.send)

    botocore.register_initializer(initialise)


def share_models() -> Loader:
    """Read the service models once for all processes that are forked from this one."""
    loader = Loader(include_default_search_paths=True)
    botocore.register_initializer(lambda session: session.register_component("data_loader", loader))
    return loader


def _lost(kind: Kind, request: AWSPreparedRequest) -> Exception:
    """The connection's end; for a kill there is nobody left to see it."""
    if kind in KILLS:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind in (Kind.TIMEOUT_BEFORE, Kind.TIMEOUT_AFTER):
        return ReadTimeoutError(endpoint_url=request.url)
    return ConnectionClosedError(endpoint_url=request.url)


class _Raw(io.BytesIO):
    """A body as urllib3 hands it over."""

    def stream(self, **_: Any) -> Any:
        yield from iter(functools.partial(self.read, 1 << 16), b"")


def _answer(request: AWSPreparedRequest, status: int, headers: dict[str, str], body: bytes) -> AWSResponse:
    return AWSResponse(request.url, status, headers, _Raw(body))


def _paged(body: str | bytes, size: int) -> bytes:
    form = body.encode() if isinstance(body, str) else body
    return re.sub(rb"MaxResults=\d+", b"MaxResults=%d" % size, form)


def _repeated(request: AWSPreparedRequest, body: bytes) -> bytes:
    """The token that was just used, again; on a first page there is none, and its own stays."""
    asked = re.search(rb"NextToken=([^&]+)", request.body if isinstance(request.body, bytes) else b"")
    return _TOKEN_OUT.sub(rb"<\1>" + asked.group(1) + rb"</\1>", body) if asked else body


def _hide(body: bytes, hidden: dict[str, int]) -> bytes:
    """Leave out the items of a listing that EC2 would not show yet; each look brings them nearer."""
    for one in [name for name, left in hidden.items() if left > 0]:
        items = re.compile(
            rb"<item>(?:(?!<item>).)*?<(snapshotId|imageId)>" + one.encode() + rb"</\1>", re.DOTALL
        )
        if found := items.search(body):
            hidden[one] -= 1
            body = body[: found.start()] + body[_end_of_item(body, found.start()) :]
    return body


def _end_of_item(body: bytes, start: int) -> int:
    """Where the item that begins here ends: items may hold items."""
    depth = 0
    for mark in re.finditer(rb"<(/?)item>", body[start:]):
        depth += -1 if mark.group(1) else 1
        if depth == 0:
            return start + mark.end()
    return len(body)


def _text(value: Any) -> str:
    if hasattr(value, "read"):
        value.seek(0)
        value = value.read()
    return value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
