"""What is there, read from the fakes' raw state and the store's raw keys; nothing here asks dr.

It knows the contract (DESIGN 5 to 7) and not the product: identity by tags, what a point is worth, what a keep claims,
which slot a schedule wants, what a selector selects.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any
from zoneinfo import ZoneInfo

VIENNA = ZoneInfo("Europe/Vienna")
OURS = "acme"
_PERIODS = {
    "hourly": "%Y-%m-%d %H %z",
    "daily": "%Y-%m-%d",
    "weekly": "%G %V",
    "monthly": "%Y-%m",
    "yearly": "%Y",
}
Key = tuple[str, str, str]
"""Policy, Region, source: a lineage in one account."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Thing:
    """A snapshot, an image, a part of an image or a stored stack of ours. `guard` says why nobody may delete it."""

    id: str
    kind: str
    key: Key
    slot: datetime
    time: datetime
    state: str
    guard: str = ""
    parts: tuple[str, ...] = ()

    @property
    def stands(self) -> bool:
        """Whether it counts for retention."""
        return self.kind != "image-part" and self.state in {"good", "archived"}


Shelf = Mapping[Key, list[Thing]]


def look(world: Any) -> dict[Key, list[Thing]]:
    """Everything of ours, by lineage; images' parts too."""
    return _shelf((*_snapshots(world), *_images(world), *_stacks(world, world.stores)))


def look_into(world: Any, store: Any) -> Shelf:
    """The stacks that one store holds, by lineage."""
    return _shelf(_stacks(world, [store]))


def _shelf(things: Iterable[Thing]) -> dict[Key, list[Thing]]:
    found: defaultdict[Key, list[Thing]] = defaultdict(list)
    for thing in things:
        found[thing.key].append(thing)
    return dict(found)


def identity(tags: Mapping[str, str]) -> tuple[str, str, datetime, str] | None:
    """Policy, source, slot and kind that these tags give; None for what is foreign."""
    slot = slot_of(tags.get("dr:slot", ""))
    named = tags.get("dr:managed") == OURS and tags.get("dr:policy") and tags.get("dr:source")
    if not named or slot is None:
        return None
    return tags["dr:policy"], tags["dr:source"], slot, tags.get("dr:kind", "")


@cache
def slot_of(text: str) -> datetime | None:
    """The instant that a tag or a key writes as `20260329T010000Z`."""
    if not re.fullmatch(r"\d{8}T\d{6}Z", text):
        return None
    return datetime.strptime(text, "%Y%m%dT%H%M%S%z")


def _snapshots(world: Any) -> Iterable[Thing]:
    for one in world.cloud.snapshots.values():
        if who := identity(one.tags):
            yield _thing(one, who, snapshot_state(world, one), guard_of(world, one.id))


def _images(world: Any) -> Iterable[Thing]:
    for one in world.cloud.images.values():
        if who := identity(one.tags):
            parts = tuple(one.parts.values())
            guards = (guard_of(world, name, inside=one.id) for name in (one.id, *parts))
            guard = next((why for why in guards if why), "")
            yield _thing(one, who, _image_state(world, one), guard, parts)


def _thing(one: Any, who: Any, state: str, guard: str, parts: tuple[str, ...] = ()) -> Thing:
    policy, source, slot, kind = who
    return Thing(
        id=one.id,
        kind=kind,
        key=(policy, one.region, source),
        slot=slot,
        time=one.time,
        state=state,
        guard=guard,
        parts=parts,
    )


def snapshot_state(world: Any, one: Any) -> str:
    if one.failed:
        return "failed"
    if one.stuck or one.time + world.cloud.delay > world.aws.at:
        return "pending"
    return "archived" if one.archived else "good"


def _image_state(world: Any, image: Any) -> str:
    if image.failed:
        return "failed"
    if image.stuck or image.time + world.cloud.delay > world.aws.at:
        return "pending"
    shelf = world.cloud.snapshots
    inside = {snapshot_state(world, shelf[p]) if p in shelf else "failed" for p in image.parts.values()}
    return next((state for state in ("failed", "pending", "archived") if state in inside), "good")


def guard_of(world: Any, name: str, inside: str = "") -> str:
    """Why nobody may delete it; being `inside` an image of ours is no reason when that very image goes."""
    one = world.cloud.snapshots.get(name) or world.cloud.images.get(name)
    if one is not None and "dr:hold" in one.tags:
        return "held"
    if getattr(one, "locked", False):
        return "locked"
    if name in world.pinned():
        return "pinned"
    users = [i.id for i in world.cloud.images.values() if name in i.parts.values() and i.id != inside]
    return f"in use by {users[0]}" if users and not inside else ""


def _stacks(world: Any, stores: Collection[Any]) -> Iterable[Thing]:
    """Stored stacks, from the keys of these stores."""
    written: dict[str, datetime] = {}
    for store in stores:
        for key, (_, at) in store.objects.items():
            written[key] = min(at, written.get(key, at))
    for key, at in written.items():
        found = re.fullmatch(r"stacks/\d+/([^/]+)/([^/]+)/(\d{8}T\d{6}Z)\.(.+)\.json", key)
        if found:
            region, name, slot, policy = found.groups()
            when = slot_of(slot)
            point = f"stack/{world.cloud.account}/{region}/{name}/{slot}"
            yield Thing(
                id=key,
                kind="stack",
                key=(policy, region, name),
                slot=when,
                time=max(when, at),
                state="good",
                guard="pinned" if point in world.pinned() and _can_know(world, point, at) else "",
            )


def _can_know(world: Any, point: str, written: datetime) -> bool:
    """Whether a pin is there, or a loss of it shows: stored stacks that are younger than a lost store's claim hide it."""
    there = any(
        point in body.decode() for key, (body, _) in world.primary.objects.items() if key.startswith("pins/")
    )
    return there or world.lost_at is None or written < world.lost_at - timedelta(minutes=5)


def named_blobs(store: Any) -> set[str]:
    """The digests of all templates that a manifest of this store names."""
    found: set[str] = set()
    for key, (body, _) in store.objects.items():
        if key.startswith("stacks/"):
            found |= set(re.findall(r"[0-9a-f]{64}", json.dumps(json.loads(body)["stack"])))
    return found


# --- what the contract promises -------------------------------------------------------------------------------------


def standing(shelf: Shelf, key: Key) -> list[Thing]:
    return [thing for thing in shelf.get(key, ()) if thing.stands]


def claimed(things: Iterable[Thing], keep: Any, now: datetime) -> set[datetime]:
    """The slots that a keep claims of these points, with the newest; what has not come yet is not asked about."""
    slots: dict[datetime, Thing] = {}
    for thing in things:
        if thing.stands and thing.slot <= now:
            slots[thing.slot] = min(slots.get(thing.slot, thing), thing, key=_worth)
    if not slots:
        return set()
    good = sorted(slot for slot, thing in slots.items() if thing.state == "good")
    stay = set(good[-keep.last :]) if keep.last else set()
    for rule, form in _PERIODS.items():
        if places := getattr(keep, rule):
            stay |= _of_periods(slots, form, places)
    if keep.within is not None:
        newest = max(slots[slot].time for slot in good or slots)
        stay |= {s for s, t in slots.items() if t.time > newest - timedelta(seconds=keep.within.seconds)}
    if good:
        stay.add(max(good, key=lambda slot: (slots[slot].time, slot)))
    return stay


def _worth(thing: Thing) -> tuple[bool, datetime, str]:
    return thing.state != "good", thing.time, thing.id


def _of_periods(slots: Iterable[datetime], form: str, places: int) -> set[datetime]:
    heads: dict[str, datetime] = {}
    for slot in sorted(slots):
        heads[slot.astimezone(VIENNA).strftime(form)] = slot
    oldest = {min(slots)} if len(heads) < places else set()
    return {*sorted(heads.values())[-places:], *oldest}


def selects(policy: Any, source: Any) -> bool:
    """Whether a policy of these worlds protects a source: exact values, `*`, names with a `*` at the end."""
    if (source.protect, source.region in policy.regions) != (policy.protect, True):
        return False
    for key, values in policy.select.tags.items():
        if key not in source.tags or not {"*", source.tags[key]} & set(values):
            return False
    names = policy.select.names
    return not names or any(source.id.startswith(name.rstrip("*")) for name in names)


def hourly(now: datetime) -> datetime:
    return now.replace(minute=0, second=0, microsecond=0)


def every_other_hour(now: datetime) -> datetime:
    """Slots of a rate are counted from 1970 on."""
    return datetime.fromtimestamp(now.timestamp() // 7200 * 7200, UTC)


def at_two_in_vienna(now: datetime) -> datetime:
    """Once a day at 02:00: after the gap in spring, the first of the two in autumn."""
    local = now.astimezone(VIENNA)
    days = (local.date() - timedelta(days=n) for n in range(3))
    slots = (datetime(day.year, day.month, day.day, 2, tzinfo=VIENNA).astimezone(UTC) for day in days)
    return next(slot for slot in slots if slot <= now)
