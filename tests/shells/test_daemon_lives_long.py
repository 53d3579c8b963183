"""Thousands of ticks in one process: neither memory nor open files grow."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from listeners import listening_at

from benchmarks.measure import endpoint
from benchmarks.setting import environ, installed

_WARM = 150
"""Ticks after which what a process takes grows no more: clients that were made anew a dozen times leave the heap as it stays."""
_ROOM = 4 << 20
"""Bytes: less than half a KB for each of 10,000 ticks."""
TICKS = r"""
import gc, json, os, sys
from pathlib import Path
from dr import logs
from dr.daemon.work import DaemonWork
from dr.settings import Settings

logs.configure("error")
work = DaemonWork(Settings())
ticks, config = int(sys.argv[1]), Path("dr.yaml").read_text()

def held():
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return {"memory": pages * os.sysconf("SC_PAGE_SIZE"), "files": len(os.listdir("/proc/self/fd")),
            "good": str(work.health.last_good), "untold": work.health.untold}

for number in range(ticks):
    if number == int(sys.argv[2]):
        before = held()
    if number % 12 == 0:  # edited: with all clients anew, which have asked for nothing, so that EC2's bucket of reads is full
        Path("dr.yaml").write_text(f"{config}# edition {number // 12 % 2}\n")
    work.tick()
    work.beat()
    assert work.health.failed == "" and work.health.leading, work.health
print(json.dumps([before, held()]))
"""


@pytest.mark.parametrize("ticks", [350, pytest.param(10_000, marks=pytest.mark.long)])
def test_ticks_leave_nothing_behind(tmp_path, ticks):
    with endpoint(snapshots=200, volumes=20, instances=5, images=5) as url, listening_at() as people:
        installed(tmp_path)
        for number in range(1, 10):
            (tmp_path / "policies" / f"group-{number}.yaml").unlink()
        policy = tmp_path / "policies" / "group-0.yaml"
        policy.write_text(
            policy.read_text().replace("0 * * * *", "at(2036-01-01T00:00:00)")
        )  # nothing is due: the endpoint lists no point that was taken since it began
        config = tmp_path / "dr.yaml"
        told = f"[{{apprise: 'json://127.0.0.1:{people.port}/x'}}, {{ping: '{people.url}/p'}}]"
        config.write_text(f"{config.read_text()}notify: {told}\n")
        ended = subprocess.run(
            [sys.executable, "-c", TICKS, str(ticks), str(_WARM)],
            cwd=tmp_path,
            env={**environ(url, tmp_path), "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[2])])},
            capture_output=True,
            text=True,
            check=False,
            timeout=3000,
        )
    assert ended.returncode == 0, ended.stderr[-3000:]
    before, after = json.loads(ended.stdout)
    assert after["files"] <= before["files"], (before, after)
    assert after["memory"] - before["memory"] < _ROOM, (before, after)
    assert after["untold"] == ""
    assert sum(path == "/p" for path, _ in people.told) == ticks
    assert len(people.titles) <= 4, "one for each change"
