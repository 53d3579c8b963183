"""Fuzzing EC2's listings: what dr reads of an answer itself, and leaves of it for botocore."""

from __future__ import annotations

from functools import cache
from typing import Any

from botocore.loaders import Loader
from botocore.model import OperationModel, ServiceModel
from botocore.parsers import create_parser

from dr.aws.reading import reading, take_out
from dr.aws.rows import SNAPSHOTS

SEEDS = (
    (
        b'<?xml version="1.0" encoding="UTF-8"?>\n'
        b'<DescribeSnapshotsResponse xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">\n    <requestId>r</requestId>\n'
        b"    <snapshotSet>\n        <item>\n            <snapshotId>snap-1</snapshotId><volumeId>vol-1</volumeId>"
        b"<status>completed</status><startTime>2026-03-29T01:00:00.000Z</startTime><volumeSize>8</volumeSize>"
        b"<encrypted>true</encrypted><description>a &amp; b</description>\n<tagSet><item><key>Name</key>"
        b"<value>x</value></item></tagSet></item>\n    </snapshotSet>\n<nextToken>t</nextToken></DescribeSnapshotsResponse>"
    ),
    b"<R><snapshotSet/></R>",
    b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>",
)
TOKENS = (
    *(b"<item>", b"</item>", b"<snapshotSet>", b"</snapshotSet>", b"<tagSet/>", b"<a>", b"</a>", b"<a:b>", b"&amp;"),
    *(b"<![CDATA[", b"]]>", b"<!-- -->", b"<?x?>", b"<!DOCTYPE a [<!ENTITY b 'cc'>]>", b"&b;", b"\xff", b"\x00", b"true"),
    *(b"2026", b"-", b"1e9", b"\n  ", b"<nextToken>", b' xmlns="u"', "漢".encode()),
)  # fmt: skip


def read_answer(data: bytes) -> None:
    """Nothing is raised. Of what botocore can parse it gets the same from what dr left of it, but for the rows; their number fits."""
    response: dict[str, Any] = {"body": data, "headers": {}, "status_code": 200}
    theirs, ours = _parsed(response), dict[str, Any]()
    with reading(SNAPSHOTS):
        take_out(operation_model=_operation(), response_dict=response, customized_response_dict=ours)
    if not ours:
        assert response["body"] == data
    elif theirs is not None:
        rows = [_plain(row) for row in theirs.pop("Snapshots")]
        assert (_parsed(response), [_plain(row) for row in ours["Snapshots"]]) == (theirs, rows)


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    """Of either reader's row the fields that dr reads, tags by their keys."""
    fields = {key: value for key, value in row.items() if key in SNAPSHOTS.row.__annotations__}
    tags = row.get("Tags", {})
    pairs = tags if isinstance(tags, dict) else {tag.get("Key", ""): tag.get("Value", "") for tag in tags}
    return {**fields, "Tags": pairs}


def _parsed(response: dict[str, Any]) -> dict[str, Any] | None:
    """As botocore does; None where it cannot: of an answer that says one thing twice it fails in any way."""
    try:
        answer: dict[str, Any] = create_parser("ec2").parse(response, _operation().output_shape)
    except Exception:  # noqa: BLE001 - another's fault
        return None
    return answer


@cache
def _operation() -> OperationModel:
    return ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2").operation_model(
        "DescribeSnapshots"
    )
