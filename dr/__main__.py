"""The program: `dr`, and `python -m dr`. Nearly nothing is loaded before an interrupt is taken care of."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line."""
    try:
        from dr.cli import main as command  # noqa: PLC0415 - loading takes half a second, in which people press Ctrl-C

        command()
    except KeyboardInterrupt:
        sys.stderr.write("error: interrupted\n")
        sys.exit(130)


if __name__ == "__main__":
    main()
