"""A prompt whose dr reaches its sandbox of many accounts through a door (many_accounts)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from conftest import Ended, Shell, a_shell
from many_accounts import Door, door


@dataclass(frozen=True, kw_only=True)
class World:
    """A prompt whose dr reaches its sandbox through the door."""

    shell: Shell
    door: Door
    led: Path
    direct: str

    def __call__(self, *arguments: str, **how) -> Ended:
        """Run `dr` through the door, in a process of its own."""
        config = self.shell.folder / "dr.yaml"
        return self.shell(
            "--sandbox", "--config", config, *arguments, environ={"DR_SANDBOX_DIR": str(self.led)}, **how
        )

    def install(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            path = self.shell.folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


@contextmanager
def led_through(folder: Path) -> Iterator[World]:
    """A prompt with a sandbox of its own, and a door before it."""
    shell = a_shell(folder)
    shell.begin()
    sandbox = Path(shell.environ["DR_SANDBOX_DIR"])
    state = json.loads((sandbox / "sandbox.json").read_text())
    led = sandbox.parent / "led"
    led.mkdir()
    with door(state["url"]) as opened:
        port = int(opened.url.rsplit(":", 1)[1])
        (led / "sandbox.json").write_text(json.dumps({**state, "url": opened.url, "port": port}))
        yield World(shell=shell, door=opened, led=led, direct=state["url"])
    assert shell("sandbox", "stop").code == 0
