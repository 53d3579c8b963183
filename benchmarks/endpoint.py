"""EC2 and STS on 127.0.0.1: `python -m benchmarks.endpoint --snapshots N ...`; prints its URL, and ends with its stdin.

It knows the listings that dr, boto3 and Cloud Custodian ask for, and gives pages that were rendered before; what is written
is in `benchmarks.writes`. `GET /calls` is how often each action was asked for since the last time, `GET /writes` what became
of the creates and the deletions.
"""

from __future__ import annotations

import argparse
import json
import re
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

from benchmarks.fleet import GROUPS, Fleet
from benchmarks.writes import Writes

_IDENTITY = (
    b'<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>'
    b"<Account>123456789012</Account><Arn>arn:aws:iam::123456789012:user/bench</Arn><UserId>bench</UserId>"
    b"</GetCallerIdentityResult></GetCallerIdentityResponse>"
)


def serve(fleet: Fleet, latency: float, created: Writes, deleted: Writes) -> ThreadingHTTPServer:
    """A server of this fleet; each answer takes at least `latency` seconds."""
    pages, calls = fleet.pages, Counter[str]()
    groups = [fleet.group(number) for number in range(GROUPS)]
    written = {"CreateSnapshot": created.create, "DeleteSnapshot": deleted.delete}

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def do_GET(self) -> None:
            if self.path == "/writes":
                told = {"created": created.told(), "deleted": deleted.told()}
                self._answer(json.dumps(told).encode())
                return
            self._answer(json.dumps(calls).encode())
            calls.clear()

        def do_POST(self) -> None:
            asked = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
            action = asked["Action"][0]
            calls[action] += 1
            time.sleep(latency)
            if action in written:
                status, body = written[action](asked)
                self._answer(body, status)
            else:
                self._answer(_IDENTITY if action == "GetCallerIdentity" else self._page(action, asked))

        def _page(self, action: str, asked: dict[str, list[str]]) -> bytes:
            filters = dict(_filters(asked))
            found = pages[action]
            if action == "DescribeSnapshots" and not fleet.snapshots:
                return created.listed(filters)
            if ids := [values[0] for key, values in asked.items() if re.fullmatch(r"SnapshotId\.\d+", key)]:
                return fleet.of_ours(identity for identity in ids if identity not in deleted.gone)
            if "tag:dr:managed" in filters:
                found = pages.get(f"{action} ours", found)
            elif len(filters.get("tag:Group", ())) == 1:
                found = groups[int(filters["tag:Group"][0].removeprefix("g"))]
            return found[int(asked.get("NextToken", ["0"])[0])]

        def _answer(self, body: bytes, status: int = 200) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Content-Type", "text/xml")
            self.end_headers()
            self.wfile.write(body)

    return ThreadingHTTPServer(("127.0.0.1", 0), Handler)


def _filters(asked: Mapping[str, list[str]]) -> Iterator[tuple[str, list[str]]]:
    """The filters of a request: name and values."""
    for key, (name, *_) in asked.items():
        if re.fullmatch(r"Filter\.\d+\.Name", key):
            below = key.replace("Name", "Value.")
            yield name, [values[0] for other, values in asked.items() if other.startswith(below)]


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.endpoint", description=__doc__)
    for name in ("snapshots", "volumes", "instances", "images"):
        parser.add_argument(f"--{name}", type=int, required=True)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds")
    for name in ("lapse", "shared", "faults"):
        parser.add_argument(f"--{name}", type=float, default=1.0 if name == "lapse" else 0.0)
    asked = vars(parser.parse_args())
    latency = asked.pop("latency")
    weather = {name: asked.pop(name) for name in ("lapse", "shared", "faults")}
    server = serve(Fleet(now=datetime.now(UTC), **asked), latency, Writes(**weather), Writes(**weather))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    sys.stdout.write(f"http://127.0.0.1:{server.server_port}\n")
    sys.stdout.flush()
    sys.stdin.read()


if __name__ == "__main__":
    main()
