"""A person's word that nothing expires (DESIGN 7.6): captures go on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from dr.actions import Warn, WarningCode
from dr.model import Freeze
from dr.words import count, instant, one_line


def freeze_of(policy: str, freezes: Sequence[Freeze]) -> Freeze | None:
    """What freezes a policy: the freeze of all before its own; None where nothing does."""
    return min(
        (one for one in freezes if one.policy in {"", policy}), key=lambda one: one.policy, default=None
    )


def frozen_text(freeze: Freeze) -> str:
    """`frozen since 2026-03-29T01:00:00Z by ann@laptop: we look into it`."""
    return f"frozen since {instant(freeze.since)} by {one_line(freeze.by)}: {one_line(freeze.why)}"


def thaw_command(freeze: Freeze) -> str:
    """What ends it."""
    return f"dr thaw --policy {freeze.policy}" if freeze.policy else "dr thaw"


def freeze_warnings(
    policies: Collection[str], freezes: Sequence[Freeze], waiting: Mapping[str, int]
) -> Iterator[Warn]:
    """Each freeze once: that of all, and those of these policies. `waiting` are the expiries of each that it alone holds back."""
    for one in freezes:
        if one.policy in {"", *policies}:
            number = sum(many for name, many in waiting.items() if freeze_of(name, freezes) == one)
            waits = (
                f"; {count(number, 'expiry waits', 'expiries wait')} for `{thaw_command(one)}`"
                if number
                else ""
            )
            message = f"nothing expires: {frozen_text(one)}{waits}"
            yield Warn(code=WarningCode.FROZEN, policy=one.policy or None, message=message)
