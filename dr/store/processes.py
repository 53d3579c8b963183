"""Processes of this machine: who we are, and whether another has died for sure.

A pid alone is used again; together with when the process was started, the boot and the pid namespace it names one
process for ever. Source: proc(5), /proc/PID/stat field 22 (start time in clock ticks since boot), boot_id;
pid_namespaces(7). Where there is no /proc nobody is known, and so nobody is ever called dead.
"""

from __future__ import annotations

import getpass
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

_PROC = Path("/proc")
_STARTED = 22 - 3
"""Index of field 22 behind the name in parentheses, which is field 2 and may hold blanks and parentheses itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """One process among all that ever ran. `started` is in clock ticks since boot."""

    boot: str
    namespace: str
    pid: int
    started: int


def somebody_here() -> str:
    """Who works on which machine, for people: `ann@laptop`."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


Died = Callable[[Process], bool]
"""Whether a process is known to be dead; False where that cannot be told."""


def this_process() -> Process | None:
    """Name the process that asks; None where the machine does not tell."""
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        namespace = os.readlink(_PROC / "self/ns/pid")  # noqa: PTH115 - pid:[4026531836] is no path
    except OSError:
        return None
    started = _started(os.getpid())
    if started is None:
        return None
    return Process(boot=boot, namespace=namespace, pid=os.getpid(), started=started)


def died(other: Process) -> bool:
    """Whether it ran here and is gone: of this boot, of this pid namespace, and nothing runs under its pid since."""
    here = this_process()
    if here is None or (here.boot, here.namespace) != (other.boot, other.namespace):
        return False
    if not _exists(other.pid):
        return True
    started = _started(other.pid)
    return started is not None and started != other.started


def _exists(pid: int) -> bool:
    """Asked of the kernel: /proc may hide what other users run."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        return True
    return True


def _started(pid: int) -> int | None:
    try:
        stat = (_PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
        return int(stat.rpartition(")")[2].split()[_STARTED])
    except (OSError, ValueError, IndexError):
        return None
