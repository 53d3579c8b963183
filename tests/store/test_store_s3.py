"""What a bucket does beyond the contract: owners, refusals, conflicts and lost answers."""

from __future__ import annotations

from functools import partial

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ReadTimeoutError
from moto import mock_aws
from store_kit import StillClock

from dr.aws.session import Access, Keys, Purpose, Session
from dr.errors import Ambiguous, CloudError, EnvironmentFailed
from dr.store.s3 import Place, S3Store

OWNER = "123456789012"


class Raw:
    """The body of an answer made up here."""

    def __init__(self, body):
        self._body = body

    def stream(self, **_):
        yield self._body

    def read(self, *_):
        return self._body


def answer(request, status, code):
    body = f"<Error><Code>{code}</Code><Message>made up</Message></Error>".encode()
    return AWSResponse(request.url, status, {"content-type": "application/xml"}, Raw(body))


class Faults:
    """Answers the next calls of one operation with errors, before or after they have their effect."""

    def __init__(self, client):
        self._events = client.meta.events
        self._left = []

    def before(self, operation, *faults):
        """None lets one call pass."""
        self._left.extend(faults)
        self._events.register_first(f"before-call.s3.{operation}", self._instead)

    def after(self, operation, *faults):
        self._left.extend(faults)
        # Every handler of before-send runs and the first answer counts: moto's, on the plain event, does the work.
        self._events.register_first(f"before-send.s3.{operation}", self._beside)
        self._events.register_last("before-send", partial(self._behind, operation))

    def _instead(self, **_):
        fault = self._left.pop(0) if self._left else None
        if isinstance(fault, Exception):
            raise fault
        if fault is None:
            return None
        status, code = fault
        parsed = {
            "Error": {"Code": code, "Message": "made up"},
            "ResponseMetadata": {"HTTPStatusCode": status},
        }
        return AWSResponse("https://s3.invalid", status, {}, Raw(b"")), parsed

    def _beside(self, request, **_):
        if not self._left or isinstance(self._left[0], Exception):
            return None
        return answer(request, *self._left.pop(0))

    def _behind(self, operation, event_name, **_):
        if event_name.endswith(operation) and self._left:
            raise self._left.pop(0)


def timed_out():
    return ReadTimeoutError(endpoint_url="https://s3.invalid")


@pytest.fixture
def client():
    """An S3 client that tries once, with an empty bucket."""
    with mock_aws():
        yield _client(Purpose.ONCE)


def _client(purpose):
    keys = Keys(access_key="test", secret_key="test")
    session = Session(Access(region="eu-west-1", keys=keys), StillClock().now)
    made = session.client("s3", "eu-west-1", purpose)
    made.create_bucket(Bucket="acme-store", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return made


def opened(client, clock=None, **place):
    values = {"bucket": "acme-store", "region": "eu-west-1", "owner": OWNER, "prefix": "p"}
    return S3Store(lambda: client, Place(**values | place), clock or StillClock())


def test_every_call_names_the_account_that_must_own_the_bucket(client):
    seen = []
    client.meta.events.register(
        "provide-client-params.s3.*", lambda params, model, **_: seen.append((model.name, params))
    )
    store = opened(client)
    etag = store.put("a/b", b"x", if_absent=True)
    store.put("a/b", b"y", if_match=etag)
    store.get("a/b")
    list(store.keys("a/"))
    store.delete("a/b")
    store.delete("a/b", if_match=etag)

    assert {"PutObject", "GetObject", "ListObjectsV2", "DeleteObject"} == {name for name, _ in seen}
    assert {OWNER} == {params["ExpectedBucketOwner"] for _, params in seen}


def test_keys_lie_below_the_prefix_in_the_bucket(client):
    opened(client).put("a/b", b"x")
    opened(client, prefix="").put("a/b", b"y")

    keys = [row["Key"] for row in client.list_objects_v2(Bucket="acme-store")["Contents"]]
    assert keys == ["a/b", "p/a/b"]


USES = {
    "get": (lambda store: store.get("a/b"), "GetObject"),
    "put": (lambda store: store.put("a/b", b"x"), "PutObject"),
    "delete": (lambda store: store.delete("a/b"), "DeleteObject"),
    "keys": (lambda store: list(store.keys("a/")), "ListObjectsV2"),
}


@pytest.mark.parametrize("use", USES)
def test_a_bucket_that_is_not_there_is_named_with_what_to_do(client, use):
    with pytest.raises(EnvironmentFailed, match="bucket acme-gone does not exist") as caught:
        USES[use][0](opened(client, bucket="acme-gone"))
    assert "cloudformation/store.yaml" in caught.value.remedy


@pytest.mark.parametrize(
    ("use", "permission"),
    [
        ("get", "s3:GetObject"),
        ("put", "s3:PutObject"),
        ("delete", "s3:DeleteObject"),
        ("keys", "s3:ListBucket"),
    ],
)
def test_a_denied_call_names_bucket_and_permission(client, use, permission):
    call, operation = USES[use]
    Faults(client).before(operation, (403, "AccessDenied"))

    with pytest.raises(EnvironmentFailed, match=f"bucket acme-store: {permission} is denied") as caught:
        call(opened(client))
    assert OWNER in caught.value.remedy


def test_a_listing_whose_second_page_fails_raises(client):
    store = opened(client)
    for number in range(5):
        store.put(f"a/{number}", b"x")
    client.meta.events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.setdefault("MaxKeys", 2)
    )
    Faults(client).before("ListObjectsV2", None, (500, "InternalError"))

    with pytest.raises(CloudError):
        list(store.keys("a/"))


def test_a_listing_that_says_there_is_more_and_not_how_to_get_it_raises(client):
    store = opened(client)
    for number in range(5):
        store.put(f"a/{number}", b"x")
    events = client.meta.events
    events.register(
        "before-parameter-build.s3.ListObjectsV2", lambda params, **_: params.setdefault("MaxKeys", 2)
    )
    events.register("after-call.s3.ListObjectsV2", lambda parsed, **_: parsed.pop("NextContinuationToken"))

    with pytest.raises(CloudError, match="a page without the token of the next"):
        list(store.keys("a/"))


@pytest.mark.parametrize("condition", [{"if_absent": True}, {}])
def test_a_conflict_of_conditional_writes_is_tried_again(client, condition):
    clock = StillClock()
    Faults(client).before(
        "PutObject", (409, "ConditionalRequestConflict"), (409, "ConditionalRequestConflict")
    )
    store = opened(client, clock)

    assert store.put("a/b", b"x", **condition) is not None
    assert store.get("a/b").body == b"x"
    assert clock.slept == [0.2, 0.4]


def test_a_conflict_that_another_won_is_no_success(client):
    store = opened(client)
    old = store.put("a/b", b"old")
    store.put("a/b", b"theirs")
    Faults(client).before("PutObject", (409, "ConditionalRequestConflict"))

    assert store.put("a/b", b"ours", if_match=old) is None
    assert store.get("a/b").body == b"theirs"


def test_a_conflict_on_a_delete_is_tried_again(client):
    store = opened(client)
    etag = store.put("a/b", b"x")
    Faults(client).before("DeleteObject", (409, "ConditionalRequestConflict"))

    assert store.delete("a/b", if_match=etag) is True
    assert store.get("a/b") is None


@pytest.mark.parametrize("use", ["put", "delete"])
def test_conflicts_without_end_are_given_up(client, use):
    call, operation = USES[use]
    Faults(client).before(operation, *[(409, "ConditionalRequestConflict")] * 9)

    with pytest.raises(CloudError, match="others keep writing"):
        call(opened(client))


@pytest.mark.parametrize("fault", [timed_out(), (500, "InternalError"), (503, "ServiceUnavailable")])
@pytest.mark.parametrize("condition", [{"if_absent": True}, {}])
def test_i6_a_write_whose_answer_was_lost_is_read_back(client, fault, condition):
    store = opened(client)
    Faults(client).after("PutObject", fault)

    etag = store.put("a/b", b"x", **condition)
    assert etag == store.get("a/b").etag


@pytest.mark.parametrize("condition", [{"if_absent": True}, {}])
def test_i6_a_write_that_was_lost_on_its_way_is_not_taken_for_done(client, condition):
    store = opened(client)
    Faults(client).before("PutObject", timed_out())

    with pytest.raises(Ambiguous):
        store.put("a/b", b"x", **condition)
    assert store.get("a/b") is None


def test_i6_a_condition_that_failed_on_our_own_first_try_is_success():
    with mock_aws():
        client = _client(Purpose.REPEAT)
        store = opened(client)
        Faults(client).after("PutObject", (500, "InternalError"))

        etag = store.put("a/b", b"x", if_absent=True)

        assert etag is not None
        assert etag == store.get("a/b").etag


def test_an_answer_that_ends_half_way_is_an_error_of_ours(client):
    store = opened(client)
    store.put("a/b", b"x" * 100)

    def cut(request, **_):
        headers = {"content-length": "100", "etag": '"e"'}
        return AWSResponse(request.url, 200, headers, Raw(b"x" * 10))

    client.meta.events.register_first("before-send.s3.GetObject", cut)
    with pytest.raises(CloudError):
        store.get("a/b")
