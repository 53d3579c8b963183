"""`python -m faults.racer ARGUMENTS`: the command line of dr as a process of its own that meets others (`RACE_*`)."""

from __future__ import annotations

import os

from faults import barrier

from dr.__main__ import main as program


def main() -> None:
    """Take one's place, then be dr; who has ended is waited for no more."""
    mine = barrier.from_environment(os.environ)
    if mine is not None:
        mine.arrive("start")
    try:
        program()
    finally:
        if mine is not None:
            barrier.ended(mine.folder, mine.who)


if __name__ == "__main__":
    main()
