"""Read the world once. A listing that AWS refuses is noted as unread, and the others go on (FAILURES, I25)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

from dr.actions import Warn
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.model import Applied, Inventory, Part, Policy, Protect, RecoveryPoint, Source, TagPatterns, Unread
from dr.planner import image_regions
from dr.status import elsewhere_warnings
from dr.tick.desk import Desk
from dr.tick.lost import lost_store

_MAX_SKEW = 300.0
"""Seconds (DESIGN 7.3)."""


def read_inventory(policies: Sequence[Policy], desk: Desk, whole: Collection[str] = ()) -> Inventory:
    """Read what the policies need; of the Regions in `whole` every source and point, whatever its tags.

    Raises `EnvironmentFailed` only when no listing at all succeeded.
    """
    reading = _Reading(desk)
    account = desk.hands.cloud.account
    for region in sorted({*whole, *(region for policy in policies for region in policy.regions)}):
        here = [policy for policy in policies if region in policy.regions]
        everything = region in whole
        reading.points(region, account, tuple(Protect) if everything else {p.protect for p in here})
        reading.sources(region, [(p, {}) for p in Protect] if everything else _questions(here))
    reading.shared(policies, account)
    reading.clock()
    return reading.inventory(account)


def read_for_plan(
    policies: Sequence[Policy], desk: Desk, regions: Collection[str]
) -> tuple[Inventory, tuple[Warn, ...]]:
    """Read what the policies need, and of the other Regions every point: what is left there is told (DESIGN 7.5).

    A Region that no policy names decides nothing: one that cannot be read is a warning, and not unread. Raises as
    `read_inventory`.
    """
    inventory = read_inventory(policies, desk)
    others = set(regions) - {region for policy in policies for region in policy.regions}
    reading = _Reading(desk)
    for region in sorted(others):
        reading.points(region, inventory.account, tuple(Protect))
    left = reading.seen(inventory.account)
    whole = replace(
        inventory, points=(*inventory.points, *left.points), parts=(*inventory.parts, *left.parts)
    )
    return whole, tuple(elsewhere_warnings(policies, left.unread))


def read_points(regions: Collection[str], desk: Desk) -> Inventory:
    """Read every point of these Regions, and nothing else. Raises as `read_inventory`."""
    reading = _Reading(desk)
    account = desk.hands.cloud.account
    for region in sorted(regions):
        reading.points(region, account, tuple(Protect))
    return reading.inventory(account)


class _Reading:
    """Collects listings; a refused one becomes `Unread`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sources: dict[tuple[Protect, str, str], Source] = {}
        self._points: list[RecoveryPoint] = []
        self._parts: list[Part] = []
        self._unread: list[Unread] = []
        self._pins: frozenset[str] = frozenset()
        self._applied: dict[tuple[str, str], Applied] = {}
        self._orphaned_since: dict[str, datetime] = {}
        self._unreachable: list[EnvironmentFailed] = []
        self._succeeded = 0

    @contextmanager
    def _listing(self, what: str, region: str, protect: Protect | None = None) -> Iterator[None]:
        try:
            yield
        except (CloudError, EnvironmentFailed, Refused) as error:
            if isinstance(error, EnvironmentFailed):
                self._unreachable.append(error)
            unread = Unread(what=what, region=region, protect=protect, message=error.message)
            self._unread.append(unread)
        else:
            self._succeeded += 1

    def points(self, region: str, account: str, protects: Collection[Protect]) -> None:
        """The points of a Region, of the kinds that these protect."""
        hands = self._desk.hands
        if {Protect.VOLUMES, Protect.INSTANCES} & set(protects):
            with self._listing("points", region):
                holdings = hands.cloud.points(region)
                self._points.extend(holdings.points)
                self._parts.extend(holdings.parts)
        if Protect.STACKS in protects:
            with self._listing("points", region, Protect.STACKS):
                self._points.extend(hands.store.points(account, region))

    def sources(self, region: str, questions: Sequence[tuple[Protect, TagPatterns]]) -> None:
        """The sources of a Region that these questions ask for."""
        for protect, tags in questions:
            with self._listing("sources", region, protect):
                self._add(self._ask(protect, region, tags))

    def _ask(self, protect: Protect, region: str, tags: TagPatterns) -> tuple[Source, ...]:
        hands = self._desk.hands
        if protect is Protect.STACKS:
            return hands.stacks.sources(region)
        return hands.cloud.sources(protect, region, tags)

    def _add(self, sources: tuple[Source, ...]) -> None:
        for source in sources:
            self._sources[source.protect, source.region, source.id] = source

    def shared(self, policies: Sequence[Policy], account: str) -> None:
        """What the store knows: pins, the keep of each policy's last apply, and since when parts are orphans.

        After the points: a store that is younger than they are knows too little.
        """
        records = self._desk.records
        with self._listing("store", ""):
            now = self._desk.hands.clock.now()
            lost = lost_store(records.name, records.holder(), self._points, now)
            self._unread.extend([lost] if lost else [])
        with self._listing("pins", ""):
            self._pins = records.pins()
        with self._listing("applied", ""):
            for name, region in {(policy.name, region) for policy in policies for region in policy.regions}:
                applied = records.applied(account, region, name)
                if applied is not None:
                    self._applied[name, region] = applied
        for region in sorted(image_regions(policies)):
            with self._listing("orphans", ""):
                self._orphaned_since.update(records.orphans(account, region))

    def clock(self) -> None:
        """This machine's clock beside AWS's `Date` (FAILURES 2, row 48); answers without one say nothing of it."""
        skew = self._desk.hands.cloud.skew()
        if skew is None:
            message = (
                "no answer of AWS has a `Date`, so that nothing tells whether this machine's clock is right"
            )
            self._unread.append(Unread(what="clock", region="", message=message))
        elif abs(skew) > _MAX_SKEW:
            message = f"this machine's clock is {abs(skew):.0f} seconds {'ahead of' if skew > 0 else 'behind'} AWS's"
            self._unread.append(Unread(what="clock", region="", message=message))

    def inventory(self, account: str) -> Inventory:
        """What was read; raises when nothing was."""
        if self._unreachable and not self._succeeded:
            raise self._unreachable[0]
        return self.seen(account)

    def seen(self, account: str) -> Inventory:
        """What was read, however little."""
        return Inventory(
            account=account,
            sources=tuple(self._sources.values()),
            points=tuple(self._points),
            parts=tuple(self._parts),
            pins=self._pins,
            applied=self._applied,
            orphaned_since=self._orphaned_since,
            unread=tuple(self._unread),
        )


def _questions(policies: Sequence[Policy]) -> list[tuple[Protect, TagPatterns]]:
    """Which source listings are needed: one of each sort, filtered by the server as far as all its policies agree."""
    asked: defaultdict[Protect, list[TagPatterns]] = defaultdict(list)
    for policy in policies:
        asked[policy.protect].append({} if policy.protect is Protect.STACKS else policy.select.tags)
    return [(protect, _widest(patterns)) for protect, patterns in asked.items()]


def _widest(patterns: Sequence[TagPatterns]) -> TagPatterns:
    """One question for all that these ask for: keys that all of them have, with the values of any; the planner selects."""
    first, *others = patterns
    shared = [key for key in first if all(key in other for other in others)]
    return {key: tuple(dict.fromkeys(glob for each in patterns for glob in each[key])) for key in shared}
