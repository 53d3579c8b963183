"""dr's own parser of listings beside botocore's: the same names and values, on whatever EC2 may answer."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import get_args, get_origin, get_type_hints
from xml.sax.saxutils import escape

import pytest
from botocore.endpoint import Endpoint
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError, create_parser
from hypothesis import given
from hypothesis import strategies as st

from dr.aws import before_parse
from dr.aws.ec2 import Ec2Cloud
from dr.aws.reading import reading, take_out, taken_out
from dr.aws.rows import LISTINGS, SNAPSHOTS, Tag, TagSet
from dr.aws.session import Access, Keys, Session
from dr.model import Protect

MODEL = ServiceModel(Loader().load_service_model("ec2", "service-2"), "ec2")
UNKNOWN = "<someNewField><item><deep>x &amp; y</deep></item></someNewField><other/>"
"""What a newer EC2 may add anywhere."""


def both(operation, body, only=None, status=200):
    """The answer as dr reads it, and as botocore alone does."""
    shape = MODEL.operation_model(operation)
    answers = []
    for how in (only, None):
        response = {"body": body, "headers": {}, "status_code": status}
        ours = {}
        with reading(how):
            take_out(operation_model=shape, response_dict=response, customized_response_dict=ours)
        answers.append(create_parser("ec2").parse(response, shape.output_shape) | ours)
    return answers


def projected(value, hint):
    """Of botocore's value the fields of the hint, tags by their keys."""
    if hint == TagSet:
        return {tag.get("Key", ""): tag.get("Value", "") for tag in value}
    if get_origin(hint) is list:
        return [projected(one, get_args(hint)[0]) for one in value]
    if isinstance(hint, type) and issubclass(hint, dict):
        fields = get_type_hints(hint)
        return {key: projected(one, fields[key]) for key, one in value.items() if key in fields}
    return value


def answer(operation, items, more=""):
    """The body of an answer with these items."""
    tag = MODEL.operation_model(operation).output_shape.members[LISTINGS[operation].key].serialization["name"]
    head = f'<?xml version="1.0" encoding="UTF-8"?>\n<{operation}Response xmlns="http://ec2.amazonaws.com/doc/2016-11-15/">'
    return f"{head}\n  <requestId>r</requestId><{tag}>{items}</{tag}>{more}</{operation}Response>".encode()


# --- answers from the shapes ------------------------------------------------------------------------------------------

TEXTS = st.text(
    st.characters(min_codepoint=32, exclude_categories=["Cs"], exclude_characters="\x7f￾￿"), max_size=8
)
INSTANTS = st.datetimes(datetime(1990, 1, 1), datetime(2100, 1, 1)).map(
    lambda at: at.replace(microsecond=0, tzinfo=UTC)
)
LEAVES = {
    "integer": st.integers(0, 2**31 - 1).map(str),
    "long": st.integers(0, 2**31 - 1).map(str),
    "boolean": st.sampled_from(["true", "false"]),
    "timestamp": INSTANTS.map(lambda at: at.strftime("%Y-%m-%dT%H:%M:%S.000Z")),
}


def elements(shape, hint):
    """XML of a value of this shape: the hint's fields, each there or not, others beside them, empty ones too."""
    if shape.type_name == "list":
        inner = elements(shape.member, Tag if hint == TagSet else get_args(hint)[0] if hint else None)
        return st.lists(inner, max_size=3).map(lambda rows: "\n".join(f"<item>{row}</item>" for row in rows))
    if shape.type_name != "structure":
        return LEAVES.get(shape.type_name, TEXTS.map(escape))
    fields = get_type_hints(hint) if hint else {}
    others = [
        name for name, member in shape.members.items() if name not in fields and member.type_name == "string"
    ]
    wanted = [*fields, *others[:2]]
    parts = [
        st.just("")
        | elements(shape.members[name], fields.get(name)).map(
            lambda text, tag=shape.members[name].serialization["name"]: f"\n  <{tag}>{text}</{tag}>"
        )
        for name in wanted
    ]
    return st.tuples(
        st.permutations(range(len(parts))), st.tuples(*parts), st.sampled_from(["", UNKNOWN])
    ).map(lambda drawn: "".join(drawn[1][place] for place in drawn[0]) + drawn[2])


@pytest.mark.parametrize("operation", LISTINGS)
@given(data=st.data())
def test_rows_are_botocores_with_fewer_fields(operation, data):
    only = LISTINGS[operation]
    shape = MODEL.operation_model(operation).output_shape.members[only.key]
    items = data.draw(elements(shape, list[only.row]))
    more = data.draw(st.sampled_from(["", "<nextToken>next &amp; more</nextToken>", UNKNOWN]))

    body = answer(operation, items, more)

    ours, theirs = both(operation, body, only)
    in_pieces = taken_out(body, MODEL.operation_model(operation), only, data.draw(st.integers(1, 200)))

    assert ours[only.key] == projected(theirs[only.key], list[only.row]) == in_pieces[0]
    assert {**ours, only.key: None} == {**theirs, only.key: None}


@pytest.mark.parametrize("operation", LISTINGS)
def test_every_field_that_dr_reads_is_one_of_botocores(operation):
    only = LISTINGS[operation]
    full = "".join(
        f"<item>{_all(MODEL.operation_model(operation).output_shape.members[only.key].member, only.row)}</item>"
    )
    (ours,), _ = (answered[only.key] for answered in both(operation, answer(operation, full), only))

    assert _names(ours) == _hinted(only.row)


def _all(shape, hint):
    """XML in which every field of the hint is there once."""
    if hint == TagSet:
        return f"<item>{_all(shape.member, Tag)}</item>"
    if get_origin(hint) is list:
        return f"<item>{_all(shape.member, get_args(hint)[0])}</item>"
    if not (isinstance(hint, type) and issubclass(hint, dict)):
        return {"integer": "1", "boolean": "true", "timestamp": "2030-01-01T00:00:00.000Z"}.get(
            shape.type_name, "x"
        )
    fields = ((shape.members[name], wanted) for name, wanted in get_type_hints(hint).items())
    return "".join(f"<{m.serialization['name']}>{_all(m, w)}</{m.serialization['name']}>" for m, w in fields)


def _names(value):
    if isinstance(value, list):
        return _names(value[0])
    return {key: _names(one) for key, one in value.items()} if isinstance(value, dict) else None


def _hinted(hint):
    if hint == TagSet:
        return {"x": None}  # the one tag that `_all` writes
    if get_origin(hint) is list:
        return _hinted(get_args(hint)[0])
    fields = isinstance(hint, type) and issubclass(hint, dict)
    return {key: _hinted(one) for key, one in get_type_hints(hint).items()} if fields else None


@pytest.mark.parametrize("shift", range(0, 130, 7))
def test_an_answer_of_many_pieces_is_read_as_one(shift):
    tags = "<tagSet><item><key>Namé</key><value>ü &amp; 漢</value></item></tagSet>"
    items = "".join(f"\n <item><snapshotId>snap-{n}</snapshotId>{tags}</item>" for n in range(2_000))

    ours, theirs = both(
        "DescribeSnapshots", answer("DescribeSnapshots", " " * shift + items, UNKNOWN), SNAPSHOTS
    )

    assert [row["SnapshotId"] for row in ours["Snapshots"]] == [f"snap-{n}" for n in range(2_000)]
    assert ours == theirs | {"Snapshots": projected(theirs["Snapshots"], list[SNAPSHOTS.row])}


# --- what is left to botocore -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("items", "expected"),
    [
        ("", []),
        ("<item/>", [{}]),
        ("<item><tagSet/></item>", [{"Tags": {}}]),
        ("<item><snapshotId/></item>", [{"SnapshotId": ""}]),
        ("<item><!-- a --><snapshotId>a<!-- b -->b</snapshotId></item>", [{"SnapshotId": "ab"}]),
        ("<item><description><![CDATA[<a> & b]]></description></item>", [{"Description": "<a> & b"}]),
        ("<item><description>&lt;&#252;&gt;</description></item>", [{"Description": "<ü>"}]),
        (
            "<item><snapshotId>a</snapshotId><tagSet><item><key>k</key></item></tagSet></item>",
            [{"SnapshotId": "a", "Tags": {"k": ""}}],
        ),
        (
            "<item><x><snapshotId>inner</snapshotId></x><snapshotId>a</snapshotId></item>",
            [{"SnapshotId": "a"}],
        ),
    ],
)
def test_the_corners_of_xml(items, expected):
    ours, theirs = both("DescribeSnapshots", answer("DescribeSnapshots", items), SNAPSHOTS)

    assert ours == theirs | {"Snapshots": expected}


def test_an_item_set_that_is_one_empty_element_is_an_empty_listing():
    body = b"<DescribeSnapshotsResponse><snapshotSet/><requestId>r</requestId></DescribeSnapshotsResponse>"

    ours, theirs = both("DescribeSnapshots", body, SNAPSHOTS)

    assert (ours["Snapshots"], ours) == ([], theirs)


def test_an_answer_without_its_item_set_has_none():
    ours, theirs = both("DescribeSnapshots", b"<R><requestId>r</requestId></R>", SNAPSHOTS)

    assert "Snapshots" not in ours
    assert ours == theirs


@pytest.mark.parametrize(
    "item",
    [
        "<startTime>20260329</startTime>",
        "<startTime>2026-03-29T01:00:00+02:00</startTime>",
        "<volumeSize>8 GiB</volumeSize>",
        '<snapshotId xmlns="elsewhere">a</snapshotId>',
        "<snapshotId>a</snapshotId><snapshotId>b</snapshotId>",
    ],
)
def test_what_is_not_understood_is_no_absence_but_botocores_to_judge(item):
    body = answer("DescribeSnapshots", f"<item>{item}</item>")

    with pytest.raises(ValueError, match=r".+"):
        taken_out(body, MODEL.operation_model("DescribeSnapshots"), SNAPSHOTS)


@pytest.mark.parametrize(
    "more",
    ["<snapshotSet><item><snapshotId>b</snapshotId></item></snapshotSet>", "<a>" * 5_000 + "</a>" * 5_000],
    ids=["a second set", "depth"],
)
def test_an_answer_of_another_form_is_left_to_botocore_whole(more):
    body = answer("DescribeSnapshots", "<item><snapshotId>a</snapshotId></item>", more)
    response, ours = {"body": body, "headers": {}, "status_code": 200}, {}

    with reading(SNAPSHOTS):
        take_out(
            operation_model=MODEL.operation_model("DescribeSnapshots"),
            response_dict=response,
            customized_response_dict=ours,
        )

    assert (response["body"], ours) == (body, {})


@pytest.mark.parametrize(
    "items",
    ["<item><volumeSize>8 GiB</volumeSize></item>", "<item><startTime>soon</startTime></item>"],
)
def test_a_value_of_another_form_is_botocores_to_judge(items):
    with pytest.raises(ValueError, match=r"8 GiB|soon"):
        both("DescribeSnapshots", answer("DescribeSnapshots", items), SNAPSHOTS)


@pytest.mark.parametrize("cut", [1, 40, 150, 260])
def test_a_body_that_is_cut_off_is_no_listing(cut):
    whole = answer(
        "DescribeSnapshots", "<item><snapshotId>snap-1</snapshotId></item>", "<nextToken>t</nextToken>"
    )

    with pytest.raises(ResponseParserError):
        both("DescribeSnapshots", whole[:-cut], SNAPSHOTS)


def test_an_encoding_that_nobody_knows_is_botocores_to_judge():
    body = answer("DescribeSnapshots", "").replace(b'"UTF-8"', b'"nonsense-9"')

    ours, theirs = both("DescribeSnapshots", body, SNAPSHOTS)
    assert ours == theirs


def test_an_error_is_left_as_it_is():
    body = b"<Response><Errors><Error><Code>RequestLimitExceeded</Code><Message>m</Message></Error></Errors></Response>"

    ours, theirs = both("DescribeSnapshots", body, SNAPSHOTS, status=503)

    assert ours == theirs
    assert ours["Error"]["Code"] == "RequestLimitExceeded"


# --- botocore's event -------------------------------------------------------------------------------------------------


def test_this_botocore_has_the_event():
    assert before_parse.works(MODEL)


class _Deaf(Endpoint):
    """Of a botocore that parses and asks nobody."""

    def _get_response(self, request, operation_model, context):
        self._event_emitter = HierarchicalEmitter()
        return super()._get_response(request, operation_model, context)


class _Ignoring(Endpoint):
    """Of a botocore that throws away what its listeners have read."""

    def _get_response(self, request, operation_model, context):
        told, self._event_emitter = self._event_emitter, HierarchicalEmitter()
        self._event_emitter.register(
            "before-parse",
            lambda **facts: told.emit("before-parse.ec2", **{**facts, "customized_response_dict": {}}),
        )
        return super()._get_response(request, operation_model, context)


class _Broken(Endpoint):
    """Of a botocore that is made in another way."""

    def make_request(self, *_):
        raise TypeError("another signature")


@pytest.mark.parametrize("endpoints", [_Deaf, _Ignoring, _Broken])
def test_where_the_event_is_gone_or_ignored_dr_does_without(endpoints):
    assert not before_parse.works(MODEL, endpoints)


def test_where_botocores_model_lacks_a_field_that_dr_reads_dr_does_without():
    older = Loader().load_service_model("ec2", "service-2")
    del older["shapes"]["Image"]["members"]["DeregistrationProtection"]

    assert not before_parse.works(ServiceModel(older, "ec2"))


@pytest.mark.parametrize("page", [5, 1000])
def test_the_cloud_is_the_same_by_either_parser(sandbox, page):
    sandbox.reset()
    ec2 = sandbox.client("ec2")
    image = ec2.describe_images(Owners=["amazon"])["Images"][0]["ImageId"]
    tags = [{"ResourceType": "volume", "Tags": [{"Key": "Tier", "Value": "<a> & b"}]}]
    volumes = [
        ec2.create_volume(Size=1, AvailabilityZone="eu-west-1a", TagSpecifications=tags)["VolumeId"]
        for _ in range(7)
    ]
    instance = ec2.run_instances(ImageId=image, MinCount=1, MaxCount=1)["Instances"][0]["InstanceId"]
    ours = {"dr:managed": "acme", "dr:policy": "p", "dr:slot": "20300101T000000Z"}
    for volume in volumes:
        spelled = [
            {"Key": k, "Value": v} for k, v in {**ours, "dr:source": volume, "dr:kind": "snapshot"}.items()
        ]
        ec2.create_snapshot(
            VolumeId=volume, TagSpecifications=[{"ResourceType": "snapshot", "Tags": spelled}]
        )
    spelled = [{"Key": k, "Value": v} for k, v in {**ours, "dr:source": instance, "dr:kind": "image"}.items()]
    ec2.create_image(
        InstanceId=instance, Name="dr/acme", TagSpecifications=[{"ResourceType": "image", "Tags": spelled}]
    )

    fast = _seen(sandbox, page, ours=True)
    assert fast == _seen(sandbox, page, ours=False)
    assert [len(part) for part in fast[0]] == [8, 0]


def _seen(sandbox, page, *, ours):
    keys = Keys(access_key="AKIASANDBOX", secret_key="sandbox")
    access = Access(region="eu-west-1", endpoint_url=sandbox.url, keys=keys)
    session = Session(access, lambda: datetime.now(UTC))
    if not ours:
        session.ec2("eu-west-1").meta.events.unregister("before-parse.ec2", take_out)
    cloud = Ec2Cloud(session, "acme", page)
    held = cloud.points("eu-west-1")
    sources = [cloud.sources(protect, "eu-west-1", {}) for protect in (Protect.VOLUMES, Protect.INSTANCES)]
    return (held.points, held.parts), sources
