"""The words of the fault layers: what goes wrong with which call, and what a call was.

Two layers speak them: `fault_proxy` stands before a whole process on the network, `fault_layer` at botocore's events
inside one.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from random import Random


class Kind(Enum):
    """What goes wrong. Those of `AFTER` let the call have its effect first."""

    THROTTLED = "throttled"
    DENIED = "denied"
    INTERNAL = "500"
    UNAVAILABLE = "503"
    RESET_BEFORE = "reset before the effect"
    RESET_AFTER = "reset after the effect"
    TIMEOUT_BEFORE = "timeout before the effect"
    TIMEOUT_AFTER = "timeout after the effect"
    TRUNCATED = "truncated body"
    TOKEN_LOST = "page token lost"
    TOKEN_REPEATED = "page token repeated"
    DUPLICATED = "delivered twice"
    HIDDEN = "what it made is hidden for some calls"
    BROKEN = "what it made turns error"
    HANGING = "what it made stays pending"
    KILLED_BEFORE = "kill -9 before the effect"
    KILLED_AFTER = "kill -9 after the effect"


REFUSED = (Kind.THROTTLED, Kind.DENIED, Kind.INTERNAL, Kind.UNAVAILABLE)
"""AWS answers with an error, and has done nothing."""
LOST_BEFORE = (Kind.RESET_BEFORE, Kind.TIMEOUT_BEFORE, Kind.KILLED_BEFORE)
AFTER = (
    Kind.RESET_AFTER,
    Kind.TIMEOUT_AFTER,
    Kind.TRUNCATED,
    Kind.TOKEN_LOST,
    Kind.TOKEN_REPEATED,
    Kind.DUPLICATED,
    Kind.HIDDEN,
    Kind.BROKEN,
    Kind.HANGING,
    Kind.KILLED_AFTER,
)
KILLS = (Kind.KILLED_BEFORE, Kind.KILLED_AFTER)
_TOKEN = re.compile(rb"<(nextToken|NextToken)>[^<]*</\1>|\"(?:nextToken|NextToken)\": ?\"[^\"]*\",? ?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """The `nth` call of `action` fails, counted from 1 from when the fault is set, and those after it up to `times`.

    `action` None is any; `times` None is for good; `region` None is any. A path (`GET /bucket/`) matches by its
    beginning.
    """

    kind: Kind
    action: str | None = None
    nth: int = 1
    times: int | None = 1
    region: str | None = None

    def concerns(self, action: str, region: str | None) -> bool:
        """Whether such a call counts for this fault."""
        if self.action is not None and " /" in self.action:
            named = action.startswith(self.action)
        else:
            named = self.action in (None, action)
        return named and self.region in (None, region)

    def strikes(self, count: int) -> bool:
        """Whether it fails the call of that number."""
        return count >= self.nth and (self.times is None or count < self.nth + self.times)


@dataclass(frozen=True, slots=True, kw_only=True)
class Storm:
    """Every call fails with this chance, in a way and in an order that the seed decides."""

    seed: int
    chance: float = 0.15
    kinds: tuple[Kind, ...] = (
        Kind.THROTTLED,
        Kind.INTERNAL,
        Kind.UNAVAILABLE,
        Kind.RESET_BEFORE,
        Kind.RESET_AFTER,
        Kind.TIMEOUT_AFTER,
        Kind.TRUNCATED,
        Kind.DUPLICATED,
        Kind.HIDDEN,
        Kind.KILLED_AFTER,
    )


class Weather:
    """What a storm does to one call after the other."""

    def __init__(self, storm: Storm) -> None:
        self._storm = storm
        self._chance = Random(storm.seed)

    def struck(self, action: str, region: str | None) -> Kind | None:
        """Say how the next call fails, if it does, whatever it is."""
        roll, kind = self._chance.random(), self._chance.choice(self._storm.kinds)
        return kind if roll < self._storm.chance else None


class Counts:
    """How often each fault's call was made; the first fault that strikes wins, all of them count."""

    def __init__(self, faults: tuple[Fault, ...] = ()) -> None:
        self._faults = faults
        self._counts = [0] * len(faults)

    def struck(self, action: str, region: str | None) -> Kind | None:
        """Count a call, and say how it fails."""
        kinds = []
        for place, fault in enumerate(self._faults):
            if fault.concerns(action, region):
                self._counts[place] += 1
                kinds += [fault.kind] if fault.strikes(self._counts[place]) else []
        return kinds[0] if kinds else None


def refusal(kind: Kind, service: str) -> tuple[int, str]:
    """Status and code of an answer that refuses. Source: the error pages of EC2 and S3, and the common errors of AWS."""
    ec2, s3 = service == "ec2", service == "s3"
    return {
        Kind.THROTTLED: (503, "RequestLimitExceeded" if ec2 else "SlowDown")
        if ec2 or s3
        else (400, "Throttling"),
        Kind.DENIED: (403, "UnauthorizedOperation" if ec2 else "AccessDenied"),
        Kind.INTERNAL: (500, "InternalError"),
        Kind.UNAVAILABLE: (503, "Unavailable" if ec2 else "ServiceUnavailable"),
    }[kind]


def scope(authorization: str) -> tuple[str | None, str]:
    """Region and service of a signed request."""
    found = re.search(r"Credential=[^/]+/\d+/([^/]+)/([^/]+)/", authorization)
    return (found.group(1), found.group(2)) if found else (None, "")


def without_token(body: bytes) -> bytes:
    """A page of a listing that looks like its last."""
    return _TOKEN.sub(b"", body)
