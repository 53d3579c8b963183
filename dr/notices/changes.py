"""What has changed since a target was told last."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from dr.notices.conditions import Condition, Key, Observed, Trouble


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What a target has been told of and not that it is over, each with since when; and the slot of its last digest."""

    since: Mapping[Key, datetime] = field(default_factory=dict)
    digest: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Changes:
    """What began and what ended, each with since when it was so; `since` is all that is wrong now."""

    began: tuple[Condition, ...]
    ended: Mapping[Key, datetime]
    since: Mapping[Key, datetime]

    def of(self, troubles: frozenset[Trouble], *, recoveries: bool) -> Changes:
        """Those that somebody asks for."""
        return Changes(
            began=tuple(one for one in self.began if one.key.trouble in troubles),
            ended={k: at for k, at in self.ended.items() if recoveries and k.trouble in troubles},
            since=self.since,
        )

    def __bool__(self) -> bool:
        return bool(self.began or self.ended)


def changes(told: Told, observed: Observed, now: datetime) -> Changes:
    """Compare. What is known and could not be seen is neither new nor over."""
    began = tuple(one for key, one in observed.conditions.items() if key not in told.since)
    ended = {
        key: at
        for key, at in told.since.items()
        if key not in observed.conditions and not observed.blind(key)
    }
    still = {key: at for key, at in told.since.items() if key not in ended}
    return Changes(began=began, ended=ended, since=still | {one.key: now for one in began})
