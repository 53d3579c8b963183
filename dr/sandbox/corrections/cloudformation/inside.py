"""AWS calls from inside the server: CloudFormation's handlers ask the other services through their own API.

A boto3 client whose requests go to moto's dispatcher in this process instead of the network. So a resource of a stack
gets exactly what the same call gives a user, every correction of EC2 included, and a refused call is the reason of the
resource's failure. Source: CloudFormation user guide, "How CloudFormation works" (it makes the underlying service calls).
"""

from __future__ import annotations

import functools
import io
from collections.abc import Iterator
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.config import Config
from botocore.parsers import ResponseParserError
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.datastructures import Headers
from werkzeug.test import EnvironBuilder, run_wsgi_app

from dr.sandbox.corrections.cloudformation.faults import Stuck
from dr.sandbox.world import lock

ENDPOINT = "http://127.0.0.1"


def call(account: str, region: str, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
    """Make one call as `account` in `region`; botocore's ClientError says what the service refused.

    Raise Stuck when moto itself failed, which it answers with a page of HTML.
    """
    try:
        answer = getattr(client(account, region, service), operation)(**parameters)
    except ResponseParserError as error:
        raise Stuck(f"the sandbox's {service} failed at {operation}; its log has the reason") from error
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


@functools.lru_cache(maxsize=256)
def client(account: str, region: str, service: str) -> Any:
    """A client of one service, made once: each costs some 20 ms."""
    config = Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"})
    made = _session().client(
        service,
        region_name=region,
        endpoint_url=ENDPOINT,
        config=config,
        aws_access_key_id="AKIACLOUDFORMATION",
        aws_secret_access_key="cloudformation",  # noqa: S106 - nobody checks it
    )
    made.meta.events.register("before-send", functools.partial(_send, account))
    return made


@functools.lru_cache(maxsize=1)
def _session() -> Any:
    return boto3.Session()


@functools.lru_cache(maxsize=1)
def _dispatcher() -> Any:
    return DomainDispatcherApplication(create_backend_app)


class _Raw(io.BytesIO):
    """A body as botocore reads it."""

    def stream(self, **_: Any) -> Iterator[bytes]:
        """Everything at once."""
        yield self.read()


def _send(account: str, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
    """Answer a signed request from moto's dispatcher, holding the server's lock."""
    headers = {key: _text(value) for key, value in request.headers.items()}
    headers["x-moto-account-id"] = account
    builder = EnvironBuilder(
        path=request.url, method=request.method, headers=Headers(headers), data=_bytes(request.body)
    )
    with lock:
        body, status, answer = run_wsgi_app(_dispatcher(), builder.get_environ(), buffered=True)
    return AWSResponse(
        request.url,
        int(status.split(" ", 1)[0]),
        HTTPHeaders.from_pairs(answer.items()),
        _Raw(b"".join(body)),
    )


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _bytes(body: Any) -> bytes:
    if body is None:
        return b""
    if hasattr(body, "read"):
        return bytes(body.read())
    return body.encode() if isinstance(body, str) else bytes(body)
