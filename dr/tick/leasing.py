"""The leases of one apply. An optimisation: correctness rests on names and tags (FAILURES 2c)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta

from dr import layout
from dr.actions import Warn, WarningCode
from dr.errors import Busy, CloudError, DrError, EnvironmentFailed
from dr.model import Policy
from dr.ports import Lease
from dr.tick.desk import Desk

_RENEW_AFTER = timedelta(seconds=60)
"""A lease lasts 5 minutes; renewing well before that survives a slow call."""


class Held:
    """The leases of one apply, the policies that they cover, and what was busy."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._leases: list[Lease] = []
        self._renewed = desk.hands.clock.now()
        self.policies: tuple[Policy, ...] = ()
        self.warnings: tuple[Warn, ...] = ()
        self.busy: tuple[str, ...] = ()

    def acquire(self, policies: Sequence[Policy]) -> None:
        """Take the lease of each policy and Region; a policy goes on in the Regions that are free."""
        for policy in policies:
            regions = tuple(region for region in policy.regions if self._free(policy, region))
            if regions:
                self.policies = (*self.policies, replace(policy, regions=regions))

    def _free(self, policy: Policy, region: str) -> bool:
        key = layout.lease_key(self._desk.hands.cloud.account, region, policy.name)
        try:
            self._leases.append(self._desk.leases.acquire(key))
        except Busy as error:
            self.busy = (*self.busy, error.message)
            busy = Warn(code=WarningCode.BUSY, policy=policy.name, message=error.message)
            self.warnings = (*self.warnings, busy)
            return False
        except (CloudError, EnvironmentFailed) as error:
            self.warnings = (*self.warnings, _no_lease(error, policy.name))
        return True

    def renew(self) -> None:
        """Extend every lease once a minute; raises `Busy` when one was taken over.

        A store that is out of reach stops nothing: the lease is an optimisation (FAILURES 2c).
        """
        now = self._desk.hands.clock.now()
        if now - self._renewed < _RENEW_AFTER:
            return
        self._renewed = now
        try:
            for lease in self._leases:
                lease.renew()
        except Busy as error:
            self.busy = (*self.busy, error.message)
            raise
        except (CloudError, EnvironmentFailed) as error:
            self.warnings = (*self.warnings, _no_lease(error, None))

    def release(self) -> None:
        """Give all of them back."""
        for lease in self._leases:
            lease.release()


def _no_lease(error: DrError, policy: str | None) -> Warn:
    """A store that is out of reach stops no capture: correctness never rests on the lease (FAILURES 2c)."""
    return Warn(
        code=WarningCode.STORE_LAG, policy=policy, message=f"working without a lease: {error.message}"
    )


@contextmanager
def leased(policies: Sequence[Policy], desk: Desk, *, every: bool = False) -> Iterator[Held]:
    """Hold the leases that are free. Raises `Busy` when all of them are taken, with `every` when one is."""
    held = Held(desk)
    try:
        held.acquire(policies)
        if (policies and not held.policies) or (every and held.busy):
            raise Busy("; ".join(held.busy), "try again when it has ended, or wait for the lease to run out")
        yield held
    finally:
        held.release()
