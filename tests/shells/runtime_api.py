"""A Lambda Runtime API for the real runtime client (awslambdaric): one process, one handler, invoked as Lambda does it.

Source: Lambda developer guide, Using the Lambda runtime API.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from permissions import recorder

ROOT = Path(__file__).resolve().parents[2]
_ANSWER_WITHIN = 60


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What the runtime posted: the handler's result, or the error's document."""

    failed: bool
    payload: Any


class _Api(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # an answer in one packet: in several, each would wait for an acknowledgement

    def log_message(self, *_args: object) -> None:
        pass

    def do_GET(self) -> None:
        request, body, deadline = self.server.events.get()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": request,
            "Lambda-Runtime-Deadline-Ms": str(int(deadline * 1000)),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:123456789012:function:dr",
            "Content-Type": "application/json",
        }
        self._send(200, body, headers)

    def do_POST(self) -> None:
        self.server.answers.put((self.path.endswith("/error"), self._body()))
        self._send(202, b"{}", {})

    def _body(self) -> bytes:
        """The client sends in chunks when it does not know the length."""
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return body

    def _send(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)


class Function:
    """An execution environment: a process of its own, started cold, kept warm, ended by `close`.

    `task` is the folder of the code; `options` are Python's own, and without any the calls of dr are recorded.
    """

    def __init__(
        self,
        handler: str,
        environ: dict[str, str],
        log: Path,
        task: Path = ROOT,
        options: Sequence[str] = (),
    ) -> None:
        self._api = ThreadingHTTPServer(("127.0.0.1", 0), _Api)
        self._api.daemon_threads = True
        self._api.events, self._api.answers = queue.Queue(), queue.Queue()
        threading.Thread(target=self._api.serve_forever, daemon=True).start()
        self._log = log
        lambdas = {
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self._api.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "dr",
            "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_STREAM_NAME": f"2026/01/01/[$LATEST]{uuid.uuid4().hex}",
            "AWS_REGION": "eu-west-1",
            "LAMBDA_TASK_ROOT": str(task),
        }
        recorded = {} if options else recorder.environ()
        with log.open("wb") as out:
            self._process = subprocess.Popen(
                [sys.executable, *options, "-m", "awslambdaric", handler],
                env={"PATH": os.defpath, "HOME": "/nowhere", **recorded, **environ, **lambdas},
                cwd=task,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
            )

    def invoke(self, event: object, seconds: float = 900) -> Answer:
        """Invoke with this much time until the deadline; nothing ends the function at it."""
        self._api.events.put((str(uuid.uuid4()), json.dumps(event).encode(), time.time() + seconds))
        try:
            failed, body = self._api.answers.get(timeout=_ANSWER_WITHIN)
        except queue.Empty:
            raise AssertionError(f"no answer within {_ANSWER_WITHIN} seconds: {self.log()}") from None
        return Answer(failed=failed, payload=json.loads(body))

    def log(self) -> str:
        """Everything that the function has written so far, standard error too."""
        return self._log.read_text(errors="replace")

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The lines of one event of dr's own log."""
        rows = [json.loads(line) for line in self.log().splitlines() if line.startswith("{")]
        return [row for row in rows if row.get("event") == event]

    def close(self) -> None:
        self._process.kill()
        self._process.wait(10)
        self._api.shutdown()
        self._api.server_close()
