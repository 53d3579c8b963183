"""What the parts of the running server share: the settings and the lock.

`lock` guards moto's backends, which are not made for concurrent requests: every request holds it, and so must
every thread that works on a backend by itself (a stack that creates its resources over time). It is re-entrant.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

MOTO = "5.2.5"  # the moto that the corrections are made for


@dataclass(slots=True, kw_only=True)
class Settings:
    """How slow the sandbox is; both in seconds of the sandbox's own clock."""

    pending_seconds: float = 1.0  # from `pending` to `completed`: snapshots, and the images made of them
    step_seconds: float = 0.05  # from one resource of a stack to the next


settings = Settings()
lock = threading.RLock()
