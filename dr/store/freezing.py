"""What people have frozen: a record in the primary and in the replica, which holds where either of them says so.

Pins and the rest are in the primary alone. A freeze outlives that: in an incident the two are swapped, by a copy of
dr.yaml on somebody's laptop, and swapped back.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from dataclasses import asdict, dataclass, replace

from dr import layout
from dr.errors import CloudError, DrError, EnvironmentFailed
from dr.model import Freeze
from dr.ports import Clock, ObjectStore, StoredObject
from dr.store.documents import instant_text
from dr.store.fields import Row
from dr.store.rewriting import rewrite

_FORMAT = 1
_Change = Callable[[dict[str, Freeze]], object]


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """What is frozen after a person's word, and why the replica could not be told of it; None where it was, or there is none."""

    frozen: tuple[Freeze, ...]
    untold: DrError | None = None


class StoreFreezes:
    """Of one installation. What cannot be read is an error, and never "nothing": expiry closes on it (DESIGN 7.3)."""

    def __init__(self, primary: ObjectStore, replica: ObjectStore | None, clock: Clock) -> None:
        self._primary, self._replica, self._clock = primary, replica, clock

    def read(self) -> tuple[Freeze, ...]:
        """What is frozen; the freeze of all first. A replica that is away says nothing of it."""
        own = _read(self._primary, self._primary.get(layout.FREEZES))
        if self._replica is None:
            return own
        try:
            found = self._replica.get(layout.FREEZES)
        except (CloudError, EnvironmentFailed):
            return own
        return _joined(own, _read(self._replica, found))

    def freeze(self, policy: str, why: str, by: str) -> Heard:
        """Freeze a policy, all for an empty name. The reason of one that is frozen is replaced.

        The freeze of all takes the place of a record that cannot be read: it holds for whatever stood there.
        """
        new = Freeze(policy=policy, since=self._clock.now(), why=why, by=by)

        def change(known: dict[str, Freeze]) -> None:
            before = known.get(policy, new)
            known[policy] = replace(new, since=min(before.since, new.since))

        return self._both(change, anyway=not policy)

    def thaw(self, policy: str) -> Heard:
        """End a freeze; one that is not there is success."""
        return self._both(lambda known: known.pop(policy, None))

    def _both(self, change: _Change, *, anyway: bool = False) -> Heard:
        frozen = _change(self._primary, change, anyway=anyway)
        if self._replica is None:
            return Heard(frozen=frozen)
        try:
            return Heard(frozen=_joined(frozen, _change(self._replica, change, anyway=anyway)))
        except (CloudError, EnvironmentFailed) as error:
            return Heard(frozen=frozen, untold=error)


def _change(store: ObjectStore, change: _Change, *, anyway: bool) -> tuple[Freeze, ...]:
    after: tuple[Freeze, ...] = ()

    def anew(found: StoredObject | None) -> bytes:
        nonlocal after
        try:
            known = {one.policy: one for one in _read(store, found)}
        except CloudError:
            if not anyway:
                raise
            known = {}
        change(known)
        after = _in_order(known.values())
        rows = [{**asdict(one), "since": instant_text(one.since)} for one in after]
        return json.dumps({"format": _FORMAT, "freezes": rows}, sort_keys=True).encode()

    rewrite(store, layout.FREEZES, anew)
    return after


def _read(store: ObjectStore, found: StoredObject | None) -> tuple[Freeze, ...]:
    """A record without its list is damaged: it must not read as if nothing were frozen."""
    if found is None:
        return ()
    try:
        body = json.loads(found.body)
        row = Row(body if isinstance(body, dict) else {})
        if row.count("format") != _FORMAT or "freezes" not in row.values:
            raise ValueError(f"no list of freezes of format {_FORMAT}")
        return _in_order(_freeze(one) for one in row.rows("freezes"))
    except (ValueError, AttributeError, RecursionError) as error:
        raise CloudError(
            f"{store.name}/{layout.FREEZES} cannot be read: {error}",
            "nothing expires while it is so; `dr freeze --why ...` takes its place, then `dr thaw` ends that; to remove it by "
            "hand thaws everything",
        ) from error


def _joined(own: Iterable[Freeze], others: Iterable[Freeze]) -> tuple[Freeze, ...]:
    """What either says; of what both say the first one's words."""
    return _in_order({one.policy: one for one in (*others, *own)}.values())


def _in_order(freezes: Iterable[Freeze]) -> tuple[Freeze, ...]:
    return tuple(sorted(freezes, key=lambda one: one.policy))


def _freeze(row: Row) -> Freeze:
    return Freeze(
        policy=row.text("policy"), since=row.instant("since"), why=row.text("why"), by=row.text("by")
    )
