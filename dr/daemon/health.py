"""What a daemon says of itself to this machine: /healthz for people and service managers, /metrics for Prometheus.

On 127.0.0.1 alone (FAILURES 4.3): whoever wants it elsewhere puts something before it that knows who may ask.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from dr.daemon.metrics import TYPE, Metrics
from dr.errors import EnvironmentFailed
from dr.slots import SWEEP
from dr.wire import time_text

PORT = 9464
"""What Prometheus's exporters of processes are found at. Source: Prometheus wiki, Default port allocations (OpenTelemetry)."""
_HOST = "127.0.0.1"
_SECONDS = 10.0
"""That a caller may take to say what it wants."""


@dataclass(slots=True, kw_only=True)
class Health:
    """How a daemon is; its work writes it, and others read it. Empty texts are no trouble."""

    metrics: Metrics
    monotonic: Callable[[], float]
    moved: float | None = None
    leading: bool = False
    standing_by: str = ""
    files: str = ""
    failed: str = ""
    untold: str = ""
    last_good: datetime | None = None
    next_slot: datetime | None = None

    @property
    def alive(self) -> bool:
        """Whether its loop has moved in the time of two sweeps: no tick takes as long without an answer of AWS."""
        return self.moved is None or self.monotonic() - self.moved < 2 * SWEEP

    def document(self) -> dict[str, Any]:
        """The JSON of /healthz."""
        return {
            "alive": self.alive,
            "leading": self.leading,
            "standing_by": self.standing_by or None,
            "files": self.files or None,
            "failed": self.failed or None,
            "untold": self.untold or None,
            "last_good_tick": time_text(self.last_good) if self.last_good else None,
            "next_slot": time_text(self.next_slot) if self.next_slot else None,
        }


@contextmanager
def served(port: int, health: Health) -> Iterator[int]:
    """Answer on this port until the block ends; the port itself, for 0 is a free one. Raises `EnvironmentFailed` for one in use."""
    try:
        server = ThreadingHTTPServer((_HOST, port), _handler(health))
    except OSError as error:
        why = f"{_HOST}:{port} cannot be listened on: {error.strerror or error}"
        raise EnvironmentFailed(why, "is another daemon there? Name another port: --port") from error
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, name="health", daemon=True)
    thread.start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()
        thread.join(_SECONDS)


def _handler(health: Health) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        timeout = _SECONDS

        def do_GET(self) -> None:
            match self.path.partition("?")[0]:
                case "/healthz":
                    document = health.document()
                    status = 200 if document["alive"] else 503
                    self._answer(status, "application/json", json.dumps(document).encode())
                case "/metrics":
                    self._answer(200, TYPE, health.metrics.text())
                case _:
                    self._answer(404, "text/plain", b"/healthz and /metrics are here\n")

        def do_HEAD(self) -> None:
            self.do_GET()

        def _answer(self, status: int, kind: str, body: bytes) -> None:
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The daemon's log is of its work."""

    return Handler
