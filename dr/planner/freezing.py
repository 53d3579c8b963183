"""A person's word that nothing expires (DESIGN 7.6): captures go on."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from dr.actions import Warn, WarningCode
from dr.model import Freeze
from dr.words import instant, one_line


def freeze_of(policy: str, freezes: Sequence[Freeze]) -> Freeze | None:
    """What freezes a policy: the freeze of all before its own; None where nothing does."""
    return min(
        (one for one in freezes if one.policy in {"", policy}), key=lambda one: one.policy, default=None
    )


def frozen_text(freeze: Freeze) -> str:
    """`frozen since 2026-03-29T01:00:00Z by ann@laptop: we look into it`."""
    return f"frozen since {instant(freeze.since)} by {one_line(freeze.by)}: {one_line(freeze.why)}"


def freeze_warnings(policies: Collection[str], freezes: Sequence[Freeze]) -> Iterator[Warn]:
    """Each freeze once: that of all, and those of these policies."""
    for one in freezes:
        if one.policy in {"", *policies}:
            yield Warn(
                code=WarningCode.FROZEN,
                policy=one.policy or None,
                message=f"nothing expires: {frozen_text(one)}",
            )
