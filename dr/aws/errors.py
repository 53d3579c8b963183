"""The one translation of botocore's errors into ours (FAILURES 2).

    AWS answered with an error code        codes.leaf: Denied, NotFound, Taken, InUse, Throttled, Ambiguous, CloudError
    the answer was lost or unreadable      Ambiguous: the call may have had its effect
    the call could not leave this machine  EnvironmentFailed: credentials, Region, endpoint, name, certificate

A message never holds a URL's user, password or query, nor a parameter's value.
"""

from __future__ import annotations

import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from traceback import walk_tb
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from botocore import exceptions as boto
from botocore.parsers import ResponseParserError

from dr.aws import codes
from dr.errors import (
    Ambiguous,
    CloudError,
    Denied,
    DrError,
    EnvironmentFailed,
    NotFound,
    Throttled,
    Unreachable,
)
from dr.words import without_credentials

_LONGEST = 300
"""Characters of AWS's own words in a message of ours."""
_LOST = (
    boto.HTTPClientError,
    boto.IncompleteReadError,
    boto.ChecksumError,
    boto.FlexibleChecksumError,
    boto.AwsChunkedWrapperError,
)
_NOT_SENT = (boto.EndpointConnectionError, boto.ConnectTimeoutError, boto.ProxyConnectionError)
_NO_CREDENTIALS = (
    boto.NoCredentialsError,
    boto.PartialCredentialsError,
    boto.CredentialRetrievalError,
    boto.NoAuthTokenError,
    boto.TokenRetrievalError,
    boto.UnknownTokenProviderError,
    boto.UnknownCredentialError,
    boto.MetadataRetrievalError,
    boto.SSOError,
    boto.LoginError,
    boto.RefreshWithMFAUnsupportedError,
)
_NO_REGION = (boto.NoRegionError, boto.UnknownRegionError, boto.InvalidRegionError)
_GET_CREDENTIALS = (
    "set AWS_PROFILE or the AWS_ACCESS_KEY_ID variables, log in again, or run where a role gives credentials"
)
_SHOWS_NO_VALUES = ("ec2:", "s3:", "sts:", "autoscaling:")
"""Services whose parameters are no secrets: botocore's report on a malformed request may be shown."""


@contextmanager
def translated(action: str, region: str) -> Iterator[None]:
    """Run one AWS call; `action` is the IAM action (`ec2:CreateSnapshot`). Raises our errors only."""
    try:
        yield
    except (boto.ClientError, boto.BotoCoreError, ResponseParserError) as error:
        raise translate(error, action, region) from error
    except Exception as error:
        if not _of_a_parser(error):
            raise  # a bug, of dr or of the SDK
        where = f"{action} in {region}" if region else action
        raise _unreadable(where, action, type(error).__name__) from error


def _of_a_parser(error: Exception) -> bool:
    """Whether botocore's parsers fell over an answer: XML that is not AWS's, a date that is none, an element that is there twice."""
    return any(frame.f_globals["__name__"] == "botocore.parsers" for frame, _ in walk_tb(error.__traceback__))


def translate(error: Exception, action: str, region: str) -> DrError:
    """What a botocore error is to us."""
    if isinstance(error, boto.ClientError):
        return _refused(error, action, region)
    where = f"{action} in {region}" if region else action
    match error:
        case boto.SSLError():
            return _tls(error, where, action)
        case _ if isinstance(error, _NOT_SENT):
            return _unreachable(error, where)
        case ResponseParserError():
            return _unreadable(where, action, "not what AWS answers")
        case _ if isinstance(error, _LOST):
            return _lost(error, where, action)
        case _ if isinstance(error, _NO_CREDENTIALS):
            why = "this machine has no usable AWS credentials"
            return EnvironmentFailed(f"{where}: {why} ({type(error).__name__})", _GET_CREDENTIALS)
        case boto.ProfileNotFound():
            name = error.kwargs.get("profile", "")
            return EnvironmentFailed(
                f"the AWS profile {name!r} does not exist", "set AWS_PROFILE to one that does"
            )
        case boto.ConfigParseError():
            file = error.kwargs.get("path", "")
            return EnvironmentFailed(f"the AWS configuration file {file} cannot be read", "mend its syntax")
        case _ if isinstance(error, _NO_REGION):
            remedy = "name it in dr.yaml (regions) or set AWS_REGION"
            return EnvironmentFailed(f"{where}: AWS knows no such Region, or none is set", remedy)
        case boto.ParamValidationError():
            return _malformed(error, where, action)
        case _:
            why = f"{where}: the AWS SDK cannot do this here ({type(error).__name__})"
            return EnvironmentFailed(why, "check the AWS configuration files and AWS_ environment variables")


def safe_url(url: str) -> str:
    """An endpoint for people: without user, password, path and query."""
    try:
        parts = urlsplit(url)
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the endpoint"
    host = f"[{parts.hostname}]" if ":" in (parts.hostname or "") else parts.hostname
    return f"{parts.scheme}://{host}{port}" if host else "the endpoint"


def without_user(url: str) -> str:
    """A URL for AWS to read, or to be kept: without the user and password that only our own requests are to carry."""
    parts = urlsplit(url)
    return urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2]))


def code_of(parsed: Any) -> str:
    """AWS's error code in an answer as botocore has parsed it; empty where there is none."""
    return str(parsed.get("Error", {}).get("Code", "")) if isinstance(parsed, dict) else ""


def field(answer: Mapping[str, Any], key: str, action: str, region: str) -> Any:
    """What every answer of this call has. Raises `Ambiguous` for one that lacks it: the outcome is unknown."""
    if answer.get(key) is None:
        why = f"{action} in {region}: the answer lacks {key}"
        raise Ambiguous(why, _LOOK, code="Unreadable", action=action)
    return answer[key]


_LOOK = "run it again: dr looks for what is there before it creates anything"


def _refused(error: boto.ClientError, action: str, region: str) -> DrError:
    facts = error.response.get("Error", {})
    code = str(facts.get("Code", ""))
    status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))
    where = f"{action} in {region}" if region else action
    if code in codes.CREDENTIALS:
        return EnvironmentFailed(
            f"{where}: AWS does not accept the credentials ({code})", f"{_GET_CREDENTIALS}; check the clock"
        )
    if code in codes.EXPIRED:
        why = "the credentials have expired, or this machine's clock is more than 15 minutes off"
        return EnvironmentFailed(f"{where}: {why} ({code})", "log in again and check the clock")
    kind = codes.leaf(action, code, status)
    return kind(
        f"{where}: {_words(str(facts.get('Message', '')), code) or f'HTTP {status} without a word of AWS'}",
        _remedy(kind, code, action),
        code=code,
        action=action,
    )


def _words(message: str, code: str) -> str:
    """AWS's own words on one line; the encoded half of a refusal is for `aws sts decode-authorization-message`."""
    line = " ".join(re.split(r"Encoded authorization failure message", message, maxsplit=1)[0].split())
    line = without_credentials(line)
    line = line if len(line) <= _LONGEST else line[:_LONGEST] + "..."
    return f"{line} ({code})" if line else code


def _remedy(kind: type[CloudError], code: str, action: str) -> str:
    if code == "OptInRequired":
        return "enable the Region for this account, or take it out of dr.yaml"
    if not code:
        return "check AWS_ENDPOINT_URL and proxies: something else than AWS may have answered"
    if kind is Denied:
        return f"allow {action} to the role or user that runs dr"
    if kind is Throttled:
        return "run it again later; other tools may be using up the account's rate"
    if kind is Ambiguous:
        return _LOOK
    return "check the name, the account and the Region" if kind is NotFound else ""


def _unreachable(error: boto.BotoCoreError, where: str) -> Unreachable:
    url = safe_url(str(error.kwargs.get("endpoint_url", error.kwargs.get("proxy_url", ""))))
    remedy = "check the network, the Region's name, proxies and AWS_ENDPOINT_URL"
    return Unreachable(f"{where}: {url} cannot be reached: {_why(error)}", remedy)


def _why(error: BaseException) -> str:
    """The cause in a few words of ours: botocore's own text holds the whole URL."""
    for cause in _causes(error):
        if isinstance(cause, socket.gaierror) or type(cause).__name__ == "NameResolutionError":
            return "its name is not known to DNS"
        if isinstance(cause, ConnectionRefusedError):
            return "the connection was refused"
    if isinstance(error, boto.ConnectTimeoutError):
        return "no answer to the connection attempt"
    return "a proxy did not answer" if isinstance(error, boto.ProxyConnectionError) else "no connection"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and everything behind it: botocore keeps the cause in `kwargs`, urllib3 in `reason` and `args`."""
    seen: set[int] = set()
    left: list[object] = [error]
    while left:
        one = left.pop()
        if not isinstance(one, BaseException) or id(one) in seen:
            continue
        seen.add(id(one))
        yield one
        kwargs = getattr(one, "kwargs", {})
        left += [one.__cause__, one.__context__, getattr(one, "reason", None), kwargs.get("error"), *one.args]


def _tls(error: boto.SSLError, where: str, action: str) -> DrError:
    """A handshake that fails never sent the request; a connection that ends in the middle may have."""
    if any(isinstance(cause, ssl.SSLEOFError | ssl.SSLZeroReturnError) for cause in _causes(error)):
        return _lost(error, where, action)
    url = safe_url(str(error.kwargs.get("endpoint_url", "")))
    remedy = "check the certificate (AWS_CA_BUNDLE), the clock, and that the endpoint speaks https"
    return EnvironmentFailed(f"{where}: no trusted connection to {url} (TLS)", remedy)


def _lost(error: Exception, where: str, action: str) -> Ambiguous:
    name = type(error).__name__
    return Ambiguous(f"{where}: the answer was lost ({name})", _LOOK, code=name, action=action)


def _unreadable(where: str, action: str, why: str) -> Ambiguous:
    """An answer came, and nobody can read it: a proxy's page, a portal's, another server's."""
    remedy = (
        "check AWS_ENDPOINT_URL and proxies: something else than AWS may have answered; then run it again"
    )
    return Ambiguous(f"{where}: the answer cannot be read ({why})", remedy, code="Unreadable", action=action)


def _malformed(error: boto.ParamValidationError, where: str, action: str) -> CloudError:
    report = (
        " ".join(str(error.kwargs.get("report", "")).split()) if action.startswith(_SHOWS_NO_VALUES) else ""
    )
    said = f": {report[:_LONGEST]}" if report else ""
    return CloudError(
        f"{where}: not a request that AWS would take{said}", code="ParamValidation", action=action
    )
