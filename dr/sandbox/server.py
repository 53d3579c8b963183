"""The sandbox's server: `python -m dr.sandbox.server --port N`.

It serves 127.0.0.1 only. `--port 0` takes a free port; `--state FILE` tells it, and the process id, as JSON, when the
server is ready to answer. It checks moto's version before it loads anything of moto.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import threading
import time
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from dr.sandbox.clock import clock
from dr.sandbox.world import MOTO, settings


def main(arguments: list[str]) -> int:
    """Serve until the process is ended; 1 with one line on stderr when it cannot start."""
    options = _parse(arguments)
    settings.pending_seconds, settings.step_seconds = options.pending, options.step
    try:
        server = _listening(options.host, options.port)
    except (RuntimeError, ImportError, AttributeError, OSError) as error:
        sys.stderr.write(f"dr sandbox: {error}\n")
        return 1
    if options.state:
        _announce(Path(options.state), options.host, server.server_port)
    if options.parent:
        threading.Thread(target=_end_with, args=(options.parent,), daemon=True).start()
    server.serve_forever()
    return 0


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m dr.sandbox.server", description="A local AWS on 127.0.0.1."
    )
    parser.add_argument("--port", type=int, default=0, help="0 takes a free one")
    parser.add_argument("--host", choices=["127.0.0.1"], default="127.0.0.1")
    parser.add_argument(
        "--pending",
        type=float,
        default=settings.pending_seconds,
        help="seconds until snapshots are completed",
    )
    parser.add_argument(
        "--step", type=float, default=settings.step_seconds, help="seconds for each resource of a stack"
    )
    parser.add_argument("--state", help="file to write pid, port and url to")
    parser.add_argument("--parent", type=int, help="process id to end with")
    return parser.parse_args(arguments)


def _listening(host: str, port: int) -> Any:
    try:
        found = metadata.version("moto")
    except metadata.PackageNotFoundError as error:
        raise RuntimeError(f"moto {MOTO} is needed: install the extra `sandbox` of dr") from error
    if found != MOTO:
        raise RuntimeError(
            f"the corrections are made for moto {MOTO}, not {found}: install the extra `sandbox` of dr"
        )
    return import_module("dr.sandbox.application").listen(host, port)


def _announce(file: Path, host: str, port: int) -> None:
    """Written beside and moved into place, so that a reader never sees half of it."""
    known = {
        "pid": os.getpid(),
        "port": port,
        "url": f"http://{host}:{port}",
        "started": clock.now().isoformat(),
    }
    part = file.with_suffix(".part")
    part.write_text(json.dumps(known), encoding="utf-8")
    part.replace(file)


def _end_with(parent: int) -> None:
    """A test run that was killed leaves no server behind."""
    while True:
        time.sleep(1)
        try:
            os.kill(parent, 0)
        except OSError:
            os._exit(0)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
