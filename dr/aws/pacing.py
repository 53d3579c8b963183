"""How fast EC2 is asked: a token bucket for each action of a Region, as EC2 itself keeps one for the account.

A process begins with full buckets: it asks at once for as much as they hold, and then at just under EC2's refill.

Without one, a client that has more to do than a bucket holds is throttled, and every throttled call is one for nothing: of
500 CreateSnapshot most, in any retry mode of the SDK but one. A bucket of our own wastes none. An
account is shared: where EC2 throttles all the same, somebody else is drinking too. Then the rate is halved, and grows
back slowly (AIMD, as TCP does).

Both ends of a call are botocore's events, so that its own attempts again are paced as well.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from dr.aws import codes
from dr.aws.errors import code_of
from dr.aws.rows import LISTINGS

_BUCKETS = {
    **dict.fromkeys(("CreateSnapshot", "DeleteSnapshot", "DeregisterImage"), (100, 5)),
    "CreateImage": (50, 5),
    **dict.fromkeys(LISTINGS, (100, 20)),
}
"""Size, and refill in tokens a second, of what a tick asks for. Source: EC2 developer guide, Request throttling: request
token bucket sizes and refill rates."""
_SHARE = 0.99
"""Of EC2's refill: its clock and ours differ a little."""
_LEAST = 1 / 32
"""Of the refill: what is left when every call is throttled."""
_GROWTH = 0.01
"""Of the refill, each second: from a half to the whole in less than a minute."""
_ONE_CAUSE = 1.0
"""Seconds. Throttles that are no farther apart have one cause, and halve the rate once."""


@dataclass(slots=True)
class Bucket:
    """Tokens of one action in one Region. `tokens` below zero are promised to callers that wait for them.

    Instants are seconds of a clock that is never set, whatever its beginning.
    """

    size: float
    refill: float
    tokens: float
    rate: float
    at: float
    slowed: float | None = None

    def take(self, now: float) -> float:
        """Take a token; the seconds until it is there."""
        self._flow(now)
        self.tokens -= 1
        return max(0.0, -self.tokens / self.rate)

    def slow(self, now: float) -> None:
        """EC2 has throttled a call: its bucket is empty."""
        self._flow(now)
        self.tokens = min(self.tokens, 0.0)
        if self.slowed is None or now - self.slowed > _ONE_CAUSE:
            self.slowed = now
            self.rate = max(self.rate / 2, self.refill * _LEAST)

    def _flow(self, now: float) -> None:
        """Let in what has come since."""
        passed = now - self.at
        self.at = now
        self.tokens = min(self.size, self.tokens + passed * self.rate)
        self.rate = min(self.refill * _SHARE, self.rate + passed * self.refill * _GROWTH)


class Pacer:
    """The buckets of one account. `now` reads a clock that is never set, `pause` waits; both in seconds."""

    def __init__(self, now: Callable[[], float], pause: Callable[[float], None]) -> None:
        self._now = now
        self._pause = pause
        self._lock = threading.Lock()
        self._buckets: dict[tuple[str, str], Bucket] = {}

    def listen(self, client: Any) -> None:
        """Pace every call of this EC2 client."""
        region, events = client.meta.region_name, client.meta.events

        def sending(event_name: str, **_: Any) -> None:
            self.wait(region, _action(event_name))

        def received(event_name: str, parsed_response: Any = None, **_: Any) -> None:
            if code_of(parsed_response) in codes.BUCKET_EMPTY:
                self.throttled(region, _action(event_name))

        events.register("before-send.ec2", sending)
        events.register("response-received.ec2", received)

    def wait(self, region: str, action: str) -> None:
        """Wait until this action may be asked for; at once for one without a bucket."""
        with self._lock:
            bucket = self._bucket(region, action)
            seconds = bucket.take(self._now()) if bucket else 0.0
        if seconds > 0:
            self._pause(seconds)

    def throttled(self, region: str, action: str) -> None:
        """EC2 has refused this action for now."""
        with self._lock:
            if bucket := self._bucket(region, action):
                bucket.slow(self._now())

    def _bucket(self, region: str, action: str) -> Bucket | None:
        if action not in _BUCKETS:
            return None
        size, refill = _BUCKETS[action]
        if (region, action) not in self._buckets:
            self._buckets[region, action] = Bucket(size, refill, size, refill * _SHARE, self._now())
        return self._buckets[region, action]


def _action(event_name: str) -> str:
    return event_name.rpartition(".")[2]
