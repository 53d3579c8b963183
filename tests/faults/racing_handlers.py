"""The Lambda handlers, which meet others before their calls (`RACE_*`): the real ones, behind the barrier."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from faults import barrier

from handlers.restore import handler as real_restore
from handlers.tick import handler as real_tick

_MINE = barrier.from_environment(os.environ)
_WARM = {"warm": True}
"""An event that only starts the environment."""


def _racing(real: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    def handler(event: Any, context: Any) -> Any:
        if event == _WARM or _MINE is None:
            return {} if event == _WARM else real(event, context)
        _MINE.arrive("start")
        try:
            return real(event, context)
        finally:
            barrier.ended(_MINE.folder, _MINE.who)

    return handler


tick = _racing(real_tick)
restore = _racing(real_restore)
