"""Twenty accounts on one sandbox, behind a door that refuses the role of one and never answers another in one Region.

The sandbox keeps accounts apart by the credentials that AssumeRole gave, as AWS does, but lets anybody take on anything.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

import boto3

REGIONS = ("eu-central-1", "eu-west-1", "us-east-1")
ACCOUNTS = tuple(f"{number:012d}" for number in range(200000000001, 200000000021))
ROLE, EXTERNAL_ID = "dr-member", "acme-dr"
_REFUSED = (
    b"<ErrorResponse><Error><Type>Sender</Type><Code>AccessDenied</Code><Message>User is not authorized to perform: "
    b"sts:AssumeRole</Message></Error><RequestId>1</RequestId></ErrorResponse>"
)
_NOT_ENABLED = (
    b"<Response><Errors><Error><Code>AuthFailure</Code><Message>AWS was not able to validate the provided access "
    b"credentials</Message></Error></Errors><RequestID>1</RequestID></Response>"
)
_OF_ONE_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server", "host"}


@dataclass(slots=True, kw_only=True)
class Door:
    """What stands between dr and the sandbox. `denied` are accounts, `hanging` and `closed` accounts with a Region, `away` and `silent` services."""

    backend: str
    url: str = ""
    denied: set[str] = field(default_factory=set)
    hanging: set[tuple[str, str]] = field(default_factory=set)
    closed: set[tuple[str, str]] = field(default_factory=set)
    away: set[str] = field(default_factory=set)
    silent: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    over: threading.Event = field(default_factory=threading.Event)
    accounts: dict[str, str] = field(default_factory=dict)

    def account(self, key: str) -> str:
        """Whose credentials these are."""
        return self.accounts.get(key, "hub")


@contextmanager
def door(backend: str) -> Iterator[Door]:
    """A door before the server at `backend`, on a free port, until the block ends."""
    opened = Door(backend=backend.removeprefix("http://"))
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(opened))
    server.daemon_threads, server.block_on_close = True, False
    opened.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield opened
    finally:
        opened.over.set()
        server.shutdown()
        server.server_close()
        thread.join(5)


def _handler(opened: Door) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Quiet."""

        def handle_one_request(self) -> None:
            try:
                super().handle_one_request()
            except ConnectionError:
                self.close_connection = True

    for verb in ("GET", "PUT", "POST", "DELETE", "HEAD"):
        setattr(Handler, f"do_{verb}", lambda handler: _answer(handler, opened))
    return Handler


def _answer(handler: BaseHTTPRequestHandler, opened: Door) -> None:
    body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
    credential = re.search(
        r"Credential=([^/]+)/\d+/([^/]+)/([^/]+)/", handler.headers.get("Authorization", "")
    )
    key, region, service = credential.groups() if credential else ("", "", "")
    account = opened.account(key)
    opened.asked.append((account, region, service))
    role = parse_qs(body.decode("latin-1")).get("RoleArn", [""])[0] if service == "sts" else ""
    if role and role.split(":")[4] in opened.denied:
        _send(handler, 403, [("Content-Type", "text/xml")], _REFUSED)
        return
    if service in opened.silent or ((account, region) in opened.hanging and service == "ec2"):
        opened.over.wait(600)
        return
    if (account, region) in opened.closed and service == "ec2":
        _send(handler, 401, [("Content-Type", "text/xml")], _NOT_ENABLED)
        return
    if service in opened.away:
        _send(handler, 503, [("Content-Type", "text/plain")], b"the service is unavailable")
        return
    status, headers, answer = _passed(handler, opened, body)
    if role:
        made = re.search(rb"<AccessKeyId>([^<]+)<", answer)
        assert made, answer
        opened.accounts[made[1].decode()] = role.split(":")[4]
    _send(handler, status, headers, answer)


def _passed(
    handler: BaseHTTPRequestHandler, opened: Door, body: bytes
) -> tuple[int, Sequence[tuple[str, str]], bytes]:
    connection = HTTPConnection(opened.backend, timeout=60)
    headers = {name: value for name, value in handler.headers.items() if name.lower() != "connection"}
    connection.request(handler.command, handler.path, body=body, headers=headers)
    answer = connection.getresponse()
    found = answer.status, answer.getheaders(), answer.read()
    connection.close()
    return found


def _send(
    handler: BaseHTTPRequestHandler, status: int, headers: Sequence[tuple[str, str]], body: bytes
) -> None:
    handler.send_response_only(status)
    for name, value in headers:
        if name.lower() not in _OF_ONE_HOP or name.lower() == "date":
            handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(body)))
    handler.end_headers()
    handler.wfile.write(body)


def member(url: str, account: str, region: str, service: str = "ec2"):
    """A client of one account, past dr."""
    sts = boto3.client(
        "sts",
        region_name="eu-west-1",
        endpoint_url=url,
        aws_access_key_id="sandbox",
        aws_secret_access_key="sandbox",
    )
    keys = sts.assume_role(RoleArn=f"arn:aws:iam::{account}:role/{ROLE}", RoleSessionName="test")[
        "Credentials"
    ]
    return boto3.client(
        service,
        region_name=region,
        endpoint_url=url,
        aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"],
        aws_session_token=keys["SessionToken"],
    )


def a_volume(url: str, account: str, region: str) -> str:
    """A volume that the policy of the tests protects; its id."""
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Backup", "Value": "yes"}]}]
    client = member(url, account, region)
    return client.create_volume(AvailabilityZone=f"{region}a", Size=8, TagSpecifications=tags)["VolumeId"]


def snapshots(url: str, account: str, region: str) -> list[str]:
    """The volumes of which there are snapshots of the installation, one name for each snapshot."""
    mine = [{"Name": "tag:dr:managed", "Values": ["many"]}]
    found = member(url, account, region).describe_snapshots(OwnerIds=["self"], Filters=mine)["Snapshots"]
    return sorted(snapshot["VolumeId"] for snapshot in found)


def installation(accounts: Sequence[str], regions: Sequence[str] = REGIONS) -> dict[str, str]:
    """dr.yaml and its one policy, by file."""
    rows = "\n".join(f'  - {{id: "{id_}", role: {ROLE}, external_id: {EXTERNAL_ID}}}' for id_ in accounts)
    where = ", ".join(regions)
    return {
        "dr.yaml": f"name: many\nregions: [{where}]\nstore: {{primary: {{url: store/}}}}\naccounts:\n{rows}\n",
        "policies/volumes.yaml": (
            'policy: volumes\nprotect: volumes\nselect: {tags: {Backup: "yes"}}\nschedule: "0 * * * *"\n'
            "keep: {last: 3}\n"
        ),
    }
