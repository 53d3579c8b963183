"""Read the world once. A listing that AWS refuses is noted as unread, and the others go on (FAILURES, I25)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from dr import collector
from dr.actions import Warn
from dr.errors import CloudError, EnvironmentFailed, Refused
from dr.model import (
    Applied,
    Freeze,
    Inventory,
    Part,
    Policy,
    Protect,
    RecoveryPoint,
    Source,
    TagPatterns,
    Unread,
)
from dr.planner import image_regions
from dr.status import elsewhere_warnings
from dr.tick.desk import Desk
from dr.tick.lost import lost_store

_MAX_SKEW = 300.0
"""Seconds (DESIGN 7.3)."""


@collector.held()
def read_inventory(policies: Sequence[Policy], desk: Desk, whole: Collection[str] = ()) -> Inventory:
    """Read what the policies need; of the Regions in `whole` every source and point, whatever its tags.

    Raises `EnvironmentFailed` only when no listing at all succeeded.
    """
    reading = _Reading(desk)
    account = desk.hands.cloud.account
    listings: list[_Listing] = []
    for region in sorted({*whole, *(region for policy in policies for region in policy.regions)}):
        here = [policy for policy in policies if region in policy.regions]
        everything = region in whole
        listings += _points(
            desk, region, account, tuple(Protect) if everything else {p.protect for p in here}
        )
        listings += _sources(desk, region, [(p, {}) for p in Protect] if everything else _questions(here))
    reading.hear(listings)
    reading.shared(policies, account)
    reading.clock()
    return reading.inventory(account)


@collector.held()
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
    reading.hear(_every_point(desk, others, inventory.account))
    left = reading.seen(inventory.account)
    whole = replace(
        inventory, points=(*inventory.points, *left.points), parts=(*inventory.parts, *left.parts)
    )
    return whole, tuple(elsewhere_warnings(policies, left.unread))


@collector.held()
def read_points(regions: Collection[str], desk: Desk) -> Inventory:
    """Read every point of these Regions, and nothing else. Raises as `read_inventory`."""
    reading = _Reading(desk)
    account = desk.hands.cloud.account
    reading.hear(_every_point(desk, regions, account))
    return reading.inventory(account)


_Refusal = CloudError | EnvironmentFailed | Refused
"""What a listing may end with while the others go on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """What one listing has said."""

    points: tuple[RecoveryPoint, ...] = ()
    parts: tuple[Part, ...] = ()
    sources: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Listing:
    """A question, and what an `Unread` says of it when it has no answer."""

    what: str
    region: str
    ask: Callable[[], _Heard]
    protect: Protect | None = None


def _answer(number: int, listing: _Listing) -> tuple[int, _Heard | _Refusal]:
    try:
        return number, listing.ask()
    except (CloudError, EnvironmentFailed, Refused) as error:
        return number, error


def _every_point(desk: Desk, regions: Collection[str], account: str) -> list[_Listing]:
    return [one for region in sorted(regions) for one in _points(desk, region, account, tuple(Protect))]


def _points(desk: Desk, region: str, account: str, protects: Collection[Protect]) -> Iterator[_Listing]:
    """The points of a Region, of the kinds that these protect."""
    hands = desk.hands

    def in_ec2() -> _Heard:
        holdings = hands.cloud.points(region)
        return _Heard(points=holdings.points, parts=holdings.parts)

    if {Protect.VOLUMES, Protect.INSTANCES} & set(protects):
        yield _Listing(what="points", region=region, ask=in_ec2)
    if Protect.STACKS in protects:

        def stored() -> _Heard:
            return _Heard(points=hands.store.points(account, region))

        yield _Listing(what="points", region=region, ask=stored, protect=Protect.STACKS)


def _sources(desk: Desk, region: str, questions: Sequence[tuple[Protect, TagPatterns]]) -> Iterator[_Listing]:
    """The sources of a Region that these questions ask for."""
    for protect, tags in questions:
        ask = partial(_found, desk, protect, region, tags)
        yield _Listing(what="sources", region=region, ask=ask, protect=protect)


def _found(desk: Desk, protect: Protect, region: str, tags: TagPatterns) -> _Heard:
    hands = desk.hands
    if protect is Protect.STACKS:
        return _Heard(sources=hands.stacks.sources(region))
    return _Heard(sources=hands.cloud.sources(protect, region, tags))


class _Reading:
    """Collects listings; a refused one becomes `Unread`."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._sources: dict[tuple[Protect, str, str], Source] = {}
        self._points: list[RecoveryPoint] = []
        self._parts: list[Part] = []
        self._unread: list[Unread] = list(_unheard(desk))
        self._pins: frozenset[str] = frozenset()
        self._freezes: tuple[Freeze, ...] = ()
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
            unread = Unread(
                what=what, region=region, protect=protect, message=error.message, remedy=error.remedy
            )
            self._unread.append(unread)
        else:
            self._succeeded += 1

    def hear(self, listings: Sequence[_Listing]) -> None:
        """Ask for all of them, several at once; what they say is kept in their own order."""
        answers = dict(self._desk.hands.together(partial(_answer, *one) for one in enumerate(listings)))
        for number, listing in enumerate(listings):
            with self._listing(listing.what, listing.region, listing.protect):
                self._add(answers[number])

    def _add(self, answer: _Heard | _Refusal) -> None:
        if not isinstance(answer, _Heard):
            raise answer
        self._points.extend(answer.points)
        self._parts.extend(answer.parts)
        for source in answer.sources:
            self._sources[source.protect, source.region, source.id] = source

    def shared(self, policies: Sequence[Policy], account: str) -> None:
        """What the store knows: pins, what is frozen, the keep of each policy's last apply, and since when parts are orphans.

        After the points: a store that is younger than they are knows too little.
        """
        records = self._desk.records
        with self._listing("store", ""):
            now = self._desk.hands.clock.now()
            lost = lost_store(records.name, records.holder(), (*self._points, *self._parts), now)
            self._unread.extend([lost] if lost else [])
        with self._listing("pins", ""):
            self._pins = records.pins()
        with self._listing("freezes", ""):
            self._freezes = records.freezes()
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
            freezes=self._freezes,
            applied=self._applied,
            orphaned_since=self._orphaned_since,
            unread=tuple(self._unread),
        )


def _unheard(desk: Desk) -> tuple[Unread, ...]:
    """What was not told before the work began."""
    return (desk.unheard,) if desk.unheard else ()


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
