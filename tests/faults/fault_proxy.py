"""A reverse proxy on 127.0.0.1 in front of the sandbox, which fails the calls that a test names and logs all of them.

It stands where AWS stands: a `dr` process of its own meets a throttled, denied, cut or lost answer exactly as from a network.
Calls are known by their action: `Action=` of the query protocol, `X-Amz-Target` of the JSON ones, method and path for S3
(`GET /bucket/key`). The Region is the credential scope's. The sandbox's own paths (`/_dr/`) pass, unlogged.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from faults.calls import REFUSED, Counts, Fault, Kind, refusal, scope, without_token

from dr.sandbox.failures import document

_ANSWERED_WITHIN = 60  # seconds
_OWN_PATHS = "/_dr/"
_KINDS = {
    *REFUSED,
    *(Kind.RESET_BEFORE, Kind.RESET_AFTER, Kind.TRUNCATED, Kind.TOKEN_LOST, Kind.DUPLICATED),
}
"""What a proxy can do; the others are for the layer inside the process."""
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "host"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """A call as it was: `effect` says that the sandbox did it, whatever the caller was told; `later_page` that it asks on."""

    action: str
    region: str | None
    effect: bool
    fault: Kind | None
    later_page: bool = False


@dataclass(slots=True, kw_only=True)
class FaultProxy:
    """What the proxy does to calls (`faults`, `page_size`), and what it saw (`calls`, in the order of their answers)."""

    backend: str
    url: str = ""
    page_size: int | None = None
    calls: list[Call] = field(default_factory=list)
    _counts: Counts = field(default_factory=Counts)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.url.rsplit(":", 1)[1])

    def set(self, *faults: Fault, page_size: int | None = None) -> None:
        """Forget what was, and fail these calls from now on; `page_size` stands in for the MaxResults of every listing."""
        if beyond := [fault.kind.value for fault in faults if fault.kind not in _KINDS]:
            raise ValueError(f"a proxy cannot do this: {beyond}")
        with self._lock:
            self._counts = Counts(faults)
            self.page_size = page_size
            self.calls.clear()

    def of(self, action: str) -> list[Call]:
        """The calls of one action."""
        with self._lock:
            return [call for call in self.calls if call.action == action]

    def struck(self, action: str, region: str | None) -> Kind | None:
        """Count a call, and say how it fails."""
        with self._lock:
            return self._counts.struck(action, region)

    def log(self, call: Call) -> None:
        """Keep a call."""
        with self._lock:
            self.calls.append(call)


@contextmanager
def fault_proxy(backend: str) -> Iterator[FaultProxy]:
    """A proxy before the server at `backend` (`http://host:port`), on a free port, until the block ends."""
    proxy = FaultProxy(backend=backend.removeprefix("http://"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(proxy))
    server.daemon_threads, server.block_on_close = True, False
    proxy.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(served: FaultProxy) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:  # the caller went away, as with Ctrl-C
                self.close_connection = True

        def log_message(self, *_: object) -> None:
            """Quiet: the log is `calls`."""

    for verb in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{verb}", lambda handler: _answer(handler, served))
    return Handler


@dataclass(frozen=True, slots=True, kw_only=True)
class _Answer:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


def _answer(handler: BaseHTTPRequestHandler, proxy: FaultProxy) -> None:
    body = _body(handler)
    if handler.path.startswith(_OWN_PATHS):
        _send(handler, _passed(handler, proxy, body))
        return
    action, region, service = _known(handler, body)
    kind = proxy.struck(action, region)
    if kind not in (*REFUSED, Kind.RESET_BEFORE):
        if proxy.page_size is not None:
            body = re.sub(rb"MaxResults=\d+", b"MaxResults=%d" % proxy.page_size, body)
        answer = _passed(handler, proxy, body)
        effect = answer.status < 400
        if kind is Kind.DUPLICATED:
            _passed(handler, proxy, body)
    else:
        answer, effect = _failure(kind, service, handler.headers.get("Content-Type", "")), False
    later = b"NextToken=" in body
    proxy.log(Call(action=action, region=region, effect=effect, fault=kind, later_page=later))
    _hand_back(handler, answer, kind)


def _body(handler: BaseHTTPRequestHandler) -> bytes:
    """The request's body, of a length or in chunks."""
    if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
        return handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    parts = []
    while size := int(handler.rfile.readline().split(b";")[0], 16):
        parts.append(handler.rfile.read(size))
        handler.rfile.readline()
    handler.rfile.readline()
    return b"".join(parts)


def _known(handler: BaseHTTPRequestHandler, body: bytes) -> tuple[str, str | None, str]:
    """Action, Region and service of a call."""
    region, service = scope(handler.headers.get("Authorization", ""))
    if target := handler.headers.get("X-Amz-Target"):
        return target.rsplit(".", 1)[-1], region, service
    if service != "s3" and (named := parse_qs(body.decode("utf-8", "replace")).get("Action")):
        return named[0], region, service
    return f"{handler.command} {handler.path.split('?')[0]}", region, service


def _passed(handler: BaseHTTPRequestHandler, proxy: FaultProxy, body: bytes) -> _Answer:
    """The sandbox's own answer. The Host stays the caller's, as it was signed."""
    headers = {name: value for name, value in handler.headers.items() if name.lower() not in _OF_ONE_HOP}
    headers["Host"] = handler.headers.get("Host", proxy.backend)
    connection = HTTPConnection(proxy.backend, timeout=_ANSWERED_WITHIN)
    try:
        connection.request(handler.command, handler.path, body or None, headers)
        got = connection.getresponse()
        kept = tuple((name, value) for name, value in got.getheaders() if name.lower() not in _OF_ONE_HOP)
        if handler.command == "HEAD" and (length := got.getheader("Content-Length")):
            kept += (("Content-Length", length),)
        date = got.getheader("Date")
        return _Answer(status=got.status, headers=kept + ((("Date", date),) if date else ()), body=got.read())
    finally:
        connection.close()


def _failure(kind: Kind, service: str, content_type: str) -> _Answer:
    """An error as this service tells it."""
    status, code = refusal(kind if kind in REFUSED else Kind.INTERNAL, service)
    text, form = document(service, content_type, code, f"a test's fault: {kind.value}")
    return _Answer(status=status, headers=(("Content-Type", form),), body=text.encode())


def _hand_back(handler: BaseHTTPRequestHandler, answer: _Answer, kind: Kind | None) -> None:
    if kind in (Kind.RESET_BEFORE, Kind.RESET_AFTER):
        handler.close_connection = True
    elif kind is Kind.TRUNCATED:
        _send(handler, answer, cut=len(answer.body) // 2)
        handler.close_connection = True
    elif kind is Kind.TOKEN_LOST:
        _send(
            handler,
            _Answer(status=answer.status, headers=answer.headers, body=without_token(answer.body)),
        )
    else:
        _send(handler, answer)


def _send(handler: BaseHTTPRequestHandler, answer: _Answer, cut: int | None = None) -> None:
    """The answer to the caller; `cut` is how much of the promised body comes."""
    handler.send_response_only(answer.status)
    for name, value in answer.headers:
        handler.send_header(name, value)
    if handler.command != "HEAD":
        handler.send_header("Content-Length", str(len(answer.body)))
    handler.end_headers()
    if handler.command != "HEAD":
        handler.wfile.write(answer.body[:cut])
