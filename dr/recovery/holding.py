"""The lease of a restore's target: nobody else restores to this name meanwhile.

It is an optimisation (DESIGN 9): what a restore does is safe by its tokens. So a store that cannot be reached for a
while does not stop a restore that CloudFormation carries on with anyway; only somebody else who took the lease does.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta

from dr.errors import CloudError, EnvironmentFailed
from dr.ports import Clock, Lease, Leases

_RENEWAL = timedelta(minutes=1)
"""Between two renewals: a lease lasts 5 minutes, so that four may fail, and each is a locked version in the store."""


@contextmanager
def held(leases: Leases, key: str, clock: Clock) -> Iterator[Callable[[], None]]:
    """Hold the lease; call what it gives as often as you like to keep it. Both raise `Busy`."""
    lease = leases.acquire(key)
    try:
        yield _Renewal(lease, clock)
    finally:
        lease.release()


class _Renewal:
    """Renews a lease at most once a minute."""

    def __init__(self, lease: Lease, clock: Clock) -> None:
        self._lease = lease
        self._clock = clock
        self._tried: datetime = clock.now()

    def __call__(self) -> None:
        now = self._clock.now()
        if now - self._tried < _RENEWAL:
            return
        self._tried = now
        with suppress(CloudError, EnvironmentFailed):
            self._lease.renew()
