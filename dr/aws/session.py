"""Clients for AWS: one per service, Region and purpose, kept and shared between threads.

Two purposes. `Purpose.REPEAT` is for reads, deletes and calls that carry a token: botocore's standard retries.
`Purpose.ONCE` is for creates without a token: one attempt, because a retry after a lost answer makes a second
snapshot (FAILURES 1.1).
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.handlers import json_decode_template_body

from dr import __version__, collector
from dr.aws import before_parse, codes, errors
from dr.aws.assuming import Assumed, AssumedRole, first_answer
from dr.aws.errors import safe_url, translate, translated
from dr.aws.pacing import Pacer
from dr.errors import EnvironmentFailed

if TYPE_CHECKING:
    from mypy_boto3_autoscaling import AutoScalingClient
    from mypy_boto3_cloudformation import CloudFormationClient
    from mypy_boto3_ec2 import EC2Client

_ATTEMPTS = 5
"""Attempts of a repeatable call: with standard backoff at most 15 seconds of waiting in all.
Source: SDKs and tools reference guide, Retry behavior, standard mode (1, 2, 4, ... seconds, each times a random
factor below 1)."""
_OF_A_REGION = ("ec2", "cloudformation", "autoscaling")
"""Services that are asked in the Region of what they are asked about."""
_CONNECT_SECONDS = 10
_READ_SECONDS = 25
"""No call that dr makes takes as long; and twice as long is less than a shard may be silent (`dr.tick.shards`)."""
_READ_SECONDS_OF = {"organizations": 5}
"""A page of twenty accounts: one that hangs is waited for by every command, and while it is away the stores know the accounts."""


class Purpose(Enum):
    """Whether doing a call again is harmless."""

    REPEAT = "repeat"
    ONCE = "once"


@dataclass(frozen=True, slots=True, kw_only=True)
class Keys:
    """Explicit credentials, in the place of the SDK's own search."""

    access_key: str
    secret_key: str = field(repr=False)
    token: str | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """How AWS is reached; everything that is None is found as the AWS CLI finds it.

    `region` is for calls that belong to no Region of a policy; STS is asked there first, then in those of `also` while none
    answers. `endpoint_url` stands in for all services.
    `attempts` is how often a repeatable call is made before its failure is believed.
    """

    region: str | None = None
    also: tuple[str, ...] = ()
    profile: str | None = None
    endpoint_url: str | None = field(default=None, repr=False)
    keys: Keys | None = None
    attempts: int = _ATTEMPTS


@dataclass(slots=True)
class Calls:
    """How many calls of one Region were begun, how many of them have ended, in an answer or an error, and how often AWS throttled one."""

    begun: int = 0
    ended: int = 0
    throttled: int = 0


class Session:
    """The clients of one account. `now` is the clock that AWS's `Date` headers are compared with.

    `pacer` waits where EC2 would be asked too fast; without one nobody does. `slow` is called once, where listings are left
    to botocore's parser (`dr.aws.before_parse`). `role` is what its credentials come from, by which session.
    """

    def __init__(
        self,
        access: Access,
        now: Callable[[], datetime],
        pacer: Pacer | None = None,
        slow: Callable[[], object] | None = None,
        role: tuple[Session, Assumed] | None = None,
    ) -> None:
        self._access = access
        self._now = now
        self._lock = threading.RLock()
        self._sdk: botocore.session.Session | None = None
        self._clients: dict[tuple[str, str, Purpose], Any] = {}
        self._role = role
        self._account: str | None = role[1].account if role else None
        self._calls: defaultdict[str, Calls] = defaultdict(Calls)
        self._counting = threading.Lock()
        self._skew: float | None = None
        self._pacer = pacer
        self._slow = slow

    def assuming(self, role: Assumed, pacer: Pacer | None = None) -> Session:
        """The clients of another account, by a role in it; nothing is asked before their first call."""
        access = replace(self._access, region=self.region, keys=None)
        return Session(access, self._now, pacer, self._slow, (self, role))

    def calls(self, region: str) -> Calls:
        """What was asked of EC2 and CloudFormation there so far."""
        with self._counting:  # the first that asks makes it, and whoever counts has to count in the same one
            return self._calls[region]

    def counted(self) -> Calls:
        """What was asked of all Regions so far."""
        with self._counting:
            every = tuple(self._calls.values())
        return Calls(
            begun=sum(each.begun for each in every),
            ended=sum(each.ended for each in every),
            throttled=sum(each.throttled for each in every),
        )

    def credentials(self) -> None:
        """Have them now. Raises `Denied` or `EnvironmentFailed` when there are none to be had, as a first call would."""
        try:
            with translated("AWS session", ""):
                with (
                    self._lock
                ):  # a session of the SDK has one set of credentials, if nobody else asks it meanwhile
                    found = self._session().get_credentials()
                if found is not None:
                    found.get_frozen_credentials()
        except RuntimeError as error:  # botocore's, of new credentials that are over by this machine's clock
            raise EnvironmentFailed(
                f"the credentials of {self._account} are over as they come", "check the clock"
            ) from error

    @property
    def region(self) -> str:
        """The default Region. Raises `EnvironmentFailed` when none is set anywhere."""
        with self._lock:
            region = self._access.region or self._session().get_config_variable("region")
        if not region:
            remedy = "name it in dr.yaml (regions) or set AWS_REGION"
            raise EnvironmentFailed("no AWS Region is set", remedy)
        return str(region)

    def account(self) -> str:
        """The account's id, asked of STS once."""
        with self._lock:
            if self._account is None:
                self._account = first_answer(self.asked_of_sts, self._own_account)
            return self._account

    @property
    def asked_of_sts(self) -> tuple[str, ...]:
        """The Regions in which STS is asked, one after the other."""
        return tuple(dict.fromkeys((self.region, *self._access.also)))

    def _own_account(self, region: str) -> str:
        action = "sts:GetCallerIdentity"
        with translated(action, region):
            answer = self.client("sts", region).get_caller_identity()
        return str(errors.field(answer, "Account", action, region))

    def skew(self) -> float | None:
        """Seconds by which our clock is ahead of the latest `Date` of AWS (to a second); None before any answer."""
        return self._skew

    def ec2(self, region: str, purpose: Purpose = Purpose.REPEAT) -> EC2Client:
        """The EC2 client of a Region."""
        client: EC2Client = self.client("ec2", region, purpose)
        return client

    def cloudformation(self, region: str) -> CloudFormationClient:
        """The CloudFormation client of a Region: every changing call of it carries a token or may be repeated."""
        client: CloudFormationClient = self.client("cloudformation", region)
        return client

    def autoscaling(self, region: str) -> AutoScalingClient:
        """The Auto Scaling client of a Region."""
        client: AutoScalingClient = self.client("autoscaling", region)
        return client

    def client(self, service: str, region: str, purpose: Purpose = Purpose.REPEAT) -> Any:
        """A client. Raises `EnvironmentFailed` for configuration that no client can be made of."""
        key = (service, region, purpose)
        with self._lock:
            if key not in self._clients:
                self._clients[key] = self._make(service, region, purpose)
            return self._clients[key]

    def _session(self) -> botocore.session.Session:
        """Not boto3's, which loads the transfers of S3 and resources besides. Its files are read here, and told of here."""
        with self._lock:
            if self._sdk is None:
                self._sdk = self._begun()
            return self._sdk

    def _begun(self) -> botocore.session.Session:
        try:
            made = botocore.session.Session(profile=self._access.profile)
            made.get_scoped_config()
        except BotoCoreError as error:
            raise translate(error, "AWS session", "") from error
        if keys := self._access.keys:
            made.set_credentials(keys.access_key, keys.secret_key, keys.token)
        if self._role:
            self._take_on(made, *self._role)
        return made

    def _take_on(self, made: botocore.session.Session, by: Session, role: Assumed) -> None:
        """Let it have the role's credentials; what botocore reads of its services is read once for all sessions."""
        for shared in ("data_loader", "endpoint_resolver"):
            made.register_component(shared, by._session().get_component(shared))
        made.register_component(
            "credential_provider", AssumedRole(role, lambda region: by.client("sts", region), by.asked_of_sts)
        )

    def _make(self, service: str, region: str, purpose: Purpose) -> Any:
        url = self._access.endpoint_url
        attempts = self._access.attempts if purpose is Purpose.REPEAT else 1
        config = _config(attempts, _READ_SECONDS_OF.get(service, _READ_SECONDS), own_endpoint=url is not None)
        make: Callable[..., Any] = self._session().create_client
        try:
            with collector.held():
                client = make(service, region_name=region, endpoint_url=url, config=config)
            urlsplit(client.meta.endpoint_url).port  # noqa: B018 - read to be checked: botocore itself finds out too late
        except BotoCoreError as error:
            raise translate(error, f"{service} client", region) from error
        except ValueError:
            # the text of either check repeats the URL with whatever is in it
            why = f"{safe_url(url or '')} is not a URL that can be used"
            raise EnvironmentFailed(f"{why} for {service} in {region}", "check AWS_ENDPOINT_URL") from None
        self._listen(client)
        if service == "ec2":
            self._read_fast(client)
            if self._pacer:
                self._pacer.listen(client)
        return client

    def _read_fast(self, client: Any) -> None:
        if not before_parse.listen(client) and self._slow:
            self._slow()
            self._slow = None

    def _listen(self, client: Any) -> None:
        """Take the time from every answer, and let GetTemplate's JSON be the text that AWS keeps.

        botocore decodes a JSON template into a dict, which loses the bytes (EMULATORS, Traps in botocore).
        """
        events = client.meta.events
        events.register("after-call", partial(self._observe, self._session()))
        if client.meta.service_model.service_name in _OF_A_REGION:
            calls = self.calls(client.meta.region_name)
            events.register("before-call", partial(self._count, calls, "begun"))
            events.register("after-call", partial(self._count, calls, "ended"))
            events.register("after-call-error", partial(self._count, calls, "ended"))
            events.register("response-received", partial(self._throttled, calls))
        events.unregister("after-call.cloudformation.GetTemplate", json_decode_template_body)

    def _count(self, calls: Calls, what: str, **_: Any) -> None:
        with self._counting:
            setattr(calls, what, getattr(calls, what) + 1)

    def _throttled(self, calls: Calls, parsed_response: Any = None, **_: Any) -> None:
        if errors.code_of(parsed_response) in codes.THROTTLED:
            self._count(calls, "throttled")

    def _observe(
        self, sdk: botocore.session.Session, http_response: Any = None, parsed: Any = None, **_: Any
    ) -> None:
        date = http_response.headers.get("date")
        if date:
            self._compare(str(date))
        if errors.code_of(parsed) in codes.EXPIRED:
            self._forget(sdk)

    def _compare(self, date: str) -> None:
        try:
            theirs = parsedate_to_datetime(date)
        except ValueError:
            return
        if theirs.tzinfo is not None:
            self._skew = (self._now() - theirs).total_seconds()

    def _forget(self, sdk: botocore.session.Session) -> None:
        """Credentials ran out: the next call reads them anew, for whoever has logged in again (FAILURES 2, row 6).

        Once: the late answers of other calls with the old ones leave the new ones alone.
        """
        with self._lock:
            if self._sdk is sdk:
                self._clients.clear()
                self._sdk = None


def _config(attempts: int, read_seconds: int, *, own_endpoint: bool) -> Config:
    """`own_endpoint`: a host of one's own has no name for each bucket, so that they stand in the path."""
    return Config(
        connect_timeout=_CONNECT_SECONDS,
        read_timeout=read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        user_agent_extra=f"dr/{__version__}",
        s3={"addressing_style": "path" if own_endpoint else "auto"},
    )
