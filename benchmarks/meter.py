"""What a process takes: `python -S benchmarks/meter.py COMMAND...` runs it and prints its code, CPU seconds and peak bytes as JSON.

It is a program of its own, and a small one, because Linux counts the memory of the process that begins another as the other's
too until that has its own program. The command writes to this program's standard error.
"""

import json
import os
import sys


def main() -> None:
    """Run the command to its end."""
    process = os.posix_spawnp(
        sys.argv[1], sys.argv[1:], os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, 2, 1)]
    )
    _, status, used = os.wait4(process, 0)
    cost = {
        "code": os.waitstatus_to_exitcode(status),
        "cpu": used.ru_utime + used.ru_stime,
        "peak": used.ru_maxrss * 1024,
    }
    sys.stdout.write(json.dumps(cost))


if __name__ == "__main__":
    main()
