"""What the server answers when moto fails: an error document in the service's own form, never a page for a browser.

Source: EC2 API Reference, "Error codes", InternalError; the shapes are those of the EC2, query, REST-XML and JSON protocols.
An action that the sandbox lacks answers 501, which no SDK retries.
"""

from __future__ import annotations

import json
import re
from typing import Any
from xml.sax.saxutils import escape

from flask import Flask, Response, request


def install(app: Any) -> Any:
    """Answer uncaught exceptions of one Flask app; returns it. The traceback goes to the server's log."""
    app.debug = False  # else Flask hands the exception to the development server, which drops the connection
    app.register_error_handler(500, _answer)
    return app


def unknown() -> Any:
    """An app for the services that moto lacks: whatever is asked of it is not supported."""
    app = install(Flask("unknown"))
    app.register_error_handler(
        404, lambda _: _answer(NotImplementedError("the sandbox does not have this service"))
    )
    return app


def _answer(error: Any) -> Any:
    cause = getattr(error, "original_exception", None) or error
    missing = isinstance(cause, NotImplementedError)
    code = "UnsupportedOperation" if missing else "InternalError"
    message = f"The sandbox failed: {type(cause).__name__}: {cause}"
    body, kind = document(
        _service(request.headers.get("Authorization", "")),
        request.headers.get("Content-Type", ""),
        code,
        message,
    )
    return Response(body, status=501 if missing else 500, content_type=kind)


def document(service: str, content_type: str, code: str, message: str) -> tuple[str, str]:
    """An error as this service writes it, and its content type: forms are answered in XML, S3 too, everything else in JSON."""
    error = f"<Error><Code>{code}</Code><Message>{escape(message)}</Message></Error>"
    if service == "s3":
        return error, "text/xml"
    if "form-urlencoded" not in content_type:
        return json.dumps({"__type": code, "message": message}), "application/x-amz-json-1.1"
    if service == "ec2":
        return f"<Response><Errors>{error}</Errors></Response>", "text/xml"
    return f"<ErrorResponse>{error}</ErrorResponse>", "text/xml"


def _service(authorization: str) -> str:
    """The service out of a signature's credential scope: KEY/DATE/REGION/SERVICE/aws4_request."""
    found = re.search(r"Credential=[^/]+/\d+/[^/]*/([^/]+)/aws4_request", authorization)
    return found.group(1) if found else ""
