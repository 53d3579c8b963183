"""Start ministack with its corrections (`--plain`: without them). Runs in ministack's own Python: see emulator.py."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time

import ministack_deliveries
import ministack_events
import ministack_functions
import ministack_schedules
import ministack_stacks
from ministack import app
from ministack.services import scheduler

CORRECTIONS = (
    ministack_functions,
    ministack_events,
    ministack_deliveries,
    ministack_schedules,
    ministack_stacks,
)
SWEEP = 0.2
"""Seconds between two looks at the schedules, of which ministack lets ten go by."""


def _follow(parent: int) -> None:
    """End with the tests, whatever ends them."""
    while os.getppid() == parent:
        time.sleep(1)
    os.killpg(0, signal.SIGKILL)


def main() -> None:
    scheduler._SCHEDULE_TICK_INTERVAL = SWEEP
    if "--plain" not in sys.argv:
        for each in CORRECTIONS:
            each.install()
    threading.Thread(target=_follow, args=(int(os.environ["EMULATOR_PARENT"]),), daemon=True).start()
    sys.argv = ["ministack"]
    app.main()


if __name__ == "__main__":
    main()
