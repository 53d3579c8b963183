"""botocore's event at which dr reads listings itself, and whether this botocore still has it.

The event is not documented. So it is tried with each client, on an answer of our own that never leaves it: where our
rows do not come through, or anything raises, dr does without, and botocore parses everything as it always did.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.endpoint import Endpoint
from botocore.hooks import HierarchicalEmitter
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserFactory

from dr.aws.reading import reader, reading, take_out
from dr.aws.rows import LISTINGS, SNAPSHOTS

_EVENT = "before-parse.ec2"
_NOWHERE = "https://ec2.invalid/"
_TRIED = "DescribeSnapshots"
_ANSWER = b"""<DescribeSnapshotsResponse><requestId>r</requestId><snapshotSet><item><snapshotId>snap-1</snapshotId>
<progress>100%</progress></item></snapshotSet><nextToken>t</nextToken></DescribeSnapshotsResponse>"""
_EXPECTED = {"Snapshots": [{"SnapshotId": "snap-1"}], "NextToken": "t"}


def listen(client: Any) -> bool:
    """Read the listings of this EC2 client as `dr.aws.rows` does, if this botocore lets us; whether it does."""
    lets = works(client.meta.service_model)
    if lets:
        client.meta.events.register(_EVENT, take_out)
    return lets


def works(model: ServiceModel, endpoints: Callable[..., Any] = Endpoint) -> bool:
    """Whether rows that are read at the event arrive at the caller, with the token and without botocore's own.

    And whether botocore's model has every field that dr reads.
    """
    try:
        for operation, only in LISTINGS.items():
            reader(model.operation_model(operation), only)
        answer = _answered(model, endpoints)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"} == _EXPECTED
    except Exception:  # noqa: BLE001 - whatever has changed inside botocore: its own parser is always there
        return False


def _answered(model: ServiceModel, endpoints: Callable[..., Any]) -> dict[str, Any]:
    emitter = HierarchicalEmitter()
    emitter.register(_EVENT, take_out)
    body = SimpleNamespace(stream=lambda: iter([_ANSWER]))
    answer = AWSResponse(_NOWHERE, 200, HTTPHeaders(), body)
    nobody: Any = SimpleNamespace(send=lambda _: answer)
    endpoint = endpoints(_NOWHERE, "ec2", emitter, ResponseParserFactory(), http_session=nobody)
    request = {"method": "POST", "url": _NOWHERE, "headers": {}, "body": b"", "context": {}}
    with reading(SNAPSHOTS):
        _, parsed = endpoint.make_request(model.operation_model(_TRIED), request)
    return dict(parsed)
