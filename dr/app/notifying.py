"""Who tells people of an installation, and what a daemon has noted for them."""

from __future__ import annotations

from dr import layout
from dr.actions import Warn, WarningCode
from dr.app import App
from dr.errors import DrError
from dr.notify.notifier import Memory, Notifier
from dr.notify.targets import each_sending
from dr.store.leases import StoreLeases
from dr.store.notices import StoreNotices
from dr.words import instant, one_line, short


def notifier_of(app: App, memory: Memory) -> Notifier:
    """Of the targets that dr.yaml names now."""
    sends = each_sending(app.config.notify, lambda: app.session, app.settings.environ)
    return Notifier(app.config.name, sends, lambda: StoreNotices(app.stores.primary), app.clock, memory)


def files_warning(app: App) -> tuple[Warn, ...]:
    """That a daemon goes on by its last good files. A store that is away is told by whatever else needs it."""
    try:
        found = StoreNotices(app.stores.primary).files()
        leader = StoreLeases(app.stores.primary, app.owner, app.clock).holder(layout.LEADER)
    except DrError:
        return ()
    if found is None or found.owner != leader:  # whoever left word of it works no more
        return ()
    told = f"since {instant(found.since)} the daemon of {one_line(found.owner)} goes on by the files that it read before"
    return (Warn(code=WarningCode.FILES_BROKEN, message=f"{told}: {short(one_line(found.fault))}"),)
