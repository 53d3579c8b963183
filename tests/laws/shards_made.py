"""The shards of one account, for laws: two Regions, neither with a desk."""

from __future__ import annotations

from typing import NoReturn

from plan_values import ACCOUNT, REGION

from dr.tick.shards import Calls, Shard

HOME, AWAY = REGION, "eu-central-1"


def _nobody() -> NoReturn:
    raise AssertionError("a law asks nobody")


PLACES = {
    region: Shard(
        account=ACCOUNT, region=region, policies=(), desk=_nobody, calls=lambda: Calls(begun=0, ended=0)
    )
    for region in (AWAY, HOME)
}


def a_place(region: str) -> Shard:
    """The shard of a Region."""
    return PLACES[region]
