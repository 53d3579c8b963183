"""An HTTP server of this machine that notes what it is told: a webhook, or a watcher of cron jobs."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(kw_only=True)
class Listener:
    """`told` is each path with its JSON, None for a GET. While it hangs it keeps who asks waiting; `status` is its answer."""

    url: str = ""
    status: int = 200
    told: list[tuple[str, Any]] = field(default_factory=list)
    hangs: threading.Event = field(default_factory=threading.Event)
    asked: int = 0

    @property
    def port(self) -> str:
        return self.url.rpartition(":")[2]

    @property
    def titles(self) -> list[str]:
        """Of the messages that came as apprise's json:// sends them."""
        return [body["title"] for _, body in self.told if body]


@contextmanager
def listening_at() -> Iterator[Listener]:
    """On a free port, until the block ends."""
    listener = Listener()
    over = threading.Event()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(listener, over))
    server.daemon_threads, server.block_on_close = True, False
    listener.url = f"http://127.0.0.1:{server.server_address[1]}"
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
    try:
        yield listener
    finally:
        over.set()
        server.shutdown()
        server.server_close()


def _handler(listener: Listener, over: threading.Event) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            self._take(None)

        def do_POST(self) -> None:
            self._take(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))

        def _take(self, body: Any) -> None:
            listener.asked += 1
            while listener.hangs.is_set() and not over.is_set():
                try:
                    self.wfile.write(
                        b"H"
                    )  # a byte now and then: no answer, and no silence that a timeout of sockets would end
                except OSError:
                    return
                over.wait(0.2)
            if listener.status == 200:
                listener.told.append((self.path, body))
            self.send_response(listener.status)
            if listener.status == 302:
                self.send_header("Location", f"{listener.url}/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

    return Handler
