"""`notify` in dr.yaml: who is told what, and who is told that nothing is wrong.

An address that lets anybody write there is a secret: it may stand in the environment instead.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from dr.documents.domain import schedule, time_zone
from dr.documents.fields import Field, Shape, choice, given, items, mapping, text, text_or_texts, written
from dr.documents.nodes import Items, Table
from dr.notices.conditions import Trouble
from dr.slots import Schedule, parse_schedule

RECOVERY, DIGEST = "recovery", "digest"
WORDS = (*(trouble.value for trouble in Trouble), RECOVERY, DIGEST)
"""What a target may be told of."""
_WAYS = ("sns", "apprise", "ping")
_TARGET = Shape(keys=(*_WAYS, "about", "digest", "timezone"))
_ENV = Shape(
    keys=("env",), required={"env": "write {env: NAME}, a variable of the environment that holds it"}
)
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]{1,256}")
"""Source: SNS API reference, CreateTopic, Name; a FIFO topic takes no subscriber that people read."""
_APPRISE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,40}://[^\s]{1,4000}")
IN_THE_CLEAR = frozenset(
    [
        "amqp",
        "apprise",
        "bark",
        "deltachat",
        "emby",
        "enigma2",
        "evolution",
        "fluxer",
        "flowtriq",
        "form",
        "goalert",
        "gorush",
        "gotify",
        "growl",
        "hassio",
        "humhub",
        "irc",
        "jellyfin",
        "json",
        "kodi",
        "lametric",
        "mailto",
        "mastodon",
        "matrix",
        "misskey",
        "mmost",
        "mqtt",
        "ncloud",
        "nctalk",
        "notica",
        "notifico",
        "ntfy",
        "onebot",
        "opsimate",
        "parsep",
        "pinglet",
        "pjet",
        "psafer",
        "pushdeer",
        "rocket",
        "rsyslog",
        "session",
        "signal",
        "smpp",
        "smseagle",
        "synology",
        "toot",
        "trigv",
        "xbmc",
        "xml",
        "xmpp",
    ]
)
"""Of apprise's addresses those that go over a network unencrypted. Most have a twin with an s; a test holds it to apprise's own list."""
_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_UTC = ZoneInfo("UTC")
_MORNING = "0 8 * * *"


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Who is told: `way` is sns, apprise or ping; the address, or the variable `env` of the environment that holds it.

    `number` is its place in the list, from 0; `about` are `WORDS`; `digest` is when a day is told of, None where none is.
    """

    number: int
    way: str
    address: str = field(default="", repr=False)
    env: str = ""
    about: frozenset[str] = frozenset(WORDS)
    digest: Schedule | None = None

    @property
    def id(self) -> str:
        """The same as long as the address is: what it was told of is remembered by it."""
        return hashlib.sha256(f"{self.way} {self.env or self.address}".encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        """Where it stands and what it is, without what is secret of it."""
        if self.env:
            shown = f"${self.env}"
        elif self.way == "sns":
            shown = self.address
        else:
            shown = f"{self.address.partition('://')[0]}://"
            shown += (urlsplit(self.address).hostname or "") if self.way == "ping" else ""
        return f"notify[{self.number}] {self.way} {shown}"


def notifying(value: Field) -> tuple[Target, ...] | None:
    """Read `notify`."""
    if not isinstance(value.node, Items):
        value.fault('expected a list; write [{sns: "arn:aws:sns:..."}]')
        return None
    found: dict[str, Target] = {}
    for number, item in enumerate(items(value, value.node)):
        one = _target(item, number)
        if one and one.id in found:
            item.fault(f"{one.name} is there twice; remove one")
        elif one:
            found[one.id] = one
    return tuple(found.values())


def _target(value: Field, number: int) -> Target | None:
    if not isinstance(value.node, Table):
        value.fault(
            "expected a mapping (keys and values); write {apprise: ...}, or {apprise: {env: DR_CHAT}}"
        )
        return None
    fields = mapping(value, _TARGET)
    if fields is None:
        return None
    ways = [way for way in _WAYS if way in fields]
    if len(ways) != 1:
        value.fault("name one of sns, apprise and ping" + ("; these are several targets" if ways else ""))
        return None
    (way,) = ways
    read: Callable[[Field], str | None] = {"sns": _topic, "apprise": _chat, "ping": _ping}[way]
    address, env = _address(fields[way], read, secret=way != "sns")
    target = Target(number=number, way=way, address=address, env=env)
    told = _pinged(target, fields) if way == "ping" else _told(target, fields)
    return told if address or env else None


def _pinged(target: Target, fields: Mapping[str, Field]) -> Target:
    for key in ("about", "digest", "timezone"):
        if key in fields:
            fields[key].key_fault("belongs to who is told something; a ping follows each good tick")
    return replace(target, about=frozenset())


def _told(target: Target, fields: Mapping[str, Field]) -> Target:
    about = given(fields, "about", _words, target.about)
    zone = given(fields, "timezone", time_zone, _UTC)
    digest = given(fields, "digest", partial(_digest, zone=zone), parse_schedule(_MORNING, zone))
    if DIGEST in about:
        return replace(target, about=about, digest=digest)
    for key in ("digest", "timezone"):
        if key in fields:
            fields[key].key_fault("belongs to a digest, which `about` does not name")
    return replace(target, about=about)


def _address(value: Field, read: Callable[[Field], str | None], *, secret: bool) -> tuple[str, str]:
    """The address and the variable that holds it: one of the two is empty, both where neither is right."""
    if not isinstance(value.node, Table):
        return read(value) or "", ""
    if not secret:
        value.fault("is no secret: write the ARN itself, so that `dr iam` knows it too")
        return "", ""
    fields = mapping(value, _ENV)
    if not fields:
        return "", ""
    return "", _of_form(fields["env"], _VARIABLE, "is no name of a variable of the environment") or ""


def _of_form(value: Field, form: re.Pattern[str], fault: str) -> str | None:
    """Text of a form. What has another is not repeated: people write secrets into the wrong place."""
    found = text(value)
    if found is None or form.fullmatch(found):
        return found
    value.fault(fault)
    return None


def _topic(value: Field) -> str | None:
    return _of_form(
        value, _TOPIC, "is no ARN of a topic, such as arn:aws:sns:eu-central-1:111122223333:people"
    )


def _chat(value: Field) -> str | None:
    return _without(value, chat_fault)


def _ping(value: Field) -> str | None:
    return _without(value, ping_fault)


def _without(value: Field, fault_of: Callable[[str], str]) -> str | None:
    found = text(value)
    fault = fault_of(found) if found else ""
    if fault:
        value.fault(fault)
    return None if fault else found


def chat_fault(address: str) -> str:
    """What is wrong with an address for apprise, without it, which may be secret; empty where nothing is. FAILURES 4.3.

    What apprise itself makes of it is seen when it is used: it is not there wherever dr.yaml is read.
    """
    if not _APPRISE.fullmatch(address):
        return "is no address as apprise writes them, such as slack://... or mailtos://..."
    scheme = address.partition("://")[0].lower()
    if scheme in IN_THE_CLEAR and _host(address) not in _LOOPBACK:
        return f"would be sent in the clear: write {scheme}s://, where apprise has it, or another way"
    return ""


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""


def ping_fault(url: str) -> str:
    """What is wrong with the URL of a ping, without the URL, which may be secret; empty where nothing is. FAILURES 4.3."""
    if not url.isascii() or not url.isprintable() or " " in url:
        return "is no URL: write what is beyond ASCII, and a blank, percent-encoded"
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError:
        return "is no URL"
    if not host or parts.scheme not in {"https", "http"}:
        return "is no URL that begins with https://"
    if "@" in parts.netloc:
        return "has a user in it, which a ping cannot be; name a URL whose path is the secret"
    if parts.scheme == "http" and host not in _LOOPBACK:
        return "would be asked in the clear: write https://"
    return ""


def _words(value: Field) -> frozenset[str] | None:
    found = text_or_texts(value, "[failure, recovery]", lambda one: choice(one, WORDS))
    return frozenset(written(one) for one in found) if found else None


def _digest(value: Field, zone: ZoneInfo) -> Schedule | None:
    return schedule(value, zone) if text(value) else None
