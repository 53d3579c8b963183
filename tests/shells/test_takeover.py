"""Lambda's Region is dead: any machine with the same dr.yaml goes on where the functions stopped (docs/daemon.md)."""

from __future__ import annotations

import os
import subprocess
import sys
import time

import pytest
from runtime_api import ROOT
from test_handlers import World


@pytest.fixture
def world(tmp_path):
    made = World(tmp_path)
    yield made
    made.close()


def laptop(world, *options):
    return subprocess.run(
        [sys.executable, "-m", "dr", "daemon", "--once", *options],
        env={**os.environ, **world.environ, "DR_LOG": "warning"},
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )


def test_a_laptop_goes_on_where_the_functions_stopped_and_they_go_on_after_it(world):
    tick = world.function("handlers.tick.handler")
    assert not tick.invoke({}).failed
    volumes = world.volumes()
    first = world.slots("data-volumes")
    assert [source for source, _ in first if source in volumes]

    world.next_hour()
    tick.close()  # and nothing wakes any more
    done = laptop(world)
    assert done.returncode == 0, done.stderr
    second = world.slots("data-volumes")
    assert {source for source, _ in set(second) - set(first)} == set(volumes)
    assert len(second) == len(set(second)) == len(first) + len(volumes)
    assert laptop(world).returncode == 0
    assert world.slots("data-volumes") == second

    back = world.function("handlers.tick.handler")
    assert back.invoke({}).payload["summary"]["done"] == 0
    assert world.slots("data-volumes") == second


def test_a_function_that_died_at_work_is_waited_for_no_longer_than_its_lease(world):
    tick = world.function("handlers.tick.handler")
    tick._api.events.put(("request", b"{}", time.time() + 900))
    while not tick.logged("tick.started"):
        time.sleep(0.05)
    tick.close()
    assert laptop(world).returncode in {0, 5}
    world.next_hour()
    assert laptop(world).returncode == 0
    slots = world.slots("data-volumes")
    latest = max(slot for _, slot in slots)
    assert {source for source, slot in slots if slot == latest} == set(world.volumes())
    assert len(slots) == len(set(slots))
