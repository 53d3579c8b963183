"""What the server serves: moto's dispatcher behind one lock, with the corrections applied and control beside it.

request --> Front (lock, /_dr/) --> moto's dispatcher --> one Flask app a service --> corrected backends
"""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import Any

from moto.backends import get_backend
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
from werkzeug.http import http_date
from werkzeug.serving import make_server

from dr.sandbox import control, corrections, failures
from dr.sandbox.clock import clock
from dr.sandbox.world import lock

# Loaded at start, so that their first request is as quick as the others; any other service of moto is loaded when it is asked for.
SERVED = (
    *(
        "autoscaling",
        "cloudformation",
        "ec2",
        "events",
        "iam",
        "kms",
        "lambda",
        "logs",
        "organizations",
        "s3",
        "scheduler",
    ),
    *("secretsmanager", "sns", "sqs", "ssm", "stepfunctions", "sts"),
)


def listen(host: str, port: int) -> Any:
    """A server that is bound and has not begun to serve; its port is `server_port`.

    Raise RuntimeError when the corrections do not fit this moto, OSError when the port cannot be had.
    """
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    return make_server(host, port, build(), threaded=True, request_handler=Handler)


def build() -> Front:
    """The whole WSGI application; raise RuntimeError when the corrections do not fit this moto."""
    for service in SERVED:
        get_backend(service)
    corrections.install()
    return Front(DomainDispatcherApplication(_app))


class Front:
    """What every request passes: one at a time, with control beside AWS's API."""

    def __init__(self, aws: Callable[..., Iterable[bytes]]) -> None:
        self._aws = aws

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """WSGI."""
        _read_whole(environ)
        if environ["PATH_INFO"].startswith(control.PREFIX):
            return _control(environ, start_response)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            # the listener writes the Date header, by the sandbox's clock
            return start_response(
                status, [header for header in headers if header[0].lower() != "date"], *error
            )

        with lock:
            return list(self._aws(environ, start))


class Handler(MotoRequestHandler):  # type: ignore[misc] # moto is untyped
    """Writes the Date header by the sandbox's clock."""

    def date_time_string(self, timestamp: float | None = None) -> str:
        """The header's value, RFC 9110."""
        return http_date(clock.now())


def _app(service: Any) -> Any:
    return failures.install(create_backend_app(service)) if service else failures.unknown()


def _read_whole(environ: dict[str, Any]) -> None:
    """Take the body off the network before the lock is taken: a slow client holds up nobody but itself."""
    if environ.get("wsgi.input_terminated"):
        body = environ["wsgi.input"].read()
    else:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    environ["wsgi.input"] = io.BytesIO(body)


def _control(environ: dict[str, Any], start_response: Callable[..., Any]) -> list[bytes]:
    status, document = control.answer(
        environ["REQUEST_METHOD"], environ["PATH_INFO"], environ["wsgi.input"].read()
    )
    body = json.dumps(document).encode()
    headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
    start_response(f"{status} {HTTPStatus(status).phrase}", headers)
    return [body]
