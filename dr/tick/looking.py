"""Look into every shard: what `dr status` and `dr points` show."""

from __future__ import annotations

from dr.errors import NotEnabled
from dr.model import Inventory, Unread
from dr.status import Status, status
from dr.tick.desk import Desk
from dr.tick.everywhere import Scope, where_enabled
from dr.tick.inventory import read_inventory, read_points
from dr.tick.merging import merge_statuses
from dr.tick.shards import Shard, each, merged


def status_everywhere(scope: Scope) -> tuple[Status, bool]:
    """How well everything is protected, and whether everything could be seen. Raises `DrError` where no shard could be read."""

    def look(shard: Shard, desk: Desk) -> Inventory:
        return where_enabled(shard, desk, lambda: read_inventory(shard.working, desk, whole={shard.region}))

    ran = each(scope.shards, look, scope.monotonic)
    ran.some()
    now = scope.clock.now()
    found = {shard: status(shard.policies, seen, now) for shard, seen in ran.results.items()}
    failed = [error for error in ran.errors.values() if not isinstance(error, NotEnabled)]
    unread = any(seen.unread for seen in ran.results.values())
    return merge_statuses(found, ran.errors, scope.policies, now), not (failed or unread)


def points_everywhere(scope: Scope) -> Inventory:
    """Every point; a shard that could not be read is unread. Raises `DrError` where none could be read."""

    def look(shard: Shard, desk: Desk) -> Inventory:
        return where_enabled(shard, desk, lambda: read_points({shard.region}, desk))

    ran = each(scope.shards, look, scope.monotonic)
    ran.some()
    several = len(scope.shards) > 1
    unread = [
        Unread(
            what="points",
            region=shard.name if several else shard.region,
            message=error.message,
            remedy=error.remedy,
        )
        for shard, error in ran.errors.items()
        if not isinstance(error, NotEnabled)
    ]
    found = merged(list(ran.results.values()))
    return Inventory(
        account=found.account, points=found.points, parts=found.parts, unread=(*found.unread, *unread)
    )
