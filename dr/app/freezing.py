"""A person's word that nothing expires, and its end (DESIGN 7.6)."""

from __future__ import annotations

from collections.abc import Collection

from dr.app import App
from dr.errors import EnvironmentFailed, UsageError
from dr.store.freezing import Heard, StoreFreezes
from dr.store.processes import somebody_here
from dr.store.records import StoreRecords
from dr.words import one_line

_WHY_AT_MOST = 500
"""Characters: a sentence, and where to read on."""


def freeze(app: App, policy: str | None, why: str) -> Heard:
    """Let nothing of a policy, or of any, expire from now on; what is frozen then.

    Policies that cannot be read stop no freeze of all. Raises `UsageError` for a policy that does not exist and for a
    reason that says nothing or too much, `EnvironmentFailed` for a store where no tick would find it.
    """
    said = one_line(why)
    if not said:
        raise UsageError(
            "--why is empty", "say why: whoever finds it frozen has to decide whether it may thaw"
        )
    if len(said) > _WHY_AT_MOST:
        raise UsageError(
            f"--why has {len(said)} characters", f"{_WHY_AT_MOST} are enough: say where to read on"
        )
    _require_known(app, policy)
    return _freezes(app).freeze(policy or "", said, somebody_here())


def thaw(app: App, policy: str | None) -> Heard:
    """End the freeze of a policy, or that of all; what is frozen then. Raises as `freeze`.

    A policy that was removed while it was frozen can thaw.
    """
    freezes = _freezes(app)
    _require_known(app, policy, {one.policy for one in freezes.read()} if policy else ())
    return freezes.thaw(policy or "")


def _require_known(app: App, name: str | None, also: Collection[str] = ()) -> None:
    """A policy whose neighbour is broken can be frozen. An empty name is none, and not all: some script's variable was empty."""
    if name is None or name in {*also, *(policy.name for policy in app.sound_policies)}:
        return
    try:
        app.asked(name)
    except UsageError as error:
        raise UsageError(
            error.message, f"{error.remedy}; without --policy it needs none that can be read"
        ) from error


def _freezes(app: App) -> StoreFreezes:
    """Those of the stores where ticks look."""
    primary, replica = app.stores.primary, app.stores.replica
    if StoreRecords(primary, app.clock).refuse_others(app.config.name) is None:
        raise EnvironmentFailed(
            f"{primary.name} is the store of no installation: no tick looks there",
            "is it mounted, is its path under `store` in dr.yaml right? A first `dr apply` makes a new one, by which nothing "
            "expires for a week where there are older points",
        )
    return StoreFreezes(primary, replica, app.clock)
