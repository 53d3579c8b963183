"""What Prometheus counts of a daemon. Source of names: Prometheus documentation, Metric and label naming."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from functools import partial
from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4

from dr.actions import Capture, Outcome, Result
from dr.status import Protected

TYPE = CONTENT_TYPE_PLAIN_0_0_4


class Metrics:
    """Of one daemon, each with the label `installation` left to whoever scrapes it. `now` tells ages as they are asked for."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._whole = Lock()  # who asks sees every policy of a tick, or of the one before
        self._registry = registry = CollectorRegistry()
        self._ticks = Counter("dr_ticks", "Ticks, by how they ended", ["result"], registry=registry)
        self._actions = {
            True: Counter("dr_captures", "Captures, by how they ended", ["result"], registry=registry),
            False: Counter("dr_expiries", "Expiries, by how they ended", ["result"], registry=registry),
        }
        self._left = Gauge("dr_left", "Actions that the last tick left to the next", registry=registry)
        self._calls = Counter(
            "dr_aws_calls", "Calls of EC2, CloudFormation and Auto Scaling", registry=registry
        )
        self._throttles = Counter("dr_aws_throttles", "Attempts that AWS throttled", registry=registry)
        self._leading = Gauge("dr_leading", "1 where this daemon is the one that works", registry=registry)
        self._untold = Gauge("dr_untold_targets", "Targets that could not be told", registry=registry)
        self._broken = Gauge(
            "dr_files_broken", "1 where it goes on by files that it read before", registry=registry
        )
        self._good = Gauge(
            "dr_last_good_tick_timestamp_seconds", "The last tick that saw everything", registry=registry
        )
        self._age = Gauge(
            "dr_newest_good_point_age_seconds",
            "Age of the data in the newest good point, of the source that is worst off",
            ["policy"],
            registry=registry,
        )
        self._rpo = Gauge("dr_rpo_seconds", "The objective of the policy", ["policy"], registry=registry)
        self._bare = Gauge(
            "dr_sources_without_good_point", "Sources that have none", ["policy"], registry=registry
        )

    def led(self) -> None:
        """It is the one that works."""
        self._leading.set(1)

    def stands_by(self) -> None:
        """It works no more: what it knew of points is another's to tell."""
        self._leading.set(0)
        self._left.set(0)
        self.protected(())

    def failed(self) -> None:
        """A tick that came to nothing."""
        self._ticks.labels("failed").inc()

    def ticked(self, outcomes: Iterable[Outcome], *, good: bool) -> None:
        """A tick that has ended; it is good when everything could be read."""
        left = 0
        for outcome in outcomes:
            self._actions[isinstance(outcome.action, Capture)].labels(outcome.result.value).inc()
            left += outcome.result is Result.LEFT
        self._left.set(left)
        self._ticks.labels("good" if good else "partial").inc()
        if good:
            self._good.set(self._now().timestamp())

    def asked(self, calls: int, throttles: int) -> None:
        """What a tick has asked of AWS."""
        self._calls.inc(calls)
        self._throttles.inc(throttles)

    def files(self, *, broken: bool) -> None:
        """Whether dr.yaml or a policy has faults now."""
        self._broken.set(int(broken))

    def untold(self, number: int) -> None:
        """How many targets of `notify` could not be told what there was to tell."""
        self._untold.set(number)

    def protected(self, sources: Iterable[Protected]) -> None:
        """How well everything is protected; a policy that is gone leaves no figures."""
        oldest: dict[str, datetime] = {}
        bare: dict[str, int] = {}
        objectives: dict[str, int] = {}
        for source in sources:
            bare.setdefault(source.policy, 0)
            if source.newest is None:
                bare[source.policy] += 1
            else:
                oldest[source.policy] = min(source.newest.time, oldest.get(source.policy, source.newest.time))
            if source.rpo is not None:
                objectives[source.policy] = source.rpo
        with self._whole:
            for gauge in (self._age, self._rpo, self._bare):
                gauge.clear()
            for policy, number in bare.items():
                self._bare.labels(policy).set(number)
            for policy, rpo in objectives.items():
                self._rpo.labels(policy).set(rpo)
            for policy, time in oldest.items():
                self._age.labels(policy).set_function(partial(self._since, time))

    def _since(self, time: datetime) -> float:
        return (self._now() - time).total_seconds()

    def text(self) -> bytes:
        """All of it, as Prometheus reads it."""
        with self._whole:
            return generate_latest(self._registry)
