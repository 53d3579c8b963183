"""The ways to reach people, as one function each: it sends, or raises `DrError`."""

from __future__ import annotations

import logging
import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from functools import partial
from http.client import HTTPException
from typing import Self
from urllib.parse import urlsplit

from dr.aws.session import Session
from dr.aws.topics import publish
from dr.config.notifying import Target, chat_fault, ping_fault
from dr.errors import DrError, EnvironmentFailed, UsageError, precede
from dr.notices.messages import Message
from dr.words import one_line, short, without_credentials

_SECONDS = 10.0
Send = Callable[[Message], None]
_INSTALL = "install it beside dr: pip install 'dr[apprise]'"


def each_sending(
    targets: tuple[Target, ...], session: Callable[[], Session], environ: Mapping[str, str]
) -> dict[Target, Send]:
    """How all of them are told; an error names its target. Nothing of an address is checked before something is sent."""
    return {target: partial(_named, target, _sending(target, session, environ)) for target in targets}


def _named(target: Target, send: Send, message: Message) -> None:
    try:
        send(message)
    except DrError as error:
        precede(error, target.name, "")
        raise


def _sending(target: Target, session: Callable[[], Session], environ: Mapping[str, str]) -> Send:
    match target.way:
        case "sns":
            return lambda message: publish(session(), target.address, message.title, message.body)
        case "apprise":
            return lambda message: _notify(_address(target, environ), target.env, message)
        case _:
            return lambda _message: _ping(_address(target, environ), target.env)


def _address(target: Target, environ: Mapping[str, str]) -> str:
    if not target.env:
        return target.address
    if found := environ.get(target.env, "").strip():
        return found
    raise UsageError("the variable is not set", f"set {target.env}, or take the target out of dr.yaml")


def _ping(url: str, env: str) -> None:
    """Ask for it, as watchers of cron jobs want it. Its path is a secret."""
    if fault := ping_fault(url):
        raise UsageError(fault, f"correct {env}" if env else "correct it")
    asking = urllib.request.build_opener(_Straight)
    request = urllib.request.Request(url, headers={"User-Agent": "dr"})  # noqa: S310 - checked above
    host = urlsplit(url).hostname
    try:
        with asking.open(request, timeout=_SECONDS):
            return
    except urllib.error.HTTPError as error:
        why = f"{host} answered {error.code}"
        error.close()
        if error.code in _ELSEWHERE:
            raise EnvironmentFailed(
                why, "write the URL that it leads to: its path is a secret, and dr follows nobody"
            ) from None
    except (OSError, ValueError, HTTPException) as error:
        why = f"{host}: {getattr(error, 'reason', None) or type(error).__name__}"
    raise EnvironmentFailed(why, "is its URL right, and can it be reached from here?")


def _notify(url: str, env: str, message: Message) -> None:
    if fault := chat_fault(url):
        raise UsageError(fault, f"correct {env}" if env else "correct it")
    try:
        import apprise  # noqa: PLC0415 - whoever tells nobody by it need not have it
    except ImportError:
        raise EnvironmentFailed("apprise is not installed", _INSTALL) from None
    with _Heard() as heard:
        try:
            found = apprise.Apprise.instantiate(url, suppress_exceptions=True)
            sent = found and found.notify(
                body=message.body,
                title=message.title,
                notify_type=message.severity.value,
                body_format=apprise.NotifyFormat.TEXT,
            )
        except Exception as error:  # a plug-in's: no bug of ours
            raise EnvironmentFailed(
                f"apprise failed: {type(error).__name__}", "is its address right?"
            ) from error
    if found is None:
        raise UsageError(
            "apprise knows no such address", "its forms are at https://github.com/caronc/apprise/wiki"
        )
    if not sent:
        why = without_credentials("; ".join(heard.lines).replace(url, "***")) or "it was not sent"
        raise EnvironmentFailed(short(one_line(why)), "is the address right, and can it be reached?")


_ELSEWHERE = range(300, 400)
"""Redirections. Source: RFC 9110, 15.4."""


class _Straight(urllib.request.HTTPRedirectHandler):
    """Follows nobody elsewhere: the path is a secret, and the way there might be in the clear."""

    def redirect_request(self, *_: object) -> None:
        """Make an error of it."""


class _Heard(logging.Handler):
    """What apprise says of a message that it could not send, in the thread that sends it."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()
        self._logger = logging.getLogger("apprise")

    def emit(self, record: logging.LogRecord) -> None:
        """Keep it."""
        if record.thread == self._thread:
            self.lines.append(record.getMessage())

    def __enter__(self) -> Self:
        self._logger.propagate = False
        self._logger.addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._logger.removeHandler(self)
