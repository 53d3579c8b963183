"""What has changed since a target was told last."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from dr.notices.conditions import Condition, Key, Observed


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a target has been told of and not that it is over, each with since when; and the slot of its last digest."""

    since: Mapping[Key, datetime] = field(default_factory=dict)
    digest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class News:
    """What a target was told beyond what it had been told: what began since when, what is over, the slot of a digest.

    Not the whole: somebody else may have told it something in the meantime.
    """

    began: Mapping[Key, datetime] = field(default_factory=dict)
    over: frozenset[Key] = frozenset()
    digest: datetime | None = None

    def __bool__(self) -> bool:
        return bool(self.began or self.over or self.digest)

    def onto(self, told: Told) -> Told:
        """What it has been told of by now."""
        since = {key: at for key, at in told.since.items() if key not in self.over}
        return replace(told, since={**since, **self.began}, digest=self.digest or told.digest)

    def then(self, later: News) -> News:
        """Both, one after the other."""
        began = {key: at for key, at in self.began.items() if key not in later.over}
        return News(
            began={**began, **later.began},
            over=(self.over - later.began.keys()) | later.over,
            digest=later.digest or self.digest,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What began, what has recovered, and what was of something that is protected no more, the latter with since when it was so.

    `still` is what goes on as it was told before.
    """

    began: tuple[Condition, ...]
    recovered: Mapping[Key, datetime]
    gone: Mapping[Key, datetime]
    still: Mapping[Key, datetime]

    def __bool__(self) -> bool:
        return bool(self.began or self.recovered or self.gone)

    def news(self, now: datetime) -> News:
        """What whoever hears of them knows then."""
        over = frozenset(self.recovered) | frozenset(self.gone)
        return News(began={one.key: now for one in self.began}, over=over)


def changes(told: Told, observed: Observed, about: Collection[str]) -> Changes:
    """Compare, for who asks for these troubles. What is known and could not be seen is neither new nor over."""
    known = {key: at for key, at in told.since.items() if key.trouble in about}
    now_so = {key: one for key, one in observed.conditions.items() if key.trouble in about}
    over = {key: at for key, at in known.items() if key not in now_so and not observed.blind(key)}
    return Changes(
        began=tuple(one for key, one in now_so.items() if key not in known),
        recovered={key: at for key, at in over.items() if not observed.gone(key)},
        gone={key: at for key, at in over.items() if observed.gone(key)},
        still={key: at for key, at in known.items() if key not in over},
    )
